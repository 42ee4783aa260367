"""Worker processes: how they start."""

import os
import signal

import pytest

from xcodec.system.processes import Pool


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
