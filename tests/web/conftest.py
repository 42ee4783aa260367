"""The web decoder, built once where Node and its packages are, and programs that run it."""

import functools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import xcodec
from tests.golden import pictures

ROOT = Path(__file__).parent.parent.parent
WEB = ROOT / "web"
OLDEST = 20
"""The oldest release of Node that builds it."""

BUILD_SECONDS = 120

Run = Callable[..., list[dict[str, Any]]]


def node(*arguments: object, cwd: Path = WEB) -> subprocess.CompletedProcess[str]:
    command = ["node", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


@functools.cache
def missing() -> str:
    """Why the web decoder cannot be built here; empty if it can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "needs Node and npm"
    version = node("--version", cwd=ROOT).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < OLDEST:
        return f"needs Node {OLDEST} or later, not {version}"
    if not (WEB / "node_modules").is_dir():
        return "needs the packages of web/: make web"
    return ""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder web/, with the module, the page and the programs of the tests."""
    if reason := missing():
        pytest.skip(reason)
    # Of several processes that run tests, the first one builds.
    own = tmp_path_factory.getbasetemp()
    mark = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "web"
    try:
        mark.mkdir()
    except FileExistsError:
        end = time.monotonic() + BUILD_SECONDS
        while not (mark / "done").exists():
            assert time.monotonic() < end, "the build in another process did not end"
            time.sleep(0.1)
    else:
        done = node("build.mjs", "--tests")
        (mark / "part").write_text(done.stderr if done.returncode else "")
        (mark / "part").rename(mark / "done")
    assert not (text := (mark / "done").read_text()), text
    return WEB


@pytest.fixture
def run(built: Path, tmp_path: Path) -> Run:
    """Run a program of the tests with an object as its input; returns its lines of JSON."""

    def started(program: str, given: dict[str, Any]) -> list[dict[str, Any]]:
        path = tmp_path / "given.json"
        path.write_text(json.dumps(given))
        done = node(built / "build" / "tests" / f"{program}.mjs", path)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return started


@pytest.fixture(scope="session")
def packets() -> list[bytes]:
    """The packets of a picture."""
    return xcodec.encode_packets(pictures.scene(96, 128), 60, 16, effort=0)
