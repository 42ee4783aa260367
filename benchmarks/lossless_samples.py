"""What samples cost when they are kept exactly, beside zstandard on the raw mask and values.

    python benchmarks/lossless_samples.py DIR --rates 0.01,0.05 --label photos -o RESULT.json

Every picture is sampled by each mask and written with its plain pixels, bit for bit; what comes
back is compared with the picture. Beside it stands zstandard at level 19 on the mask as a bitmap
(one bit a pixel) and the sampled RGB values in the order of rows: in one piece or in two,
whichever is smaller.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import zstandard
from numpy.typing import NDArray

import xcodec
from xcodec import codec
from xcodec.evaluation.runs import records
from xcodec.evaluation.runs.options import numbers, pictures
from xcodec.evaluation.runs.records import mean
from xcodec.pictures import loading
from xcodec.types import RGB

LEVEL = 19
MASKS: dict[str, dict[str, str]] = {
    "random": {"mask": "random", "density": "uniform"},
    "random, Sobel": {"mask": "random", "density": "sobel"},
    "blue noise, Sobel": {"mask": "blue", "density": "sobel"},
}
"""Arguments of encode. A fourth kind, "explicit", sends the mask of "random, Sobel" as it is."""
EXPLICIT = "explicit (random, Sobel)"


@dataclass(frozen=True)
class Job:
    """One picture, and the fractions of its pixels to sample."""

    path: Path
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Measurement:
    """Sizes in bytes of one picture's samples."""

    mask: str
    rate: float
    samples: int
    xcodec: int
    zstandard: int


def measure(job: Job) -> list[Measurement]:
    """All measurements of one picture; raises XcodecError where a sample doesn't come back."""
    rgb = loading.load(job.path).rgb
    found = []
    for rate in job.rates:
        for name, arguments in MASKS.items():
            data = codec.encode(rgb, rate, tone="point", lossless=True, **arguments)
            mask = returned(data, rgb, job.path.name)
            raw = compressed(mask, rgb)
            found.append(Measurement(name, rate, int(mask.sum()), len(data), raw))
            if name == "random, Sobel":
                data = codec.encode(rgb, tone="point", lossless=True, mask=mask)
                if (returned(data, rgb, job.path.name) != mask).any():
                    raise xcodec.XcodecError(f"{job.path.name}: an explicit mask came back wrong")
                found.append(Measurement(EXPLICIT, rate, int(mask.sum()), len(data), raw))
    return found


def returned(data: bytes, rgb: RGB, name: str) -> NDArray[np.bool_]:
    """The mask in a file, (height, width); raises XcodecError where a sample isn't the pixel."""
    points, values = codec.decode_samples(data)
    rows, cols = points.T
    if (values != rgb[rows, cols]).any():
        raise xcodec.XcodecError(f"{name}: a sample came back wrong")
    mask = np.zeros(rgb.shape[:2], bool)
    mask[rows, cols] = True
    return mask


def compressed(mask: NDArray[np.bool_], rgb: RGB) -> int:
    """Bytes of zstandard on the bitmap of the mask and the values under it."""
    bitmap, values = np.packbits(mask).tobytes(), rgb[mask].tobytes()
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    one = len(compressor.compress(bitmap + values))
    two = len(compressor.compress(bitmap)) + len(compressor.compress(values))
    return min(one, two)


def summary(measured: list[list[Measurement]]) -> list[dict[str, Any]]:
    """Means by mask and rate.

    saved         : of all bytes together, 0..1
    least, most   : saved on a single picture
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
    """The means as a markdown table."""
    header = ["mask", "rate", "samples", "xcodec", "zstandard", "saved", "least", "most"]
    lines = [
        [row["mask"], f"{row['rate']:g}"]
        + [f"{row[name]:.0f}" for name in ("samples", "xcodec", "zstandard")]
        + [f"{row[name]:.1%}" for name in ("saved", "least", "most")]
        for row in rows
    ]
    return records.table(header, lines)


@click.command(help="Bytes of lossless samples and of zstandard on them, over the pictures in DIR.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--rates", default="0.01,0.02,0.05,0.1", show_default=True)
@click.option("--positions", type=click.Choice(["all", "odd", "even"]), default="all")
@click.option("--only", default="", help="Places in sorted order, from 1: 1,4,7.")
@click.option("--label", help="What was measured.  [default: the folder's name]")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The JSON to write.")
def main(**options: Any) -> None:
    """Say in one line what went wrong, if something did."""
    try:
        run(**options)
    except xcodec.XcodecError as error:
        click.echo(f"lossless_samples: {error}", err=True)
        sys.exit(1)


def run(folder: Path, label: str | None, output: Path | None, **options: Any) -> None:
    """Measure, print the table and write the record."""
    chosen = pictures(folder, options["positions"], numbers(options["only"], int))
    rates = numbers(options["rates"], float)
    jobs = [Job(path, rates) for path in chosen]
    rows = summary(records.each(measure, jobs, options["jobs"]))
    label = label or folder.resolve().name
    print(f"{label}: {len(chosen)} pictures, mean bytes\n\n{shown(rows)}")
    if output:
        figures = {"level": LEVEL, "rows": rows}
        command = records.command_line("python benchmarks/lossless_samples.py", sys.argv[1:])
        record = records.record("lossless_samples", label, command, chosen, {}, figures)
        records.save(output, record, overwrite=True)


if __name__ == "__main__":
    main()
