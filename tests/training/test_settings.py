"""Settings of training: groups in Python, single names in presets, options and metadata."""

import dataclasses
import re
from pathlib import Path

import pytest

from tests.training.conftest import ONDEMAND
from xcodec.errors import InputError
from xcodec.reconstruction import model_files
from xcodec.reconstruction.architecture import Architecture, OnDemandArchitecture
from xcodec.reconstruction.torch_weights import build
from xcodec.training.settings import GROUPS, LossSettings, TrainSettings, presets

ROOT = Path(__file__).parents[2]
MODELS, PAGE = ROOT / "models", (ROOT / "docs" / "training.md").read_text()


def test_no_two_groups_have_a_setting_of_the_same_name() -> None:
    own = {item.name for item in dataclasses.fields(TrainSettings)}
    names = [item.name for kind in GROUPS.values() for item in dataclasses.fields(kind)]
    assert len(names) == len(set(names))
    assert own.isdisjoint(names)
    assert own >= GROUPS.keys()


def test_settings_are_given_changed_and_published_by_their_own_names(tmp_path: Path) -> None:
    settings = TrainSettings.of(data=tmp_path / "photos", batch=3, rates=[0.01, 0.1], teacher="a/b")
    assert (settings.crops.batch, settings.encoding.rates) == (3, (0.01, 0.1))
    changed = settings.replaced(lr=1e-3, val=None, architecture={"middle": 2})
    assert (changed.optimisation.lr, changed.crops.batch) == (1e-3, 3)
    assert changed.architecture == Architecture(middle=2)
    public = changed.public()
    assert (public["data"], public["batch"], public["teacher"]) == ("photos", 3, "b")
    assert public["losses"]["pixel"] == 1.0
    assert public.keys().isdisjoint(GROUPS)


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.safetensors")), ids=lambda path: path.stem)
def test_settings_that_came_with_shipped_weights_are_still_settings(path: Path) -> None:
    with model_files.opened(path) as (_, card):
        facts = {"data_digest", "data_pictures", "perceptual_network"}
        values = {key: value for key, value in card.settings.items() if key not in facts}
    settings = TrainSettings.of(
        **{key: value for key, value in values.items() if value is not None}
    )
    assert settings.architecture == card.architecture
    public = settings.public()
    for key, value in values.items():
        if key not in ("architecture", "losses", "cache"):
            found = public[key]
            assert (list(found) if isinstance(found, tuple) else found) == value, key


def test_every_preset_is_complete() -> None:
    for name in presets():
        assert TrainSettings.from_preset(name, data="pictures").preset == name


def test_the_page_tells_the_weights_of_each_preset() -> None:
    """In millions, or what a preset has them from: "as `photo`"."""
    rows = re.findall(r"^\| (`.*?`) \|.*?\| ([^|]*) \|[^|]*\|$", PAGE, re.M)
    told = {name: text for names, text in rows for name in re.findall(r"`([\w-]+)`", names)}
    for name in presets():
        text = told[name]
        if text == "the same":
            text = told["photo"]
        elif text.startswith("as `"):
            text = told[text.split("`")[1]]
        for figure in re.findall(r"([\d.]+) M weights", text):
            network = build(TrainSettings.from_preset(name, data="pictures").architecture)
            count = sum(each.numel() for each in network.parameters())
            assert figure == f"{count / 1e6:.{len(figure.partition('.')[2])}f}", name


def test_a_preset_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('base = "x-gans"\nlr = 1e-3\n[losses]\npoint = 0.0\n')
    settings = TrainSettings.from_preset(str(file), data="pictures")
    assert (settings.preset, settings.optimisation.lr) == ("mine", 1e-3)
    assert settings.losses == LossSettings(0, "rms", 1, "max", 10, 10, None, 0, "l2")
    file.write_text('base = "on-demand"\ncrop = 128\n')
    shape = TrainSettings.from_preset(str(file), data="pictures").architecture
    assert shape == OnDemandArchitecture(64, 128)
    (tmp_path / "beside.toml").write_text('base = "mine.toml"\n')
    beside = TrainSettings.from_preset(str(tmp_path / "beside.toml"), data="pictures")
    assert beside.architecture == shape
    for text, problem in (
        ("colour = 1", "unknown settings: colour"),
        ("source = 1", "unknown settings: source"),
        ("lr = 0", "lr is 0: it must be a number above 0"),
        ('lr = "fast"', "lr is 'fast'"),
        ("rates = 3", "mine.toml"),
        ("= 3", "mine.toml"),
        ('base = "oil"', "no preset 'oil'"),
        ("[losses]\nheat = 1", "heat"),
        ("losses = 5", "losses is 5: it must be a table"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=problem):
            TrainSettings.from_preset(str(file), data="pictures")


def test_presets_that_are_bases_of_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, base in ("ab", "bc", "cb"):
        Path(f"{name}.toml").write_text(f'base = "{base}.toml"\n')
    with pytest.raises(InputError, match=r"^c\.toml: there is no base 'b.toml'"):
        TrainSettings.from_preset("a.toml", data="pictures")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"dataset": "parquet:x"}, "either a folder"),
        ({"batch": 2.5}, "batch is 2.5: it must be a whole number"),
        ({"steps": True}, "steps is True: it must be a whole number"),
        ({"lr": "fast"}, "lr is 'fast': it must be a number"),
        ({"turns": "no"}, "turns is 'no': it must be true or false"),
        ({"teacher": 5}, "teacher is 5: it must be a text"),
        ({"init": 5}, "init is 5: it must be a text"),
        ({"rates": 0.1}, "rates is 0.1: it must be a list"),
        ({"levels": [1.5, 3]}, "levels is 1.5: it must be a whole number"),
        ({"architecture": "u-net"}, "architecture is 'u-net': it must be a table"),
        ({"losses": {"network": 5}}, "network is 5: it must be a text"),
        ({"device": "gpu"}, "device is 'gpu': it must be one of auto"),
        ({"optimizer": "oil"}, "one of muon"),
        ({"ema": 1.0}, "ema is 1.0"),
        ({"dropout": -0.1}, "dropout is -0.1"),
        ({"pretrain": 2.0}, "pretrain is 2.0"),
        ({"every": 0}, "every is 0"),
        ({"losses": LossSettings(), "keep": "perceptual"}, "perceptual loss"),
        ({"architecture": ONDEMAND, "task": "points"}, "crops of 32 pixels"),
    ],
    ids=str,
)
def test_every_group_says_what_is_wrong(values: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        TrainSettings.of(**{"data": "pictures"} | values)
