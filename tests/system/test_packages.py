"""Optional packages (xcodec/system/packages.py), folders (folders.py) and cores (processes.py)."""

import json
import os
import sys
from pathlib import Path

import pytest

from xcodec.errors import DependencyError, XcodecError
from xcodec.system import folders
from xcodec.system.packages import require
from xcodec.system.processes import cores


def test_installed_modules_are_returned() -> None:
    assert require("json", "demo") is json


def test_the_error_names_the_extra() -> None:
    with pytest.raises(DependencyError, match=r"pip install 'xcodec\[demo\]'") as error:
        require("xcodec_no_such_package.part", "demo")
    assert str(error.value).startswith("xcodec_no_such_package is not installed: ")
    assert isinstance(error.value, XcodecError)
    assert isinstance(error.value, ImportError)


def test_packages_that_lack_a_dependency_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xcodec_broken.py").write_text("import xcodec_no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="xcodec_no_such_package") as error:
        require("xcodec_broken", "demo")
    assert not isinstance(error.value, DependencyError)
    assert "xcodec_broken" not in sys.modules


def test_the_folder_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(folders.WEIGHTS, raising=False)
    assert folders.weights() is None
    monkeypatch.setenv(folders.WEIGHTS, "named")
    assert folders.weights() == Path("named")
    assert folders.weights("given") == Path("given")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_only_usable_cores_count() -> None:
    before = os.sched_getaffinity(0)
    assert cores() == len(before)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)
