"""Which parts of the package may import which, and what a process loads."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xcodec.__main__ import main

ROOT = Path(__file__).parent.parent
PLANTED = "\nfrom xcodec.encoder import search\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the package's sources and the contracts of import-linter."""
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    ignored = shutil.ignore_patterns("__pycache__", "*.safetensors")
    shutil.copytree(ROOT / "xcodec", tmp_path / "xcodec", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Check the contracts on the package in a folder."""
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "from importlinter.cli import lint_imports_command\n"
        "lint_imports_command(['--no-logo', '--no-cache'])"
    )
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_contracts_hold_and_find_a_decoder_that_imports_the_encoder(copy: Path) -> None:
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    reading = copy / "xcodec" / "decoder" / "reading.py"
    reading.write_text(reading.read_text() + PLANTED)
    done = lint_imports(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "xcodec.decoder is not allowed to import xcodec.encoder" in done.stdout
    assert re.search(r"xcodec\.decoder\.reading -> xcodec\.encoder\.search \(l\.\d+\)", done.stdout)


@pytest.mark.parametrize("part", ["sampling", "coding", "kriging"])
def test_sampling_coding_and_kriging_name_no_network(part: str) -> None:
    """import-linter sees torch and onnx; OpenCV's networks are a part of cv2, which is allowed."""
    sources = sorted((ROOT / "xcodec" / part).glob("**/*.py"))
    assert sources
    for path in sources:
        found = re.findall(r"\b(?:cv2\.dnn|dnn\b|torch|onnx)\w*", path.read_text())
        assert not found, f"{path.relative_to(ROOT)} names {', '.join(sorted(set(found)))}"


@pytest.mark.parametrize("decoder", ["classical", "generator"])
def test_decoding_loads_nothing_of_the_encoder(tmp_path: Path, decoder: str) -> None:
    rows, cols = np.indices((48, 64))
    picture = np.stack([3 * rows, 2 * cols, rows + cols], -1).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert main(["encode", str(tmp_path / "a.png"), "-o", str(tmp_path / "a.xgc")]) == 0
    script = (
        "import sys\n"
        "from xcodec.__main__ import main\n"
        f"code = main(['decode', 'a.xgc', '-o', 'b.png', '--decoder', {decoder!r}])\n"
        "print(code, sorted(name for name in sys.modules if name.startswith('xcodec.encoder')))\n"
        "print('xcodec.decoder.drawing' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.splitlines()[-2:] == ["0 []", "True"]
    assert (tmp_path / "b.png").exists()
