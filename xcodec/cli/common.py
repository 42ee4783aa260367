"""Options and reporting shared by the commands."""

import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource

from xcodec.choices import CODED, DECODERS, DEVICES
from xcodec.errors import OptionError

if TYPE_CHECKING:
    from xcodec.pictures.modes import Picture
    from xcodec.pictures.opening import Reading

_CONTROLS = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160))}
Command = TypeVar("Command", bound=Callable[..., Any])


class _Name(click.Path):
    """A name of a file or folder that is not empty, as that of a variable that is not set is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            self.fail("the name is empty", param, ctx)
        return super().convert(value, param, ctx)


class _Picture(_Name):
    """A name of a picture, or of a folder of pictures."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value.lower().endswith(CODED):
            self.fail(f"{value} is encoded: xcodec decode makes a picture of it", param, ctx)
        return super().convert(value, param, ctx)


NAME = _Name(readable=False, path_type=str)
PICTURE = _Picture(readable=False, path_type=str)
FILE = _Name(readable=False, path_type=Path)
model = click.option(
    "--model",
    type=NAME,
    default="photo",
    show_default=True,
    metavar="NAME|PATH",
    help="Weights of the generator.",
)
max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    metavar="N",
    help="Refuse pictures with more pixels.  [default: 100 million]",
)
reading = (
    click.option(
        "--format",
        "kind",
        metavar="NAME",
        help="Read this format only, which may be one that is refused otherwise (EPS, ICO, PSD, "
        "...).",
    ),
    click.option(
        "--frame",
        type=click.IntRange(0),
        metavar="N",
        help="Frame or page to read, from 0.  [default: the one that is shown first]",
    ),
    click.option(
        "--salvage", is_flag=True, help="Read what is there of a JPEG that was cut short."
    ),
    click.option(
        "--stretch",
        is_flag=True,
        help="Spread the levels of 16-bit and floating-point greys over the whole range.",
    ),
)
"""Options that say how pictures are read; ``how_read`` takes them."""
READING = ("kind", "frame", "salvage", "stretch", "max_pixels")
"""Their names, and that of --max-pixels."""
max_side = click.option(
    "--max-side",
    type=click.IntRange(0),
    metavar="N",
    help="Scale larger pictures down to N pixels on the longer side; 0: never.  "
    "[default: only if a budget of bytes cannot show all pixels]",
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
    "-j", "--jobs", type=click.IntRange(1), metavar="N", help="Processes.  [default: all cores]"
)


skip_existing = click.option(
    "--skip-existing", is_flag=True, help="For a folder: skip pictures whose result exists."
)
cluster = click.option(
    "--cluster",
    metavar="local|auto|ADDRESS",
    help="For a folder: run on a Ray cluster (needs xcodec[ray]).",
)


class How(NamedTuple):
    """How a command works and reports: the options that encode and decode share."""

    jobs: int | None
    force: bool
    skip_existing: bool
    cluster: str | None
    as_json: bool
    quiet: bool


class Written(NamedTuple):
    """Where something was written, and the report as text and as facts; a note follows the text."""

    output: str
    text: str
    facts: dict[str, Any]
    note: str = ""


def decoder(says: str) -> Callable[[Command], Command]:
    """The option --decoder.

    says : its help text
    """
    names = click.Choice(DECODERS)
    return click.option("--decoder", type=names, default=DECODERS[0], show_default=True, help=says)


def _flags() -> dict[str, str]:
    """The options of the command that runs, as they are typed."""
    parameters = click.get_current_context().command.params
    return {str(each.name): max(each.opts, key=len) for each in parameters}


@contextmanager
def usage() -> Iterator[None]:
    """Report options that are out of range or contradict each other as wrong usage, by their
    command-line names."""
    try:
        yield
    except OptionError as error:
        flags = _flags()
        names = " and ".join(flags.get(name, name) for name in error.names)
        raise click.UsageError(f"{names} {error.reason}") from error


@contextmanager
def content_of(sources: Sequence[str]) -> Iterator[None]:
    """Put the name of the source before errors about its content, if there is only one."""
    from xcodec.errors import FormatError
    from xcodec.system.files import called

    try:
        yield
    except FormatError as error:
        if len(sources) > 1:
            raise
        raise type(error)(f"{called(sources[0])}: {error}") from error


def refuse(names: tuple[str, ...], beside: str) -> None:
    """Raise a usage error if one of these options was given.

    beside : what they cannot be combined with
    """
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{_flags()[name]} cannot be used with {beside}")


def beside(source: str, suffix: str, word: str | None = None) -> str:
    """The default name of an output: that of its source with another suffix, in the same folder;
    "-" if the source is "-".

    word : comes before the suffix if that name is taken, for example by the original of a picture
           (``photo.decoded.png``); None for names that only xcodec gives
    """
    from xcodec.system.files import fitted

    if source == "-":
        return "-"
    path = Path(source)
    if path.name in ("", ".."):  # The folder where we are, or one above it.
        path = path.resolve()
    plain = path.parent / fitted(path.stem, suffix)
    if word is None or not os.path.lexists(plain):
        return str(plain)
    return str(path.parent / fitted(path.stem, f".{word}{suffix}"))


def given(**options: Any) -> dict[str, Any]:
    """The options that were given; the others have the defaults of the API."""
    return {name: value for name, value in options.items() if value is not None}


def printable(text: str) -> str:
    """A text with escapes for control characters, such as newlines, which names of files and
    comments may hold."""
    return text.translate(_CONTROLS)


def say(text: str, err: bool = False) -> None:
    """Print a text as one line. That standard error is full or closed stops no work."""
    with suppress(*[OSError] if err else []):
        click.echo(printable(text), err=err)


def reads_pictures(command: Command) -> Command:
    """Give a command the options in ``reading``, and --max-pixels."""
    for option in (max_pixels, *reversed(reading)):
        command = option(command)
    return command


def how_read(options: dict[str, Any]) -> "Reading":
    """Take the options of ``reads_pictures`` out of those of a command."""
    from xcodec.pictures.opening import Reading

    return Reading(**given(**{name: options.pop(name) for name in READING}))


def opaque(source: str, how: "Reading") -> "Picture":
    """Read a picture for a command that knows no transparency, with a warning if it has any."""
    from xcodec.pictures import loading

    picture = loading.read(source, how)
    if picture.alpha is not None:
        warnings.warn(f"{source}: the transparency is left out", UserWarning, stacklevel=2)
    return picture


def report(
    text: str,
    facts: dict[str, Any],
    file: str,
    as_json: bool = False,
    quiet: bool = False,
    note: str = "",
) -> None:
    """Print a line of text and perhaps a note, or a JSON object. Goes to standard error if standard
    output carries the data.

    facts : content of the JSON object, with ``file``
    """
    if as_json:
        text = json.dumps({"file": file} | facts)
    if as_json or not quiet:
        say(text, err=file == "-")
    if note and not (as_json or quiet):
        say(note, err=file == "-")


def scaled(size: tuple[int, int], original: tuple[int, int] | None) -> str:
    """How a picture was scaled down, for the end of a line of text; empty if it was not."""
    if original is None:
        return ""
    return f"; {size[0]}x{size[1]}, scaled down from {original[0]}x{original[1]}"


def percent(share: float) -> str:
    """A fraction as text, in percent."""
    return f"{100 * share:.2f} %"
