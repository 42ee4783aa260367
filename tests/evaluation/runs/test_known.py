"""Other codecs' figures from a record of before."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from xcodec.cli import cli
from xcodec.errors import InputError

OPTIONS = ["--decoders", "classical", "--efforts", "0", "--metrics", "psnr,ssim", "-j", "1", "-f"]
SCALED = "WebP, scaled, best PSNR"


def run(folder: Path, name: str, *arguments: object) -> dict[str, Any]:
    output = folder.parent / "results" / name
    output.parent.mkdir(exist_ok=True)
    command = ["bench", "rd", folder, "--peers", "webp,jpeg", *OPTIONS, "-o", output, *arguments]
    # Each run computes what it needs.
    command += ["--state", output.with_suffix(".sqlite")]
    done = CliRunner().invoke(cli, list(map(str, command)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    record: dict[str, Any] = json.loads(output.read_text())
    return record


def curve(record: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in record["figures"]["curves"] if c["name"] == name)
    return found


@pytest.fixture
def before(folder: Path) -> Path:
    """A record of two of the three pictures, with a figure that nobody measured."""
    record = run(folder, "before.json", "--bytes", "200,300,400", "--only", "1,3")
    assert curve(record, SCALED)["points"][1]["setting"] == 300
    curve(record, SCALED)["points"][1]["pictures"]["psnr"][1] = 77.5
    path = folder.parent / "results" / "before.json"
    path.write_text(json.dumps(record))
    return path


def test_they_are_taken_from_it_and_the_others_measured(folder: Path, before: Path) -> None:
    whole = run(folder, "whole.json", "--bytes", "200,300")
    record = run(folder, "again.json", "--bytes", "200,300", "--known", before)
    assert curve(record, SCALED)["points"][1]["pictures"]["psnr"][2] == 77.5
    best = curve(record, "best file, scaled, best PSNR")["points"][1]["pictures"]
    assert best["psnr"][2] == 77.5
    assert best["choice"][2] == curve(whole, SCALED)["points"][1]["pictures"]["choice"][2]

    # But for that figure, and what follows from it, nothing differs.
    curve(record, SCALED)["points"][1]["pictures"]["psnr"][2] = (
        curve(whole, SCALED)["points"][1]["pictures"]["psnr"][2]
    )  # fmt: skip
    for name in (SCALED, "JPEG, scaled, best SSIM", "xcodec, classical fill, effort 0, fitted"):
        columns = [
            [point["pictures"] for point in curve(each, name)["points"]] for each in (record, whole)
        ]
        assert columns[0] == columns[1], name


def test_a_codec_may_keep_a_picture_exactly(folder: Path) -> None:
    """The record holds no infinite PSNR, and a run that took it from there ended."""
    Image.new("RGB", (40, 32), (128, 128, 128)).save(folder / "2.png")
    budget = ["--bytes", "400", "--only", "2"]
    before = run(folder, "before.json", *budget)
    assert curve(before, "JPEG, scaled, best PSNR")["points"][0]["pictures"]["psnr"] == [None]
    path = folder.parent / "results" / "before.json"
    again = run(folder, "again.json", *budget, "--known", path)
    assert again["figures"]["curves"] == before["figures"]["curves"]


def test_budgets_have_more_digits_than_a_record(folder: Path) -> None:
    """They were not found in it."""
    budget = ["--bpp", "0.3333333333"]
    run(folder, "before.json", *budget, "--only", "1")
    path = folder.parent / "results" / "before.json"
    again = run(folder, "again.json", *budget, "--only", "1,2", "--known", path)
    (point,) = curve(again, SCALED)["points"]
    assert point["files"] == 2


def test_metrics_that_are_not_asked_for_stay_behind(folder: Path, before: Path) -> None:
    """They were missing of the pictures that the record does not have."""
    again = run(folder, "again.json", "--bytes", "400", "--known", before, "--metrics", "psnr")
    point = curve(again, SCALED)["points"][0]
    assert (point["files"], "ssim" in point) == (3, False)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, ["--bytes", "200,250"], "budgets, without 250 bytes"),
        ({}, ["--bytes", "200", "--square", "32"], "squares"),
        ({}, ["--bytes", "200", "--metrics", "psnr,ms_ssim"], "metrics, without ms_ssim"),
        ({}, ["--bytes", "200", "--rates", "0.02"], "full size is asked for (--no-full-size"),
        ({"versions": {"pillow": "1.0"}}, ["--bytes", "200"], "versions: pillow 1.0, not "),
        ({"benchmark": "links"}, ["--bytes", "200"], "before.json"),
    ],
)
def test_a_record_of_something_else_is_refused(
    folder: Path, before: Path, change: dict[str, Any], arguments: list[str], message: str
) -> None:
    record = json.loads(before.read_text())
    for name, value in change.items():
        record[name] = record[name] | value if isinstance(value, dict) else value
    before.write_text(json.dumps(record))
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        run(folder, "again.json", "--known", before, *arguments)


def test_versions_of_xcodec_do_not_count(folder: Path, before: Path) -> None:
    record = json.loads(before.read_text())
    record["versions"] |= {"xcodec": "0.0.1", "commit": "0000000", "scipy": "1.0"}
    before.write_text(json.dumps(record))
    again = run(folder, "again.json", "--bytes", "300", "--known", before)
    assert curve(again, SCALED)["points"][0]["pictures"]["psnr"][2] == 77.5
