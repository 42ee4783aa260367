"""Bytes that one codec saves against another at equal PSNR, from records of rate_distortion.py.

    python benchmarks/savings.py NEW.json OLD.json --codec generator --within-bpp 0.03,0.1
    python benchmarks/savings.py kodak.json kodak.json --codec generator --against jpeg

The Bjontegaard delta rate of the mean curves, and picture by picture.
"""

import json
import sys
from pathlib import Path
from typing import Any

import click

import xcodec
from xcodec import evaluation
from xcodec.evaluation import DECODERS, metrics

Curve = list[tuple[float, float]]


def curves(record: Path, codec: str) -> list[Curve]:
    """Pairs of bpp and PSNR of a codec in a record: the means, then each picture's."""
    try:
        found = json.loads(record.read_text())["figures"]["curves"]
    except (OSError, ValueError, KeyError) as error:
        raise xcodec.InputError(f"{record}: no record of rate_distortion.py") from error
    name = DECODERS.get(codec, codec)
    for curve in found:
        if curve["codec"] == name:
            return _pairs(curve["points"])
    raise xcodec.InputError(f"{record}: holds no codec {name!r}")


def _pairs(points: list[dict[str, Any]]) -> list[Curve]:
    means = [(point["bpp"], point["psnr"]) for point in points]
    columns = [
        list(zip(point["pictures"]["bpp"], point["pictures"]["psnr"], strict=True))
        for point in points
    ]
    return [means, *(list(curve) for curve in zip(*columns, strict=True))]


@click.command(help="Change of the rate from the second record's codec to the first record's.")
@click.argument("new", type=click.Path(path_type=Path))
@click.argument("old", type=click.Path(path_type=Path))
@click.option("--codec", default="generator", show_default=True)
@click.option("--against", help="Codec in OLD.  [default: the same]")
@click.option("--within-bpp", default="", help="LOW,HIGH: the old codec's rates that count.")
def main(new: Path, old: Path, codec: str, against: str | None, within_bpp: str) -> None:
    """Print the change of the means, and the spread over the pictures."""
    try:
        ours, theirs = curves(new, codec), curves(old, against or codec)
        span = evaluation.numbers(within_bpp, float)
        changes = [
            metrics.bd_rate(before, after, within(before, span))
            for before, after in zip(theirs, ours, strict=True)
        ]
    except (xcodec.XcodecError, ValueError) as error:
        click.echo(f"savings: {error}", err=True)
        sys.exit(1)
    pictures = sorted(change for change in changes[1:] if change is not None)
    print(f"means: {percent(changes[0])}")
    if pictures:
        middle = pictures[len(pictures) // 2]
        spread = f"{percent(pictures[0])} to {percent(pictures[-1])}"
        print(f"{len(pictures)} pictures: median {percent(middle)}, {spread}")


def within(curve: Curve, span: tuple[float, ...]) -> tuple[float, float] | None:
    """Figures of a curve at the ends of a span of bpp, or at its own ends."""
    if len(span) != 2:
        return None
    lowest, highest = min(curve)[0], max(curve)[0]
    ends = [metrics.at_bpp(curve, min(max(bpp, lowest), highest)) for bpp in span]
    return (ends[0], ends[1]) if ends[0] is not None and ends[1] is not None else None


def percent(change: float | None) -> str:
    """A change as a signed percentage."""
    return "–" if change is None else f"{100 * change:+.1f} %"


if __name__ == "__main__":
    main()
