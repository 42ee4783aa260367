"""Standard streams that are closed or full, environments without a home, and names of any bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import xcodec
from xcodec.__main__ import main
from xcodec.errors import InputError
from xcodec.system import files, folders

Capture = pytest.CaptureFixture[str]
posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


def shell(folder: Path, redirections: str, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m xcodec ARGS`` with the redirections of a shell."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, "-m", "xcodec", *args],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=folder, timeout=60,
        check=False,
    )  # fmt: skip


# Standard streams


@posix
@pytest.mark.parametrize("redirections", [">&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_nothing(picture: Path, redirections: str) -> None:
    Image.open(picture).save(picture.with_suffix(".tif"), compression="tiff_lzw")
    done = shell(picture.parent, redirections, "encode", "photo.tif", "-e", "0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert xcodec.info(picture.with_suffix(".xgc").read_bytes()).width == 120


@posix
@pytest.mark.parametrize(
    ("redirections", "args", "name"),
    [
        ("<&-", ("encode", "-", "-o", "a.xgc"), "input"),
        (">&-", ("encode", "photo.png", "-o", "-"), "output"),
    ],
)
def test_closed_streams_hold_no_picture(
    picture: Path, redirections: str, args: tuple[str, ...], name: str
) -> None:
    done = shell(picture.parent, redirections, *args)
    assert done.returncode == 1
    assert done.stderr == f"xcodec: standard {name} is closed: name a file instead of '-'\n"


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_streams(picture: Path) -> None:
    done = shell(picture.parent, "2>/dev/full", "encode", "none.png")
    assert done.returncode == 1
    done = shell(picture.parent, "2>/dev/full", "paint")
    assert done.returncode == 2
    bad = picture.with_name("bad.png")
    bad.write_bytes(b"no picture")
    line = "encode", ".", "-o", "out", "-e", "0", "-j", "1"
    done = shell(picture.parent, "2>/dev/full", *line)
    assert done.returncode == 1
    assert "1 done, 0 skipped, 1 failed" in done.stdout
    done = shell(picture.parent, ">/dev/full", "info", "out/photo.xgc")
    assert (done.returncode, done.stderr) == (
        1,
        "xcodec: standard output: no space left on device\n",
    )


# Environments


def test_without_a_home(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = [sys.executable, "-m", "xcodec", "encode", "photo.png", "-e", "0"]
    assert subprocess.run(line, env={}, cwd=tmp_path, check=False).returncode == 0

    def homeless(_: str) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("platformdirs.user_cache_path", homeless)
    with pytest.raises(InputError, match="set HOME or XDG_CACHE_HOME"):
        folders.cache()


# Names


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8")
@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}],
    ids=["C", "ascii"],
)
def test_names_that_no_encoding_knows(
    picture: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9\n\x1b[1m.png"
    os.rename(picture, name)
    done = subprocess.run(
        [sys.executable, "-m", "xcodec", "encode", name, "-e", "0"],
        env=os.environ | environment, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\n") == 1
    assert b"\\n\\x1b[1m.xgc: " in done.stdout
    assert b"caf\xe9\n\x1b[1m.xgc" in os.listdir(os.fsencode(tmp_path))


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8")
def test_json_has_the_name(picture: Path, tmp_path: Path, capsys: Capture) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.png")
    picture.rename(name)
    assert main(["encode", name, "-e", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["file"]
    assert os.path.exists(found)
    assert main(["encode", name, "-e", "0"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    out = tmp_path / "out"
    (tmp_path / "bad\n.png").write_bytes(b"no picture")
    assert main(["encode", str(tmp_path), "-o", str(out), "-e", "0", "-j", "1"]) == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "bad\\n.png" in said.err or "bad .png" in said.err
    assert "1 done, 0 skipped, 1 failed" in said.out


@pytest.mark.parametrize("name", ["a\0b.png", "\ud800.png"])
def test_what_is_no_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no name of a file"):
        files.read(name)
    with pytest.raises(InputError, match="no name of a file"):
        files.write(f"{tmp_path}/{name}", b"x")


def test_comments_are_shown_as_they_are(picture: Path, capsys: Capture) -> None:
    comment = "[/b] [red]a\x1b[31m\nb"
    assert main(["encode", str(picture), "-e", "0", "-q", "--comment", comment]) == 0
    assert main(["info", str(picture.with_suffix(".xgc"))]) == 0
    assert "[/b] [red]a\\x1b[31m\\nb" in capsys.readouterr().out
