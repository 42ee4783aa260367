"""Threads, for work that numpy and OpenCV do without holding Python's lock."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from xcodec.system.processes import cores

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 4
"""More threads than this wait for Python's lock."""


@cache
def count() -> int:
    """Threads that share work: one a core, unless OMP_NUM_THREADS says otherwise."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(_MOST, int(asked) if asked.isdigit() and int(asked) else cores())


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count())


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results of items in their order, worked on a little ahead of who takes them.

    Work must not wait for other work that is given here.
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
    """The result of work to come, which begins beside what its caller does."""
    return _threads().submit(work)
