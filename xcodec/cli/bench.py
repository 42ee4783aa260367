"""``xcodec bench``: measure xcodec beside its peers."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from xcodec.cli.common import DEVICES, force, quiet

FILE = click.Path(path_type=Path)

folder = click.argument("folder", metavar="DIR", type=FILE)
positions = click.option(
    "--positions",
    type=click.Choice(["all", "odd", "even"]),
    default="all",
    show_default=True,
    help="Every other picture: the 1st, 3rd, ... or the 2nd, 4th, ...",
)
only = click.option("--only", default="", metavar="N,...", help="Places in sorted order, from 1.")
square = click.option(
    "--square",
    type=click.IntRange(1),
    metavar="N",
    help="Cut pictures to their middle square and resize it to N pixels (Lanczos).",
)
encode = click.option(
    "-E", "--encode", multiple=True, metavar="NAME=VALUE", help="An argument of xcodec.encode."
)
models = click.option(
    "--models", default="photo", show_default=True, help="Names or files of generators."
)
device = click.option(
    "--device", type=click.Choice(DEVICES), default="cpu", show_default=True,
    help="Where generators run.",
)  # fmt: skip
metrics = click.option("--metrics", help="Figures.  [default: all that can be measured]")
weights = click.option(
    "--weights", type=FILE, metavar="DIR", help="LPIPS' networks.  [default: XCODEC_WEIGHTS]"
)
state = click.option(
    "--state",
    type=FILE,
    metavar="FILE",
    help="What was found already.  [default: xcodec/bench.sqlite in the folder for caches]",
)
label = click.option("--label", help="What was measured.  [default: the folder's name]")
jobs = click.option(
    "-j", "--jobs", type=click.IntRange(1), metavar="N", help="Processes.  [default: one a core]"
)
output = click.option("-o", "--output", type=FILE, metavar="FILE", help="The record to write.")


@click.group(short_help="Measure xcodec beside other codecs.")
def bench() -> None:
    """Measure xcodec beside other codecs; records are JSON (docs/benchmarks.md)."""


@bench.command(short_help="Rate and distortion over a folder of pictures.")
@folder
@click.option(
    "--rates",
    default="",
    metavar="X,...",
    help="xcodec's rates; peers then run at full size.  [default: 0.01 to 0.1, without budgets]",
)
@click.option("--bytes", "sizes", default="", metavar="N,...", help="The best file within N bytes.")
@click.option("--bpp", default="", metavar="X,...", help="The best file within X bits a pixel.")
@click.option(
    "--fit/--no-fit", default=True, show_default=True, help="xcodec too fits --bytes and --bpp."
)
@click.option(
    "--decoders",
    default="classical,generator",
    show_default=True,
    help="What paints xcodec's files.",
)
@models
@click.option("--efforts", default="", metavar="N,...", help="xcodec's efforts.  [default: 4]")
@click.option("--peers", metavar="NAME,...", help="Other codecs.  [default: all installed]")
@click.option("--at", default="", metavar="X,...", help="Bpp at which to interpolate as well.")
@click.option(
    "--within-bpp", default="", metavar="LOW,HIGH", help="Rates of peers that count for BD-rate."
)
@encode
@square
@positions
@only
@metrics
@weights
@device
@state
@label
@jobs
@output
@force
@quiet
def rd(output: Path | None, force: bool, quiet: bool, label: str | None, **options: Any) -> None:
    """Rate and distortion of xcodec and its peers over the pictures in DIR.

    With --rates, every codec at full size. With --bytes or --bpp, the best file of each picture
    within so many bytes; peers are scaled down, coded, and scaled up again. A run that was cut off
    goes on where it was; what has been found already is never computed twice.
    """
    from xcodec.evaluation.runs import commands

    measure("rd", commands.rate_distortion, output, force, quiet, label=label, **options)


@bench.command(short_help="Bytes saved at equal PSNR, from two records of rd.")
@click.argument("new", type=FILE)
@click.argument("old", type=FILE)
@click.option(
    "--codec", default="generator", show_default=True, help="A curve's name, or part of it."
)
@click.option("--against", help="The curve in OLD.  [default: the same]")
@click.option("--within-bpp", default="", metavar="LOW,HIGH", help="Rates of OLD that count.")
def savings(new: Path, old: Path, codec: str, against: str | None, within_bpp: str) -> None:
    """Bytes that a codec in the record NEW saves against one in OLD at equal PSNR."""
    from xcodec.evaluation.measures.savings import between
    from xcodec.evaluation.runs.options import span

    click.echo(between(new, old, codec, against, span(within_bpp)))


@bench.command(short_help="How well pictures are restored from a fraction of their pixels.")
@folder
@click.option("--fractions", default="0.01,0.02,0.05,0.1,0.2", show_default=True, metavar="X,...")
@click.option(
    "--masks",
    default="random",
    show_default=True,
    metavar="NAME,...",
    help="Which pixels are known: random, random-sobel, blue, blue-sobel.",
)
@click.option(
    "--fills", default="", metavar="NAME,...", help="What fills the rest.  [default: all]"
)
@models
@square
@positions
@only
@metrics
@weights
@device
@state
@label
@jobs
@output
@force
@quiet
def points(
    output: Path | None, force: bool, quiet: bool, label: str | None, **options: Any
) -> None:
    """Restoration over the fraction of known pixels: xcodec's models beside classical fills.

    All fill in the same pixels, which they get exactly. Goes on where a run was cut off.
    """
    from xcodec.evaluation.runs import commands

    measure("points", commands.restoration, output, force, quiet, label=label, **options)


@bench.command(short_help="Seconds and memory, beside other codecs.")
@click.argument("picture", metavar="PICTURE", type=FILE)
@click.option("--rate", default=0.02, show_default=True)
@click.option("--model", default="photo", show_default=True, help="Name or file of the generator.")
@click.option("--megapixels", default="0.25,1,4", show_default=True, metavar="X,...")
@click.option("--peers", metavar="NAME,...", help="Other codecs.  [default: all installed]")
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True)
@label
@output
@force
@quiet
def speed(output: Path | None, force: bool, quiet: bool, label: str | None, **options: Any) -> None:
    """Seconds and peak memory of encoding and decoding PICTURE; let nothing else run.

    Whole processes first; then every codec in a process of its own, at sizes of --megapixels, the
    picture cut or continued by its mirror images. Peers are at the lowest quality of their curves.
    """
    from xcodec.evaluation.runs import commands

    measure("speed", commands.timing, output, force, quiet, label=label, **options)


@bench.command(short_help="A page with plots, tables and pictures to compare.")
@click.argument("results", metavar="RESULTS...", nargs=-1, required=True, type=FILE)
@click.option("--pictures", type=FILE, metavar="DIR", help="The pictures, for the viewer.")
@click.option("--show", default="", metavar="N,...", help="Up to six places of pictures to show.")
@state
@click.option("-o", "--output", type=FILE, default=Path("report.html"), show_default=True)
@force
@quiet
def report(
    results: tuple[Path, ...],
    pictures: Path | None,
    show: str,
    state: Path | None,
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """One self-contained page of the records RESULTS; it works offline.

    With --pictures, the folder of one of the records, up to six of them can be compared there:
    the first record that they belong to, beside every peer at the nearest size.
    """
    from xcodec.evaluation.pages import report as made
    from xcodec.evaluation.runs import records
    from xcodec.evaluation.runs.options import numbers
    from xcodec.evaluation.runs.state import default_path
    from xcodec.system import files

    files.check_target(output, force)
    loaded = [records.load(path) for path in results]
    page = made.build(loaded, pictures, numbers(show, int), state or default_path()).encode()
    files.write(output, page, force)
    if not quiet:
        click.echo(f"{output}: {len(page):,} bytes")


@bench.command(short_help="The curves of a record, or of trainings, as SVG or PNG.")
@click.argument("sources", metavar="RECORD|WEIGHTS...", nargs=-1, required=True, type=FILE)
@click.option("--metrics", default="psnr,lpips", show_default=True, help="A panel each.")
@click.option("-o", "--output", type=FILE, required=True, metavar="FILE", help=".svg or .png")
@force
def plot(sources: tuple[Path, ...], metrics: str, output: Path, force: bool) -> None:
    """Draw the curves of a RECORD of rd or restoration, or of trainings.

    Of trainings, named by their WEIGHTS (.safetensors) or .history.json, it draws the PSNR of each
    validation above that of the network's input, over hours.
    """
    from xcodec.evaluation.measures.metrics import choose
    from xcodec.evaluation.pages import figure
    from xcodec.evaluation.runs import records
    from xcodec.evaluation.runs.options import texts
    from xcodec.reconstruction import model_files
    from xcodec.system import files

    files.check_target(output, force)
    kind = output.suffix.lower().removeprefix(".")
    if len(sources) > 1 or sources[0].name.endswith((model_files.SUFFIX, figure.HISTORY)):
        drawn = figure.draw_trainings(figure.histories(sources), kind)
    else:
        drawn = figure.draw(records.load(sources[0]), kind, choose(texts(metrics)))
    files.write(output, drawn, force)


def measure(
    name: str,
    run: Callable[..., tuple[dict[str, Any], str]],
    output: Path | None,
    force: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Run a benchmark, keep its record and print its tables."""
    from xcodec.evaluation.runs import records
    from xcodec.system import files

    if output is not None:
        files.check_target(output, force)
    command = records.command_line(f"xcodec bench {name}", _arguments(name))
    record, text = run(command=command, **options)
    if output is not None:
        records.save(output, record, force)
    if not quiet:
        click.echo(text)


def _arguments(name: str) -> list[str]:
    """What follows a subcommand's name on the command line."""
    return sys.argv[sys.argv.index(name) + 1 :] if name in sys.argv else []
