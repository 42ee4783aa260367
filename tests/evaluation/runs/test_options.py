"""Options of ``xcodec bench`` that are wrong, as its commands hear of them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xcodec.__main__ import main
from xcodec.cli import cli
from xcodec.evaluation.runs import options
from xcodec.reconstruction import model_files

RD = ["--decoders", "classical", "--peers", "", "--metrics", "psnr", "-j", "1"]
LINKS = ["--peers", "", "--losses", "0", "--bytes", "400", "-j", "1"]


def wrong(capsys: pytest.CaptureFixture[str], benchmark: str, *arguments: object) -> str:
    """The last line of what a command says as it ends with an error."""
    assert main(["bench", benchmark, *map(str, arguments)]) in (1, 2)
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("target", [("--rates", "0.1"), ("--bytes", "200")])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("density=foo", "density is 'foo'; it must be one of "),
        ("nonsense=1", "there is no option 'nonsense'"),
        ("rate=0.2", "rate cannot be given by -E"),
        ("model=face", "model cannot be given by -E"),
        ("lossless_samples=true", "lossless_samples needs the tone 'point'"),
    ],
)
def test_arguments_of_encode_are_checked(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    target: tuple[str, str],
    given: str,
    message: str,
) -> None:
    """Within budgets they meant that no file fits, and a rate took the place of all rates."""
    assert message in wrong(capsys, "rd", folder, *RD, *target, "-E", given)


@pytest.mark.parametrize(
    ("benchmark", "arguments", "message"),
    [
        ("rd", [*RD, "--rates", "0.1,2"], "--rates is 2; it must be in 0.001..0.5"),
        ("rd", [*RD, "--rates", "0.1", "--efforts", "4,99"], "--efforts is 99"),
        ("rd", [*RD, "--efforts", "4", "-E", "effort=9"], "effort cannot be given by -E"),
        ("points", ["--fractions", "0.1,2"], "--fractions is 2"),
        ("points", ["--masks", ""], "give masks and fractions"),
        ("rd", [*RD, "--bpp", "0.1,nan"], "not numbers separated by commas: '0.1,nan'"),
        ("rd", [*RD, "--bpp", "inf"], "not numbers separated by commas: 'inf'"),
        ("rd", [*RD, "--rates", "0.1", "--at", "nan"], "not numbers separated by commas"),
        ("links", [*LINKS, "-E", "model=face"], "model cannot be given by -E"),
        ("links", [*LINKS, "-E", "loss=0.1"], "there is no option 'loss'"),
    ],
)
def test_options_are_checked_before_anything_is_measured(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    benchmark: str,
    arguments: list[str],
    message: str,
) -> None:
    assert message in wrong(capsys, benchmark, folder, *arguments)
    assert not (folder.parent / "cache").exists()


@pytest.mark.parametrize(
    ("task", "more", "message"),
    [
        ("points", ["--levels", "5,-5"], "the level is -5: it must be 1 or more"),
        ("points", ["--classical", "nearest,kriging:5"], "only median and nlm have a strength"),
        ("color-noise", ["--classical", "median:-3"], "is a whole number in 1..31"),
        ("color-noise", ["--classical", "median:33"], "is a whole number in 1..31"),
        ("color-noise", ["--classical", "nlm:"], "is a whole number in 1..255"),
        ("color-noise", ["--distributions", "sobel"], "color-noise has no distributions"),
        ("white-block", ["--clutter", "pictures"], "color-block, and no other task"),
    ],
)
def test_restoration_has_no_other_options(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    more: list[str],
    message: str,
) -> None:
    """They ended in tracebacks, or were ignored."""
    monkeypatch.chdir(folder.parent)
    command = ["--task", task, "--levels", "20", "--classical", "linear", *more]
    assert message in wrong(capsys, "restoration", folder, *command)


@pytest.mark.parametrize(
    ("benchmark", "more"),
    [
        ("rd", [*RD[2:], "--rates", "0.1"]),
        ("points", ["--fills", "generator", "--fractions", "0.1"]),
        ("restoration", ["--task", "points", "--levels", "10"]),
    ],
)
def test_weights_of_one_name_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], benchmark: str, more: list[str]
) -> None:
    """Their figures became one curve, of which the second ones took the place of the first."""
    name = "restore-face-points" if benchmark == "restoration" else "face"
    mine = folder.parent / f"{name}.safetensors"
    mine.write_bytes(model_files.find(name).read_bytes())
    text = wrong(capsys, benchmark, folder, "--models", f"{name},{mine}", *more)
    assert str(mine) in text
    assert text.endswith(": weights need different names")


def test_a_rate_of_speed_is_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error was that of a command that it runs, in several lines."""
    assert "--rate is 2;" in wrong(capsys, "speed", folder / "1.png", "--rate", "2")


def test_records_and_pages_on_standard_output_are_alone_there(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables and sizes were among them, and records went into a file called "-"."""
    monkeypatch.chdir(folder)
    assert main(["bench", "rd", ".", *RD, "--rates", "0.1", "--efforts", "0", "-o", "-"]) == 0
    out, err = capsysbinary.readouterr()
    assert json.loads(out)["benchmark"] == "rd"
    assert b"| codec " in err
    assert not Path("-").exists()
    Path("a.json").write_bytes(out)
    assert main(["bench", "report", "a.json", "-o", "-"]) == 0
    out, err = capsysbinary.readouterr()
    assert out.endswith(b"</html>\n")
    assert err.startswith(b"-: ")


def test_a_budget_below_a_byte_has_no_file(folder: Path) -> None:
    done = rd(folder, "--bpp", "0.0005,0.3", "--efforts", "0")
    assert "0.3 bpp" in done.output
    assert "0.0005 bpp" not in done.output


def test_what_is_asked_for_twice_counts_once(folder: Path) -> None:
    """A picture that was chosen twice was measured twice, and a codec counted as two."""
    twice = ["--only", "2,2,1", "--bytes", "200,200", "--efforts", "0,0"]
    done = rd(folder, *twice, "--peers", "webp,jpeg,webp")
    assert f"{folder.name}: 2 pictures" in done.output
    assert done.output == rd(
        folder, "--only", "2,1", "--bytes", "200", "--efforts", "0", "--peers", "webp,jpeg"
    ).output  # fmt: skip
    assert options.pictures(folder, only=options.numbers("2,1,2", int)) == [
        folder / "2.png",
        folder / "1.png",
    ]


def rd(folder: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(cli, ["bench", "rd", str(folder), *RD, *arguments])
    assert done.exit_code == 0, done.output
    return done
