"""What the command line does when it can't do what it is asked (xcodec/cli/, __main__.py)."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import xcodec
from xcodec.__main__ import main
from xcodec.decoder import inspection

Capture = pytest.CaptureFixture[str]


def failure(capsys: Capture, *args: object) -> str:
    """The one line that a failing command prints on standard error."""
    capsys.readouterr()
    assert main([str(a) for a in args]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("xcodec: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    return err


def test_inputs_that_are_no_pictures(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "text.png").write_text("This is no picture.\n")
    (tmp_path / "empty.png").touch()
    for name, reason in [
        ("text.png", "not a picture"),
        ("empty.png", "the file is empty"),
        ("missing.png", "no such file"),
    ]:
        told = f"xcodec: {tmp_path / name}: {reason}"
        assert told in failure(capsys, "encode", tmp_path / name)
        assert told in failure(capsys, "send", tmp_path / name, "--via", "udp://127.0.0.1:9")
    assert sorted(os.listdir(tmp_path)) == ["empty.png", "text.png"]


def test_records_that_are_none(tmp_path: Path, capsys: Capture) -> None:
    (wrong := tmp_path / "wrong.json").write_text("{}")
    missing = tmp_path / "missing.json"
    for path, reason in (missing, "no such file"), (wrong, "not a record"):
        assert reason in failure(capsys, "bench", "plot", path, "-o", tmp_path / "a.svg")
        assert reason in failure(capsys, "bench", "savings", path, path)
    assert os.listdir(tmp_path) == ["wrong.json"]


def test_a_folder_is_a_batch_and_needs_a_place_for_it(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "folder.png").mkdir()
    assert main(["encode", str(tmp_path / "folder.png")]) == 2
    assert "a folder needs an output folder: -o OUT" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["folder.png"]


def test_inputs_that_are_no_files_of_ours(picture: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out.png"
    (tmp_path / "empty.xgc").touch()
    for source in (picture, tmp_path / "empty.xgc", tmp_path / "missing.xgc"):
        assert f"xcodec: {source}: " in failure(capsys, "decode", source, "-o", out)
        assert f"xcodec: {source}: " in failure(capsys, "info", source)
    failure(capsys, "truncate", picture, "--bytes", 20)
    failure(capsys, "info", tmp_path)
    assert not out.exists()


def test_damaged_files(picture: Path, tmp_path: Path, capsys: Capture) -> None:
    data = bytearray(xcodec.encode(Image.open(picture)))
    out = tmp_path / "out.png"
    (tmp_path / "cut.xgc").write_bytes(data[:-20])
    failure(capsys, "decode", tmp_path / "cut.xgc", "-o", out)
    data[len(data) // 2] ^= 1
    (tmp_path / "changed.xgc").write_bytes(data)
    failure(capsys, "decode", tmp_path / "changed.xgc", "-o", out)
    assert not out.exists()
    options = ["--partial", "--decoder", "classical", "-q"]
    assert main(["decode", str(tmp_path / "cut.xgc"), "-o", str(out), *options]) == 0
    assert np.asarray(Image.open(out)).shape == (96, 120, 3)


def test_nothing_is_overwritten_unasked(picture: Path, capsys: Capture) -> None:
    file = picture.with_suffix(".xgc")
    file.write_bytes(b"precious")
    assert "exists already" in failure(capsys, "encode", picture)
    assert file.read_bytes() == b"precious"
    assert main(["encode", str(picture), "--force", "-q"]) == 0
    assert xcodec.info(file.read_bytes()).width == 120


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disks(
    picture: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    assert "no space left on device" in failure(capsys, "encode", picture, "-o", "/dev/full")
    for command in (["encode", str(picture), "-o", "-"], ["--help"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "xcodec", *command],
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
            )
        assert done.returncode == 1
        assert done.stderr.startswith(b"xcodec: ")
        assert done.stderr.count(b"\n") == 1
    assert os.listdir(tmp_path) == ["photo.png"]


def test_limits(picture: Path, tmp_path: Path, capsys: Capture) -> None:
    assert "120x96" in failure(capsys, "encode", picture, "--max-pixels", 1000)
    assert main(["encode", str(picture), "-q"]) == 0
    file = picture.with_suffix(".xgc")
    failure(capsys, "decode", file, "-o", tmp_path / "out.png", "--max-pixels", 1000)


def test_a_raised_limit_holds_for_the_report(
    picture: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def peek(data: bytes, max_pixels: int = 0) -> inspection.Peek:
        seen.append(max_pixels)
        return plain(data, max_pixels=max_pixels)

    plain = inspection.peek
    monkeypatch.setattr(inspection, "peek", peek)
    assert main(["encode", str(picture), "--max-pixels", "200000000"]) == 0
    assert seen == [200_000_000]


def test_values_out_of_range(picture: Path, capsys: Capture) -> None:
    """Wrong usage, which names the option as it was typed."""
    for options, said in (
        (["-r", "0"], "--rate is 0; it must be in 0.001..0.5"),
        (["-r", "0.6"], "--rate is 0.6"),
        (["-r", "nan"], "--rate is nan"),
        (["--bpp", "0"], "--bpp is 0"),
        (["--step", "0"], "--step is 0"),
        (["--step", "-3"], "--step is -3"),
        (["--block", "7"], "--block is 7"),
        (["--block", "24"], "--block is 24; it must be one of 8, 16, 32, 64, 128"),
        (["--floor", "0"], "--floor is 0; it must be above 0"),
        (["--strength", "-1"], "--strength is -1"),
        (["--tile", "100"], "--tile is 100"),
        (["--model", "dog"], "--model is 'dog'"),
        (["--roi", "9999999,0,8,8"], "a number of roi is 9999999; it must be in -1000000..1000000"),
        (["--seed", "-1", "--mask", "random"], "--seed is -1"),
        (["--packet-size", "200"], "--packet-size needs --packets, --bytes or --link"),
        (["-o", "photo.JPG"], "-o photo.JPG: what is written is no picture of that format"),
    ):
        assert main(["encode", str(picture), *options]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert f"Error: {said}" in err
    for options in (["--bytes", "2"], ["--mask", "missing.png"]):
        failure(capsys, "encode", picture, *options)
    assert [path.name for path in picture.parent.iterdir()] == [picture.name]


@pytest.mark.parametrize("command", ["encode", "compare", "restore", "corrupt"])
def test_what_is_encoded(command: str, capsys: Capture) -> None:
    task = [] if command in ("encode", "compare") else ["--task", "points"]
    assert main([command, "photo.XGC", *task]) == 2
    assert "photo.XGC is encoded: xcodec decode makes a picture of it" in capsys.readouterr().err


def test_an_unknown_preset(capsys: Capture) -> None:
    assert "none-such" in failure(capsys, "train", "--data", "photos", "--preset", "none-such")


def test_an_unknown_suffix_fails_before_the_work(picture: Path, capsys: Capture) -> None:
    assert main(["encode", str(picture), "-q"]) == 0
    file = picture.with_suffix(".xgc")
    assert "suffix '.xyz'" in failure(capsys, "decode", file, "-o", "out.xyz")


def test_a_missing_model(picture: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["encode", str(picture), "-q"]) == 0
    decode = ["decode", picture.with_suffix(".xgc"), "-o", tmp_path / "out.png", "--model"]
    for model in ("none-such", str(tmp_path / "none.safetensors")):
        assert model in failure(capsys, *decode, model)
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    "args",
    [
        ["encode"],
        ["paint"],
        ["encode", "a.png", "--rate", "much"],
        ["encode", "a.png", "--density", "none"],
        ["encode", "a.png", "--lossless-samples"],
        ["decode", "a.xgc", "--decoder", "classical", "--realism", "0.5"],
        ["decode", "a.xgc", "--device", "toaster"],
        ["decode", "a.xgc", "--max-pixels", "0"],
        ["decode", "a.xgc", "b.xgc"],
        ["decode", "a.XGC", "b.xgc"],
        ["decode", "a.xgc", "--region", "1,2,3"],
        ["decode", "a.xgc", "--region", "1,2,3,-4"],
        ["decode", "a.xgc", "--region", "9" * 5000 + ",0,1,1"],
        ["encode", "a.png", "--roi", "9" * 5000 + ",0,1,1"],
        ["encode", "a\n\x1b[31m.xgc"],
        ["encode", "a.png", "-o", "a\nb.png"],
        ["encode", "a.png", "b\nc.png"],
        ["info", "a.xgc", "b.xgc"],
        ["corrupt", "a.png", "--task", "points", "--side", "40"],
        ["corrupt", "a.png", "--task", "color-noise", "--distribution", "sobel"],
        ["corrupt", "a.png", "--task", "white-block", "--percent", "5"],
        ["corrupt", "a.png", "--task", "white-block", "--clutter", "b.png"],
        ["train"],
    ],
)
def test_wrong_usage(args: list[str], capsys: Capture) -> None:
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    usage, _, error = err.partition("\nError: ")
    assert "Usage: xcodec" in usage
    assert error.count("\n") == 1
    assert "\x1b" not in error
    assert len(error) < 200


@pytest.mark.parametrize(
    "args",
    [
        ["encode", ""],
        ["encode", "a.png", "-o", ""],
        ["encode", ".", "-o", ""],
        ["decode", ""],
        ["decode", "a.xgc", ""],
        ["decode", "a.xgc", "-o", ""],
        ["info", ""],
        ["truncate", "a.xgc", "--bytes", "9", "-o", ""],
        ["restore", "a.png", "--task", "points", "-o", ""],
        ["restore", "a.png", "--task", "points", "--model", ""],
        ["corrupt", "a.png", "--task", "points", "-o", ""],
        ["compare", ""],
        ["compare", "a.png", "-o", ""],
        ["send", "", "--via", "-"],
        ["receive", "--via", "-", "-o", ""],
        ["receive", "--via", ""],
        ["train", "--data", ""],
        ["train", "--data", "photos", "--checkpoint", ""],
        ["bench", "rd", ""],
    ],
)
def test_empty_names(args: list[str], capsys: Capture) -> None:
    """Those of variables of the shell that are not set mean no folder, and not the default."""
    assert main(args) == 2
    assert "the name is empty" in capsys.readouterr().err


def test_interruption(picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    from xcodec.encoder import encoding

    def interrupt(*_: object, **__: object) -> bytes:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("unreachable")

    monkeypatch.setattr(encoding, "encode_picture", interrupt)
    assert main(["encode", str(picture)]) == 130
    assert capsys.readouterr().out == ""
    assert not picture.with_suffix(".xgc").exists()


def test_a_closed_pipe_is_quiet(picture: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "xcodec", "encode", str(picture), "-o", "-"],
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode == 1
    assert done.stderr == b""
