"""``xcodec bench``: compare xcodec with other codecs."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xcodec.choices import DEVICES
from xcodec.cli.common import FILE, force, model, quiet, refuse, say, usage

if TYPE_CHECKING:
    from xcodec.evaluation.runs.schema import Record

folder = click.argument("folder", metavar="DIR", type=FILE)
positions = click.option(
    "--positions",
    type=click.Choice(["all", "odd", "even"]),
    default="all",
    show_default=True,
    help="Use every other picture: the 1st, 3rd, ... or the 2nd, 4th, ...",
)
only = click.option(
    "--only",
    default="",
    metavar="N,...",
    help="Pictures to use, by position in sorted order from 1.",
)
square = click.option(
    "--square",
    type=click.IntRange(1),
    metavar="N",
    help="Use the middle square of each picture, resized to N pixels (Lanczos).",
)
encode = click.option(
    "-E", "--encode", multiple=True, metavar="NAME=VALUE", help="Argument for xcodec.encode."
)
models = click.option(
    "--models", default="photo", show_default=True, help="Names or paths of generator weights."
)
device = click.option(
    "--device", type=click.Choice(DEVICES), default="cpu", show_default=True,
    help="Where the networks run.",
)  # fmt: skip
metrics = click.option(
    "--metrics", metavar="NAME,...", help="Metrics.  [default: all installed ones but dists]"
)
weights = click.option(
    "--weights",
    type=FILE,
    metavar="DIR",
    help="Weights of LPIPS and DISTS.  [default: XCODEC_WEIGHTS]",
)
state = click.option(
    "--state",
    type=FILE,
    metavar="FILE",
    help="File that stores results, so that an interrupted run continues.  "
    "[default: bench.sqlite in the cache folder]",
)
label = click.option("--label", help="Name for readers.  [default: that of the folder or picture]")
jobs = click.option(
    "-j", "--jobs", type=click.IntRange(1), metavar="N", help="Processes.  [default: one per core]"
)
output = click.option("-o", "--output", type=FILE, metavar="FILE", help="Record to write (JSON).")


@click.group(short_help="Compare xcodec with other codecs.")
def bench() -> None:
    """Compare xcodec with other codecs. Records are JSON (docs/benchmarks.md)."""


@bench.command(short_help="Rate and distortion over a folder of pictures.")
@folder
@click.option(
    "--rates",
    default="",
    metavar="X,...",
    help="Rates of xcodec; other codecs run at full size.  [default: 0.01 to 0.1, without budgets]",
)
@click.option("--bytes", "sizes", default="", metavar="N,...", help="Best file within N bytes.")
@click.option("--bpp", default="", metavar="X,...", help="Best file within X bits per pixel.")
@click.option(
    "--fit/--no-fit",
    default=True,
    show_default=True,
    help="Measure xcodec within --bytes and --bpp too.",
)
@click.option(
    "--full-size/--no-full-size",
    default=True,
    show_default=True,
    help="With --rates, measure other codecs at full size too.",
)
@click.option(
    "--decoders",
    default="classical,generator",
    show_default=True,
    help="Decoders of xcodec.",
)
@models
@click.option("--efforts", default="", metavar="N,...", help="Efforts of xcodec.  [default: 4]")
@click.option("--peers", metavar="NAME,...", help="Other codecs.  [default: all installed]")
@click.option(
    "--recorded",
    type=FILE,
    metavar="DIR",
    help="Folder of points of codecs that cannot be coded here, such as VVC's.",
)
@click.option(
    "--known",
    type=FILE,
    metavar="RECORD",
    help="Take other codecs' figures from an earlier record, where it has the picture.",
)
@click.option("--at", default="", metavar="X,...", help="Further bpp at which to interpolate.")
@click.option(
    "--within-bpp",
    default="",
    metavar="LOW,HIGH",
    help="Range of the other codecs' bpp for BD-rate.",
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
def rd(output: Path | None, force: bool, quiet: bool, **options: Any) -> None:
    """Measure rate and distortion of xcodec and other codecs over the pictures in DIR.

    With --rates, all codecs run at full size. With --bytes or --bpp, the best file of each picture
    within that size counts; for other codecs pictures are scaled down, coded, and scaled up again,
    at the setting, scale and quality that are best for each metric. Of av1, hevc and vvc the
    payload alone counts, without container and headers. An interrupted run continues: nothing is
    computed twice.
    """
    from xcodec.evaluation.runs import commands

    run = partial(commands.rate_distortion, commands.RdOptions(**options))
    measure("rd", run, output, force, quiet)


@bench.command(short_help="Bytes saved at equal PSNR, from two records of rd.")
@click.argument("new", type=FILE)
@click.argument("old", type=FILE)
@click.option(
    "--codec", default="generator", show_default=True, help="Name of a curve, or part of it."
)
@click.option("--against", help="Curve in OLD.  [default: the same]")
@click.option("--within-bpp", default="", metavar="LOW,HIGH", help="Range of OLD's bpp to use.")
def savings(new: Path, old: Path, codec: str, against: str | None, within_bpp: str) -> None:
    """Print the bytes that a codec in the record NEW saves against one in OLD at equal PSNR."""
    from xcodec.evaluation.measures.savings import between
    from xcodec.evaluation.runs.options import span

    click.echo(between(new, old, codec, against, span(within_bpp)))


@bench.command(short_help="Restoration from a fraction of the pixels.")
@folder
@click.option(
    "--fractions",
    default="0.01,0.02,0.05,0.1,0.2",
    show_default=True,
    metavar="X,...",
    help="Fractions of the pixels that are known.",
)
@click.option(
    "--masks",
    default="random",
    show_default=True,
    metavar="NAME,...",
    help="Which pixels are known: random, random-sobel, blue, blue-sobel.",
)
@click.option(
    "--fills", default="", metavar="NAME,...", help="Methods that fill the rest.  [default: all]"
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
def points(output: Path | None, force: bool, quiet: bool, **options: Any) -> None:
    """Measure restoration of the pictures in DIR from a fraction of their pixels.

    xcodec's models and classical fills start from the same pixels, which are exact. An interrupted
    run continues.
    """
    from xcodec.evaluation.runs import commands

    run = partial(commands.restoration_from_points, commands.PointsOptions(**options))
    measure("points", run, output, force, quiet)


@bench.command(short_help="Time and memory of xcodec and other codecs.")
@click.argument("picture", metavar="PICTURE", type=FILE)
@click.option("--rate", default=0.02, show_default=True, help="Rate of xcodec.")
@model
@click.option(
    "--megapixels", default="0.25,1,4", show_default=True, metavar="X,...", help="Sizes to measure."
)
@click.option("--peers", metavar="NAME,...", help="Other codecs.  [default: all installed]")
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True, help="Repetitions.")
@label
@output
@force
@quiet
def speed(output: Path | None, force: bool, quiet: bool, **options: Any) -> None:
    """Measure time and peak memory of encoding and decoding PICTURE. Let nothing else run.

    First whole processes are timed. Then each codec runs in a process of its own, at the sizes of
    --megapixels, to which the picture is cut or extended by its mirror images. Other codecs run at
    the lowest quality of their curves.
    """
    from xcodec.evaluation.runs import commands

    run = partial(commands.timing, commands.SpeedOptions(**options))
    measure("speed", run, output, force, quiet)


@bench.command(short_help="Make a page with plots, tables and pictures to compare.")
@click.argument("results", metavar="RESULTS...", nargs=-1, required=True, type=FILE)
@click.option("--pictures", type=FILE, metavar="DIR", help="Folder of pictures for the viewer.")
@click.option(
    "--show", default="", metavar="N,...", help="Up to six pictures to show, by position."
)
@state
@click.option(
    "-o",
    "--output",
    type=FILE,
    default=Path("report.html"),
    show_default=True,
    help="Page to write.",
)
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
    """Make one HTML file of the records RESULTS. It works offline.

    With --pictures, the folder of the pictures of one of the records, the page has a viewer that
    compares up to six of them with every other codec at the nearest size.
    """
    from xcodec.evaluation.pages import report as made
    from xcodec.evaluation.runs import records
    from xcodec.evaluation.runs.options import numbers
    from xcodec.evaluation.runs.state import default_path
    from xcodec.system import files

    if show and pictures is None:
        raise click.UsageError("--show needs --pictures")
    files.check_target(output, force)
    loaded = [records.load(path) for path in results]
    page = made.build(loaded, pictures, numbers(show, int), state or default_path()).encode()
    files.write(output, page, force)
    if not quiet:
        say(f"{output}: {len(page):,} bytes", err=str(output) == "-")


@bench.command(short_help="Draw the curves of a record or of training runs.")
@click.argument("sources", metavar="RECORD|WEIGHTS...", nargs=-1, required=True, type=FILE)
@click.option("--metrics", default="psnr,lpips", show_default=True, help="One panel each.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="FILE",
    help="Figure to write: .svg or .png.",
)
@force
def plot(sources: tuple[Path, ...], metrics: str, output: Path, force: bool) -> None:
    """Draw the curves of a RECORD of rd or restoration, or of training runs.

    Training runs are given by their WEIGHTS (.safetensors) or .history.json. Their figure shows the
    PSNR of each validation, relative to that of the network's input, over hours.
    """
    from xcodec.evaluation.measures.metrics import choose
    from xcodec.evaluation.pages import figure
    from xcodec.evaluation.runs import records
    from xcodec.evaluation.runs.options import texts
    from xcodec.reconstruction import model_files
    from xcodec.system import files

    files.check_target(output, force)
    kind = output.suffix.lower().removeprefix(".")
    trained = [path.name.endswith((model_files.SUFFIX, figure.HISTORY)) for path in sources]
    if all(trained):
        refuse(("metrics",), "training runs")
        drawn = figure.draw_trainings(figure.histories(sources), kind)
    elif len(sources) > 1:
        raise click.UsageError("a figure is of one RECORD, or of training runs")
    else:
        drawn = figure.draw(records.load(sources[0]), kind, choose(texts(metrics)))
    files.write(output, drawn, force)


def measure(
    name: str,
    run: "Callable[[str], tuple[Record, str]]",
    output: Path | None,
    force: bool,
    quiet: bool,
) -> None:
    """Run a benchmark, write its record and print its tables.

    run : function of the command line that returns both

    Raises InputError before the run if the record could not be written, and UsageError for options
    out of range.
    """
    from xcodec.evaluation.runs import records
    from xcodec.system import files

    if output is not None:
        files.check_target(output, force)
    with usage():
        record, tables = run(records.command_line(f"xcodec bench {name}", _arguments(name)))
    if output is not None:
        records.save(output, record, force)
    if not quiet:
        click.echo(tables, err=str(output) == "-")


def _arguments(name: str) -> list[str]:
    """The arguments after a subcommand's name on the command line."""
    return sys.argv[sys.argv.index(name) + 1 :] if name in sys.argv else []
