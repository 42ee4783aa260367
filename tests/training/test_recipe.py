"""The recipe of the shipped weights, and the script that follows it (scripts/make_models.py)."""

import importlib.util
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from xcodec.reconstruction import model_files, onnx_integers, ranges, torch_weights
from xcodec.training.settings import TrainSettings

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_models", ROOT / "scripts/make_models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_models"] = module
    spec.loader.exec_module(module)
    return module


def test_every_shipped_set_is_in_the_recipe(script: ModuleType) -> None:
    shipped = {path.stem for path in MODELS.glob("*.safetensors")}
    assert set(script.recipe()) == shipped
    for entry in script.recipe().values():
        assert {entry.start, entry.teacher or entry.start} <= shipped
        mine = {"task": entry.task} if entry.task else {}
        TrainSettings.from_preset(entry.preset, data="pictures", **mine, **entry.settings)


@pytest.mark.parametrize("together", [False, True])
def test_a_set_comes_after_those_that_it_is_made_from(script: ModuleType, together: bool) -> None:
    entries = list(script.recipe().values())
    plan = list(script.stages(entries, together))
    order = [entry.name for stage in plan for entry in stage]
    assert sorted(order) == sorted(script.recipe())
    assert (len(plan) < len(entries)) == together
    done: set[str] = set()
    for stage in plan:
        for entry in stage:
            assert entry.needs & set(order) <= done
        done |= {entry.name for entry in stage}
    minutes = script.minutes_of(plan, 25)
    assert sum(minutes) == pytest.approx(25)
    assert max(minutes) == minutes[0]  # The generator that the others start from.


def test_pictures_of_several_folders_are_one_set(script: ModuleType, tmp_path: Path) -> None:
    entry = script.recipe()["photo"]
    for name in ("a.png", "b.png"):
        folder = tmp_path / "any"
        folder.mkdir(exist_ok=True)
        Image.new("RGB", (20, 20)).save(folder / name)
    assert script.pictures(tmp_path / "any", entry, tmp_path) == tmp_path / "any"
    for name in entry.data:
        (tmp_path / name / "sub").mkdir(parents=True)
        Image.new("RGB", (20, 20)).save(tmp_path / name / "sub" / "a.png")
    for _ in range(2):
        joined = script.pictures(tmp_path, entry, tmp_path / "work")
        assert sorted(each.name for each in joined.iterdir()) == [
            "train-sub-a.png",
            "train2-sub-a.png",
        ]


def test_a_set_is_kept_only_if_it_is_better(script: ModuleType, tmp_path: Path) -> None:
    work, models = tmp_path / "work", tmp_path / "models"
    work.mkdir()
    models.mkdir()
    (models / "photo.md").write_text("# `photo`\n\nA card.\n")
    generator, _ = torch_weights.load(MODELS / "photo.safetensors")

    def run(*means: float) -> str:
        """What becomes of a run with these validations after one of before."""
        history = [
            {
                "steps": step,
                "hours": step / 60,
                "mean": mean,
                "psnr": {"1": mean},
                "fill": {"1": 20.0},
            }
            for step, mean in enumerate((99.0, *means))
        ]
        best = max(history[1:], key=lambda entry: float(str(entry["mean"])))
        facts = {"data_pictures": 7, "data_digest": "abc"}
        card = model_files.Card("photo", generator.architecture, facts, 3, 0.1, history, best)
        torch_weights.save(work / "photo.safetensors", generator, card)
        (work / "photo.history.json").write_text(json.dumps(history))
        (work / "photo.json").write_text('{"before": 1}')
        line: str = script.kept("photo", work, models, "cpu")
        return line

    assert run(21.0, 20.9) == "photo: 21.000 dB, no better after 0.03 h"
    assert not (models / "photo.safetensors").exists()
    for mean in (21.5, 21.6):
        assert run(21.0, mean, 21.2) == f"photo: 21.000 -> {mean:.3f} dB, kept"
        assert model_files.card(models / "photo.safetensors").best is not None
        text = (models / "photo.md").read_text()
        assert text.startswith("# `photo`\n\nA card.\n")
        assert text.count("## Last run") == text.count("<!-- end -->") == 1
        assert f"| 1 | 20.00 | 21.00 | {mean:.2f} |" in text
        assert f"21.000, {mean:.3f}, 21.200" in text


def test_a_run_without_a_state_starts_from_its_weights(script: ModuleType, tmp_path: Path) -> None:
    """Its folder holds TensorBoard's events before the first state."""
    entry = script.recipe()["photo"]
    folder = tmp_path / "states" / "photo"
    for resumed, file in (
        (False, folder / "board" / "events"),
        (True, folder / "state.safetensors"),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        line = script.command(entry, tmp_path, tmp_path, 1.0, "cpu", tmp_path)
        assert ("--resume" in line, "--init" in line) == (resumed, not resumed)
        assert line[line.index("--checkpoint") + 1] == str(folder)


def test_ranges_follow_the_weights(script: ModuleType, tmp_path: Path, picture: Path) -> None:
    """Those of a set that has some, when its weights have changed."""
    generator, card = torch_weights.load(MODELS / "photo.safetensors")
    path = tmp_path / "photo.safetensors"
    torch_weights.save(path, generator, card)
    script.calibrate("photo", picture.parent, tmp_path, tmp_path)
    assert not ranges.beside(path).exists()
    known = {"middle.0.first": onnx_integers.Layer((-1, 1), (-1, 1))}
    ranges.write(path, known)
    script.calibrate("photo", picture.parent, tmp_path, tmp_path)
    assert ranges.read(path) == known
    torch_weights.save(path, generator, replace(card, hours=card.hours + 1))
    assert ranges.read(path) is None
    script.calibrate("photo", picture.parent, tmp_path, tmp_path)
    assert len(ranges.read(path) or {}) > 20


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (["--minutes", "0"], "--minutes must be above 0"),
        (["--models", "nowhere"], r"nowhere/photo\.safetensors: no usable weights"),
        (["--only", "oil"], "no such sets: oil"),
    ],
)
def test_wrong_use_is_one_clear_error(
    script: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    asked: list[str],
    problem: str,
) -> None:
    with pytest.raises(SystemExit):
        script.main([str(tmp_path), "--work", str(tmp_path / "work"), "--only", "photo", *asked])
    assert re.search(problem, capsys.readouterr().err)


@pytest.mark.long
def test_any_folder_of_pictures_makes_weights(script: ModuleType, tmp_path: Path) -> None:
    data, models = tmp_path / "data", tmp_path / "models"
    data.mkdir()
    models.mkdir()
    for name in ("photo.safetensors", "photo.history.json"):
        (models / name).write_bytes((MODELS / name).read_bytes())
    rng = np.random.default_rng(0)
    for number in range(6):
        small = rng.integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(small).resize((256, 256)).save(data / f"{number}.png")
    asked = [str(data), "--minutes", "0.5", "--only", "photo"]
    places = ["--work", str(tmp_path / "work"), "--models", str(models)]
    assert script.main([*asked, *places]) == 0
    assert model_files.card(tmp_path / "work" / "photo.safetensors").steps > 0
    assert model_files.card(models / "photo.safetensors").steps > 0
