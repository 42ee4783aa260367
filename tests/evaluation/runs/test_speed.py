"""``xcodec bench speed``: medians, ratios and memory, on small pictures."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

import xcodec
from xcodec.cli import cli
from xcodec.errors import XcodecError
from xcodec.evaluation.runs import records, speed

RGB = NDArray[np.uint8]


def test_medians_are_taken_after_a_warm_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0, 9, 10, 11, 20, 25, 30, 33])
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(ticks))
    assert speed.seconds([sys.executable, "-c", ""], tmp_path, 3) == [1, 5, 3]
    monkeypatch.undo()
    with pytest.raises(XcodecError, match="went wrong"):
        speed.seconds([sys.executable, "-c", "raise SystemExit('went wrong')"], tmp_path, 1)
    with pytest.raises(XcodecError, match=r"^missing\.png: no such file or directory$"):
        speed.seconds([sys.executable, "-m", "xcodec", "encode", "missing.png"], tmp_path, 1)


def test_imports_of_torch_are_detected(tmp_path: Path) -> None:
    (tmp_path / "torch.py").touch()
    assert speed.imports_torch([sys.executable, "-c", "import torch"], tmp_path)
    assert not speed.imports_torch([sys.executable, "-c", "import json"], tmp_path)


def test_pictures_are_extended_by_their_mirror_images(small: RGB) -> None:
    grown = speed.resized(small, 4 * small.shape[0] * small.shape[1] / 1e6)
    assert grown.shape == (192, 240, 3)
    assert (grown[:96, :120] == small).all()
    assert (grown[96:, :120] == small[::-1]).all()
    cut = speed.resized(small, 0.0025)
    assert abs(cut.shape[0] * cut.shape[1] - 2500) < 60
    assert (cut == small[: cut.shape[0], : cut.shape[1]]).all()


def test_ratios_have_a_spread() -> None:
    base = {"megapixels": 1, "operation": "encode"}
    jpeg = base | {"codec": "jpeg", "seconds": 2.0, "fastest": 1.0, "slowest": 4.0}
    own = base | {"codec": "x", "seconds": 10.0, "fastest": 8.0, "slowest": 12.0}
    failed = base | {"codec": "y", "seconds": None, "fastest": None, "slowest": None}
    alone = own | {"megapixels": 2}
    assert list(speed.ratios([jpeg, own, failed, alone])) == [
        [1, 0.25, 4],
        [5, 2, 12],
        None,
        None,
    ]


@pytest.mark.parametrize("told", [True, False])
def test_memory_is_none_where_the_system_does_not_tell(
    small: RGB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """As on Windows, which has no module ``resource``."""
    np.save(tmp_path / "a.npy", small)
    if not told:
        monkeypatch.setitem(sys.modules, "resource", None)
    found = speed.work(tmp_path / "a.npy", "jpeg", 0.02, "photo", 1)
    assert len(found["encode"]) == len(found["decode"]) == 1
    memory = found["peak"], found["grown"]
    assert memory[0] > 2**20 if told else memory == (None, None)


def test_a_run_measures_processes_and_codecs(
    picture: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    every = speed.commands
    monkeypatch.setattr(
        speed,
        "commands",
        lambda *args: {k: v for k, v in every(*args).items() if "generator" not in k},
    )
    monkeypatch.setattr(records, "weights", lambda *_: {})
    monkeypatch.setattr(speed, "OWN_GENERATOR", "no such codec")
    output = tmp_path / "speed.json"
    command = ["bench", "speed", picture, "--runs", 1, "--megapixels", 0.01, "--peers", "jpeg"]
    done = CliRunner().invoke(cli, [*map(str, command), "-o", str(output)], catch_exceptions=False)
    assert done.exit_code == 0
    figures = json.loads(output.read_text())["figures"]
    assert [row["command"] for row in figures["processes"]] == [
        "help",
        "encode, classical",
        "encode",
        "decode, classical fill",
    ]
    assert not any(row["torch"] for row in figures["processes"])
    rows = {(row["codec"], row["operation"]): row for row in figures["rows"]}
    for codec in ("xcodec classical", "jpeg"):
        for operation in ("encode", "decode"):
            row = rows[codec, operation]
            assert row["seconds"] > 0
            assert row["speed"] == pytest.approx(0.01 / row["seconds"], rel=1e-4)
            assert row["peak"] > 10 * 2**20
            assert row["grown"] >= 0
    rgb = speed.resized(np.asarray(Image.open(picture)), 0.01)
    assert rows["xcodec classical", "encode"]["bytes"] == len(
        xcodec.encode(rgb, 0.02, decoder="classical")
    )
    # A codec that fails is recorded with its error, and the others are measured.
    assert rows["no such codec", "encode"]["seconds"] is None
    assert "no codec" in rows["no such codec", "encode"]["failed"]
    assert "encode" in done.output
