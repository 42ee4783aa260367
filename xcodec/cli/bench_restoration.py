"""``xcodec bench restoration``."""

from pathlib import Path
from typing import Any

import click

from xcodec.cli.bench import (
    FILE,
    device,
    folder,
    jobs,
    label,
    measure,
    only,
    output,
    positions,
    state,
    weights,
)
from xcodec.cli.common import force, quiet
from xcodec.cli.corrupt import TASKS


@click.command(short_help="How well damage is undone: the paper's tables.")
@folder
@click.option("--task", type=click.Choice(TASKS), required=True, help="The damage.")
@click.option(
    "--levels", required=True, metavar="N,...", help="Percent of points or noise, sides of blocks."
)
@click.option(
    "--distributions",
    default="random",
    show_default=True,
    metavar="NAME,...",
    help="Where points lie: random, sobel, codec.",
)
@click.option("--models", default="", metavar="NAME,...", help="Names or files of weights.")
@click.option(
    "--classical",
    default="",
    metavar="NAME,...",
    help="kriging, biharmonic, linear, telea; consensus, median:SIDE, nlm:STRENGTH for noise.",
)
@click.option("--clutter", type=FILE, metavar="DIR", help="Pictures that fill colour blocks.")
@click.option(
    "--size", type=click.IntRange(16), metavar="N", help="Middle square, resized to N pixels."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the damage.")
@positions
@only
@weights
@device
@state
@label
@jobs
@output
@force
@quiet
def restoration(
    folder: Path,
    output: Path | None,
    force: bool,
    quiet: bool,
    label: str | None,
    jobs: int | None,
    **options: Any,
) -> None:
    """How well networks and classical methods undo damage to the pictures in DIR.

    PSNR, SSIM and LPIPS of what they give back; the same with known pixels put back ("pasted"); and
    PSNR where nothing was known ("hole"). A run that was cut off goes on where it was; what has
    been found already is never computed twice. docs/reproduction.md has the commands of the
    paper's tables and figures.
    """
    import os

    from xcodec.evaluation.runs import reproduction

    options["jobs"] = jobs or os.cpu_count() or 1
    measure(
        "restoration", reproduction.run, output, force, quiet, label=label, **options, folder=folder
    )
