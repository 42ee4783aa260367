"""What a region of interest gains at equal bytes.

    python benchmarks/regions.py PHOTOS --faces FACES -o RESULT.json

Photos are encoded within --bytes, with and without a region of interest in the middle ninth. The
PSNR of the classical decoder is compared inside and outside the region. The same is done for faces
with half the bytes, with and without saliency; there, the region is the detected face.
docs/research/regions.md has the results.
"""

import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

import xcodec
from xcodec.__main__ import main as run
from xcodec.cli.bench import folder, only, output, positions
from xcodec.evaluation.runs import records
from xcodec.evaluation.runs.options import numbers, pictures
from xcodec.pictures import loading
from xcodec.pictures.quality import decibels
from xcodec.sampling import saliency
from xcodec.types import RGB

Mask = NDArray[np.bool_]
Gains = tuple[float, float]
"""PSNR that is gained inside and outside of a region, in dB."""


def psnr(data: bytes, rgb: RGB, where: Mask) -> float:
    """PSNR in dB of the classical decoder's picture within a mask (height, width)."""
    picture = xcodec.decode(data, decoder="classical", original_size=True)
    found = np.asarray(picture, float)
    return float(decibels(np.square(found - rgb)[where].mean()))


def gains(rgb: RGB, inside: Mask, max_bytes: int, effort: int, **region: Any) -> Gains:
    """What a region changes within a mask, and outside of it."""
    plain, weighted = (
        xcodec.encode(rgb, max_bytes=max_bytes, effort=effort, **options)
        for options in ({}, region)
    )
    first, second = (
        psnr(weighted, rgb, where) - psnr(plain, rgb, where) for where in (inside, ~inside)
    )
    return first, second


def by_weight(rgb: RGB, weight: float, max_bytes: int, effort: int) -> Gains:
    """What a weight of the middle ninth changes."""
    height, width = rgb.shape[:2]
    x, y, w, h = width // 3, height // 3, width // 3, height // 3
    inside = np.zeros((height, width), bool)
    inside[y : y + h, x : x + w] = True
    return gains(rgb, inside, max_bytes, effort, roi=[(x, y, w, h, weight)])


def by_saliency(rgb: RGB, max_bytes: int, effort: int) -> Gains | None:
    """What saliency changes in the face; None if none is found, or all is face."""
    inside = saliency.faces(rgb) > 0
    if not inside.any() or inside.all():
        return None
    return gains(rgb, inside, max_bytes, effort, saliency=True)


def summary(region: str, found: list[Gains]) -> dict[str, Any]:
    """Means, and the gains of each picture."""
    columns = dict(zip(("inside", "outside"), map(list, zip(*found, strict=True)), strict=True))
    means = {name: records.mean(values) for name, values in columns.items()}
    return {"region": region} | means | {"pictures": columns}


@click.command(help="Measure what regions of interest gain, in the pictures in DIR.")
@folder
@click.option("--faces", type=click.Path(path_type=Path), help="Folder of faces, for saliency.")
@click.option("--bytes", "max_bytes", default=1000, show_default=True, help="Half for faces.")
@click.option("--effort", default=1, show_default=True)
@click.option("--weights", default="2,4,16", show_default=True, help="Of the middle ninth.")
@positions
@only
@click.option("--label", help="What was measured.  [default: the folder's name]")
@output
def main(
    folder: Path, faces: Path | None, label: str | None, output: Path | None, **options: Any
) -> None:
    """Measure, print the means and write the record."""
    records.prepare(output)
    which = options["positions"], numbers(options["only"], int)
    chosen, others = pictures(folder, *which), pictures(faces, *which) if faces else []
    budget, effort = options["max_bytes"], options["effort"]
    rows = []
    for weight in numbers(options["weights"], float):
        each = [by_weight(loading.load(path).rgb, weight, budget, effort) for path in chosen]
        rows.append(summary(f"weight {weight:g}", each))
    salient = [by_saliency(loading.load(path).rgb, budget // 2, effort) for path in others]
    if found := [each for each in salient if each is not None]:
        rows.append(summary("saliency", found))
    for row in rows:
        print(f"{row['region']}: {row['inside']:+.2f} dB inside, {row['outside']:+.2f} dB outside")
    if output:
        figures = {"bytes": budget, "effort": effort, "rows": rows}
        label = label or folder.resolve().name
        command = records.command_line("python benchmarks/regions.py", sys.argv[1:])
        record = records.record("regions", label, command, [*chosen, *others], {}, figures)
        records.save(output, record, overwrite=True)


if __name__ == "__main__":
    sys.exit(run(command=main, name=Path(__file__).name))
