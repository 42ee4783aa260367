"""A thread pool for work in numpy and OpenCV, which release Python's global lock."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from xcodec.system.processes import cores

Item = TypeVar("Item")
Result = TypeVar("Result")

_MAX_THREADS = 4
"""More threads than this mostly wait for the global lock."""


@cache
def count() -> int:
    """Return the number of threads: one per usable core, or OMP_NUM_THREADS, at most 4."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(_MAX_THREADS, int(asked) if asked.isdigit() and int(asked) else cores())


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count())


@dataclass
class _Process:
    """forked : whether this process was forked from one that had loaded this module"""

    forked: bool = False


_process = _Process()


def _after_fork() -> None:
    """Forget the threads of the parent: the child would wait for them forever."""
    _threads.cache_clear()
    _process.forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def with_openmp(work: Callable[[], Result]) -> Result:
    """Return ``work()``, which uses OpenMP.

    OpenMP keeps a team of threads for each thread that calls it. A forked process lacks the team of
    the thread that forked, and would wait for it forever: there, ``work`` gets a thread of its own.
    """
    if not _process.forked:
        return work()
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run).start()
    return future.result()


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield ``work(item)`` for each item, in order, computed a few items ahead of the consumer.

    ``work`` must not wait for other work of this pool: that could deadlock.
    """
    if count() == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(_threads().submit(work, item))
        if len(waiting) > count():
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def later(work: Callable[[], Result]) -> "Future[Result]":
    """A future of ``work()``, started now on another thread."""
    return _threads().submit(work)
