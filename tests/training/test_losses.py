"""The paper's losses against their equations, its discriminators' layers, and VGG's weights."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from xcodec.errors import InputError, ModelError
from xcodec.system import folders
from xcodec.training import losses, vgg
from xcodec.training.discriminators import Discriminators, Verdict


def verdict(score: float, *features: float) -> Verdict:
    return Verdict([torch.full((1, 2, 3, 3), f) for f in features], torch.full((1, 1, 4, 4), score))


def test_discriminators_are_three_of_pix2pixhds() -> None:
    three = Discriminators(3)
    assert len(three.each) == 3
    first = three.each[0]
    shapes = [
        (layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0])
        for layer in first.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    strided = [(6, 64, 4, 2), (64, 128, 4, 2), (128, 256, 4, 2)]
    assert shapes == [*strided, (256, 512, 4, 1), (512, 1, 4, 1)]
    assert {m.negative_slope for m in first.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}
    verdicts = three(torch.zeros(1, 3, 256, 256), torch.zeros(1, 3, 256, 256))
    assert [tuple(v.score.shape[2:]) for v in verdicts] == [(35, 35), (19, 19), (11, 11)]
    assert [len(v.features) for v in verdicts] == [4, 4, 4]


def test_coarser_scales_see_averages_without_padding() -> None:
    three = Discriminators(3, width=4)
    seen: list[torch.Tensor] = []
    for each in three.each:
        each.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    three(torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64))
    assert [x.shape[-1] for x in seen] == [64, 32, 16]
    assert all((x[:, 3:] == 1).all() for x in seen)  # Counted padding would darken the border.


def test_adversarial_loss_is_equation_2_with_least_squares() -> None:
    painted, real = [verdict(0.5), verdict(-1.0), verdict(1.0)], [verdict(0.9)] * 3
    each = [0.25, 4.0, 0.0]
    assert losses.AdversarialLoss("max").generator(painted).item() == pytest.approx(4.0)
    assert losses.AdversarialLoss("mean").generator(painted).item() == pytest.approx(sum(each) / 3)
    expected = sum((0.1**2 + s**2) / 2 for s in (0.5, -1.0, 1.0))
    found = losses.AdversarialLoss().discriminators(real, painted)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_feature_matching_is_equation_3() -> None:
    real = [verdict(1, 1.0, 2.0), verdict(1, 0.0, 0.0)]
    painted = [verdict(0, 1.5, 0.0), verdict(0, 0.0, 1.0)]
    assert losses.FeatureMatchingLoss()(real, painted).item() == pytest.approx(0.5 + 2.0 + 1.0)


def test_point_loss_is_equation_6_over_known_pixels_alone() -> None:
    picture, target = torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.5)
    known = torch.zeros(1, 1, 4, 4)
    known[..., 1, 2] = 1
    picture[..., 0, 0] = 100.0  # Unknown: it doesn't count.
    assert losses.PointLoss("l2")(picture, target, known).item() == pytest.approx(0.25)
    assert losses.PointLoss("l1")(picture, target, known).item() == pytest.approx(0.5)
    assert losses.PointLoss("none")(picture, target, known).item() == 0
    assert losses.PointLoss("l2")(picture, target, known * 0).item() == 0


@pytest.mark.parametrize(
    ("kind", "expected"), [("rms", 0.2), ("l1", 0.2), ("mse", (0.01 + 0.09) / 2)]
)
def test_pixel_losses(kind: str, expected: float) -> None:
    off = torch.stack([torch.full((3, 4, 4), 0.1), torch.full((3, 4, 4), -0.3)])
    loss = losses.PixelLoss(kind)(off, torch.zeros(2, 3, 4, 4))
    assert loss.item() == pytest.approx(expected, rel=1e-3)


def test_unknown_kinds_are_refused() -> None:
    for make in (losses.PixelLoss, losses.AdversarialLoss, losses.PointLoss):
        with pytest.raises(InputError, match="one of"):
            make("oil")


def toy(folder: Path, name: str, indices: tuple[int, ...]) -> None:
    """Weights of a narrow network with the layers of a real one."""
    torch.manual_seed(0)
    folder.mkdir(exist_ok=True)
    state, width = {}, 3
    for index in indices:
        state[f"{index}.weight"] = torch.randn(4, width, 3, 3) * 0.3
        state[f"{index}.bias"] = torch.full((4,), 0.1)
        width = 4
    if name.endswith(".pth"):
        torch.save({f"features.{k}": v for k, v in state.items()}, folder / name)
    else:
        save_file(state, folder / name)


VGG19 = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(folders.WEIGHTS, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_the_best_vgg_that_is_there_is_taken(
    tmp_path: Path, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="no weights of it"):
        vgg.load(tmp_path)
    toy(tmp_path / "mine", "vgg19_to_relu3_4.safetensors", VGG19[:8])
    assert vgg.load(tmp_path / "mine").kind.name == "VGG19 up to relu3_4"
    toy(tmp_path / "theirs", "vgg16_features.safetensors", (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24))
    monkeypatch.setenv(folders.WEIGHTS, str(tmp_path / "theirs"))
    assert vgg.load(tmp_path / "mine").kind.name == "VGG16"
    toy(hub, "vgg19-dcbb9e9d.pth", VGG19)
    network = vgg.load(tmp_path / "mine")
    assert network.kind.name == "VGG19"
    assert network.indices[-1] == 28  # What lies behind the last tap is not computed.
    assert len(network(torch.zeros(1, 3, 32, 32))) == 5
    chosen = vgg.load(tmp_path / "mine", "VGG19 up to relu3_4")
    assert chosen.kind.name == "VGG19 up to relu3_4"


def test_damaged_vgg_is_one_clear_error(tmp_path: Path, hub: Path) -> None:
    (tmp_path / "vgg16_features.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="no usable weights of VGG"):
        vgg.load(tmp_path)


def test_perceptual_loss_is_equation_5(tmp_path: Path, hub: Path) -> None:
    toy(tmp_path, "vgg19_to_relu3_4.safetensors", VGG19[:8])
    loss = losses.PerceptualLoss(vgg.load(tmp_path))
    assert loss.weights == (1 / 32, 1 / 16, 1 / 8, 1.25)
    one, other = torch.rand(2, 1, 3, 32, 32)
    assert loss(one, one).item() == 0
    taps = [(a - b).abs().mean() for a, b in zip(loss._vgg(one), loss._vgg(other), strict=True)]
    expected = sum(w * t.item() for w, t in zip(loss.weights, taps, strict=True))
    assert loss(one, other).item() == pytest.approx(expected, rel=1e-5)
    one.requires_grad_()
    loss(one, other).backward()
    assert one.grad is not None
    assert one.grad.abs().sum() > 0


@pytest.mark.skipif(
    not any(
        (Path(os.environ.get(folders.WEIGHTS, "/nowhere")) / name).is_file()
        for kind in vgg.KINDS[1:]
        for name in kind.files
    ),
    reason="needs VGG's weights in XCODEC_WEIGHTS",
)
def test_taps_of_a_real_vgg_are_of_one_size(photo: object) -> None:
    import numpy as np

    pixels = torch.from_numpy(np.array(photo)[:192, :192]).permute(2, 0, 1)[None] / 127.5 - 1
    for activations in vgg.load()(pixels):
        assert 0.3 < activations.mean() < 3
