"""What the commands share: options, and how they report."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from xcodec.choices import DECODERS, DEVICES
from xcodec.errors import ConflictError

Command = TypeVar("Command", bound=Callable[..., Any])
FLAGS = {"max_bytes": "--bytes"}
"""Options of the command line that are not called as in Python."""

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
    "--skip-existing", is_flag=True, help="In a folder: skip pictures whose result exists."
)
cluster = click.option(
    "--cluster",
    metavar="local|auto|ADDRESS",
    help="For a folder: work on a Ray cluster (needs xcodec[ray]).",
)


def decoder(says: str) -> Callable[[Command], Command]:
    """The option --decoder.

    says : what it is for
    """
    names = click.Choice(DECODERS)
    return click.option("--decoder", type=names, default=DECODERS[0], show_default=True, help=says)


@contextmanager
def conflicts() -> Iterator[None]:
    """Report options that contradict each other as wrong usage, by their command-line names."""
    try:
        yield
    except ConflictError as error:
        names = " and ".join(FLAGS.get(name, f"--{name.replace('_', '-')}") for name in error.names)
        raise click.UsageError(f"{names} {error.reason}") from error


def refuse(names: tuple[str, ...], beside: str) -> None:
    """Raise a usage error where one of these options was given."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} does not go with {beside}")


def beside(source: str, suffix: str) -> str:
    """The name of an output file beside its source; of a pipe, a pipe."""
    path = Path(source)
    return "-" if source == "-" else str(path.parent / (path.stem + suffix))


def given(**options: Any) -> dict[str, Any]:
    """The options that were given; the API knows the defaults of the others."""
    return {name: value for name, value in options.items() if value is not None}


def report(
    text: str, facts: dict[str, Any], file: str, as_json: bool = False, quiet: bool = False
) -> None:
    """Print a line for people or an object for machines: to standard error where standard output
    carries the data."""
    if as_json:
        text = json.dumps({"file": file} | facts)
    if as_json or not quiet:
        click.echo(text, err=file == "-")


def percent(share: float) -> str:
    """A fraction as text."""
    return f"{100 * share:.2f} %"
