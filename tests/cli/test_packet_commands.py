"""The command line where a link loses packets."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Run
from xcodec.__main__ import main
from xcodec.choices import ARMORS

ENCODE = ("--packet-size", "90", "--packets", "6", "--effort", "0")


def run(*args: object) -> int:
    return main([str(arg) for arg in args])


def test_any_files_of_a_folder_decode(picture: Path) -> None:
    folder = picture.with_suffix(".packets")
    assert run("encode", picture, *ENCODE) == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"00{index}.xgp" for index in range(6)]
    (folder / "001.xgp").unlink()
    (folder / "004.xgp").write_bytes(b"")
    out = picture.with_name("out.png")
    with pytest.warns(UserWarning, match="1 damaged"):
        assert main_without_filter("decode", folder, "-o", out) == 0
    assert size_of(out) == (120, 96)
    one = picture.with_name("one.png")
    assert run("decode", folder / "003.xgp", "-o", one, "--decoder", "classical") == 0
    some = picture.with_name("some.png")
    files = [folder / f"00{index}.xgp" for index in (5, 0, 5)]
    assert run("decode", *files, "-o", some, "--decoder", "classical") == 0


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def main_without_filter(*args: object) -> int:
    """The command without ``main``, which turns warnings into lines."""
    from xcodec.cli import cli

    args = (*args, "--decoder", "classical")
    code = cli.main([str(arg) for arg in args], standalone_mode=False)
    return code or 0


def test_a_pipe_carries_a_bundle(xcodec_process: Run, picture: Path) -> None:
    sent = xcodec_process("encode", picture, *ENCODE, "-o", "-")
    assert sent.returncode == 0, sent.stderr
    assert sent.stdout.startswith(b"XGP")
    seen = xcodec_process("decode", "-", "-o", "-", "--decoder", "classical", data=sent.stdout)
    assert seen.returncode == 0, seen.stderr
    assert seen.stdout.startswith(b"\x89PNG")


@pytest.mark.parametrize("armor", ARMORS)
def test_lines_of_text(picture: Path, armor: str) -> None:
    text = picture.with_suffix(".txt")
    options = ("--packet-size", "120", "--packets", "6", "--effort", "0")
    assert run("encode", picture, *options, "--armor", armor) == 0
    lines = text.read_text("ascii").splitlines()
    assert len(lines) == 6
    assert max(map(len, lines)) <= 120
    text.write_text("\r\n".join([lines[4], "", " " + lines[2], lines[1]]))
    assert run("decode", text, "-o", picture.with_name("a.png"), "--decoder", "classical") == 0
    assert size_of(picture.with_name("a.png")) == (120, 96)


def test_packets_in_a_mail_and_in_a_recording(picture: Path) -> None:
    text, out = picture.with_suffix(".txt"), picture.with_name("a.png")
    assert run("encode", picture, *ENCODE, "--armor", "base64", "-o", text) == 0
    lines = text.read_text("ascii").splitlines()
    quoted = "".join(f"> {line[:50]}\r\n> {line[50:]}\r\n" for line in lines)
    text.write_bytes(f"Hello é,\r\n{quoted}-- \r\nAnna\r\n".encode())
    assert run("decode", text, "-o", out, "--decoder", "classical") == 0
    assert size_of(out) == (120, 96)
    folder, stream = picture.with_name("set"), picture.with_suffix(".bin")
    assert run("encode", picture, *ENCODE, "-o", folder) == 0
    frames = [b"\0" + path.read_bytes() for path in sorted(folder.iterdir())]
    escaped = (
        frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") for frame in frames
    )
    stream.write_bytes(b"noise" + b"".join(b"\xc0" + frame + b"\xc0" for frame in escaped))
    assert run("decode", stream, "-fo", out, "--decoder", "classical") == 0
    assert size_of(out) == (120, 96)


def test_json_says_what_there_is(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("encode", picture, *ENCODE, "--loss", "0.3", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["packets"] == 6
    assert facts["bytes"] == 540
    assert facts["needed"] <= 6


def test_nothing_is_overwritten_unasked(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = picture.with_name("set")
    assert run("encode", picture, *ENCODE, "-o", folder) == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "notes").write_text("mine")
    assert run("encode", picture, *ENCODE, "--loss", "0.4", "-o", folder) == 1
    assert "-f replaces" in capsys.readouterr().err
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert run("encode", picture, "--packet-size", "90", "--packets", "3", "-fo", folder) == 0
    assert {path.name for path in folder.iterdir()} == {"000.xgp", "001.xgp", "002.xgp", "notes"}


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--packets", "5"), 2, "--packet-size"),
        (("--armor", "base64"), 2, "--packet-size"),
        (("--packet-size", "90"), 2, "--packets, --bytes or --link"),
        (
            ("--packet-size", "30", "--packets", "3"),
            2,
            "--packet-size is 30; it must be in 40..4096",
        ),
        (
            ("--packet-size", "50", "--packets", "3", "--armor", "base64"),
            2,
            "--packet-size is 50; it must be in 54..5462",
        ),
        (("--packet-size", "90", "--packets", "999"), 2, "--packets is 999; it must be in 1..255"),
        (("--packet-size", "90", "--bytes", "39"), 2, "--bytes is 39; it must be at least 40"),
        (
            ("--packet-size", "90", "--packets", "3", "--loss", "2"),
            2,
            "--loss is 2; it must be in 0..0.9",
        ),
        (
            ("--link", "ax25", "--packet-size", "300"),
            2,
            "--packet-size is 300; it must be at most 256 bytes for ax25",
        ),
        (("--link", "sbd", "--bytes", "341"), 2, "--bytes is 341; it must be in 1..340 for sbd"),
        (("--packet-size", "90", "--packets", "3", "-r", "0.1"), 2, "--rate"),
        (("--packet-size", "90", "--packets", "3", "--lossless-samples"), 2, "--lossless-samples"),
    ],
)
def test_wrong_usage(
    picture: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    assert run("encode", picture, *options) == code
    assert message in capsys.readouterr().err
    assert not picture.with_suffix(".packets").exists()


def test_a_folder_without_packets_is_an_error(
    picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("decode", picture.parent, "-o", picture.with_name("x.png")) == 1
    assert "xcodec: " in capsys.readouterr().err
