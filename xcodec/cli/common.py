"""What the commands share: options, and how they report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
DEVICES = ("auto", "cpu", "cuda", "mps")

max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    metavar="N",
    help="Refuse larger pictures.  [default: 100 million]",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
device = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Where the generator runs.",
)
force = click.option("-f", "--force", is_flag=True, help="Overwrite an existing file.")
quiet = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
jobs = click.option(
    "-j", "--jobs", type=click.IntRange(1), metavar="N", help="Processes.  [default: cores]"
)


skip_existing = click.option(
    "--skip-existing", is_flag=True, help="Of a folder: leave pictures that are there already."
)
cluster = click.option(
    "--cluster",
    metavar="local|auto|ADDRESS",
    help="Of a folder: work on a Ray cluster (needs xcodec[ray]).",
)


def decoder(says: str) -> Callable[[Command], Command]:
    """The option --decoder. Its names are ``samples.DECODERS``, which would load numpy.

    says : what it is for
    """
    names = click.Choice(["generator", "classical"])
    return click.option("--decoder", type=names, default="generator", show_default=True, help=says)


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


def percent(share: float) -> str:
    """A share of one as text."""
    return f"{100 * share:.2f} %"
