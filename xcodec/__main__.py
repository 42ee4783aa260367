"""``python -m xcodec`` and the ``xcodec`` command: errors become one line and an exit code.

0    success                    130  interrupted (SIGINT)
1    an error                   143  terminated (SIGTERM)
2    wrong usage
"""

import atexit
import errno
import gc
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn, TextIO

import click

from xcodec.cli import cli
from xcodec.cli.common import printable, say
from xcodec.errors import XcodecError
from xcodec.system import notices

atexit.register(gc.freeze)  # Collecting garbage at exit, torch's above all, would only take time.


def main(
    args: Sequence[str] | None = None, command: click.Command = cli, name: str = "xcodec"
) -> int:
    """Run a command line, by default that of the process; returns the exit code.

    command, name : what is run, and what messages call it
    """
    _open_streams()
    # Starting threads for numpy's linear algebra takes a third of a command's processor time until
    # it opens its picture, and our systems of equations are too small for them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with warnings.catch_warnings():
            notices.only_ours()
            warnings.showwarning = _show
            with _ending_orderly():
                code = command.main(args, prog_name=name, standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.message = printable(error.message)  # type: ignore[misc]
        with suppress(OSError):
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except XcodecError as error:
        message = str(error)
    except MemoryError:
        message = "not enough memory"
    except OSError as error:
        message = "" if isinstance(error, BrokenPipeError) else _reason(error)
    _let_go()
    if message:
        say(f"{name}: {message}", err=True)
    return 1


def _open_streams() -> None:
    """Open standard streams that are closed, and let them print names of any characters.

    Files that are opened later would get the numbers of closed streams, and be written to by
    whatever writes to these.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _reason(error: OSError) -> str:
    """What an error of the system says, after the name of its file if that is known."""
    text = (error.strerror or str(error)).lower()
    if error.filename is not None:
        return f"{error.filename}: {text}"
    # Our files have names: what has none and is full is standard output.
    return f"standard output: {text}" if error.errno == errno.ENOSPC else text


def _let_go() -> None:
    """Discard buffered output that a full or closed standard output did not take. Otherwise the
    interpreter reports it again at exit and changes the exit code."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _ending_orderly() -> Iterator[None]:
    """Let SIGTERM raise SystemExit, so that no temporary file stays behind."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)  # A second signal must not interrupt the cleanup.
        sys.exit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # Only the main thread can set signal handlers.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    context = click.get_current_context(silent=True)
    if context is None or not context.params.get("quiet"):
        say(f"xcodec: warning: {message}", err=True)


if __name__ == "__main__":
    sys.exit(main())
