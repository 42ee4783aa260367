"""Worker processes: started once, fed a little ahead, stopped at once.

This module imports nothing heavy, so that its settings hold before a worker loads numpy.
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
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TypeVar

from xcodec.errors import XcodecError

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 3
"""Jobs in the queue for each worker: none runs dry, and few results lie about."""
_PATIENCE = 10.0
"""Seconds that a worker has to clear up, once its parent is gone."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """Processes that work on what they are given.

    always : start a process for one job at a time too, which else is done in this process
    """

    def __init__(self, jobs: int, always: bool = False) -> None:
        self.jobs = jobs
        self._executor: ProcessPoolExecutor | None = None
        if jobs > 1 or always:
            context = multiprocessing.get_context("spawn")  # Forks of threads may hang.
            self._executor = ProcessPoolExecutor(jobs, context, _begin)

    def submit(self, work: Callable[[Item], Result], item: Item) -> "Future[Result]":
        """The result to come; without workers it is there at once."""
        if self._executor is not None:
            with _undisturbed():  # It may start a worker.
                return self._executor.submit(_do, work, item)
        future: Future[Result] = Future()
        try:
            future.set_result(work(item))
        except Exception as error:
            future.set_exception(error)
        return future

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results of items in their order, worked on a little ahead of who takes them.

        Raises what ``work`` raises, and XcodecError where a worker was lost.
        """
        if self._executor is None:
            yield from map(work, items)
            return
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(self.submit(work, item))
            if len(waiting) > AHEAD * self.jobs:
                yield result(waiting.popleft())
        while waiting:
            yield result(waiting.popleft())

    def close(self, now: bool = False) -> None:
        """End the workers: once they have done what they were given, or ``now``."""
        if self._executor is None:
            return
        processes = list((self._executor._processes or {}).values())
        self._executor.shutdown(wait=not now, cancel_futures=now)
        if now:
            for process in processes:
                process.terminate()


def result(future: "Future[Result]") -> Result:
    """The result of a job. Raises what it raised, and XcodecError where its worker was lost."""
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise XcodecError("a worker was lost: out of memory? fewer --jobs may help") from error


@contextmanager
def workers(jobs: int) -> Iterator[Pool]:
    """A pool that ends with the block, at once where that fails."""
    pool = Pool(jobs)
    try:
        yield pool
    except BaseException:
        pool.close(now=True)
        raise
    pool.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hear signals after this block. A worker that starts within it hears none before it is ready:
    neither is left half made."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets no other thread hear any.
        return
    heard: list[int] = []
    handlers = [
        (number, signal.signal(number, lambda number, _: heard.append(number)))
        for number in _SIGNALS
    ]
    masked = _mask(_SIGNALS)  # Handlers are this process's, a mask is the worker's, too.
    try:
        yield
    finally:
        _mask(masked, only=True)
        for number, handler in handlers:
            signal.signal(number, handler)
        for late in heard:
            signal.raise_signal(late)


def _mask(signals: Iterable[int], only: bool = False) -> set[int]:
    """Hold signals back, or them only; returns those held back before."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows.
        return set()
    return set(signal.pthread_sigmask(signal.SIG_SETMASK if only else signal.SIG_BLOCK, signals))


def _do(work: Callable[[Item], Result], item: Item) -> Result:
    """A worker's job. Asked to end meanwhile, it does not take its next one, as the executor's
    would."""
    try:
        return work(item)
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)


def _begin() -> None:
    """A worker's first act."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent hears it too, and ends its workers.
    signal.signal(signal.SIGTERM, _end)
    _mask((), only=True)
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End as an exception does, so that no temporary file stays behind."""
    # The pool, the executor and _end_with_parent may all ask: a second exception would strike
    # while the first one clears up.
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)  # Python drops what a handler raises within a finalizer.
    os._exit(1)
