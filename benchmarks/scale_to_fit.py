"""How good a picture is that was scaled down, encoded within a budget, and scaled up again.

python benchmarks/scale_to_fit.py PICTURE ... --bytes 340,1000 --sides 160,224,320,448,640

Prints the mean loss in dB against the best of the sizes, by pixels for each byte: what
xcodec.encoder.reduction.PIXELS_PER_BYTE was chosen by (docs/research/scale-to-fit.md).
"""

import sys
from pathlib import Path

import click
import numpy as np

import xcodec
from xcodec.__main__ import main as run
from xcodec.evaluation.runs.options import numbers, texts
from xcodec.pictures import loading
from xcodec.pictures.modes import Picture
from xcodec.pictures.quality import decibels


def measured(picture: Picture, side: int | None, size: int) -> tuple[float, float]:
    """Pixels for each byte, and PSNR in dB at the original's size.

    side : longer side in pixels; 0: that of the picture; None: as the bytes can show
    size : of the file in bytes
    """
    data = xcodec.encode(picture, max_bytes=size, max_side=side)
    info = xcodec.info(data)
    decoded = np.asarray(xcodec.decode(data, original_size=True).convert("RGB"), np.float64)
    error = float(np.mean(np.square(decoded - picture.rgb)))
    return info.width * info.height / size, float(decibels(error))


@click.command(help="PSNR after scaling back, by size and bytes.")
@click.argument("pictures", metavar="PICTURE...", nargs=-1, required=True, type=Path)
@click.option("--bytes", "sizes", default="340,1000,2400,6000", show_default=True)
@click.option(
    "--sides",
    default="160,224,320,448,640,896,1280",
    show_default=True,
    help="Longer ones; 0: full size; auto: as the bytes can show.",
)
def main(pictures: tuple[Path, ...], sizes: str, sides: str) -> None:
    """Measure, and print the table as it grows."""
    chosen = {side: None if side == "auto" else numbers(side, int)[0] for side in texts(sides)}
    budgets = numbers(sizes, int)
    if not (chosen and budgets):
        raise xcodec.InputError("nothing to measure: give bytes and sides")
    loaded = [loading.load(path) for path in pictures]
    click.echo("| bytes | longer side | pixels for a byte | loss in dB, mean | most |")
    click.echo("| ---: | ---: | ---: | ---: | ---: |")
    for size in budgets:
        found = np.array(
            [[measured(each, side, size) for side in chosen.values()] for each in loaded]
        )
        losses = found[..., 1].max(1, keepdims=True) - found[..., 1]
        for place, side in enumerate(chosen):
            share, loss = found[:, place, 0].mean(), losses[:, place]
            name = "full" if side == "0" else side
            row = f"{size}", name, f"{share:.0f}", f"{loss.mean():.2f}", f"{loss.max():.2f}"
            click.echo(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    sys.exit(run(command=main, name=Path(__file__).name))
