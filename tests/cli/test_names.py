"""Names of results: made of the sources' names, never those of other files, never too long."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
from tests.conftest import Run
from xcodec.__main__ import main
from xcodec.cli.common import beside
from xcodec.errors import InputError
from xcodec.links import sending
from xcodec.system import files

Capture = pytest.CaptureFixture[str]
CLASSICAL = ("--decoder", "classical")
QUICK = ("-q", "-e", "0")


def run(*args: object) -> int:
    return main([str(arg) for arg in args])


def listed(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.fixture
def coded(picture: Path) -> Path:
    """A .xgc file beside the original."""
    assert run("encode", picture, *QUICK) == 0
    return picture.with_suffix(".xgc")


@pytest.fixture
def packets(small: NDArray[np.uint8], tmp_path: Path) -> Path:
    """A folder of packets called photo.packets."""
    folder = tmp_path / "photo.packets"
    folder.mkdir()
    for i, packet in enumerate(sending.encode_packets(small, 200, packets=3, effort=0)):
        (folder / f"{i:03}.xgp").write_bytes(packet)
    return folder


# One rule for pictures and pages


def test_the_first_two_commands(xcodec_process: Run, picture: Path, tmp_path: Path) -> None:
    original = picture.read_bytes()
    assert xcodec_process("encode", "photo.png", "-r", "0.02").returncode == 0
    done = xcodec_process("decode", "photo.xgc", *CLASSICAL)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"photo.decoded.png: 120x96 pixels\n"
    assert listed(tmp_path) == ["photo.decoded.png", "photo.png", "photo.xgc"]
    assert picture.read_bytes() == original
    again = xcodec_process("decode", "photo.xgc", *CLASSICAL)
    assert again.returncode == 1
    assert again.stderr == (
        b"xcodec: photo.decoded.png: exists already; -f overwrites it, -o names another\n"
    )


def test_a_free_name_is_taken_as_it_is(coded: Path, picture: Path, capsys: Capture) -> None:
    picture.unlink()
    assert run("decode", coded, *CLASSICAL) == 0
    assert capsys.readouterr().out == f"{picture}: 120x96 pixels\n"


def test_force_never_touches_the_original(coded: Path, picture: Path) -> None:
    original = picture.read_bytes()
    result = picture.with_name("photo.decoded.png")
    result.write_bytes(b"old")
    assert run("decode", coded, *CLASSICAL, "-f") == 0
    assert picture.read_bytes() == original
    assert result.read_bytes() != b"old"
    assert run("decode", coded, *CLASSICAL, "-o", picture) == 1
    assert picture.read_bytes() == original
    assert run("decode", coded, *CLASSICAL, "-o", picture, "-f") == 0  # Asked for exactly that.
    assert picture.read_bytes() == result.read_bytes()


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_whatever_has_the_name_is_left_alone(coded: Path, picture: Path, kind: str) -> None:
    picture.unlink()
    if kind == "folder":
        picture.mkdir()
    else:
        picture.symlink_to("nowhere")
    assert run("decode", coded, *CLASSICAL, "-q") == 0
    assert picture.with_name("photo.decoded.png").is_file()
    assert not picture.with_name("nowhere").exists()


def test_packets_follow_the_rule(picture: Path, packets: Path, capsys: Capture) -> None:
    original = picture.read_bytes()
    result = picture.with_name("photo.decoded.png")
    for command in (["decode", packets], ["receive", "--watch", f"{packets}/"]):
        assert run(*command, *CLASSICAL) == 0
        assert capsys.readouterr().out.startswith(f"{result}: ")
        assert run(*command, *CLASSICAL) == 1
        assert "photo.decoded.png: exists already" in capsys.readouterr().err
        result.unlink()
    assert picture.read_bytes() == original


def test_a_picture_that_appears_meanwhile_is_left_alone(
    packets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(files, "check_target", lambda *_: None)  # It was free then.
    (tmp_path / "out.png").write_bytes(b"mine")
    assert run("receive", "--watch", packets, "-o", tmp_path / "out.png", *CLASSICAL) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "out.png").read_bytes() == b"mine"


def test_packets_where_we_are(packets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a name has that of its place."""
    monkeypatch.chdir(packets)
    assert run("decode", ".", *CLASSICAL, "-q") == 0
    assert packets.with_name("photo.png").is_file()


def test_pages_and_text_follow_the_rule(picture: Path, capsys: Capture) -> None:
    notes = {}
    for suffix, word in ((".html", "compared"), (".txt", "packets")):
        notes[picture.with_suffix(suffix)] = picture.with_name(f"photo.{word}{suffix}")
        picture.with_suffix(suffix).write_text("mine")
    line = ("--packet-size", "160", "--packets", "3", "--armor", "base64", "-e", "0")
    assert run("encode", picture, *line) == 0
    assert run("compare", picture, "-r", "0.05") == 0
    out = capsys.readouterr().out
    for mine, result in notes.items():
        assert mine.read_text() == "mine"
        assert f"{result}: " in out
    assert run("encode", picture, *line) == 1


