"""What is installed: the pages made from the commands, and a wheel that works from anywhere."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Run

ROOT = Path(__file__).parent.parent


def test_the_page_of_the_command_line_is_current(xcodec_process: Run, tmp_path: Path) -> None:
    """docs/cli.md says what the commands say; else: python scripts/cli_reference.py"""
    script = "import runpy; print(runpy.run_path('scripts/cli_reference.py')['page'](), end='')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "37"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout == (ROOT / "docs" / "cli.md").read_text()
    assert "## `xcodec encode`" in done.stdout
    assert "--skip-existing" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("typed", "offered"),
    [("enc", "encode"), ("encode pho", "file"), ("train --data pho", "file")],
)
def test_shells_complete_commands_and_files(shell: str, typed: str, offered: str) -> None:
    """For files, click tells the shell to look itself."""
    words = typed.split()
    # fish gives the word itself, others its place.
    place = words[-1] if shell == "fish" else str(len(words))
    asked = {"COMP_WORDS": f"xcodec {typed}", "COMP_CWORD": place}
    done = subprocess.run(
        [sys.executable, "-m", "xcodec"],
        cwd=ROOT,
        env=os.environ | {"_XCODEC_COMPLETE": f"{shell}_complete"} | asked,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert offered in done.stdout.replace(",", "\n").split()


def test_every_page_is_on_the_site() -> None:
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    text = (ROOT / "mkdocs.yml").read_text()
    assert {page for page in pages if f": {page}\n" not in text} == set()


@pytest.mark.long
def test_the_wheel_works_from_any_folder_without_a_network(picture: Path, tmp_path: Path) -> None:
    """Built from a clean checkout, installed beside the packages of this environment."""
    pytest.importorskip("build", reason="build is not installed: make dist")
    checkout = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(checkout)], check=True)
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(tmp_path / "dist"), str(checkout)],
        check=True,
        capture_output=True,
        timeout=600,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")
    assert wheel.stat().st_size < 40e6
    names = zipfile.ZipFile(wheel).namelist()
    assert "xcodec/models/photo.safetensors" in names
    assert "xcodec/models/photo.ranges.json" in names
    assert not [name for name in names if name.startswith("xcodec/models/") and "-real." in name]
    assert "xcodec/coding/tables.json" in names
    assert "xcodec/py.typed" in names
    assert "xcodec/models/LICENSE.md" in names
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith("tests/")]
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/pyproject.toml") for name in archive.getnames())
    venv.create(tmp_path / "env", with_pip=False)
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    # The packages that it needs are those of this environment; xcodec itself is the wheel's.
    here = next(path for path in sys.path if path.endswith("site-packages"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    python = tmp_path / "env" / "bin" / "python"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{site}{os.pathsep}{here}"}
    for arguments in (
        ["-c", f"import xcodec; assert xcodec.__file__.startswith({str(site)!r})"],
        ["-m", "xcodec", "encode", str(picture), "-o", "p.xgc"],
        ["-m", "xcodec", "decode", "p.xgc", "-o", "p.png"],
    ):
        done = subprocess.run(
            [str(python), *arguments],
            cwd=elsewhere,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
    with Image.open(elsewhere / "p.png") as painted, Image.open(picture) as original:
        assert painted.size == original.size
