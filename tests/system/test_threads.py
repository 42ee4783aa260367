"""The thread pool (xcodec/system/threads.py)."""

import os
import signal
import threading
from collections.abc import Iterator

import cv2
import pytest

from xcodec.system import threads


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    """Each test counts its own threads."""
    for cached in (threads.count, threads._threads):
        cached.cache_clear()
    yield
    for cached in (threads.count, threads._threads):
        cached.cache_clear()


@pytest.mark.parametrize(("asked", "count"), [("1", 1), ("3", 3), ("99", 4)])
def test_results_come_in_order(monkeypatch: pytest.MonkeyPatch, asked: str, count: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert threads.count() == count
    meeting = threading.Barrier(count)

    def work(i: int) -> int:
        meeting.wait(20)  # Only as many at once as there are threads get past.
        return i * i

    taken: list[int] = []
    items = (taken.append(i) or i for i in range(4 * 3))  # type: ignore[func-returns-value]
    results = threads.ahead(work, items)
    assert next(results) == 0
    assert len(taken) <= count + 1  # Only a little ahead.
    assert list(results) == [i * i for i in range(1, 12)]


@pytest.mark.parametrize("asked", ["", "0", "many"])
def test_every_core_is_used_where_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert threads.count() == min(4, threads.cores())


@pytest.mark.parametrize("asked", ["1", "2"])
def test_errors_reach_who_waits(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    with pytest.raises(ZeroDivisionError):
        list(threads.ahead(lambda i: 1 // i, [1, 0, 2]))
    with pytest.raises(ZeroDivisionError):
        threads.later(lambda: 1 // 0).result()
    assert threads.later(lambda: 5).result() == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("alone", [True, False])
def test_forks(monkeypatch: pytest.MonkeyPatch, alone: bool) -> None:
    """Locks are free in a child, and OpenCV starts threads there only if nothing went on."""
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.main_thread()])
    lock, taken, ended = threads.Lock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock, lock:
            taken.set()
            ended.wait(20)

    future = threads.later(hold) if not alone else None
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        assert alone or taken.wait(20)
        child = os.fork()
        if not child:
            signal.alarm(20)
            with lock:
                os._exit(cv2.getNumThreads())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (3 if alone else 1)
        assert cv2.getNumThreads() == 3
    finally:
        ended.set()
        cv2.setNumThreads(before)
        if future is not None:
            future.result()
