"""Reading and writing packets: folders of .xgp files, bundles in one stream, lines of text."""

import base64
import binascii
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from xcodec.choices import PACKET
from xcodec.coding import packets
from xcodec.errors import InputError, XcodecError
from xcodec.system import files

ARMORS: dict[str, tuple[int, int]] = {"base64": (3, 4), "ascii85": (4, 5)}
"""For each encoding as text: so many bytes become so many characters."""


def carried(characters: int, armor: str) -> int:
    """Largest size in bytes of a packet that fits a line of ``characters``."""
    numerator, denominator = ARMORS[armor]
    return characters * numerator // denominator


def lines(data: Sequence[bytes], armor: str) -> bytes:
    """Packets as lines of text, each with a newline."""
    coded = (
        base64.b64encode(packet).rstrip(b"=") if armor == "base64" else base64.a85encode(packet)
        for packet in data
    )
    return b"".join(line + b"\n" for line in coded)


def _from_line(line: bytes) -> bytes:
    """The packet in a line of text: the reading with a valid checksum, else the first one."""
    readings: list[Callable[[], bytes]] = [
        lambda: base64.b64decode(line + b"=" * (-len(line) % 4), validate=True),
        lambda: base64.a85decode(line),
    ]
    found = b""
    for reading in readings:
        try:
            data = reading()
        except (ValueError, binascii.Error):
            continue
        if packets.sound(data):
            return data
        found = found or data
    return found


def split(data: bytes) -> list[bytes]:
    """Split the bytes of one file into packets: a packet, a bundle, or lines of text.

    Packets are not checked; damaged ones are returned too.
    """
    if data.startswith(packets.MAGIC):
        return packets.unbundle(data)
    if not data or not _is_text(data):
        return [data]
    # Printable bytes alone are no packet, though a short checksum may be right by chance.
    return [_from_line(line.strip()) for line in data.split(b"\n") if line.strip()]


def _is_text(data: bytes) -> bool:
    return all(32 <= byte < 127 or byte in b"\r\n\t" for byte in data)


def are_packets(names: Sequence[str]) -> bool:
    """Whether names stand for packets: a folder, several files, or one .xgp file."""
    return len(names) > 1 or Path(names[0]).is_dir() or Path(names[0]).suffix == PACKET


def gather(names: Sequence[str]) -> list[bytes]:
    """Read the packets of folders, files and standard input, unchecked.

    The .xgp files of a folder are read in order of their names; those that are empty or cannot be
    read are left out, as damaged packets are.

    Raises InputError if a file does not exist or a folder has no .xgp file.
    """
    found = []
    for name in names:
        if not Path(name).is_dir():
            found += split(files.read(name))
            continue
        inside = sorted(Path(name).glob("*" + PACKET))
        if not inside:
            raise InputError(f"{name}: no {PACKET} file in this folder")
        for path in inside:
            found += split(_read(path))
    return found


def _read(path: Path) -> bytes:
    """The bytes of a file; empty if it cannot be read."""
    try:
        return files.read(path)
    except XcodecError:
        return b""


def watch(name: str, interval: float, idle: float | None) -> Iterator[list[bytes]]:
    """Yield packets as they appear in a folder: a list for each scan that finds some. Files that
    change are read again.

    interval : seconds between scans
    idle     : seconds without new packets after which the iteration ends; None: never

    Raises InputError if there is no such folder.
    """
    folder, seen = Path(name), set[tuple[str, int, int]]()
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder")
    last = time.monotonic()
    while idle is None or time.monotonic() - last <= idle:
        found = []
        for path in sorted(folder.glob("*" + PACKET)):
            with suppress(OSError):  # The file may have been deleted meanwhile.
                state = path.stat()
                if (mark := (path.name, state.st_mtime_ns, state.st_size)) not in seen:
                    seen.add(mark)
                    found += split(_read(path))
        if found:
            yield found
            last = time.monotonic()
        time.sleep(interval)


def check_folder(name: str, overwrite: bool) -> None:
    """Check before encoding that ``save`` can write into a folder.

    Raises InputError if it cannot.
    """
    folder = Path(name)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is not a folder")
    if not folder.parent.is_dir():
        raise InputError(f"{folder}: no directory {folder.parent}")
    if folder.is_dir() and not overwrite and any(folder.glob("*" + PACKET)):
        raise InputError(f"{folder}: contains packets already; -f replaces them")


def save(name: str, data: Sequence[bytes], overwrite: bool) -> None:
    """Write packets as numbered files into a folder, which is created if needed.

    overwrite : replace packets that are there; other files are left alone

    Raises InputError if the folder cannot be written.
    """
    check_folder(name, overwrite)
    folder = Path(name)
    names = {f"{index:03d}{PACKET}" for index in range(len(data))}
    try:
        folder.mkdir(exist_ok=True)
        for path in folder.glob("*" + PACKET):
            if path.name not in names:
                path.unlink()
    except OSError as error:
        raise InputError(f"{folder}: {(error.strerror or str(error)).lower()}") from error
    for file, packet in zip(sorted(names), data, strict=True):
        files.write_atomic(folder / file, packet, overwrite)
