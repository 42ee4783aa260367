"""The commands that README.md prints work, in order, in an empty folder with a photo."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).parent.parent
LEFT_OUT = {"pip", "make"}
"""Commands that install: ``make demo`` and tests/test_packaging.py run what they do."""


def commands() -> Iterator[list[str]]:
    """The words of each command in README's blocks of shell, from top to bottom."""
    for block in re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] not in LEFT_OUT:
                yield words


def test_they_are_all_of_xcodec() -> None:
    names = [words[:2] for words in commands()]
    assert {name for name, _ in names} == {"xcodec"}
    assert [command for _, command in names][:2] == ["encode", "decode"]


def test_they_succeed_in_order(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    if not (ROOT / "models" / "photo.safetensors").exists():
        pytest.skip("the weights models/photo.safetensors are missing")
    Image.fromarray(photo[100:196, 150:278]).save(tmp_path / "photo.png")
    original = (tmp_path / "photo.png").read_bytes()
    for _, *arguments in commands():
        done = subprocess.run(
            [sys.executable, "-m", "xcodec", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, ""), (arguments, done.stderr)
        assert done.stdout, arguments
    assert (tmp_path / "photo.png").read_bytes() == original
    assert (tmp_path / "photo.xgc").stat().st_size <= 340
