"""The scripts in benchmarks/ with wrong options and odd pictures."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.evaluation.running import failed, run, script
from xcodec.evaluation.measures import metrics


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "2", "--positions", "odd"], "none of the pictures is at an odd position"),
        (["--rates", "many"], "not numbers separated by commas"),
    ],
)
def test_errors_are_one_line(folder: Path, arguments: list[str], message: str) -> None:
    text = failed("lossless_samples", folder, *arguments)
    assert text.startswith("lossless_samples.py: ")
    assert message in text
    assert text.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["direwolf", "lossless_samples", "packet_planner", "painting", "regions", "web"]
)
def test_a_record_that_cannot_be_written_is_an_error_before_the_run(
    name: str, folder: Path
) -> None:
    """It was one after it: hours of work were lost."""
    assert failed(name, folder, "-o", folder) == f"{name}.py: {folder}: is a directory\n"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("scale_to_fit", ["missing.png"], "missing.png: no such file or directory"),
        ("scale_to_fit", ["missing.png", "--bytes", "few"], "not numbers separated by commas"),
        ("demo", ["--output", __file__], "file exists"),
        ("gallery", ["--bytes", ""], "there is no size to show"),
        (
            "painting",
            ["{folder}", "--bytes", "200", "--step", "2"],
            "--step is of files at --rates",
        ),
    ],
)
def test_there_are_no_tracebacks(
    name: str, arguments: list[str], message: str, folder: Path
) -> None:
    text = failed(name, *(each.format(folder=folder) for each in arguments))
    assert text.startswith(f"{name}.py: ")
    assert message in text
    assert text.count("\n") == 1


def test_seams_are_of_pictures(folder: Path) -> None:
    """A text among them ended in a traceback."""
    (folder / "2.png").unlink()
    (folder / "3.png").unlink()
    text = failed("big", "seams", "--photos", folder)
    assert text == f"big.py: {folder}: none of the pictures is at an even position\n"


def test_pictures_of_the_same_name_are_both_in_the_record(folder: Path) -> None:
    """A name had one digest."""
    other = folder.parent / "others"
    other.mkdir()
    Image.new("RGB", (80, 96)).save(other / "1.png")
    options = ["--shapes", "8x60", "--planned", 0.1, "--losses", "0", "--effort", 0]
    options += ["--square", 64, "--constants", "", "--only", "1", "--jobs", 1]
    record, text = run("packet_planner", folder, other, *options)
    assert list(record["pictures"]) == ["1.png", "1 (2).png"]
    assert len(set(record["pictures"].values())) == 2
    assert "2 pictures" in text


def test_pictures_may_be_scaled_down_within_their_budget(folder: Path) -> None:
    """Those of regions and packets were compared at the smaller size: there was a traceback."""
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
    small.resize((400, 400)).save(folder / "1.png")
    record, _ = run("regions", folder, "--weights", 4, "--only", "1", "--bytes", 40)
    assert np.isfinite(record["figures"]["rows"][0]["outside"])
    options = ["--shapes", "2x50", "--planned", 0.1, "--losses", "0", "--effort", 0]
    options += ["--square", 400, "--constants", "", "--only", "1", "--jobs", 1]
    record, _ = run("packet_planner", folder, *options)
    assert 5 < record["figures"]["rows"][0]["psnr"] < 30


def test_ssdv_may_have_no_packets_so_small(
    small: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was missing among the means of that picture."""
    module = script("direwolf")
    monkeypatch.setattr(module.ssdv, "installed", lambda: True)
    monkeypatch.setattr(module.ssdv, "sizes", lambda *_: iter(()))
    plan = module.Plan(400, 0.3, (0.5,), 2, 64, "photo")
    (sent,) = [each for each in module.parties(small, plan) if each.party == "ssdv"]
    (found,) = module.over_noise(small, sent, module.Job(Path("a.png"), 0, plan))
    assert (found.packets, found.lost, found.empty) == (0, 0.0, 1.0)
    assert found.psnr == metrics.psnr(small, np.full_like(small, 128))


@pytest.mark.parametrize("commit", ["abc1234-dirty", None])
def test_records_of_changed_code_are_made_again(
    commit: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its commit does not tell whether the code changed once more."""
    module = script("bench_all")
    for folder in module.FOLDERS.values():
        (tmp_path / folder).mkdir(parents=True)
    output = tmp_path / "out"
    code = f"open({str(output / 'speed.json')!r}, 'w').close()"
    monkeypatch.setattr(module, "command", lambda *_: [sys.executable, "-c", code])
    monkeypatch.setattr(module, "commit", lambda: commit)
    monkeypatch.setattr(
        sys, "argv", ["bench_all.py", str(tmp_path), "--output", str(output), "--only", "speed"]
    )
    for _ in range(2):
        assert module.main() == 0
        assert capsys.readouterr().out.splitlines() == ["speed: 0 s", "all: 0 s"]