@pytest.mark.parametrize(
    ("command", "taken"),
    [
        (["encode", "photo.png", "-q", "-e", "0"], "photo.xgc"),
        (["truncate", "photo.xgc", "--bytes", "200"], "photo.cut.xgc"),
        (["restore", "photo.png", "--task", "points"], "photo-restored.png"),
        (["corrupt", "photo.png", "--task", "points"], "photo-points.png"),
        (["corrupt", "photo.png", "--task", "points"], "photo-points.json"),
    ],
)
def test_names_that_only_xcodec_gives_are_errors_if_they_exist(
    coded: Path, command: list[str], taken: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(coded.parent)
    Path(taken).write_bytes(b"mine")
    before = listed(coded.parent)
    assert run(*command) == 1
    assert f"{taken}: exists already; -f overwrites it, -o names another" in capsys.readouterr().err
    assert listed(coded.parent) == before
    assert Path(taken).read_bytes() == b"mine"


def test_packets_are_not_replaced(picture: Path, packets: Path, capsys: Capture) -> None:
    before = {path.name: path.read_bytes() for path in packets.iterdir()}
    assert run("encode", picture, "--packet-size", "100", "--packets", "5", "-e", "0") == 1
    assert "contains packets already; -f" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in packets.iterdir()} == before


# Long names


@pytest.mark.parametrize("letter", ["a", "é", "語", "😀", "\udcff"])
def test_a_name_fits_and_stays_its_own(letter: str, tmp_path: Path) -> None:
    """Whatever it is made of: names are counted in bytes."""
    size = len(os.fsencode(letter))
    longest = letter * (255 // size)
    shorter = letter * ((255 - 4) // size)
    assert files.fitted(shorter, ".xgc") == shorter + ".xgc"
    names = {files.fitted(longest[:-1] + end, ".decoded.png") for end in (letter, "b", "c")}
    assert len(names) == 3
    for name in names:
        assert name.endswith(".decoded.png")
        assert 255 - 4 <= len(os.fsencode(name)) <= 255
    target = tmp_path / files.fitted(longest, ".xgc")
    try:
        target.touch()
    except OSError:
        pytest.skip("this file system does not allow the name")
    target.unlink()
    files.write(target, b"data")  # Its temporary file has a name that fits, too.
    assert files.read(target) == b"data"


def test_long_names_go_through_all_commands(
    small: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "n" * 251 + ".png"
    Image.fromarray(small).save(name)
    assert run("encode", name, *QUICK) == 0
    coded = name[:-4] + ".xgc"
    assert run("decode", coded, *CLASSICAL) == 0
    result = capsys.readouterr().out.removesuffix(": 120x96 pixels\n")
    assert result.endswith(".decoded.png")
    assert Path(result).is_file()
    line = ("--packet-size", "160", "--packets", "3", "-e", "0")
    assert run("encode", name, *line) == 0
    assert run("encode", name, *line, "--armor", "base64") == 0
    assert run("truncate", coded, "--bytes", "150") == 0
    assert run("corrupt", name, "--task", "points", "-q") == 0
    assert len([each for each in listed(tmp_path) if ".truth" in each or ".mask" in each]) == 2
    assert max(len(each) for each in listed(tmp_path)) <= 255
    assert run("decode", coded, *CLASSICAL) == 1  # The name is the same each time.
    assert "exists already" in capsys.readouterr().err


def test_a_name_that_is_too_long_is_told_before_anything_is_done(
    coded: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xcodec.codec, "decode_picture", None)
    assert run("decode", coded, "-o", coded.with_name("n" * 300 + ".png")) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "file name too long" in error
    with pytest.raises(InputError, match="file name too long"):
        files.write(coded.with_name("n" * 300), b"data", overwrite=True)


def test_names_of_standard_input_and_of_folders() -> None:
    assert beside("-", ".png", "decoded") == "-"
    assert beside("no/such/folder.packets/", ".png") == os.path.join("no", "such", "folder.png")
    assert Path(beside("..", ".png")) == Path.cwd().parent.with_suffix(".png")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse the name")
def test_names_that_are_no_text(coded: Path, xcodec_process: Run) -> None:
    """Names are bytes: those that are not UTF-8 are kept as they are."""
    strange = os.fsdecode(b"caf\xe9")
    coded.rename(coded.with_name(strange + ".xgc"))
    coded.with_name("photo.png").rename(coded.with_name(strange + ".png"))
    done = xcodec_process("decode", strange + ".xgc", *CLASSICAL)
    assert (done.returncode, done.stderr) == (0, b"")
    assert strange + ".decoded.png" in listed(coded.parent)
