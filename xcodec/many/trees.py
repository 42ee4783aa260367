"""Trees of pictures, on this machine or at a URL that fsspec knows (``s3://``, ``gs://``)."""

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from xcodec.choices import CODED, JOURNAL, PACKET
from xcodec.errors import InputError
from xcodec.system import files
from xcodec.system.packages import require

DECODED = "decoded"
"""The word in the name of a decoded picture whose plain name is taken: photo.decoded.png."""

LOCAL = ("file://", "local://")
"""How URLs begin of what is on this machine."""


def is_remote(name: str) -> bool:
    """Whether a name is a URL."""
    return "://" in name


def join(folder: str, name: str) -> str:
    """The path of a file in a folder; ``name`` is relative, with slashes."""
    if is_remote(folder):
        return folder.rstrip("/") + "/" + name
    return str(Path(folder, *name.split("/")))


def stem(name: str) -> str:
    """A name without its suffix, if it has one."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix else name


def named(name: str, suffix: str) -> str:
    """A name with a suffix behind it, cut where file systems would not allow its length."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + files.fitted(last, suffix)


def distinct(names: list[str], suffix: str) -> list[str]:
    """The names of the results of all files of a tree, without ``suffix``. All are different.

    A result has the name of its file without the file's suffix. It keeps that suffix (a.png.xgc)
    where two files differ in nothing else but case (a.png, A.jpg), where the rest is the name of
    another file (a.png.jpg beside a.png), and where a folder has the name of the result. So a name
    does not depend on files whose names begin otherwise.
    """
    stems = [stem(name) for name in names]
    alike = Counter(map(_folded, stems))
    files_there = set(map(_folded, names))
    folders = {_folded(str(parent)) for name in names for parent in PurePosixPath(name).parents}

    def whole(name: str, base: str) -> bool:
        """Whether a file keeps its suffix in the name of its result."""
        if base == name:
            return False
        key = _folded(base)
        return alike[key] > 1 or key in files_there or key + suffix in folders

    pairs = zip(names, stems, strict=True)
    return [name if whole(name, base) else base for name, base in pairs]


def _folded(name: str) -> str:
    """A name as file systems compare it that ignore case and the composition of accents."""
    return unicodedata.normalize("NFC", name).casefold()


@dataclass(frozen=True)
class Listing:
    """What is in a tree: sorted names, relative to it, with slashes.

    found  : pictures to encode, or to decode
    unread : everything else, except packets that belong to a picture
    special : those of ``unread`` that are no files: pipes, sockets, devices, broken links, links to
              folders, and folders that cannot be listed
    """

    found: list[str]
    unread: list[str]
    special: frozenset[str] = field(default=frozenset(), compare=False)


def listing(folder: str, action: str, kind: str | None = None) -> Listing:
    """List the pictures in a tree, and what is there besides.

    action : "encode": files that Pillow can read; "decode": .xgc files, and folders that contain
             only .xgp files, and perhaps a sender's journal, each of which is one picture
    kind   : for "encode", the only format to read; None: those that are read unasked

    Hidden files and folders, and special files, are never read. Raises InputError if there is no
    such folder, or it cannot be listed.
    """
    names, others = _files(folder)
    special = frozenset(others)
    if action == "encode":
        wanted = _readable(kind)
        found = [name for name in names if _suffix(name) in wanted]
        rest = set(names) - set(found)
        return Listing(sorted(found), sorted([*others, *rest]), special)
    packets = {_parent(name) for name in names if _suffix(name) == PACKET}
    packets -= {_parent(name) for name in names if not _is_of_packets(name)} | {"."}
    coded = [name for name in names if _suffix(name) == CODED]
    rest = {name for name in names if _parent(name) not in packets} - set(coded)
    return Listing(sorted([*coded, *packets]), sorted([*others, *rest]), special)


def pictures(folder: str, action: str) -> list[str]:
    """List the pictures in a tree: ``listing(folder, action).found``."""
    return listing(folder, action).found


