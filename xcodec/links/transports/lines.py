"""Packets as lines of text: to standard output, and from standard input."""

import os
import select
import sys
import time

from xcodec.errors import LinkError
from xcodec.links import armor, finding
from xcodec.links.transports import Address, Message, Transport

KEPT = 1 << 14
"""Characters of earlier text in which a packet may have begun."""


class Lines(Transport):
    """Standard input or output. A receiver finds packets among other text."""

    size = 4096

    def __init__(self, coding: str) -> None:
        self._armor = coding
        self._text = b""
        self._found: dict[bytes, None] = {}
        self._waiting: list[bytes] = []
        self._ended = False

    def send(self, data: bytes) -> None:
        """Write a packet as a line."""
        try:
            sys.stdout.buffer.write(armor.line(data, self._armor) + b"\n")
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise LinkError(f"standard output: {error.strerror}") from error

    def receive(self, timeout: float) -> Message | None:
        """Return the next packet, if any."""
        end = time.monotonic() + timeout
        while not self._waiting:
            if self._ended:
                raise EOFError
            left = end - time.monotonic()
            if left < 0 or not select.select([sys.stdin], [], [], left)[0]:
                return None
            more = os.read(sys.stdin.fileno(), 1 << 16)
            self._ended = not more
            self._text += more
            # Without an end of a line, there is no hurry: so each byte is searched twice at most.
            if b"\n" in more or self._ended or len(self._text) > 2 * KEPT:
                found = [each for each in finding.found_in(self._text) if each not in self._found]
                self._found |= dict.fromkeys(found)
                self._waiting, self._text = found, self._text[-KEPT:]
        return Message(self._waiting.pop(0))


def connect(address: Address, listening: bool) -> Lines:
    """Open standard input or output."""
    return Lines(address.options.get("armor", "base64"))
