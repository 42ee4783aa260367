"""``xcodec bench links``."""

from functools import partial
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
from xcodec.cli.common import force, model, quiet


@click.command(short_help="Packets over links that lose some of them.")
@folder
@click.option(
    "--bytes",
    "sizes",
    default="1360,2560",
    show_default=True,
    metavar="N,...",
    help="Budgets: bytes of all packets of a picture.",
)
@click.option("--packet-size", default=256, show_default=True, help="Largest packet in bytes.")
@click.option(
    "--planned",
    default="0.1,0.3",
    show_default=True,
    metavar="X,...",
    help="Losses that packets, and the parity of other codecs, are planned for.",
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
    help="Kinds of losses: random (independent) and bursts (Gilbert-Elliott).",
)
@click.option(
    "--audio",
    default="",
    metavar="X,...",
    help="Levels of noise in the sound of a packet radio, such as 0.5,0.56,0.6: one more channel, "
    "through gen_packets and atest of Direwolf.",
)
@click.option("--seeds", default=3, show_default=True, help="Draws of each link.")
@click.option(
    "--peers",
    default="avif,webp,av1",
    show_default=True,
    metavar="NAME,...",
    help="Codecs whose scaled-down files, or payloads, are cut into packets.",
)
@model
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
def links(output: Path | None, force: bool, quiet: bool, **options: Any) -> None:
    """Send the pictures in DIR as packets over links that lose some of them.

    xcodec is compared with scaled-down files of other codecs that are cut into packets, with and
    without Reed-Solomon parity, and with SSDV if its program ssdv is on the PATH. Pictures that
    cannot be decoded are grey. An interrupted run continues.
    """
    from xcodec.evaluation.runs import links_commands

    run = partial(links_commands.run, links_commands.LinksOptions(**options))
    measure("links", run, output, force, quiet)
