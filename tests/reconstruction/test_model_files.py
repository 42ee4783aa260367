"""Weights on disk: what is saved comes back, what is damaged is refused, names are found."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from xcodec.errors import ModelError
from xcodec.reconstruction import model_files, torch_weights
from xcodec.reconstruction.architecture import Architecture
from xcodec.reconstruction.generator import Generator
from xcodec.reconstruction.weight_packing import packed, unpacked

SMALL = Architecture((4, 4, 8, 8), (1, 0, 1), 1, (1, 0, 1))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    entry = {"steps": 7, "hours": 0.5, "mean": 21.0, "psnr": {"0.01": 21.0}, "fill": {}}
    card = model_files.Card("small", SMALL, {"lr": 4e-4}, 7, 0.5, [entry], entry)
    torch_weights.save(tmp_path / "small.safetensors", Generator(SMALL), card)
    return tmp_path / "small.safetensors"


def test_weights_come_back_to_half_a_step(weights: Path) -> None:
    generator, card = torch_weights.load(weights)
    torch.manual_seed(0)
    original = Generator(SMALL).state_dict()
    for key, value in generator.state_dict().items():
        assert value.dtype == torch.float32
        there = original[key]
        if there.ndim < 2:
            torch.testing.assert_close(value, there.half().float(), rtol=0, atol=0)
        else:
            # A step is the largest of its output over 127, itself rounded to half precision.
            steps = there.abs().flatten(1).amax(1) / 127 * 1.001
            assert torch.all((value - there).abs().flatten(1).amax(1) <= 0.6 * steps)
    assert (card.name, card.architecture, card.steps, card.hours) == ("small", SMALL, 7, 0.5)
    assert card.settings == {"lr": 4e-4}
    assert card.history == [card.best]
    kernels = [key for key, value in original.items() if value.ndim > 1]
    numbers = sum(original[key].numel() for key in kernels)
    assert weights.stat().st_size < numbers + 12_000


def test_the_order_of_memory_makes_no_difference(weights: Path) -> None:
    torch.manual_seed(0)
    turned = Generator(SMALL).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    other = weights.with_name("other.safetensors")
    torch_weights.save(other, turned, model_files.Card("other", SMALL))
    for key, value in torch_weights.load(weights)[0].state_dict().items():
        torch.testing.assert_close(
            torch_weights.load(other)[0].state_dict()[key], value, rtol=0, atol=0
        )


def test_weights_in_half_precision_are_still_read(tmp_path: Path) -> None:
    texts = {"format": model_files.OLDER, "architecture": SMALL.to_json()}
    state = {key: value.half() for key, value in Generator(SMALL).state_dict().items()}
    path = tmp_path / "older.safetensors"
    path.write_bytes(safetensors.torch.save(state, texts))
    for key, value in torch_weights.load(path)[0].state_dict().items():
        torch.testing.assert_close(value, state[key].float(), rtol=0, atol=0)


def test_kernels_of_zero_and_counters_come_back() -> None:
    there = {"a": np.zeros((2, 3), np.float32), "n": np.array(12), "b": np.ones(2, np.float32)}
    back = unpacked(packed(there))
    assert {key: value.dtype for key, value in back.items()} == {
        "a": np.float32,
        "n": np.array(12).dtype,
        "b": np.float32,
    }
    for key, value in there.items():
        assert back[key].shape == value.shape
        np.testing.assert_array_equal(back[key], value)


def test_steps_must_fit_their_kernels() -> None:
    kept = packed({"a": np.ones((2, 3), np.float32)})
    for damaged in (
        {"a": kept["a"]},
        {"a.step": kept["a.step"]},
        kept | {"a.step": kept["a.step"][:1]},
        {"a": kept["a"][0, 0], "a.step": kept["a.step"]},
    ):
        with pytest.raises(ModelError):
            unpacked(damaged)


def test_a_loaded_generator_paints(weights: Path) -> None:
    generator, _ = torch_weights.load(weights)
    assert generator(torch.zeros(1, 7, 5, 9)).shape == (1, 3, 5, 9)


def test_digest_is_the_start_of_sha256_and_follows_the_file(weights: Path) -> None:
    assert model_files.digest(weights) == sha256(weights.read_bytes()).hexdigest()[:16]
    weights.write_bytes(b"something else")
    assert model_files.digest(weights) == sha256(b"something else").hexdigest()[:16]
    with pytest.raises(ModelError, match="absent"):
        model_files.digest(weights.with_name("absent"))


def test_names_are_found_in_the_users_folder_first(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(model_files.ENVIRONMENT, str(weights.parent))
    assert model_files.find("small") == weights
    assert model_files.find(weights) == weights


def test_errors_say_where_was_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_files.ENVIRONMENT, str(tmp_path / "mine"))
    with pytest.raises(ModelError, match=r"mine.*models") as caught:
        model_files.find("no-such-model")
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match=r"absent\.safetensors"):
        model_files.find(tmp_path / "absent.safetensors")
    with pytest.raises(ModelError, match="not the name"):
        model_files.find("no such name")


def test_damaged_weights_are_refused(weights: Path) -> None:
    whole = weights.read_bytes()
    for damaged in (b"", b"PK\x03\x04 pickled", whole[:100], whole[:-50], b"\xff" * 64):
        weights.write_bytes(damaged)
        with pytest.raises(ModelError) as caught:
            torch_weights.load(weights)
        assert "\n" not in str(caught.value)


def test_weights_that_do_not_fit_their_architecture_are_refused(weights: Path) -> None:
    state = Generator(SMALL).state_dict()
    wide = Architecture((1000, 1000, 1000, 1000), (30, 30, 30), 30, (30, 30, 30)).to_json()
    for texts in (
        {"format": model_files.FORMAT, "architecture": wide},  # 18 GB, were it allocated
        {"format": model_files.FORMAT, "architecture": "{"},
        {"format": model_files.FORMAT},
        {"format": "another", "architecture": SMALL.to_json()},
        {},
    ):
        weights.write_bytes(safetensors.torch.save(state, texts))
        with pytest.raises(ModelError):
            torch_weights.load(weights)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ModelError):
            torch_weights.load(path)
