"""``xcodec decode``."""

from typing import Any

import click

from xcodec.cli.common import DEVICES, as_json, beside, force, given, max_pixels, quiet, report


@click.command(short_help="Paint the picture of a .xgc file.")
@click.argument("source", metavar="IN")
@click.option("-o", "--output", metavar="OUT", help="A picture file; '-' is standard output (PNG).")
@click.option(
    "--decoder",
    type=click.Choice(["generator", "classical"]),
    default="generator",
    show_default=True,
    help="What paints between the samples: a trained network, or interpolation.",
)
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="auto|NAME|PATH",
    help="Weights of the generator; auto: those that the file names.",
)
@click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Where the generator runs.",
)
@click.option("--partial", is_flag=True, help="Draw what there is of a file that was cut short.")
@max_pixels
@force
@as_json
@quiet
def decode(
    source: str,
    output: str | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Paint the picture of the .xgc file IN ('-': standard input)."""
    from xcodec import codec, files, images

    output = output or beside(source, ".png")
    files.check_target(output, force)
    kind = images.kind_of(output)
    picture = codec.decode(files.read(source), **given(**options))
    images.save(picture, output, kind, force)
    facts = {"width": picture.width, "height": picture.height, "decoder": options["decoder"]}
    text = f"{output}: {picture.width}x{picture.height} pixels"
    report(text, facts, output, as_json, quiet)
