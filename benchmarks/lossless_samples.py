"""The size of lossless samples, compared with zstandard on the raw mask and values.

    python benchmarks/lossless_samples.py DIR --rates 0.01,0.05 --label photos -o RESULT.json

Every picture is sampled by each mask and encoded losslessly; the decoded samples are compared with
the picture. For comparison, zstandard at level 19 compresses the mask as a bitmap (one bit per
pixel) and the sampled RGB values in row order: together or apart, whichever is smaller.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

import xcodec
from xcodec import codec
from xcodec.__main__ import main as run
from xcodec.cli.bench import folder, only, output, positions
from xcodec.coding.primitives import ZSTANDARD_LEVEL, pack
from xcodec.evaluation.runs import records
from xcodec.evaluation.runs.options import numbers, pictures
from xcodec.evaluation.runs.records import mean
from xcodec.pictures import loading
from xcodec.types import RGB

MASKS: dict[str, dict[str, str]] = {
    "random": {"mask": "random", "density": "uniform"},
    "random, Sobel": {"mask": "random", "density": "sobel"},
    "blue noise, Sobel": {"mask": "blue", "density": "sobel"},
}
"""Options of encode by mask. A fourth mask, EXPLICIT, is that of "random, Sobel" as an array."""
EXPLICIT = "explicit (random, Sobel)"


@dataclass(frozen=True)
class Job:
    """A picture, and the fractions of its pixels to sample."""

    path: Path
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Measurement:
    """Sizes, in bytes, of the samples of a picture."""

    mask: str
    rate: float
    samples: int
    xcodec: int
    zstandard: int


def measure(job: Job) -> list[Measurement]:
    """Measure a picture. Raises XcodecError if a sample is not decoded exactly."""
    rgb = loading.load(job.path).rgb
    found = []
    for rate in job.rates:
        for name, arguments in MASKS.items():
            data = codec.encode(rgb, rate, tone="point", lossless_samples=True, **arguments)
            mask = returned(data, rgb, job.path.name)
            raw = compressed(mask, rgb)
            found.append(Measurement(name, rate, int(mask.sum()), len(data), raw))
            if name == "random, Sobel":
                data = codec.encode(rgb, tone="point", lossless_samples=True, mask=mask)
                if (returned(data, rgb, job.path.name) != mask).any():
                    raise xcodec.XcodecError(f"{job.path.name}: an explicit mask came back wrong")
                found.append(Measurement(EXPLICIT, rate, int(mask.sum()), len(data), raw))
    return found


def returned(data: bytes, rgb: RGB, name: str) -> NDArray[np.bool_]:
    """Return the mask of a file, (height, width). Raises XcodecError if a sample is not exact."""
    points, values = codec.decode_samples(data)
    rows, cols = points.T
    if (values != rgb[rows, cols]).any():
        raise xcodec.XcodecError(f"{name}: a sample came back wrong")
    mask = np.zeros(rgb.shape[:2], bool)
    mask[rows, cols] = True
    return mask


def compressed(mask: NDArray[np.bool_], rgb: RGB) -> int:
    """Return the bytes of zstandard on the bitmap of the mask and the sampled values."""
    bitmap, values = np.packbits(mask).tobytes(), rgb[mask].tobytes()
    return min(len(pack(bitmap + values)), len(pack(bitmap)) + len(pack(values)))


def summary(measured: list[list[Measurement]]) -> list[dict[str, Any]]:
    """Return means by mask and rate.

    saved       : fraction of the bytes of zstandard that are saved, over all pictures
    least, most : smallest and largest saving of a single picture
    """
    groups: dict[tuple[str, float], list[Measurement]] = defaultdict(list)
    for m in (m for of_picture in measured for m in of_picture):
        groups[m.mask, m.rate].append(m)
    rows = []
    for (mask, rate), group in groups.items():
        columns = {
            name: [getattr(m, name) for m in group] for name in ("samples", "xcodec", "zstandard")
        }
        saved = [1 - m.xcodec / m.zstandard for m in group]
        rows.append(
            {"mask": mask, "rate": rate}
            | {name: mean(values) for name, values in columns.items()}
            | {"saved": 1 - sum(columns["xcodec"]) / sum(columns["zstandard"])}
            | {"least": min(saved), "most": max(saved), "pictures": columns}
        )
    return rows


def shown(rows: list[dict[str, Any]]) -> str:
    """Return the means as a Markdown table."""
    header = ["mask", "rate", "samples", "xcodec", "zstandard", "saved", "least", "most"]
    lines = [
        [row["mask"], f"{row['rate']:g}"]
        + [f"{row[name]:.0f}" for name in ("samples", "xcodec", "zstandard")]
        + [f"{row[name]:.1%}" for name in ("saved", "least", "most")]
        for row in rows
    ]
    return records.table(header, lines)


@click.command(help="Compare lossless samples with zstandard, over the pictures in DIR.")
@folder
@click.option("--rates", default="0.01,0.02,0.05,0.1", show_default=True)
@positions
@only
@click.option("--label", help="What was measured.  [default: the folder's name]")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@output
def main(folder: Path, label: str | None, output: Path | None, **options: Any) -> None:
    """Measure, print the table and write the record."""
    records.prepare(output)
    chosen = pictures(folder, options["positions"], numbers(options["only"], int))
    rates = numbers(options["rates"], float)
    jobs = [Job(path, rates) for path in chosen]
    rows = summary(records.each(measure, jobs, options["jobs"]))
    label = label or folder.resolve().name
    print(f"{label}: {records.so_many(len(chosen))}, mean bytes\n\n{shown(rows)}")
    if output:
        figures = {"level": ZSTANDARD_LEVEL, "rows": rows}
        command = records.command_line("python benchmarks/lossless_samples.py", sys.argv[1:])
        record = records.record("lossless_samples", label, command, chosen, {}, figures)
        records.save(output, record, overwrite=True)


if __name__ == "__main__":
    sys.exit(run(command=main, name=Path(__file__).name))
