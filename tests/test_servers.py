"""What servers and data loaders do: forks after the first use, threads, daemonic workers."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
import xcodec.pillow
from tests.golden import pictures
from xcodec import codec
from xcodec.errors import ModelError
from xcodec.reconstruction import model_files
from xcodec.system.processes import Pool, workers

SCENE = pictures.scene(96, 128)
LARGE = np.tile(pictures.scene(128, 128), (9, 9, 1))
"""Large enough for tiles, and for workers that read them."""
PATIENCE = 60.0
"""Seconds that a child gets: one that hangs would wait forever."""

# Python 3.12 warns of every fork of a process with threads; here they are forked on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


def has_weights() -> bool:
    try:
        return bool(model_files.find("photo"))
    except ModelError:
        return False


def in_child(work: Callable[[], bool]) -> None:
    """Check that ``work()`` is true in a forked process, and that it ends."""
    child = os.fork()
    if not child:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("the child hangs")


# Forks


@needs_fork
@pytest.mark.parametrize("decoder", ["classical", "generator"])
def test_a_fork_after_the_first_decode(decoder: str) -> None:
    if decoder == "generator" and not has_weights():
        pytest.skip("needs the weights of the model photo")
    data = xcodec.encode(SCENE, 0.05, effort=0)
    expected = np.asarray(xcodec.decode(data, decoder=decoder))
    for _ in range(2):
        in_child(lambda: np.array_equal(np.asarray(xcodec.decode(data, decoder=decoder)), expected))


@needs_fork
@pytest.mark.parametrize("effort", [0, 6, pytest.param(8, marks=pytest.mark.long)])
def test_a_fork_after_the_first_encode(effort: int) -> None:
    if effort and not has_weights():
        pytest.skip("needs the weights of the models photo and proxy")
    if effort == 8:
        pytest.importorskip("torch")
    expected = xcodec.encode(SCENE, 0.05, effort=effort)
    in_child(lambda: xcodec.encode(SCENE, 0.05, effort=effort) == expected)


@needs_fork
def test_a_fork_of_a_fork() -> None:
    expected = xcodec.encode(SCENE, 0.05, effort=0)

    def again() -> bool:
        same = xcodec.encode(SCENE, 0.05, effort=0) == expected
        in_child(lambda: xcodec.encode(SCENE, 0.05, effort=0) == expected)
        return same

    in_child(again)


@needs_fork
def test_a_fork_while_other_threads_work() -> None:
    data = xcodec.encode(SCENE, 0.05, effort=0)
    decoder = "generator" if has_weights() else "classical"
    expected = xcodec.decode(data, decoder=decoder).tobytes()
    ended = threading.Event()

    def busy() -> None:
        while not ended.is_set():
            xcodec.decode(data, decoder=decoder)

    others = [threading.Thread(target=busy) for _ in range(2)]
    for thread in others:
        thread.start()
    try:
        for _ in range(3):
            in_child(lambda: xcodec.decode(data, decoder=decoder).tobytes() == expected)
    finally:
        ended.set()
        for thread in others:
            thread.join()


@needs_fork
def test_a_pool_of_forks() -> None:
    expected = xcodec.encode(SCENE, 0.05, effort=0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = [pool.apply_async(xcodec.encode, (SCENE, 0.05), {"effort": 0}) for _ in range(4)]
        assert [each.get(PATIENCE) for each in found] == [expected] * 4


@needs_fork
def test_a_fork_with_an_image_that_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.xgc"
    path.write_bytes(xcodec.encode(SCENE, 0.05, effort=0))
    xcodec.pillow.register("classical")
    try:
        expected = np.asarray(xcodec.decode(path.read_bytes(), decoder="classical"))
        with Image.open(path) as image:
            in_child(lambda: np.array_equal(np.asarray(image), expected))
            assert np.array_equal(np.asarray(image), expected)
    finally:
        xcodec.pillow.register()


# Threads


@pytest.mark.parametrize("decoder", ["classical", "generator"])
def test_eight_threads_get_what_one_gets(decoder: str) -> None:
    if decoder == "generator" and not has_weights():
        pytest.skip("needs the weights of the model photo")
    scenes = [np.roll(SCENE[:48, :64], 8 * n, 1) for n in range(8)]

    def there_and_back(scene: NDArray[np.uint8]) -> tuple[bytes, bytes]:
        data = xcodec.encode(scene, 0.05, effort=4 if decoder == "generator" else 0)
        return data, xcodec.decode(data, decoder=decoder).tobytes()

    expected = list(map(there_and_back, scenes))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(there_and_back, scenes)) == expected


# Daemonic workers


def in_daemon(work: Callable[[], Any]) -> Any:
    """What ``work()`` returns, or its error, in a daemonic process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply_async(work).get(timeout=PATIENCE)


def small_with_two_jobs() -> bytes:
    return xcodec.encode(SCENE, 0.05, effort=0, jobs=2)


def large_with(jobs: int) -> bytes:
    return xcodec.encode(LARGE, 0.001, effort=0, tile=256, jobs=jobs)


def large_with_two_jobs() -> bytes:
    return large_with(2)


def one_job() -> bytes:
    return xcodec.encode(SCENE, 0.05, effort=0, tile=128)


def a_pool_for_a_folder() -> None:
    Pool(1, always=True)


def test_a_daemonic_worker_works_alone() -> None:
    assert in_daemon(small_with_two_jobs) == xcodec.encode(SCENE, 0.05, effort=0)
    assert in_daemon(one_job) == one_job()


def test_a_daemonic_worker_that_asks_for_jobs_hears_why_not() -> None:
    for work in (large_with_two_jobs, a_pool_for_a_folder):
        with pytest.raises(xcodec.InputError, match=r"jobs is \d, but .* daemonic .* jobs=1"):
            in_daemon(work)


def test_a_program_without_a_guard_hears_of_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from xcodec.system.processes import workers\n"
        "with workers(2) as pool:\n"
        "    print(list(pool.map(abs, [1, 2])))\n"
    )
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 1
    assert '`if __name__ == "__main__"`' in done.stderr
    # Those who fail write at the same time: its line need not be the last, nor begin a line.
    assert "XcodecError: a worker was lost" in done.stderr, done.stderr
    with workers(2) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]


# Names


def test_messages_name_public_functions() -> None:
    data = xcodec.encode(SCENE, 0.05, effort=0)
    with pytest.raises(xcodec.InputError, match=r"xcodec\.decode_array"):
        xcodec.decode(data, bit_depth=16)
    assert xcodec.decode_array is codec.decode_array
    assert xcodec.decode_samples is codec.decode_samples
