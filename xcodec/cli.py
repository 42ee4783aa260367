"""The ``xcodec`` commands: parse, call the API, print; no logic of their own.

Whatever is heavy is imported inside the commands, so that ``xcodec --help`` starts at once.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xcodec import __version__

if TYPE_CHECKING:
    from rich.console import Group

DEVICES = ("auto", "cpu", "cuda", "mps")
PARTS = ("container", "density", "luma", "chroma")
TARGETS = {"rate": "rate", "bytes": "size", "bpp": "bpp", "psnr": "psnr"}
"""Options that say how large a file may be, and the arguments of encode that they give."""

max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    metavar="N",
    help="Refuse larger pictures.  [default: 100 million]",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
force = click.option("-f", "--force", is_flag=True, help="Overwrite an existing file.")
quiet = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Code a picture as a few of its pixels, and paint the rest when it is decoded.

    \b
    xcodec encode photo.png -r 0.02     photo.png -> photo.xgc, 2 % of the pixels
    xcodec encode photo.png --bytes 340 the best picture that fits 340 bytes
    xcodec decode photo.xgc             photo.xgc -> photo.png
    """


@cli.command(short_help="Code a picture as a .xgc file.")
@click.argument("source", metavar="IN")
@click.option("-o", "--output", metavar="OUT", help="The .xgc file; '-' is standard output.")
@click.option("-r", "--rate", type=float, help="Fraction of the pixels.  [default: 0.02]")
@click.option("--bytes", "size", type=int, metavar="N", help="The best picture within N bytes.")
@click.option("--bpp", type=float, metavar="X", help="The best picture within X bits a pixel.")
@click.option(
    "--psnr", type=float, metavar="DB", help="The smallest file whose fill has that PSNR."
)
@click.option("--step", type=float, help="Quantiser step in grey levels.  [default: by rate]")
@click.option(
    "--density",
    type=click.Choice(["uniform", "sobel", "canny"]),
    default="sobel",
    show_default=True,
    help="Where samples are dense: everywhere alike, or along edges.",
)
@click.option(
    "--mask",
    default="blue",
    show_default=True,
    metavar="blue|random|FILE",
    help="Which pixels are sampled: spread evenly, at random, or where a picture isn't black.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random mask.")
@click.option(
    "--tone",
    type=click.Choice(["least-squares", "mean", "point"]),
    default="least-squares",
    show_default=True,
    help="What a sample's value is: fitted through the fill, a local mean, or the pixel.",
)
@click.option("--lossless-samples", is_flag=True, help="Keep every pixel of --tone point exactly.")
@click.option("--strength", type=float, help="How strongly edges draw samples, 0 to 2.")
@click.option("--floor", type=float, help="Edge strength that flat areas are taken to have.")
@click.option("--block", type=int, help="Side of a density block in pixels.")
@click.option(
    "-e",
    "--effort",
    type=click.IntRange(0, 9),
    default=4,
    show_default=True,
    help="How hard to look for fewer bytes: 0 is fastest; 8 and 9 look through the generator.",
)
@click.option("--model", help="The weights that the decoder is to use.  [default: photo]")
@click.option("--comment", metavar="TEXT", help="Keep a text in the file.")
@max_pixels
@force
@as_json
@quiet
def encode(
    source: str,
    output: str | None,
    max_pixels: int | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    mask: str,
    lossless_samples: bool,
    **options: Any,
) -> None:
    """Code the picture IN ('-': standard input) as a .xgc file."""
    from xcodec import codec, files, images

    targets = [f"--{name}" for name in TARGETS if options[TARGETS[name]] is not None]
    if len(targets) > 1:
        raise click.UsageError(f"{targets[0]} and {targets[1]} exclude each other")
    output = output or beside(source, ".xgc")
    files.check_target(output, force)
    limit = given(max_pixels=max_pixels)
    picture = images.load(source, **limit)
    if picture.composited and not quiet:
        click.echo(f"xcodec: warning: {source} is transparent: composited on white", err=True)
    where = mask if mask in ("blue", "random") else images.load_mask(mask, **limit)
    data = codec.encode(picture.rgb, mask=where, lossless=lossless_samples, **given(**options))
    files.write(output, data, force)
    facts = codec.info(data, **limit)
    text = (
        f"{output}: {len(data)} bytes, {facts.bpp:.3f} bpp, "
        f"{facts.samples} samples ({percent(facts.rate)})"
    )
    report(text, asdict(facts), output, as_json, quiet)


