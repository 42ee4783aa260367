"""Encoding or decoding a tree of files with a pool of workers, or on a cluster.

Each picture is a task of its own. Its result is written atomically, and a failure is an outcome
that does not stop the others. So a run can be stopped at any time and continued later, and gives
the same tree.
"""

import os
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from xcodec.choices import CODED
from xcodec.errors import InputError, XcodecError
from xcodec.many import trees
from xcodec.options import DecodeOptions, EncodeOptions
from xcodec.pictures.opening import Reading
from xcodec.system import notices
from xcodec.system.processes import AHEAD, Pool

DONE, SKIPPED, FAILED = "done", "skipped", "failed"


@dataclass(frozen=True)
class Task:
    """A picture to encode or decode.

    source : a file, or a folder of packets
    target : the file to write
    other  : the file to write if ``target`` exists; None: that is an error
    taken  : the name that exists, if ``target`` is ``other`` for that reason
    """

    source: str
    target: str
    other: str | None = None
    taken: str | None = None


@dataclass(frozen=True)
class Settings:
    """What to do with each picture.

    options : how to encode or decode it, which also tells which of the two
    reading : how pictures to encode are read
    """

    options: EncodeOptions | DecodeOptions
    reading: Reading = field(default_factory=Reading)

    @property
    def action(self) -> str:
        """ "encode" or "decode"."""
        return "encode" if isinstance(self.options, EncodeOptions) else "decode"


@dataclass(frozen=True)
class Outcome:
    """The result of a task.

    state : DONE, SKIPPED or FAILED
    note  : the reason of a failure, or warnings
    read, written : bytes read and written
    """

    task: Task
    state: str
    note: str = ""
    read: int = 0
    written: int = 0


@dataclass
class Summary:
    """Totals of all outcomes so far.

    total  : pictures: the sum of those done, skipped and failed, once all are finished
    unread : other files, which are not touched; ``kinds`` counts them by suffix or name
    """

    total: int
    done: int = 0
    skipped: int = 0
    failed: int = 0
    read: int = 0
    written: int = 0
    seconds: float = 0.0
    unread: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        setattr(self, outcome.state, getattr(self, outcome.state) + 1)
        self.read += outcome.read
        self.written += outcome.written


def tasks(
    folder: str, target: str, action: str, listing: trees.Listing | None = None
) -> list[Task]:
    """List the pictures of a tree in order, with the files that they become in another tree.

    action  : "encode" or "decode"
    listing : what is in the tree, if that is known

    All results have different names (``trees.distinct``). A decoded picture has a second one, since
    its original may have the first. Raises InputError if there is no such folder or no picture in
    it, or if the other tree is a file.
    """
    trees.check_folder(target)
    suffix, word = (CODED, None) if action == "encode" else (".png", trees.DECODED)
    there = trees.listing(folder, action) if listing is None else listing
    found = there.found
    if not found:
        unread = trees.kinds(there.unread, there.special) if action == "encode" else {}
        rest = f"; not read: {named(unread, action)}" if unread else ""
        raise InputError(f"{folder}: no pictures to {action}{rest}")
    bases = trees.distinct(found, suffix)
    names = [trees.named(base, suffix) for base in bases]
    others = [word and trees.named(base, f".{word}{suffix}") for base in bases]
    known = set(names)
    return [
        Task(
            trees.join(folder, source),
            trees.join(target, name),
            trees.join(target, other) if other and other not in known else None,
        )
        for source, name, other in zip(found, names, others, strict=True)
    ]


def ready(every: Iterable[Task], overwrite: bool, skip: bool) -> tuple[list[Task], list[Outcome]]:
    """Split tasks into those to do, and the outcomes of those whose result exists already.

    overwrite : do all tasks
    skip      : existing results, under either name, are SKIPPED

    Without either, an existing file is left alone: the task gets its other name, and is FAILED if
    it has none or that exists too.
    """
    todo, settled = [], []
    for task in every:
        if overwrite or not _there(task, skip):
            todo.append(task)
        elif skip:
            settled.append(Outcome(task, SKIPPED))
        elif task.other is not None and not trees.exists(task.other):
            todo.append(replace(task, target=task.other, other=None, taken=task.target))
        else:
            note = "exists already; -f overwrites it, --skip-existing keeps it"
            settled.append(Outcome(task, FAILED, f"{task.target}: {note}"))
    return todo, settled


