"""Making packs: copies of pictures, their encodings, and files of a limited size. No torch here.

Copies and encodings are made in a folder, so that an interrupted run can continue, and then put
into packs. Copies are encoded, not the pictures themselves: what a network sees and what it should
paint are of the same pixels.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, features

from xcodec.errors import DependencyError, InputError
from xcodec.pictures import loading
from xcodec.pictures.cropping import random_part
from xcodec.system import files
from xcodec.training import cache
from xcodec.training.packs import INDEX, SUFFIX, VERSIONS
from xcodec.types import RGB

SIDE = 512
"""Default limit on the sides of a copy, in pixels."""
QUALITY = 85
"""Pillow's quality of AVIF (docs/research/training-cost.md)."""
_MEMBER = 30 + 46
"""Bytes of a member of a ZIP file, besides its data and twice its name."""
_REST = 1000
"""More than a ZIP file takes besides: its end and the index."""


@dataclass(frozen=True)
class Copy:
    """A picture to copy.

    target : of the copy; ".avif" is added to its name unless its bytes are those of the picture
    side   : a random part of at most this side is copied as AVIF, or the bytes of the picture if
             they are no more and show no more; None: always its bytes
    """

    picture: Path
    target: Path
    side: int | None

    @property
    def made(self) -> Path | None:
        """The copy, if there is one that is not older than the picture."""
        since = self.picture.stat().st_mtime
        paths = (path for path in self._paths if path.exists() and path.stat().st_mtime >= since)
        return next(paths, None)

    @property
    def _paths(self) -> tuple[Path, Path]:
        """The names of a copy of the bytes, and of one as AVIF."""
        return self.target, self.target.with_name(f"{self.target.name}.avif")

    def make(self) -> None:
        """Make the copy. Raises XcodecError if the picture cannot be read."""
        data, path = files.read(self.picture), self._paths[0]
        if self.side is not None:
            rgb = loading.load(self.picture).rgb
            rng = np.random.default_rng(int(cache.digest(self.picture), 16))
            part = random_part(rgb, self.side, rng)
            smaller = avif(part)
            if part.shape != rgb.shape or len(smaller) < len(data):
                data, path = smaller, self._paths[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in self._paths:
            old.unlink(missing_ok=True)
        files.write_atomic(path, data)


def check() -> None:
    """Raise DependencyError if Pillow cannot write AVIF."""
    if not features.check("avif"):
        raise DependencyError("packs need AVIF, which this Pillow lacks: pip install -U pillow")


def avif(rgb: RGB) -> bytes:
    """A picture, uint8 (height, width, 3), as AVIF."""
    data = io.BytesIO()
    # Chroma of full resolution costs a tenth, and gains 2 dB in RGB.
    Image.fromarray(rgb).save(
        data, "AVIF", quality=QUALITY, subsampling="4:4:4", speed=6, max_threads=1
    )
    return data.getvalue()


def copied(copy: Copy) -> str:
    """Make a copy, in a worker. Returns why it cannot be made, or nothing."""
    try:
        copy.make()
    except Exception as error:  # One bad picture must not end a run of hours.
        return f"{copy.picture}: {error}"
    return ""


def encoded(job: cache.Job) -> str:
    """Encode a copy, in a worker. Returns why it cannot be encoded, or nothing."""
    try:
        files.write_atomic(cache.beside(job), cache.coded(job), overwrite=True)
    except Exception as error:
        return f"{job.picture}: {error}"
    return ""


def write(
    pictures: Mapping[Path, Sequence[Path]], root: Path, folder: Path, name: str, size: int
) -> list[Path]:
    """Write packs, folder/name-1.pack.zip and so on, in place of those from before.

    pictures : the copies, each with the files of its encodings
    root     : folder that their paths are relative to
    size     : largest number of bytes of a pack

    Raises InputError if a picture is larger than a pack, or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    packs = []
    for number, group in enumerate(_groups(pictures, root, size), 1):
        packs.append(folder / f"{name}-{number}{SUFFIX}")
        files.write_atomic(packs[-1], _zipped(group, root), overwrite=True)
    mine = re.compile(rf"{re.escape(name)}-\d+{re.escape(SUFFIX)}")
    for path in folder.iterdir():
        if mine.fullmatch(path.name) and path not in packs:
            path.unlink()
    return packs


def _groups(pictures: Mapping[Path, Sequence[Path]], root: Path, size: int) -> Iterator[list[Path]]:
    """The files of each pack. A picture and its encodings stay together, and digests mix pictures,
    so that each pack is a fair sample."""
    group: list[Path] = []
    used = _REST
    for picture in sorted(pictures, key=cache.digest):
        members = [picture, *pictures[picture]]
        names = [len(path.relative_to(root).as_posix().encode()) for path in members]
        each = zip(members, names, strict=True)
        more = sum(path.stat().st_size + _MEMBER + 2 * name for path, name in each)
        if _REST + more > size:
            raise InputError(f"{picture}: larger than a pack of {size} bytes")
        if used + more > size:
            yield group
            group, used = [], _REST
        group += members
        used += more
    if group:
        yield group


def _zipped(members: Sequence[Path], root: Path) -> bytes:
    """The bytes of a pack: always the same for the same files, since ZipInfo sets no time."""
    data = io.BytesIO()
    index = VERSIONS | {"quality": QUALITY}
    with zipfile.ZipFile(data, "w") as file:
        file.writestr(zipfile.ZipInfo(INDEX), json.dumps(index) + "\n")
        for path in members:
            file.writestr(zipfile.ZipInfo(path.relative_to(root).as_posix()), path.read_bytes())
    return data.getvalue()
