"""Restoration, damage and realism, as users meet them."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from xcodec import codec
from xcodec.__main__ import main
from xcodec.errors import InputError, ModelError
from xcodec.pictures import loading
from xcodec.pictures.quality import decibels
from xcodec.reconstruction import model_files, runtime, torch_weights
from xcodec.reconstruction.architecture import Architecture, OnDemandArchitecture, Shape
from xcodec.reconstruction.architecture import XGansArchitecture as XGans
from xcodec.reconstruction.generator import Generator
from xcodec.reconstruction.torch_weights import build
from xcodec.restoration import damage
from xcodec.restoration.fills import fill_hole
from xcodec.restoration.inputs import inputs
from xcodec.restoration.restore import MODELS, choose, paint, restore

RGB = NDArray[np.uint8]
SMALL = Architecture((8, 8, 8, 8), (0, 0, 0), 0, (0, 0, 0))
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights, the only one that xcodec searches."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr(model_files, "_places", lambda: [folder])
    return folder


def weights(folder: Path, name: str, task: str, shape: Shape = SMALL, seed: int = 0) -> None:
    """Untrained weights, of which the U-Net's give back what they start from."""
    torch.manual_seed(seed)
    network = build(shape)
    if seed and isinstance(network, Generator):
        torch.nn.init.normal_(network.head.weight, std=0.05)
    card = model_files.Card(name, shape, {"task": task} if task else {})
    torch_weights.save(folder / f"{name}.safetensors", network, card)


@pytest.mark.parametrize("task", damage.TASKS)
def test_every_task_is_restored_at_any_size(models: Path, photo: RGB, task: str) -> None:
    weights(models, MODELS[task], task, seed=1)
    rgb = photo[:143, :170]
    level = {"points": 10, "color-noise": 90}.get(task, 40)
    rng = np.random.default_rng(0)
    done = damage.corrupt(rgb, task, level, rng, clutter=photo)
    restored = restore(done.rgb, task, device="cpu")
    assert restored.shape == rgb.shape
    assert not np.array_equal(restored, done.rgb)
    kept = restore(done.rgb, task, known=done.known, device="cpu")
    np.testing.assert_array_equal(kept[done.known], rgb[done.known])
    raw = restore(done.rgb, task, known=done.known, raw=True, device="cpu")
    assert not np.array_equal(raw[done.known], rgb[done.known])


def test_masks_that_are_found_keep_what_is_known(models: Path, small: RGB) -> None:
    for task, level in (("points", 10), ("white-block", 40)):
        weights(models, MODELS[task], task, seed=1)
        done = damage.corrupt(small, task, level, np.random.default_rng(1))
        restored = restore(done.rgb, task, device="cpu")
        np.testing.assert_array_equal(restored[done.known], small[done.known])
        assert not (restored[~done.known] == 255).all(-1).any()


def test_an_untrained_network_gives_the_classical_fill(models: Path, small: RGB) -> None:
    weights(models, "any", "points")
    done = damage.points(small, 10, np.random.default_rng(1))
    restored = restore(done.rgb, "points", model="any", device="cpu").astype(np.float64)
    assert decibels(float(np.mean((restored - small) ** 2))) > 22


@pytest.mark.parametrize(("task", "level"), [("points", 10), ("white-block", 32)])
def test_pictures_are_painted_alike_from_either_side(
    models: Path, small: RGB, task: str, level: int
) -> None:
    weights(models, "any", task, seed=1)
    rgb = small[:64, :64]
    known = damage.corrupt(rgb, task, level, np.random.default_rng(1)).known
    seen = inputs(True, task, rgb, known)
    network = choose("any", task)
    painted = paint(seen, network, task, "cpu")
    mirrored = paint(np.ascontiguousarray(seen[..., ::-1]), network, task, "cpu")
    np.testing.assert_allclose(painted, mirrored[:, ::-1], atol=1e-3)
    once = paint(seen, network, "color-noise", "cpu")
    assert np.abs(once - painted).max() > 0.1


def test_large_pictures_are_painted_in_tiles(models: Path, small: RGB) -> None:
    weights(models, "any", "color-block", XGans(4, 1), seed=1)
    large = np.tile(small, (12, 12, 1))[:1100, :1000]
    assert restore(large, "color-block", model="any", device="cpu").shape == large.shape


def test_weights_of_another_task_are_refused(models: Path, small: RGB) -> None:
    weights(models, "noise", "color-noise")
    with pytest.raises(ModelError, match="restore color-noise, not white-block"):
        restore(small, "white-block", model="noise")
    weights(models, "block", "white-block")
    done = damage.color_block(small, small[::-1], 60, np.random.default_rng(0))
    restore(done.rgb, "color-block", known=done.known, model="block", device="cpu")
    weights(models, "gan", "white-block", XGans(4, 1))
    with pytest.raises(ModelError, match="restore white-block, not color-block"):
        restore(done.rgb, "color-block", model="gan")
    weights(models, "codec", "")
    done = damage.points(small, 10, np.random.default_rng(0))
    restore(done.rgb, "points", model="codec", device="cpu")  # What paints files paints points.


