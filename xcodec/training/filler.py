"""Encodes training pictures in background processes while a network learns. No torch here."""

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xcodec.errors import InputError
from xcodec.system.processes import Pool
from xcodec.training.cache import Entry, Job, encode, kept, opened

NICENESS = 5
"""Of the workers: training itself comes first."""
RESTARTS = 10
"""How often workers are started again after one was killed: memory may have run out."""
TRIES = 2
"""How often a picture is begun whose workers are killed: it may be why."""


class Filler:
    """Encodes pictures in the background, in the order of the jobs.

    skipped : pictures that could not be encoded or were too small
    problem : why the last of them was skipped
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        smallest: int,
        workers: int,
        say: Callable[[str], object] | None = None,
    ) -> None:
        """Start encoding.

        smallest : pictures with a shorter side, in pixels, are skipped
        workers  : processes; 0: one thread
        say      : is told, by any thread, when a worker was killed and when encoding ends for that
        """
        self.skipped = 0
        self.problem = ""
        self._smallest = smallest
        self._workers = workers
        self._say = say or (lambda _: None)
        self._changed = threading.Condition()
        self._running = 0
        self._closed = False
        self._found: dict[int, Entry | None] = {}  # By number of the job; None: skipped.
        self._in_order: list[Entry] = []  # Of the first jobs, up to the first one not done yet.
        self._counts = [0]  # How many entries the first 0, 1, 2, ... jobs gave.
        self._jobs = self._not_kept(list(jobs))
        self._again: list[_Task] = []  # Those whose worker was killed.
        self._pools = [self._started()]  # The last one encodes; workers of the others were killed.
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
        for pool in self._pools:
            if isinstance(pool, Pool):
                pool.close()
            else:
                pool.shutdown(cancel_futures=True)

    def _started(self) -> Pool | ThreadPoolExecutor:
        if self._workers:
            return Pool(self._workers, always=True, niceness=NICENESS)
        return ThreadPoolExecutor(1)

    def _not_kept(self, jobs: list[Job]) -> Iterator["_Task"]:
        """The jobs whose entries are not on disk yet; the other entries are added at once."""
        self._total = len(jobs)
        there = {folder: kept(folder) for folder in {job.folder for job in jobs}}
        missing = []
        for place, job in enumerate(jobs):
            path = there[job.folder].get(job.stem)
            if path is None:
                missing.append(_Task(place, job))
            else:
                self._add(place, path)
        return iter(missing)

    def _submit(self) -> None:
        """Encode the next picture, if there is one and encoding has not ended."""
        while True:
            with self._changed:
                if self._closed:
                    return
                task = self._again.pop(0) if self._again else next(self._jobs, None)
                if task is None:
                    return
                self._running += 1
                pool = self._pools[-1]
            # Without the lock: a pool that breaks calls ``_done`` under a lock that this needs.
            try:
                future = pool.submit(encode, task.job)
            except (BrokenProcessPool, OSError) as error:  # OSError: no worker can be started.
                with self._changed:
                    self._again.insert(0, task)  # It has not begun.
                    self._running -= 1
                self._broken(pool, error)
            except RuntimeError as error:  # The pool is closed.
                with self._changed:
                    self.problem = str(error)
                    self._running -= 1
                return
            else:
                future.add_done_callback(functools.partial(self._done, task, pool))
                return

    def _done(self, task: "_Task", pool: Pool | ThreadPoolExecutor, future: Future[Path]) -> None:
        try:
            if future.cancelled():
                return
            self._add(task.place, future.result())
        except BrokenProcessPool as error:
            self._broken(pool, error)
            if task.tries < TRIES:
                with self._changed:
                    self._again.append(replace(task, tries=task.tries + 1))
            else:
                self._skip(task.place, f"its worker was killed {TRIES} times")
        except Exception as error:  # One bad picture must not end a run of days.
            self._skip(task.place, f"{type(error).__name__}: {error}")
        finally:
            self._submit()
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _broken(self, pool: Pool | ThreadPoolExecutor, error: Exception) -> None:
        """Start workers again in place of a pool of which one was killed, or end encoding."""
        with self._changed:
            if self._closed or pool is not self._pools[-1]:
                return  # Another job of this pool has been here.
            self.problem = str(error)
            if len(self._pools) <= RESTARTS:
                self._pools.append(self._started())
                text = "a worker that encodes pictures was lost, and is started again"
            else:
                self._closed = True
                text = (
                    f"workers that encode pictures were lost {RESTARTS + 1} times: no more pictures"
                    " are encoded; perhaps memory ran out (try fewer --workers)"
                )
        self._say(text)

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


@dataclass(frozen=True)
class _Task:
    """A job, its number, and how often it has been begun, this time included."""

    place: int
    job: Job
    tries: int = 1


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
