"""Fixtures that several tests share: pictures, and a way to run xcodec."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # The tests already share the cores; numpy reads this when it is loaded.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.browser import launched

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


def pytest_configure() -> None:
    """Restore SIGINT, which background jobs of a shell ignore: tests interrupt their processes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A real photo, uint8 (300, 451, 3), whose sides are no multiples of anything."""
    from skimage import data

    return np.asarray(data.chelsea())


@pytest.fixture(scope="session")
def small(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A part of the photo, uint8 (96, 120, 3), read-only, for tests that encode many times."""
    part = np.ascontiguousarray(photo[60:156, 120:240])
    part.flags.writeable = False
    return part


@pytest.fixture
def picture(small: NDArray[np.uint8], tmp_path: Path) -> Path:
    """The small photo as a PNG file in a folder of its own."""
    path = tmp_path / "photo.png"
    Image.fromarray(small).save(path)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium, headless. A process can have one at a time: tests take this one."""
    with launched() as started:
        yield started


@pytest.fixture
def xcodec_process(tmp_path: Path) -> Run:
    """A function that runs ``python -m xcodec ARGS`` as a process, in the test's folder."""

    def run(*args: object, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "xcodec", *map(str, args)]
        return subprocess.run(
            command, input=data, capture_output=True, cwd=tmp_path, timeout=120, check=False
        )

    return run