def named(kinds: dict[str, int], action: str, most: int = 12) -> str:
    """Name the files that were not read; for "encode", with what would make them readable.

    kinds : as ``trees.kinds`` counts them
    most  : kinds that are named
    """
    from xcodec.pictures import formats

    parts = []
    for name, count in list(kinds.items())[:most]:
        suffix = (
            name if name.startswith(".") and name.count(".") == 1 else os.path.splitext(name)[1]
        )
        known = action == "encode" and name not in ("hidden", "special")
        advice = formats.advice(suffix) if known else ""
        text = name if count == 1 else f"{count} {name}"
        parts.append(f"{text} ({advice})" if advice else text)
    more = sum(list(kinds.values())[most:])
    return ", ".join([*parts, f"{more} of other kinds"] if more else parts)


def _there(task: Task, either: bool) -> bool:
    """Whether the result of a task exists, under its first name or under either."""
    if trees.exists(task.target):
        return True
    return either and task.other is not None and trees.exists(task.other)


def run(every: list[Task], settings: Settings, jobs: int) -> Iterator[Outcome]:
    """Yield outcomes of tasks as they finish, on ``jobs`` processes.

    A lost worker is replaced. The tasks that it may have had are repeated one by one.
    """
    work = partial(run_task, settings)
    left = list(reversed(every))
    while left:
        pool = Pool(max(jobs, 1), always=True)
        try:
            lost = yield from _drain(pool, work, left)
        except BaseException:
            pool.close(now=True)
            raise
        pool.close(now=bool(lost))
        for task in lost:
            yield _alone(work, task)


def _drain(
    pool: Pool, work: Callable[[Task], Outcome], left: list[Task]
) -> Generator[Outcome, None, list[Task]]:
    """Yield outcomes until all tasks are done or a worker is lost; returns the tasks that it may
    have had."""
    waiting: dict[Any, Task] = {}
    lost: list[Task] = []
    while (left or waiting) and not lost:
        while left and len(waiting) < AHEAD * pool.jobs:
            task = left.pop()
            waiting[pool.submit(work, task)] = task
        finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in finished:
            task = waiting.pop(future)
            try:
                yield future.result()
            except BrokenProcessPool:
                lost.append(task)
    return lost + list(waiting.values())


def _alone(work: Callable[[Task], Outcome], task: Task) -> Outcome:
    """Do a task in a worker of its own, so that no other task is lost with it."""
    pool = Pool(1, always=True)
    try:
        return pool.submit(work, task).result()
    except BrokenProcessPool:
        return Outcome(task, FAILED, f"{task.source}: its worker was lost, perhaps out of memory")
    finally:
        pool.close(now=True)


def run_task(settings: Settings, task: Task) -> Outcome:
    """Encode or decode a picture, in a worker. Errors become outcomes."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            notices.only_ours()
            read, data = _result(settings, task)
        trees.write(task.target, data)
        notes = [str(each.message) for each in caught]
        if task.taken is not None:
            notes.append(f"{task.taken} exists: written as {task.target}")
        note = f"{task.source}: {'; '.join(notes)}" if notes else ""
        return Outcome(task, DONE, note, read, len(data))
    except XcodecError as error:
        text = str(error).removeprefix("the data: ")
    except MemoryError:
        text = "not enough memory"
    except OSError as error:
        text = error.strerror or str(error)
    except Exception as error:  # One bad file never stops the rest.
        text = f"{type(error).__name__}: {error}"
    named = text if text.startswith(task.source) else f"{task.source}: {text}"
    return Outcome(task, FAILED, " ".join(named.split()))


def _result(settings: Settings, task: Task) -> tuple[int, bytes]:
    """Number of bytes read, and the bytes of the resulting file."""
    from xcodec import codec
    from xcodec.links import receiving
    from xcodec.links.packet_files import split
    from xcodec.pictures import loading

    options = settings.options
    if isinstance(options, EncodeOptions):
        source = trees.read(task.source)
        from xcodec.encoder.encoding import encode_picture
        from xcodec.encoder.reduction import reading_for

        picture = loading.read(source, reading_for(settings.reading, options))
        return len(source), encode_picture(picture, options)
    kind = loading.kind_of(os.path.basename(task.target))
    if trees.is_folder(task.source):
        packets = [each for data in trees.packets(task.source) for each in split(data)]
        image = receiving.picture_of(packets, options)
        return sum(map(len, packets)), loading.encoded(image, kind)
    source = trees.read(task.source)
    return len(source), loading.encoded(codec.decode_picture(source, options), kind)


def timed(outcomes: Iterable[Outcome], summary: Summary) -> Iterator[Outcome]:
    """Pass outcomes on and count them in a summary, with the time since the start."""
    start = time.monotonic()
    for outcome in outcomes:
        summary.add(outcome)
        summary.seconds = time.monotonic() - start
        yield outcome