def kinds(names: list[str], special: frozenset[str] = frozenset()) -> dict[str, int]:
    """Count files by suffix, and by name where they have none or are alone with theirs.

    Hidden files, and files in hidden folders, are counted together if there are several, and so are
    those that are ``special``.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        last = PurePosixPath(name)
        key = last.suffix or last.name
        if _hidden(name):
            key = "hidden"
        elif name in special:
            key = "special"
        groups.setdefault(key, []).append(name)
    return {
        PurePosixPath(every[0]).name if len(every) == 1 else key: len(every)
        for key, every in sorted(groups.items())
    }


def read(name: str) -> bytes:
    """Read a file. Raises InputError if it does not exist or is empty."""
    if not is_remote(name):
        return files.read(name)
    system, path = _remote(name)
    try:
        data = bytes(system.cat_file(path))
    except FileNotFoundError as error:
        raise InputError(f"{name}: no such file") from error
    if not data:
        raise InputError(f"{name}: the file is empty")
    return data


def write(name: str, data: bytes) -> None:
    """Write a file atomically, and create its folders. An existing file is replaced.

    Object stores take a file as a whole or not at all; of other remote file systems, it depends.
    Raises InputError if that fails.
    """
    if name.startswith(LOCAL):
        name = _remote(name)[1]  # fsspec would write it in place.
    if not is_remote(name):
        folder = Path(name).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: {str(error.strerror).lower()}") from error
        files.write_atomic(name, data, overwrite=True)
        return
    system, path = _remote(name)
    system.makedirs(system._parent(path), exist_ok=True)
    system.pipe_file(path, data)


def exists(name: str) -> bool:
    """Whether a file exists."""
    if not is_remote(name):
        return os.path.exists(name)
    system, path = _remote(name)
    return bool(system.exists(path))


def check_folder(name: str) -> None:
    """Raise InputError if a name cannot be that of a folder for results."""
    if not is_remote(name) and os.path.lexists(name) and not os.path.isdir(name):
        raise InputError(f"{name}: is not a folder")


def is_folder(name: str) -> bool:
    """Whether a name is an existing folder."""
    if not is_remote(name):
        return os.path.isdir(name)
    system, path = _remote(name)
    return bool(system.isdir(path))


def is_tree(name: str) -> bool:
    """Whether a name is a folder that contains anything but the packets of one picture."""
    names = _files(name)[0] if is_folder(name) else []
    only_packets = all(map(_is_of_packets, names))
    return bool(names) and not (only_packets and any("/" not in each for each in names))


def packets(folder: str) -> list[bytes]:
    """Read the packets in a folder of such. One that is empty or is gone has no bytes: it is a lost
    packet."""
    names = [name for name in _files(folder)[0] if "/" not in name and _suffix(name) == PACKET]
    found = []
    for name in names:
        try:
            found.append(read(join(folder, name)))
        except InputError:
            found.append(b"")
    return found


def _files(folder: str) -> tuple[list[str], list[str]]:
    """Relative names of all files in a tree, and of what is never read there: hidden and special
    files, links to folders, and folders that cannot be listed."""
    others: list[str] = []
    if is_remote(folder):
        system, path = _remote(folder)
        if not system.isdir(path):
            raise InputError(f"{folder}: no such folder")
        start = len(path.rstrip("/")) + 1
        names = [str(each)[start:] for each in system.find(path)]
    else:
        if not os.path.isdir(folder):
            raise InputError(f"{folder}: no such folder")

        def relative(path: Path) -> str:
            return path.relative_to(folder).as_posix()

        def closed(error: OSError) -> None:
            place = Path(error.filename)
            if place == Path(folder):
                raise InputError(f"{folder}: {str(error.strerror).lower()}") from error
            others.append(relative(place))

        names = []
        for where, folders, here in os.walk(folder, onerror=closed):
            others += [relative(Path(where, each)) for each in folders if _link(where, each)]
            for name in here:
                whole = Path(where, name)
                (names if os.path.isfile(whole) else others).append(relative(whole))
    others += [name for name in names if _hidden(name)]
    return [name for name in names if not _hidden(name)], others


def _link(folder: str, name: str) -> bool:
    """Whether a name in a folder is that of a link."""
    return os.path.islink(os.path.join(folder, name))


def _hidden(name: str) -> bool:
    """Whether a file, or a folder that it is in, is hidden."""
    return any(part.startswith(".") for part in name.split("/"))


def _is_of_packets(name: str) -> bool:
    """Whether a file is a packet, or the journal that ``xcodec send`` keeps beside packets."""
    return _suffix(name) == PACKET or PurePosixPath(name).name == JOURNAL


def _parent(name: str) -> str:
    return str(PurePosixPath(name).parent)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _readable(kind: str | None) -> set[str]:
    """Suffixes of the files that are read, of one format or of all that are read unasked."""
    from xcodec.pictures import formats

    return formats.suffixes(kind)


def _remote(name: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Raises InputError if the URL is unknown."""
    fsspec = require("fsspec", "ray")
    try:
        system, path = fsspec.core.url_to_fs(name)
    except (ImportError, ValueError) as error:
        raise InputError(f"{name}: {str(error).splitlines()[0]}") from error
    return system, str(path)
