"""Reading and writing packets: folders of .xgp files, bundles in one stream, texts and captures."""

import base64
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from xcodec.choices import JOURNAL, PACKET
from xcodec.coding import header, packets
from xcodec.coding.original import MAX_SIDE
from xcodec.coding.primitives import Reader
from xcodec.decoder import reading
from xcodec.errors import FormatError, InputError, TruncatedError, XcodecError
from xcodec.links import finding
from xcodec.system import files


def split(data: bytes) -> list[bytes]:
    """Split the bytes of one file into packets: a packet, a bundle, lines of text, or text or bytes
    that hold packets among other things.

    Packets of a bundle are not checked; damaged ones are returned too. Of anything else, those with
    a right checksum are, all different. If there is none, the bytes are returned as they are, or
    packets of other versions that stand in lines of their own.
    """
    if data.startswith(packets.MAGIC):
        bundled = packets.unbundle(data)
        if packets.bundle(bundled) == data:
            return bundled
        # Cut short, or with more behind it.
        return list(dict.fromkeys([*bundled, *finding.found_in(data)]))
    if _is_whole(data):
        return [data]
    return finding.found_in(data) or _of_other_versions(data) or [data]


def _is_whole(data: bytes) -> bool:
    """Whether bytes are a .xgc file, or a packet and nothing else."""
    # Printable bytes alone are no packet, though a short checksum may be right by chance.
    if packets.sound(data) and not finding.is_text(data):
        return True
    try:
        header.read_header(Reader(data), MAX_SIDE**2, reading.LIMITS)
    except FormatError as error:
        return isinstance(error, TruncatedError)
    return True


def _of_other_versions(data: bytes) -> list[bytes]:
    """The packets of other versions in lines of text, so that errors can tell their version."""
    found = []
    for line in data.split() if finding.is_text(data) else ():
        with suppress(ValueError):
            packet = base64.b64decode(line + b"=" * (-len(line) % 4), validate=True)
            found += [packet] if packets.sound(packet) else []
    return found


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
            found += split(content(path))
    return found


def named(index: int) -> str:
    """Return the name of the file of a packet."""
    return f"{index:03d}{PACKET}"


def content(path: Path) -> bytes:
    """Return the bytes of a file; empty if it cannot be read."""
    try:
        return files.read(path)
    except XcodecError:
        return b""


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

    overwrite : replace packets that are there, and forget which of them were sent; other files are
                left alone

    Raises InputError if the folder cannot be written.
    """
    check_folder(name, overwrite)
    folder, names = Path(name), [named(index) for index in range(len(data))]
    there = folder.is_dir()
    inside = folder if there else folder.parent
    whole = files.hidden_beside(inside / folder.name)
    try:
        whole.mkdir()
        for file, packet in zip(names, data, strict=True):
            files.write_atomic(whole / file, packet)
        if not there:
            whole.rename(folder)
            return
        try:
            _replace(folder, whole, names)
        except BaseException:  # What has begun is finished: parts of two sets are no set.
            _replace(folder, whole, names)
            raise
        whole.rmdir()
    except BaseException as error:
        shutil.rmtree(whole, ignore_errors=True)
        if isinstance(error, OSError):
            raise InputError(f"{folder}: {(error.strerror or str(error)).lower()}") from error
        raise


def _replace(folder: Path, whole: Path, names: Sequence[str]) -> None:
    """Move packets of these names from one folder to another, in the place of all that are there,
    and of the journal of what was sent."""
    (folder / JOURNAL).unlink(missing_ok=True)
    for path in whole.iterdir():
        os.replace(path, folder / path.name)
    for path in folder.glob("*" + PACKET):
        if path.name not in names:
            path.unlink()
