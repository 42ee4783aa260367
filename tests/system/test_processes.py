"""Worker processes: how they start, and share their jobs."""

import os
import signal
import time
from pathlib import Path

import pytest

from xcodec.system.processes import Pool, workers


def started(_: object) -> tuple[int, str, bool]:
    """What a worker finds in itself: niceness, threads, whether it ignores SIGINT."""
    ignores = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return os.nice(0), os.environ["OPENCV_FOR_THREADS_NUM"], ignores


@pytest.mark.skipif(not hasattr(os, "nice"), reason="needs priorities of processes")
def test_workers_start_with_one_thread_and_the_priority_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENCV_FOR_THREADS_NUM", raising=False)
    here = os.nice(0)
    for niceness in (0, 3):
        pool = Pool(1, always=True, niceness=niceness)
        assert pool.submit(started, None).result() == (min(here + niceness, 19), "1", True)
        pool.close()


def place(job: tuple[int, Path]) -> int:
    """The place of a job; the first waits for the last one's file, 30 seconds at most."""
    number, last = job
    if number == 0:
        deadline = time.monotonic() + 30
        while not last.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        return number if last.exists() else -1
    if number == 9:
        last.touch()
    return number


def test_a_long_job_holds_nobody_up(tmp_path: Path) -> None:
    with workers(2) as pool:
        jobs = [(number, tmp_path / "last") for number in range(10)]
        assert list(pool.map(place, jobs, ahead=len(jobs))) == list(range(10))
