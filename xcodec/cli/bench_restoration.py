"""``xcodec bench restoration``."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from xcodec.choices import TASKS
from xcodec.cli.bench import (
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
from xcodec.cli.common import FILE, force, quiet


@click.command(short_help="Restoration of damaged pictures: the paper's tables.")
@folder
@click.option("--task", type=click.Choice(TASKS), required=True, help="The damage.")
@click.option(
    "--levels",
    required=True,
    metavar="N,...",
    help="Percent of points or noise, or sides of blocks in pixels.",
)
@click.option(
    "--distributions",
    default="random",
    show_default=True,
    metavar="NAME,...",
    help="Distributions of points: random, sobel, codec.",
)
@click.option("--models", default="", metavar="NAME,...", help="Names or paths of weights.")
@click.option(
    "--classical",
    default="",
    metavar="NAME,...",
    help="Methods: kriging, biharmonic, nearest, linear, telea; for noise consensus, median:SIDE, "
    "nlm:STRENGTH.",
)
@click.option(
    "--clutter", type=FILE, metavar="DIR", help="Folder of pictures that fill colour blocks."
)
@click.option(
    "--size",
    type=click.IntRange(16),
    metavar="N",
    help="Use the middle square of each picture, resized to N pixels.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the damage."
)
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
def restoration(output: Path | None, force: bool, quiet: bool, **options: Any) -> None:
    """Measure how well networks and classical methods undo damage to the pictures in DIR.

    PSNR, SSIM and LPIPS are of the restored pictures; "pasted" is after known pixels have been put
    back, and "hole" is the PSNR of the unknown pixels alone. An interrupted run continues: nothing
    is computed twice. docs/research/paper-figures.md has the commands of the paper's tables and
    figures.
    """
    from xcodec.evaluation.runs import reproduction

    run = partial(reproduction.run, reproduction.RestorationOptions(**options))
    measure("restoration", run, output, force, quiet)