def test_what_does_not_fit_is_refused(models: Path, small: RGB) -> None:
    with pytest.raises(ModelError, match="no model 'restore-photo-points'"):
        restore(small, "points")
    weights(models, "restore-photo-points", "points")
    with pytest.raises(InputError, match="one of points"):
        restore(small, "oil")
    with pytest.raises(InputError, match="the mask is 3x3, the picture 120x96"):
        restore(small, "points", known=np.ones((3, 3), np.bool_))
    with pytest.raises(InputError, match="name a mask"):
        restore(small, "points")
    with pytest.raises(InputError, match="marks a known pixel"):
        restore(small, "points", known=np.zeros(small.shape[:2], np.bool_))
    weights(models, "gao", "points", OnDemandArchitecture(8, 64))
    done = damage.points(small, 10, np.random.default_rng(0))
    with pytest.raises(ModelError, match="64x64 pixels only"):
        restore(done.rgb, "points", model="gao", device="cpu")


def test_holes_are_filled_smoothly() -> None:
    rgb = np.full((64, 64, 3), 80, np.uint8)
    rgb[:, 32:] = 120
    done = damage.white_block(rgb, 32)
    filled = fill_hole(done.rgb, done.known)
    np.testing.assert_array_equal(filled.rgb[done.known], rgb[done.known])
    assert filled.rgb[32, 18, 0] < 95
    assert filled.rgb[32, 45, 0] > 105
    assert filled.rgb.min() >= 79
    assert filled.rgb.max() <= 121
    assert filled.deviation[32, 32] == pytest.approx(16 / 64, abs=0.03)
    assert not filled.deviation[done.known].any()


# The command line


@pytest.mark.parametrize("task", damage.TASKS)
def test_corrupt_keeps_what_it_takes_to_repeat_it(
    picture: Path, small: RGB, task: str, capsys: Capture
) -> None:
    arguments = ["corrupt", str(picture), "--task", task, "--seed", "7"]
    arguments += ["--side", "40"] * task.endswith("block")
    arguments += ["--clutter", str(picture)] * (task == "color-block")
    assert main(arguments) == 0
    start = picture.parent / f"photo-{task}"
    damaged = loading.load(f"{start}.png").rgb
    known = loading.load_mask(f"{start}.mask.png")
    np.testing.assert_array_equal(loading.load(f"{start}.truth.png").rgb, small)
    np.testing.assert_array_equal(damaged[known], small[known])
    facts = json.loads(Path(f"{start}.json").read_text())
    assert facts["seed"] == 7
    again = damage.corrupt(
        small, task, facts["level"], np.random.default_rng(facts["seed"]), clutter=small
    )
    np.testing.assert_array_equal(again.rgb, damaged)
    assert main(arguments) == 1
    assert "exists already" in capsys.readouterr().err


