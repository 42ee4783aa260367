"""``python -m xcodec`` and the ``xcodec`` command: errors become one line and an exit code.

0    success                    130  interrupted (SIGINT)
1    an error                   143  terminated (SIGTERM)
2    wrong usage
"""

import atexit
import gc
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TextIO

import click

from xcodec.cli import cli
from xcodec.errors import XcodecError

atexit.register(gc.freeze)  # Collecting garbage at exit, torch's above all, would only take time.


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process; returns the exit code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show
            with _ending_orderly():
                code = cli.main(args, prog_name="xcodec", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except XcodecError as error:
        message = str(error)
    except MemoryError:
        message = "not enough memory"
    except OSError as error:
        message = "" if isinstance(error, BrokenPipeError) else str(error)
    _let_go()
    if message:
        click.echo(f"xcodec: {message}", err=True)
    return 1


def _let_go() -> None:
    """Discard buffered output that a full or closed standard output did not take. Otherwise the
    interpreter reports it again at exit and changes the exit code."""
    try:
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
    click.echo(f"xcodec: warning: {message}", err=True)


if __name__ == "__main__":
    sys.exit(main())
