"""``xcodec receive``."""

from typing import Any

import click

from xcodec.cli.common import beside, decoder, device, force, given, max_pixels, quiet


@click.command(short_help="Show a picture that grows as its packets come in.")
@click.option(
    "--watch", "folder", required=True, metavar="FOLDER", help="Where packets appear as .xgp files."
)
@click.option("-o", "--output", metavar="OUT", help="The picture.  [default: FOLDER.png]")
@click.option(
    "--interval",
    type=click.FloatRange(0.01),
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
@click.option(
    "--idle",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Stop when nothing new came for so long.  [default: never]",
)
@decoder("What paints between the samples.")
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="auto|NAME|PATH",
    help="Weights of the generator; auto: those that the packets name.",
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
    """Paint the picture of the packets in FOLDER, again whenever more of them make it better, until
    it is complete, nothing comes for --idle seconds, or Ctrl-C."""
    from xcodec.links import packet_files, receiving
    from xcodec.pictures import loading
    from xcodec.system import files

    output = output or beside(folder.rstrip("/"), ".png")
    files.check_target(output, force)
    kind = loading.kind_of(output)
    collection = receiving.Collection()
    for arrived in packet_files.watch(folder, interval, idle):
        for data in arrived:
            collection.add(data)
        if not collection.grew():
            continue
        received = collection.paint(**given(**options))
        loading.save(received.image, output, kind, overwrite=True)
        if not quiet:
            click.echo(f"{output}: {received.text()}", err=output == "-")
        if received.needed is None:
            return
    if collection.left_out() and not quiet:
        click.echo(f"xcodec: {collection.left_out()}", err=True)
    collection.joined()  # An error where nothing came at all.
