"""A thread pool for work in numpy and OpenCV, which release Python's global lock."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar
from weakref import WeakSet

from xcodec.system.processes import cores

Item = TypeVar("Item")
Result = TypeVar("Result")

_MAX_THREADS = 4
"""More threads than this mostly wait for the global lock."""
_NAME = "xcodec"
"""How the names of threads of this module begin."""


@cache
def count() -> int:
    """Return the number of threads: one per usable core, or OMP_NUM_THREADS, at most 4."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(_MAX_THREADS, int(asked) if asked.isdigit() and int(asked) else cores())


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count(), _NAME)


@dataclass
class _Process:
    """What forks need to know.

    forked : whether this process was forked from one that had loaded this module
    opencv : OpenCV's number of threads, during a fork
    alone  : whether no other thread was at work when the fork began
    busy   : pieces of work that threads of this module have begun and not ended
    """

    forked: bool = False
    opencv: int = 1
    alone: bool = True
    busy: int = 0


_process = _Process()
_locks = WeakSet["Lock"]()
_forking = threading.Lock()


class Lock:
    """A lock for ``with`` that one thread may take several times, and that no thread of the parent
    holds in a forked process."""

    def __init__(self) -> None:
        self._renew()
        _locks.add(self)

    def _renew(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def in_child(work: Callable[[], object]) -> None:
    """Call ``work()`` at the start of every process that is forked from this one."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=work)


_counting = Lock()


def before_fork(work: Callable[[], object]) -> None:
    """Call ``work()`` whenever this process is about to be forked."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=work)


def _opencv() -> Any:
    """OpenCV, if it is loaded."""
    module = sys.modules.get("cv2")
    return module if hasattr(module, "setNumThreads") else None


def _before_fork() -> None:
    """End OpenCV's threads: a child may wait forever for a lock that one of them holds."""
    _forking.acquire()
    others = [each for each in threading.enumerate() if not each.name.startswith(_NAME)]
    _process.alone = len(others) == 1 and not _process.busy
    opencv = _opencv()
    _process.opencv = 1 if opencv is None else opencv.getNumThreads()
    if _process.opencv > 1:
        opencv.setNumThreads(1)


def _after_fork(restore: bool) -> None:
    """Let OpenCV start its threads again."""
    if restore and _process.opencv > 1:
        _opencv().setNumThreads(_process.opencv)
    _forking.release()


def _in_child() -> None:
    """Forget the threads of the parent: the child would wait for them forever."""
    for lock in _locks:
        lock._renew()
    _threads.cache_clear()
    _process.forked, _process.busy = True, 0
    # If another thread used OpenCV during the fork, OpenCV's threads did not end: the child has to
    # do without any.
    _after_fork(_process.alone)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=partial(_after_fork, True),
        after_in_child=_in_child,
    )


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
        waiting.append(_submitted(work, item))
        if len(waiting) > count():
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def later(work: Callable[[], Result]) -> "Future[Result]":
    """A future of ``work()``, started now on another thread."""
    return _submitted(work)


def _submitted(work: Callable[..., Result], *items: Any) -> "Future[Result]":
    with _counting:
        _process.busy += 1
    future = _threads().submit(work, *items)
    future.add_done_callback(_ended)
    return future


def _ended(_: "Future[Any]") -> None:
    with _counting:
        _process.busy -= 1
