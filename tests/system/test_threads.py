"""The thread pool (xcodec/system/threads.py)."""

import threading
from collections.abc import Iterator

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
