"""``xcodec bench links``."""

from pathlib import Path
from typing import Any

import click

from xcodec.cli.bench import (
    encode,
    folder,
    jobs,
    label,
    measure,
    only,
    output,
    positions,
    square,
    state,
    weights,
)
from xcodec.cli.common import force, quiet


@click.command(short_help="Packets over links that lose some of them.")
@folder
@click.option(
    "--bytes",
    "sizes",
    default="1360,2560",
    show_default=True,
    metavar="N,...",
    help="Bytes of all packets of a picture.",
)
@click.option("--packet-size", default=256, show_default=True, help="Bytes of a packet at most.")
@click.option(
    "--planned",
    default="0.1,0.3",
    show_default=True,
    metavar="X,...",
    help="Losses that packets, and parity of peers, are planned for.",
)
@click.option(
    "--losses",
    default="0,0.1,0.2,0.3,0.4,0.5,0.6,0.7",
    show_default=True,
    metavar="X,...",
    help="Losses of the links.",
)
@click.option(
    "--channels",
    default="random,bursts",
    show_default=True,
    help="Losses at random, and in bursts (Gilbert-Elliott).",
)
@click.option("--seeds", default=3, show_default=True, help="Draws of each link.")
@click.option(
    "--peers",
    default="avif,webp",
    show_default=True,
    metavar="NAME,...",
    help="Codecs whose scaled-down files are cut into packets.",
)
@click.option("--model", default="photo", show_default=True, help="Name or file of a generator.")
@encode
@square
@positions
@only
@weights
@state
@label
@jobs
@output
@force
@quiet
def links(output: Path | None, force: bool, quiet: bool, label: str | None, **options: Any) -> None:
    """Pictures in DIR as packets over links that lose some: xcodec beside scaled-down files that
    are cut into packets, plainly and with Reed-Solomon parity, and SSDV where its program ssdv is
    on the PATH. What cannot be decoded is grey.

    A run that was cut off goes on where it was.
    """
    from xcodec.evaluation.runs import links_commands

    measure("links", links_commands.run, output, force, quiet, label=label, **options)