@cli.command(short_help="Paint the picture of a .xgc file.")
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


@cli.command(short_help="Show what is in a .xgc file.")
@click.argument("source", metavar="IN")
@max_pixels
@as_json
def info(source: str, max_pixels: int | None, as_json: bool) -> None:
    """Show every field of the .xgc file IN ('-': standard input), and where its bytes went."""
    from xcodec import codec, files

    facts = asdict(codec.info(files.read(source), **given(max_pixels=max_pixels)))
    if as_json:
        click.echo(json.dumps({"file": source} | facts))
        return
    from rich.console import Console

    Console().print(tables(facts))


@cli.command(short_help="Train a generator on a folder of pictures.")
@click.option("--data", required=True, metavar="DIR", help="Pictures to learn from.")
@click.option("--val", metavar="DIR", help="Pictures that choose the weights that are kept.")
@click.option(
    "--preset", default="photo", show_default=True, metavar="NAME|FILE", help="Where to start."
)
@click.option(
    "-o", "--output", metavar="FILE", help="Weights.  [default: models/PRESET.safetensors]"
)
@click.option("--steps", type=int, metavar="N", help="Stop after N steps.")
@click.option("--time-limit", type=float, metavar="MINUTES", help="Stop after so many minutes.")
@click.option("--patience", type=float, metavar="MINUTES", help="Stop after so many without gain.")
@click.option("--resume", is_flag=True, help="Continue the run that was interrupted.")
@click.option("--init", metavar="FILE", help="Weights to start from.")
@click.option("--checkpoint", metavar="DIR", help="State of the run.  [default: checkpoints/NAME]")
@click.option("--cache", metavar="DIR", help="Encoded pictures, for later runs too.")
@click.option("--workers", type=int, metavar="N", help="Processes that encode pictures.")
@click.option("--threads", type=int, metavar="N", help="Threads of torch.")
@click.option("--device", type=click.Choice(DEVICES), help="Where to train.  [default: auto]")
@click.option("--seed", type=int, metavar="N", help="Of weights, crops and encodings.")
@click.option("--batch", type=int, metavar="N", help="Crops a step.")
@click.option("--crop", type=int, metavar="N", help="Side of a crop in pixels.")
@click.option("--lr", type=float, help="Learning rate at its height.")
@force
@as_json
def train(preset: str, force: bool, as_json: bool, **options: Any) -> None:
    """Train a generator on the encoder's own samples of a folder of pictures."""
    from xcodec.training.settings import TrainSettings
    from xcodec.training.trainer import train as run

    settings = TrainSettings.from_preset(preset, overwrite=force, **options)
    card = run(settings)
    facts = {"steps": card.steps, "hours": card.hours, "best": card.best}
    text = f"{settings.weights}: {card.steps} steps in {card.hours:.2f} hours"
    report(text, facts, str(settings.weights), as_json)


def beside(source: str, suffix: str) -> str:
    """The name of an output file beside its source: a pipe's is a pipe."""
    path = Path(source)
    return "-" if source == "-" else str(path.parent / (path.stem + suffix))


def given(**options: Any) -> dict[str, Any]:
    """The options that were given: the API knows the defaults of the others."""
    return {name: value for name, value in options.items() if value is not None}


def report(
    text: str, facts: dict[str, Any], file: str, as_json: bool = False, quiet: bool = False
) -> None:
    """Print a line for people or an object for machines, aside where a pipe carries the data."""
    if as_json:
        text = json.dumps({"file": file} | facts)
    if as_json or not quiet:
        click.echo(text, err=file == "-")


def tables(facts: dict[str, Any]) -> "Group":
    """The facts about a file in two tables: its fields, and the bytes of its parts."""
    from rich.console import Group
    from rich.table import Table

    fields = Table("field", "value", box=None)
    for name, value in facts.items():
        if name not in PARTS:
            fields.add_row(name, shown(name, value))
    parts = Table("part", box=None)
    parts.add_column("bytes", justify="right")
    parts.add_column("share", justify="right")
    for name in PARTS:
        parts.add_row(name, str(facts[name]), percent(facts[name] / facts["bytes"]))
    return Group(fields, "", parts)


def shown(name: str, value: Any) -> str:
    """A field's value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "rate":
        return percent(value)
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def percent(share: float) -> str:
    """A share of one as text."""
    return f"{100 * share:.2f} %"
