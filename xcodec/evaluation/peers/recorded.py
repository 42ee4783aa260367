"""Points of codecs that cannot be coded here, from files such as those in ``benchmarks/rivals/``.

A file is one JSON object: the name of a picture -> ``size``, its width and height, and ``vvc``, a
list of points: bytes of the slices alone, scale, PSNR, SSIM, LPIPS (SqueezeNet), bytes with
parameter sets.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xcodec.errors import InputError
from xcodec.evaluation.measures.metrics import METRICS, Figures
from xcodec.evaluation.peers.codecs import PAYLOAD, SCALES, WITH_SETS

MEASURED = ("psnr", "ssim", "lpips")
"""The metrics of a point."""


@dataclass(frozen=True)
class RecordedPoint:
    """A file that was measured elsewhere.

    scale  : factor by which the picture was scaled down
    counts : bytes by what of the file counts
    """

    scale: float
    counts: dict[str, int]
    figures: Figures


@dataclass(frozen=True)
class RecordedPicture:
    """The points of a picture of ``size``, (width, height)."""

    size: tuple[int, int]
    points: tuple[RecordedPoint, ...]

    def best(
        self, part: str, budget: int, aims: Iterable[str]
    ) -> Iterator[tuple[str, RecordedPoint]]:
        """Yield the best point of at most ``budget`` bytes for each aim.

        There is none if no point fits, or if all do: then larger files, which were not recorded,
        might fit as well.
        """
        fitting = [point for point in self.points if point.counts[part] <= budget]
        if not fitting or len(fitting) == len(self.points):
            return
        for aim in aims:
            if aim in MEASURED:
                sign = 1 if METRICS[aim].rising else -1
                yield aim, max(fitting, key=lambda point: sign * (point.figures[aim] or 0.0))


def files(folder: Path) -> list[Path]:
    """Return the files of recorded points in a folder. Raises InputError if there are none."""
    found = sorted(folder.glob("*.json"))
    if not found:
        raise InputError(f"{folder}: no recorded points, which are .json files")
    return found


def picture(folder: Path, name: str, size: tuple[int, int]) -> RecordedPicture | None:
    """Return what is recorded of a picture of this file name, width and height, or None.

    Raises InputError if a file is not one of recorded points.
    """
    for path in files(folder):
        found = _read(path).get(name)
        if found is not None and found.size == size:
            return found
    return None


@cache
def _read(path: Path) -> dict[str, RecordedPicture]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: RecordedPicture(
                (int(each["size"][0]), int(each["size"][1])), tuple(map(_point, each["vvc"]))
            )
            for name, each in data.items()
        }
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise InputError(f"{path}: not a file of recorded points") from error


def _point(values: list[float]) -> RecordedPoint:
    bare, scale, psnr, ssim, lpips, whole = values
    nearest = min(SCALES, key=lambda known: abs(known - 1 / scale))
    counts = {PAYLOAD: int(bare), WITH_SETS: int(whole)}
    return RecordedPoint(nearest, counts, dict(zip(MEASURED, (psnr, ssim, lpips), strict=True)))
