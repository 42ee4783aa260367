"""Folders of pictures, for ``encode`` and ``decode``."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from xcodec.cli.common import How, say

if TYPE_CHECKING:
    from xcodec.many.batch import Outcome, Settings, Summary


def run(settings: "Settings", source: str, output: str | None, how: How) -> None:
    """Encode or decode a tree of pictures and report failures as they happen.

    Exits with code 1 if there are any.
    """
    from xcodec.many import batch, trees
    from xcodec.system.files import STDIO
    from xcodec.system.processes import cores

    if output is None:
        raise click.UsageError("a folder needs an output folder: -o OUT")
    if output == STDIO:
        raise click.UsageError("the results of a folder need another: -o - is standard output")
    listing = trees.listing(source, settings.action, settings.reading.kind)
    every = batch.tasks(source, output, settings.action, listing)
    todo, settled = batch.ready(every, how.force, how.skip_existing)
    if how.cluster is None:
        outcomes: Iterable[Outcome] = batch.run(todo, settings, how.jobs or cores())
    else:
        from xcodec.many import cluster as ray

        outcomes = ray.run(todo, settings, how.cluster)
    unread = listing.unread
    summary = batch.Summary(
        len(every), unread=len(unread), kinds=trees.kinds(unread, listing.special)
    )
    for outcome in settled:
        summary.add(outcome)
        _tell(outcome, how.quiet)
    with _progress(summary, how.quiet) as step:
        for outcome in batch.timed(outcomes, summary):
            step()
            _tell(outcome, how.quiet)
    _report(summary, settings.action, source, output, how)
    if summary.failed:
        raise click.exceptions.Exit(1)


def _tell(outcome: "Outcome", quiet: bool) -> None:
    if outcome.state == "failed":
        say(f"xcodec: {outcome.note}", err=True)
    elif outcome.note and not quiet:
        say(f"xcodec: warning: {outcome.note}", err=True)


def _report(summary: "Summary", action: str, source: str, output: str, how: How) -> None:
    if how.as_json:
        say(json.dumps({"source": source, "output": output} | asdict(summary)))
    elif not how.quiet:
        from xcodec.many.batch import named

        rest = (
            f"; {summary.unread} not read: {named(summary.kinds, action)}" if summary.unread else ""
        )
        rate = summary.done / summary.seconds if summary.seconds else 0.0
        say(
            f"{output}: {summary.done} done, {summary.skipped} skipped, {summary.failed} failed; "
            f"{summary.read} -> {summary.written} bytes, {rate:.1f} pictures per second{rest}"
        )


@contextmanager
def _progress(summary: "Summary", quiet: bool) -> Iterator[Any]:
    """Show a progress bar with rate and time left, if standard error is a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    with Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f}/s"),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
        transient=True,
    ) as bar:
        row = bar.add_task("", total=summary.total, completed=summary.skipped, rate=0.0)

        def step() -> None:
            done = summary.done + summary.failed
            bar.update(row, advance=1, rate=done / max(summary.seconds, 1e-6))

        yield step