def test_restore_undoes_what_corrupt_did(
    models: Path, picture: Path, small: RGB, capsys: Capture
) -> None:
    weights(models, MODELS["points"], "points")
    assert main(["corrupt", str(picture), "--task", "points", "--percent", "10"]) == 0
    damaged = picture.parent / "photo-points.png"
    assert main(["restore", str(damaged), "--task", "points", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["task"] == "points"
    restored = loading.load(picture.parent / "photo-points-restored.png").rgb.astype(float)
    assert np.sqrt(np.mean((restored - small) ** 2)) < 25
    mask = picture.parent / "photo-points.mask.png"
    line = ["restore", str(damaged), "--task", "points", "--mask", str(mask)]
    assert main(line) == 1  # It is there already.
    assert main([*line, "-f", "--raw"]) == 0


def test_grey_pictures_stay_grey(models: Path, tmp_path: Path, small: RGB) -> None:
    for task in ("points", "white-block"):
        weights(models, MODELS[task], task, seed=1)
    path, out = tmp_path / "a.png", tmp_path / "out.png"
    grey = small[..., 1]
    known = damage.points(small, 10, np.random.default_rng(0)).known
    for image, task in (
        (np.where(known, grey, 255), "points"),
        (damage.white_block(np.dstack([grey] * 3), 40).rgb[..., 0], "white-block"),
    ):
        for deep in (False, True):
            levels = image.astype(np.uint16) * 257 if deep else image.astype(np.uint8)
            Image.fromarray(levels).save(path)
            assert main(["restore", str(path), "--task", task, "-o", str(out), "-f"]) == 0
            with Image.open(out) as restored:
                assert restored.mode == "L"
                assert np.array_equal(
                    np.asarray(restored)[known & (image < 255)], grey[known & (image < 255)]
                )
    raw = restore(np.dstack([grey] * 3), "points", known=known, raw=True, device="cpu")
    assert (raw == raw[..., :1]).all()
    assert not np.array_equal(raw[..., 0], grey)


def test_transparency_is_left_out_with_a_warning(
    models: Path, tmp_path: Path, small: RGB, capsys: Capture
) -> None:
    weights(models, MODELS["color-noise"], "color-noise")
    path = tmp_path / "a.png"
    alpha = np.zeros(small.shape[:2], np.uint8)
    alpha[:50] = 255
    Image.fromarray(np.dstack([small, alpha])).save(path)
    for line in (["restore", "--task", "color-noise"], ["corrupt", "--task", "points"]):
        assert main([*line, str(path)]) == 0
        assert f"warning: {path}: the transparency is left out" in capsys.readouterr().err


def test_clutter_is_named_and_large_enough(
    picture: Path, tmp_path: Path, small: RGB, capsys: Capture
) -> None:
    line = ["corrupt", str(picture), "--task", "color-block", "--side", "80"]
    assert main(line) == 2
    assert "--task color-block needs --clutter FILE" in capsys.readouterr().err
    clutter = tmp_path / "clutter.png"
    Image.fromarray(small[:70]).save(clutter)
    assert main([*line, "--clutter", str(clutter)]) == 1
    error = "a block of 80x80 pixels does not fit into the other picture of 120x70"
    assert error in capsys.readouterr().err
    assert main([*line, "--side", "40", "--clutter", str(clutter)]) == 0
    facts = json.loads((tmp_path / "photo-color-block.json").read_text())
    assert facts["clutter"] == "clutter.png"


def test_an_empty_name_is_no_default_model(models: Path) -> None:
    weights(models, MODELS["color-noise"], "color-noise")
    with pytest.raises(ModelError, match="not the name of a model: ''"):
        restore(np.zeros((32, 32, 3), np.uint8), "color-noise", model="")


def test_restore_without_weights_is_one_clear_error(
    models: Path, picture: Path, capsys: Capture
) -> None:
    assert main(["restore", str(picture), "--task", "white-block"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"no model 'restore-face-white-block': looked in {models}" in error


# Realism


def test_realism_mixes_two_sets_of_weights(models: Path, small: RGB) -> None:
    weights(models, "photo", "codec", seed=1)
    weights(models, "photo-real", "codec", seed=2)
    data = codec.encode(small, 0.05, effort=0)

    def painted(realism: float) -> RGB:
        return np.asarray(codec.decode(data, device="cpu", realism=realism))

    real = np.asarray(codec.decode(data, device="cpu", model="photo-real"))
    faithful = np.asarray(codec.decode(data, device="cpu"))
    np.testing.assert_array_equal(painted(0), faithful)
    np.testing.assert_array_equal(painted(1), real)
    assert not np.array_equal(painted(0.5), faithful)
    assert not np.array_equal(painted(0.5), real)
    named = codec.decode(data, device="cpu", realism=1, model=str(models / "photo.safetensors"))
    np.testing.assert_array_equal(named, real)


def test_missing_realistic_weights_are_one_clear_error(
    models: Path, picture: Path, capsys: Capture
) -> None:
    weights(models, "photo", "codec", seed=1)
    assert main(["encode", str(picture), "--effort", "0"]) == 0
    coded = picture.with_suffix(".xgc")
    (models / "lonely.safetensors").write_bytes((models / "photo.safetensors").read_bytes())
    assert main(["decode", str(coded), "-f", "--realism", "0.5", "--model", "lonely"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "realism needs a second set of weights: no model 'lonely-real'" in error
    assert main(["decode", str(coded), "-f", "--realism", "0.5", "--decoder", "classical"]) == 2
    assert main(["decode", str(coded), "-f", "--realism", "1.5"]) == 2


def test_weights_that_cannot_be_mixed_are_refused(models: Path) -> None:
    weights(models, "photo", "codec")
    weights(models, "photo-real", "codec", dataclasses.replace(SMALL, middle=1))
    with pytest.raises(ModelError, match="can't be mixed"):
        runtime.generator("photo", "cpu", 1000, 0.5)
    with pytest.raises(InputError, match="realism"):
        runtime.generator("photo", "cpu", 1000, -1)


def test_a_network_that_sees_no_fill_decodes_nothing(models: Path, small: RGB) -> None:
    weights(models, "gan", "points", XGans(4, 1))
    data = codec.encode(small, 0.02, effort=0)
    with pytest.raises(ModelError, match="cannot decode files"):
        codec.decode(data, model="gan", device="cpu")


def test_pictures_of_restoration_are_pictures(models: Path, picture: Path) -> None:
    weights(models, MODELS["color-noise"], "color-noise")
    out = picture.parent / "out.webp"
    assert main(["restore", str(picture), "--task", "color-noise", "-o", str(out)]) == 0
    assert loading.load(out).rgb.shape == loading.load(picture).rgb.shape
