"""Packets as lines of text: to standard output, and from standard input."""

import os
import queue
import select
import sys
import threading
import time
from contextlib import suppress

from xcodec.errors import LinkError
from xcodec.links import armor, finding
from xcodec.links.transports import Address, Message, Transport

KEPT = 1 << 14
"""Characters of earlier text in which a packet may have begun."""
CHUNK = 1 << 16
AHEAD = 16
"""Chunks that are read before somebody asks for them, on systems that cannot wait."""
WAITS = os.name == "posix"
"""Whether ``select`` can wait for standard input; on Windows, it can for sockets only."""


class Lines(Transport):
    """Standard input or output. A receiver finds packets among other text."""

    size = 4096

    def __init__(self, coding: str) -> None:
        self._armor = coding
        self._text = b""
        self._found: dict[bytes, None] = {}
        self._waiting: list[bytes] = []
        self._ended = sys.stdin is None
        self._read: queue.Queue[bytes] | None = None

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
            more = None if left < 0 else self._more(left)
            if more is None:
                return None
            self._ended = not more
            self._text += more
            # Without an end of a line, there is no hurry: so each byte is searched twice at most.
            if b"\n" in more or self._ended or len(self._text) > 2 * KEPT:
                found = [each for each in finding.found_in(self._text) if each not in self._found]
                self._found |= dict.fromkeys(found)
                self._waiting, self._text = found, self._text[-KEPT:]
        return Message(self._waiting.pop(0))

    def _more(self, timeout: float) -> bytes | None:
        """What comes from standard input; b"" at its end, None if nothing comes in time."""
        if WAITS:
            return _chunk() if select.select([sys.stdin], [], [], timeout)[0] else None
        if self._read is None:
            self._read = queue.Queue(AHEAD)
            threading.Thread(target=_read_on, args=(self._read,), daemon=True).start()
        try:
            return self._read.get(timeout=timeout)
        except queue.Empty:
            return None


def _chunk() -> bytes:
    """What is there in standard input, or comes next; b"" at its end."""
    return os.read(sys.stdin.fileno(), CHUNK)


def _read_on(chunks: "queue.Queue[bytes]") -> None:
    """Pass on standard input up to its end."""
    with suppress(OSError):
        while chunk := _chunk():
            chunks.put(chunk)
    chunks.put(b"")


def connect(address: Address, listening: bool) -> Lines:
    """Open standard input or output. Raises LinkError if it is closed."""
    if (sys.stdin if listening else sys.stdout) is None:
        raise LinkError(f"standard {'input' if listening else 'output'} is closed")
    return Lines(address.options.get("armor", "base64"))
