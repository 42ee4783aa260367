"""Encodes training pictures in background processes while a network learns. No torch here."""

import functools
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from xcodec.errors import InputError
from xcodec.system.processes import Pool
from xcodec.training.cache import Entry, Job, encode, kept, opened

NICENESS = 5
"""Of the workers: training itself comes first."""


class Filler:
    """Encodes pictures in the background, in the order of the jobs.

    skipped : pictures that could not be encoded or were too small
    problem : why the last of them was skipped
    """

    def __init__(self, jobs: Iterable[Job], smallest: int, workers: int) -> None:
        """Start encoding.

        smallest : pictures with a shorter side, in pixels, are skipped
        workers  : processes; 0: one thread
        """
        self.skipped = 0
        self.problem = ""
        self._smallest = smallest
        self._changed = threading.Condition()
        self._running = 0
        self._closed = False
        self._found: dict[int, Entry | None] = {}  # By number of the job; None: skipped.
        self._in_order: list[Entry] = []  # Of the first jobs, up to the first one not done yet.
        self._counts = [0]  # How many entries the first 0, 1, 2, ... jobs gave.
        self._jobs = self._not_kept(list(jobs))
        self._pool: Pool | ThreadPoolExecutor
        if workers:
            self._pool = Pool(workers, always=True, niceness=NICENESS)
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
        """The entries of the first jobs, up to the first one that is not done yet."""
        return self._in_order

    def first(self, jobs: int) -> Sequence[Entry]:
        """The entries of the first jobs; waits until these are done.

        The same in each run, however fast pictures are encoded. Raises InputError if there is none.
        """
        jobs = min(jobs, self._total)
        with self._changed:
            self._changed.wait_for(lambda: len(self._counts) > jobs or not self._running)
            count = self._counts[min(jobs, len(self._counts) - 1)]
        if not count:
            raise InputError(f"no picture can be trained on: {self.problem or 'there are none'}")
        return _First(self._in_order, count)

    def close(self) -> None:
        """Stop encoding, after the jobs that have begun."""
        with self._changed:
            self._closed = True
        if isinstance(self._pool, Pool):
            self._pool.close()
        else:
            self._pool.shutdown(cancel_futures=True)

    def _not_kept(self, jobs: list[Job]) -> Iterator[tuple[int, Job]]:
        """The jobs whose entries are not on disk yet; the other entries are added at once."""
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
        except Exception as error:  # One bad picture must not end a run of days.
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
        """Record the result of a job, and extend the entries in order."""
        with self._changed:
            self._found[place] = entry
            while len(self._counts) - 1 in self._found:
                found = self._found.pop(len(self._counts) - 1)
                if found is not None:
                    self._in_order.append(found)
                self._counts.append(len(self._in_order))


class _First(Sequence[Entry]):
    """The first items of a list that may grow."""

    def __init__(self, entries: list[Entry], count: int) -> None:
        self._entries = entries
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        if not 0 <= place < self._count:
            raise IndexError(place)
        return self._entries[place]
