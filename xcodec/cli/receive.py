"""``xcodec receive``."""

from typing import Any

import click

from xcodec.cli.common import (
    beside,
    conflicts,
    decoder,
    device,
    force,
    given,
    max_pixels,
    quiet,
    say,
)


@click.command(short_help="Decode packets as they arrive, and again whenever the picture improves.")
@click.option(
    "--watch",
    "folder",
    required=True,
    metavar="FOLDER",
    help="Folder in which packets arrive as .xgp files.",
)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    help="Output picture.  [default: FOLDER.png, or FOLDER.decoded.png if that exists]",
)
@click.option(
    "--interval",
    type=click.FloatRange(0.01),
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="Time between two scans of the folder.",
)
@click.option(
    "--idle",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Stop if nothing new arrives for this long.  [default: never]",
)
@decoder("How to reconstruct the pixels between samples.")
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="auto|NAME|PATH",
    help="Weights of the generator; auto: those that the packets ask for.",
)
@device
@max_pixels
@force
@quiet
def receive(
    folder: str,
    output: str | None,
    interval: float,
    idle: float | None,
    force: bool,
    quiet: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Decode the packets in FOLDER, and again whenever new ones improve the picture. Stops when the
    picture is complete, when nothing arrives for --idle seconds, or at Ctrl-C."""
    from xcodec.links import packet_files, receiving
    from xcodec.many import trees
    from xcodec.options import DecodeOptions
    from xcodec.pictures import loading
    from xcodec.system import files

    with conflicts():
        chosen = DecodeOptions(**given(**options))
    output = output or beside(folder, ".png", trees.DECODED)
    files.check_target(output, force)
    kind = loading.kind_of(output)
    collection = receiving.Collection()
    for arrived in packet_files.watch(folder, interval, idle):
        for data in arrived:
            collection.add(data)
        if not collection.grew():
            continue
        received = collection.picture(chosen)
        loading.save(received.image, output, kind, force)
        force = True  # From now on, the file is ours.
        if not quiet:
            say(f"{output}: {received.text()}", err=output == "-")
        if received.needed is None:
            return
    if collection.left_out() and not quiet:
        say(f"xcodec: {collection.left_out()}", err=True)
    collection.joined()  # Raises an error if no packet arrived.
