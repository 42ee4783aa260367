"""``xcodec bench restoration``: networks and classical methods on damaged pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from xcodec.__main__ import main
from xcodec.errors import InputError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import classical
from xcodec.evaluation.runs import reproduction
from xcodec.reconstruction import model_files, torch_weights
from xcodec.reconstruction.architecture import Architecture
from xcodec.reconstruction.conditions import from_network
from xcodec.reconstruction.generator import Generator
from xcodec.restoration import damage
from xcodec.restoration.inputs import inputs

RGB = NDArray[np.uint8]
SMALL = Architecture((8, 8, 8, 8), (0, 0, 0), 0, (0, 0, 0))


@pytest.fixture
def folder(tmp_path: Path, photo: RGB) -> Path:
    (tmp_path / "photos").mkdir()
    for i in range(3):
        cut = photo[i * 40 : i * 40 + 96, 120:216]
        Image.fromarray(cut).save(tmp_path / "photos" / f"{i}.png")
    return tmp_path / "photos"


def weights(path: Path, task: str) -> Path:
    torch.manual_seed(0)
    torch_weights.save(
        path, Generator(SMALL), model_files.Card("tiny", SMALL, {"task": task}, 12, 0.5)
    )
    return path


@pytest.mark.parametrize("name", [*classical.FILLS, *classical.POINT_FILLS])
def test_fills_keep_points_and_beat_a_single_colour(small: RGB, name: str) -> None:
    done = damage.points(small, 10, np.random.default_rng(0))
    filled = classical.restored(name, done.rgb, done.known)
    np.testing.assert_array_equal(filled[done.known], small[done.known])
    mean = np.broadcast_to(small[done.known].mean(0), small.shape).astype(np.uint8)
    assert metrics.psnr(small, filled) > metrics.psnr(small, mean) + 3


@pytest.mark.parametrize("name", [*classical.FILTERS, "consensus"])
def test_filters_remove_some_noise(small: RGB, name: str) -> None:
    done = damage.color_noise(small, 85, np.random.default_rng(0))
    filtered = classical.restored(name, done.rgb, done.known)
    assert metrics.psnr(small, filtered) > metrics.psnr(small, done.rgb) + 1


def test_strengths_apply_and_unknown_methods_are_refused(small: RGB) -> None:
    known = np.ones(small.shape[:2], np.bool_)
    three, nine = (classical.restored(f"median:{n}", small, known) for n in (3, 9))
    assert metrics.psnr(small, three) > metrics.psnr(small, nine)
    for name in ("oil", "median:strong"):
        with pytest.raises(InputError):
            classical.restored(name, small, known)


def test_a_run_measures_every_method_at_every_level(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XCODEC_WEIGHTS", raising=False)
    model = weights(tmp_path / "tiny.safetensors", "points")
    out = tmp_path / "record.json"
    line = f"bench restoration {folder} --task points --levels 5,20 --distributions random,sobel"
    line += f" --models {model} --classical kriging,linear --positions odd -j 1 -o {out}"
    assert main([*line.split(), "--device", "cpu"]) == 0
    figures = json.loads(out.read_text())["figures"]
    rows = figures["rows"]
    assert len(rows) == 2 * 2 * 3
    assert len(figures["each"]) == 2
    by = {(row["distribution"], row["level"], row["method"]): row for row in rows}
    network, fill = by["random", 20, "tiny"], by["random", 20, "kriging"]
    # The network is untrained: it returns the fill.
    assert network["psnr"] == pytest.approx(fill["psnr"], abs=0.05)
    assert fill["psnr"] > by["random", 5, "kriging"]["psnr"] + 1
    assert fill["pasted psnr"] >= fill["psnr"] > fill["hole psnr"]
    assert fill["lpips"] is None
    assert figures["trained"][0]["steps"] == 12
    each = [figures["each"][name] for name in figures["each"]]
    assert rows[0]["psnr"] == pytest.approx(np.mean([found[0]["psnr"] for found in each]), abs=1e-3)


def test_known_results_are_not_computed_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"bench restoration {folder} --task points --levels 5,20 --classical kriging -j 1"
    line += f" --state {tmp_path / 'state'} -o"
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    assert main([*line.split(), str(one)]) == 0
    restored = classical.restored
    done = []

    def noted(name: str, rgb: RGB, known: NDArray[np.bool_]) -> RGB:
        done.append(name)
        return restored(name, rgb, known)

    monkeypatch.setattr(classical, "restored", noted)
    more = line.replace("kriging", "kriging,linear")
    assert main([*more.split(), str(other)]) == 0
    assert set(done) == {"linear"}
    rows = [json.loads(path.read_text())["figures"]["rows"] for path in (one, other)]
    assert rows[0] == [row for row in rows[1] if row["method"] == "kriging"]
    done.clear()
    again = line.replace("--state", "--seed 1 --state")
    assert main([*again.split(), str(tmp_path / "third.json")]) == 0
    assert set(done) == {"kriging"}


def test_holes_are_measured_separately(folder: Path, tmp_path: Path) -> None:
    model = weights(tmp_path / "tiny.safetensors", "color-block")
    out = tmp_path / "record.json"
    line = f"bench restoration {folder} --task color-block --levels 40 --models {model} --only 1"
    assert main([*line.split(), "-j", "1", "-q"]) == 1  # Nothing is given to fill the block.
    assert main([*line.split(), "--clutter", str(folder), "-j", "1", "-o", str(out)]) == 0
    row = json.loads(out.read_text())["figures"]["rows"][0]
    # The network returns the damaged picture: all errors are in the hole.
    expected = row["hole psnr"] + 10 * np.log10(96**2 / 40**2)
    assert row["psnr"] == pytest.approx(expected, abs=0.05)


def test_networks_are_not_told_where_a_colour_block_is(tmp_path: Path) -> None:
    """If no block is found, nothing is restored, whatever the damage was."""
    model = weights(tmp_path / "tiny.safetensors", "color-block")
    waves = 128 + 100 * np.sin(np.arange(96) / 9)
    smooth = np.repeat(np.uint8(waves)[:, None, None], 96, 1).repeat(3, 2)
    known = np.ones((96, 96), np.bool_)
    known[20:60, 20:60] = False
    told = inputs(True, "color-block", smooth, known)[:3]
    assert np.abs(from_network(told).transpose(1, 2, 0) - smooth).max() > 20
    done = damage.Corrupted(smooth, known)
    assert np.array_equal(reproduction._restored(str(model), "color-block", "cpu", done), smooth)


@pytest.mark.parametrize(
    "options",
    [
        "--task points --levels 5",
        "--task points --levels 5 --classical oil",
        "--task points --levels 5 --classical kriging --distributions grid",
        "--task points --levels= --classical kriging",
    ],
)
def test_invalid_options_are_refused(folder: Path, options: str) -> None:
    assert main(["bench", "restoration", str(folder), *options.split(), "-j", "1"]) == 1
