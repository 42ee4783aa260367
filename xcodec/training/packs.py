"""Packs of pictures and their encodings, to train where the pictures are not. No torch here.

A pack is a ZIP file without compression:

pack.json   : versions that a reader must share, and how the pictures were made, for people
NAME        : each picture once, by its path within its folder
STEM.xgc    : its encodings (``cache.coded``), beside it, by the stems of their jobs

Packs are unpacked into the cache before a run. Workers make an entry from a picture and its
encoding as from a picture alone, but need not search for symbols.
"""

import json
import os
import zipfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xcodec.coding import header
from xcodec.errors import InputError
from xcodec.training import cache

SUFFIX = ".pack.zip"
INDEX = "pack.json"
VERSIONS = {"pack": 1, "format": header.VERSION, "encodings": cache.CACHE_VERSION}
"""Of the form of packs, of the files in them and of what the encoder makes of pictures."""


def pictures(folder: Path, kept: Path) -> list[Path]:
    """The pictures in a folder and its subfolders, and those in packs there, sorted by their names.

    kept : folder of the cache, which packs are unpacked into

    Raises InputError without any, or if a pack cannot be used.
    """
    packs = sorted(folder.rglob(f"*{SUFFIX}")) if folder.is_dir() else []
    if not packs:
        return cache.pictures(folder)
    roots = [folder, *(unpacked(pack, kept) for pack in packs)]
    names = {file: file.relative_to(root) for root in roots for file in cache.within(root)}
    # As they were in the folder that was packed: their order says which of them validate.
    found = sorted(names, key=lambda file: (names[file], file))
    if not found:
        raise InputError(f"{folder}: there are no pictures in its packs")
    return found


def unpacked(pack: Path, kept: Path) -> Path:
    """The folder that holds the pictures and encodings of a pack, unpacked unless it is there.

    Raises InputError if the file is no pack, damaged, or of another version.
    """
    try:
        with zipfile.ZipFile(pack) as file:
            _check(pack, file)
            target = kept / "packs" / cache.digest(pack)
            if not target.is_dir():
                _extract(file, target)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        if isinstance(error, InputError):
            raise
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{pack}: damaged, or not a pack of training pictures ({text})") from error
    return target


def _check(pack: Path, file: zipfile.ZipFile) -> None:
    """Raise InputError unless a pack has the versions of this release."""
    if any(info.compress_type != zipfile.ZIP_STORED for info in file.infolist()):
        raise ValueError("compressed")  # Contents are no larger than the file.
    index: Any = json.loads(file.read(INDEX))
    if not isinstance(index, dict):
        raise ValueError(f"{INDEX} holds no versions")
    for name, here in VERSIONS.items():
        if (there := index.get(name)) != here:
            raise InputError(
                f"{pack}: of {name} version {there}, this release has {here}: make it again with"
                " scripts/pack_pictures.py"
            )


def _extract(file: zipfile.ZipFile, target: Path) -> None:
    """Unpack a whole pack or nothing of it, whatever other runs do."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent) as temporary:
        whole = Path(temporary) / target.name
        file.extractall(whole)
        with suppress(OSError):  # Another run was faster.
            os.rename(whole, target)
    if not target.is_dir():
        raise OSError(f"cannot be unpacked into {target}")
