"""A pool of worker processes that handles signals well and ends with its parent.

This module imports nothing heavy: a worker must set its environment before it loads numpy.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn, TypeVar

from xcodec.errors import InputError, XcodecError

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 3
"""Queued jobs per worker: enough to keep it busy, few enough to bound memory."""
_PATIENCE = 10.0
"""Seconds that a worker gets to clean up after its parent has died."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """A pool of worker processes.

    jobs     : number of workers; with 1, work is done in this process
    always   : start a worker even if ``jobs`` is 1
    niceness : lowers the priority of the workers, 0 or more (``os.nice``)

    Raises InputError if this process may not start others.
    """

    def __init__(self, jobs: int, always: bool = False, niceness: int = 0) -> None:
        self.jobs = jobs
        self._executor: ProcessPoolExecutor | None = None
        if jobs > 1 or always:
            _check_parent(jobs)
            context = multiprocessing.get_context("spawn")  # Forking with threads can hang.
            self._executor = ProcessPoolExecutor(jobs, context, _begin, (niceness,))

    def submit(self, work: Callable[[Item], Result], item: Item) -> "Future[Result]":
        """A future of ``work(item)``; already done when the pool has no workers."""
        if self._executor is not None:
            with _signals_deferred():  # This may start a worker.
                return self._executor.submit(_run, work, item)
        future: Future[Result] = Future()
        try:
            future.set_result(work(item))
        except Exception as error:
            future.set_exception(error)
        return future

    def map(
        self, work: Callable[[Item], Result], items: Iterable[Item], ahead: int = AHEAD
    ) -> Iterator[Result]:
        """Yield ``work(item)`` for each item, in order.

        ahead : jobs for each worker that are begun before the next result is there; after so many
                short ones, workers wait for a long one

        Raises what ``work`` raises, and XcodecError if a worker died.
        """
        if self._executor is None:
            yield from map(work, items)
            return
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(self.submit(work, item))
            if len(waiting) > ahead * self.jobs:
                yield result(waiting.popleft())
        while waiting:
            yield result(waiting.popleft())

    def close(self, now: bool = False) -> None:
        """End the workers when their jobs are done, or at once with ``now``."""
        if self._executor is None:
            return
        processes = list((self._executor._processes or {}).values())
        self._executor.shutdown(wait=not now, cancel_futures=now)
        if now:
            for process in processes:
                process.terminate()


def result(future: "Future[Result]") -> Result:
    """Return the result of a job. Raises what it raised, and XcodecError if its worker died."""
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise XcodecError(
            "a worker was lost: perhaps memory ran out (try fewer jobs), or the program calls "
            'xcodec outside of `if __name__ == "__main__"`'
        ) from error


@contextmanager
def workers(jobs: int) -> Iterator[Pool]:
    """A pool that is closed at the end of the block, at once if the block raises."""
    pool = Pool(jobs)
    try:
        yield pool
    except BaseException:
        pool.close(now=True)
        raise
    pool.close()


def _check_parent(jobs: int) -> None:
    """Raise InputError if this process may not start workers."""
    process = multiprocessing.current_process()
    if process.daemon:
        raise InputError(
            f"jobs is {jobs}, but this process is a daemonic worker, of multiprocessing.Pool or a "
            "data loader, and may start no processes: use jobs=1"
        )
    if getattr(process, "_inheriting", False):  # It is still importing the main module.
        raise InputError(
            f'jobs is {jobs}: the program must call xcodec under `if __name__ == "__main__"`, '
            "since every worker imports it"
        )


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Defer SIGINT and SIGTERM until the block ends, and start workers with them blocked, so that
    none is interrupted half-initialised."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python handles signals in the main thread only.
        return
    deferred: list[int] = []
    handlers = [
        (number, signal.signal(number, lambda number, _: deferred.append(number)))
        for number in _SIGNALS
    ]
    masked = _mask(_SIGNALS)  # Workers inherit the mask, but not the handlers.
    try:
        yield
    finally:
        _mask(masked, only=True)
        for number, handler in handlers:
            signal.signal(number, handler)
        for late in deferred:
            signal.raise_signal(late)


def _mask(signals: Iterable[int], only: bool = False) -> set[int]:
    """Block signals, or with ``only`` exactly these; returns those blocked before."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows.
        return set()
    return set(signal.pthread_sigmask(signal.SIG_SETMASK if only else signal.SIG_BLOCK, signals))


def _run(work: Callable[[Item], Result], item: Item) -> Result:
    """Do a job in a worker. On SIGTERM the worker exits; the executor's own loop would go on with
    the next job."""
    try:
        return work(item)
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)


def _begin(niceness: int) -> None:
    """Initialise a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent gets it too, and ends its workers.
    signal.signal(signal.SIGTERM, _end)
    _mask((), only=True)
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    if niceness and hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(niceness)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Exit by an exception, so that temporary files are removed."""
    # The pool, the executor and _end_with_parent may all send the signal: a second exception
    # would interrupt the cleanup of the first one.
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _end_with_parent() -> None:
    """End this worker when its parent has died."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)  # Exceptions raised in finalizers are ignored: SIGTERM can get lost.
    os._exit(1)
