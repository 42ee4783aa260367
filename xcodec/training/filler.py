"""Entries of the cache, made in background processes while a network learns. No torch here."""

import functools
import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2

from xcodec.errors import InputError
from xcodec.training.cache import Entry, Job, encode, kept, opened


class Filler:
    """Encodes pictures in background processes, in the order of the jobs.

    skipped : pictures that could not be coded, or were too small
    problem : why the last of them was skipped
    """

    def __init__(self, jobs: Iterable[Job], smallest: int, workers: int) -> None:
        self.skipped = 0
        self.problem = ""
        self._smallest = smallest
        self._changed = threading.Condition()
        self._running = 0
        self._closed = False
        self._found: dict[int, Entry | None] = {}  # By the place of the job; None: skipped.
        self._in_order: list[Entry] = []  # Those of the first jobs, as far as all are done,
        self._counts = [0]  # and how many of them the first 0, 1, 2, ... jobs gave.
        self._jobs = self._not_kept(list(jobs))
        self._pool: Executor
        with _one_thread_each():  # The processes start here and there, at the first jobs.
            if workers:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(workers, context, _start_worker)
            else:
                self._pool = ThreadPoolExecutor(1)
            for _ in range(max(workers, 1) + 1):
                self._submit()

    @property
    def encoding(self) -> bool:
        """Whether pictures are still being encoded."""
        return self._running > 0

    @property
    def entries(self) -> list[Entry]:
        """What the first jobs gave, as far as all of them are done."""
        return self._in_order

    def first(self, jobs: int) -> Sequence[Entry]:
        """What the first so many jobs gave, or all: waits until they are done.

        The same at each run, however fast pictures are encoded. Raises InputError where it is
        nothing.
        """
        jobs = min(jobs, self._total)
        with self._changed:
            self._changed.wait_for(lambda: len(self._counts) > jobs or not self._running)
            count = self._counts[min(jobs, len(self._counts) - 1)]
        if not count:
            raise InputError(f"no picture can be trained on: {self.problem or 'none is there'}")
        return _First(self._in_order, count)

    def close(self) -> None:
        """Stop encoding."""
        with self._changed:
            self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _not_kept(self, jobs: list[Job]) -> Iterator[tuple[int, Job]]:
        """The jobs whose entries are not on disk; those that are become entries at once."""
        self._total = len(jobs)
        there = {folder: kept(folder) for folder in {job.folder for job in jobs}}
        missing = []
        for place, job in enumerate(jobs):
            path = there[job.folder].get(job.stem)
            if path is None:
                missing.append((place, job))
            else:
                self._add(place, path)
        return iter(missing)

    def _submit(self) -> None:
        with self._changed:
            place, job = (0, None) if self._closed else next(self._jobs, (0, None))
            if job is None:
                return
            try:
                future = self._pool.submit(encode, job)
            except RuntimeError as error:  # The pool is closed, or a worker was killed.
                self.problem = str(error)
                return
            self._running += 1
        future.add_done_callback(functools.partial(self._done, place))

    def _done(self, place: int, future: Future[Path]) -> None:
        try:
            if future.cancelled():
                return
            self._add(place, future.result())
        except Exception as error:  # One odd picture doesn't end a run of days.
            self._skip(place, f"{type(error).__name__}: {error}")
        finally:
            self._submit()
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _add(self, place: int, path: Path) -> None:
        entry = opened(path)
        if min(entry.pixels.shape[:2]) < self._smallest:
            self._skip(place, f"smaller than the crops of {self._smallest} pixels")
        else:
            self._settle(place, entry)

    def _skip(self, place: int, problem: str) -> None:
        self.skipped += 1
        self.problem = problem
        self._settle(place, None)

    def _settle(self, place: int, entry: Entry | None) -> None:
        """Note what a job gave, and put what is next in order into order."""
        with self._changed:
            self._found[place] = entry
            while len(self._counts) - 1 in self._found:
                found = self._found.pop(len(self._counts) - 1)
                if found is not None:
                    self._in_order.append(found)
                self._counts.append(len(self._in_order))


class _First(Sequence[Entry]):
    """The beginning of a list that grows."""

    def __init__(self, entries: list[Entry], count: int) -> None:
        self._entries = entries
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        if not 0 <= place < self._count:
            raise IndexError(place)
        return self._entries[place]


def _start_worker() -> None:
    """Prepare a worker: it ends with its parent, and leaves Ctrl-C to it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    with suppress(OSError):
        os.nice(5)
    parent: Any = multiprocessing.parent_process()

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that start meanwhile use one thread each in their numerical libraries."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
