"""Packets as files in a folder, whatever they are called: what another program receives, or what it
is to send."""

import time
from contextlib import suppress
from pathlib import Path

from xcodec.errors import InputError
from xcodec.links import packet_files
from xcodec.links.transports import Address, Message, Transport
from xcodec.system import files

LARGEST = 1 << 20
"""Files in the folder with more bytes are no packets."""
INTERVAL = 0.2
"""Seconds between two looks into the folder."""


class Folder(Transport):
    """A folder; a receiver takes each file when it appears, and again when it changes."""

    size = 4096

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[tuple[str, int, int]] = set()
        self._waiting: list[bytes] = []

    def send(self, data: bytes) -> None:
        """Write a packet as a file."""
        number = 0
        while (path := self._folder / packet_files.named(number)).exists():
            number += 1
        files.write_atomic(path, data)

    def receive(self, timeout: float) -> Message | None:
        """Return the next packet, if any."""
        end = time.monotonic() + timeout
        while True:
            if not self._waiting:
                self._waiting = self._arrived()
            if self._waiting:
                return Message(self._waiting.pop(0))
            if (left := end - time.monotonic()) <= 0:
                return None
            time.sleep(min(INTERVAL, left))

    def _arrived(self) -> list[bytes]:
        """The packets in files that are new or have changed."""
        found = []
        for path in sorted(self._folder.iterdir()):
            with suppress(OSError):  # The file may have been deleted meanwhile.
                state = path.stat()
                mark = path.name, state.st_mtime_ns, state.st_size
                if mark in self._seen or not path.is_file() or state.st_size > LARGEST:
                    continue
                self._seen.add(mark)
                found += packet_files.split(packet_files.content(path))
        return found


def connect(address: Address, listening: bool) -> Folder:
    """Open a folder, which is created to send into it. Raises InputError if there is none."""
    folder = Path(address.path)
    if listening and not folder.is_dir():
        raise InputError(f"{folder}: is not a folder")
    if not listening:
        if not folder.parent.is_dir():
            raise InputError(f"{folder}: no directory {folder.parent}")
        folder.mkdir(exist_ok=True)
    return Folder(folder)
