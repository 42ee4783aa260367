"""DISTS against the formulas of its paper, computed in another way."""

import os
import sys
import types
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from xcodec.errors import DependencyError, ModelError
from xcodec.evaluation.measures import dists, metrics
from xcodec.system import folders

RGB = NDArray[np.uint8]
WIDTHS = (3, 64, 128, 256, 512, 512)


def noisy(picture: RGB, sigma: float) -> RGB:
    noise = np.random.default_rng(1).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def network() -> dists.Dists:
    """DISTS' network with random weights."""
    import torch

    torch.manual_seed(0)
    weights = {}
    for stage, (first, leaving) in zip(dists.STAGES, pairwise(WIDTHS), strict=True):
        for index in stage:
            entering = first if index == stage[0] else leaving
            scale = (2 / (9 * entering)) ** 0.5
            weights[f"{index}.weight"] = torch.randn(leaving, entering, 3, 3) * scale
            weights[f"{index}.bias"] = torch.randn(leaving) / 9
    alpha, beta = (torch.rand(1, sum(WIDTHS), 1, 1) for _ in range(2))
    return dists.Dists(weights, False, alpha, beta)


def test_equal_pictures_have_no_distance(network: dists.Dists, small: RGB) -> None:
    planes = dists.to_planes(small[:32, :40])
    assert float(network.distance(planes, planes)) == pytest.approx(0, abs=1e-6)
    near, far = (dists.to_planes(noisy(small, sigma)[:32, :40]) for sigma in (3, 40))
    assert 0 < float(network.distance(planes, near)) < float(network.distance(planes, far)) < 1


def test_similarities_are_those_of_the_paper(network: dists.Dists, small: RGB) -> None:
    """Equations 5 to 7: means for texture, covariances for structure, weighted by channel."""
    pictures = [dists.to_planes(x[:32, :40]) for x in (small, noisy(small, 25))]
    one, two = ([f[0].double().numpy() for f in network.features(p)] for p in pictures)
    assert [len(stage) for stage in one] == list(WIDTHS)
    alpha, beta = (w.flatten().double().numpy() for w in (network.alpha, network.beta))
    c, total = 1e-6, 0.0
    for at, (x, y) in enumerate(zip(chain(*one), chain(*two), strict=True)):
        covariance = np.cov(x.ravel(), y.ravel(), bias=True)
        texture = (2 * x.mean() * y.mean() + c) / (x.mean() ** 2 + y.mean() ** 2 + c)
        structure = (2 * covariance[0, 1] + c) / (covariance.trace() + c)
        total += alpha[at] * texture + beta[at] * structure
    expected = 1 - total / (alpha.sum() + beta.sum())
    assert float(network.distance(*pictures)) == pytest.approx(expected, abs=1e-5)


def test_small_pictures_are_padded(network: dists.Dists) -> None:
    dot = np.full((1, 1, 3), 90, np.uint8)
    assert dists.to_planes(dot).shape == (1, 3, 16, 16)
    assert float(network.distance(dists.to_planes(dot), dists.to_planes(dot))) < 1e-6


def test_weights_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: RGB) -> None:
    monkeypatch.delenv(folders.WEIGHTS, raising=False)
    assert dists.network(None) is None
    assert metrics.Meter(small, tmp_path).measure(small, ["dists"]) == {"dists": None}
    for name in (dists.OXFORD, dists.TORCHVISION):  # torchvision's is preferred.
        (tmp_path / name).write_bytes(b"no weights")
        assert dists.network(tmp_path) == tmp_path / name
    monkeypatch.setattr(dists, "heads", lambda: tmp_path / "nothing")
    with pytest.raises(ModelError, match="no usable weights of DISTS"):
        dists.load(tmp_path / dists.OXFORD)


def test_without_its_package_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dists, "PACKAGE", "no-such-package")
    with pytest.raises(DependencyError, match=r"xcodec\[bench\]"):
        metrics.choose(["dists"])
    assert "dists" not in metrics.choose()


def packaged(weights: dict[str, Any]) -> Any:
    """The network of the package itself, over a VGG16 that stands for torchvision's."""
    import torch
    from torch import nn

    layers: list[nn.Module] = []
    for at in range(31):
        if at in (4, 9, 16, 23, 30):
            layers.append(nn.MaxPool2d(2))
        elif f"{at}.weight" in weights:
            leaving, entering = weights[f"{at}.weight"].shape[:2]
            conv = nn.Conv2d(entering, leaving, 3, padding=1)
            conv.load_state_dict({p: weights[f"{at}.{p}"] for p in ("weight", "bias")})
            layers.append(conv)
        else:
            layers.append(nn.ReLU())
    vision, models = types.ModuleType("torchvision"), types.ModuleType("torchvision.models")
    models.vgg16 = lambda pretrained: types.SimpleNamespace(features=layers)  # type: ignore[attr-defined]
    vision.models, vision.transforms = models, None  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchvision", vision)
        patch.setitem(sys.modules, "torchvision.models", models)
        patch.syspath_prepend(str(dists.heads().parents[1]))
        from DISTS_pytorch.DISTS_pt import DISTS

        network = DISTS(load_weights=False)
    channels = torch.load(dists.heads(), weights_only=True)
    network.alpha.data, network.beta.data = channels["alpha"].data, channels["beta"].data
    return network


def test_it_agrees_with_the_package(network: dists.Dists, small: RGB) -> None:
    """With the same VGG16, here of random weights, and the package's weights of the channels."""
    import torch

    try:
        theirs = packaged(network.weights)
    except DependencyError:
        pytest.skip(f"needs {dists.PACKAGE}")
    channels = torch.load(dists.heads(), weights_only=True)
    alpha, beta = channels["alpha"].data, channels["beta"].data
    ours = dists.Dists(network.weights, False, alpha, beta)
    pictures = [dists.to_planes(x[:48, :40]) for x in (small, noisy(small, 25))]
    with torch.inference_mode():
        assert float(ours.distance(*pictures)) == pytest.approx(float(theirs(*pictures)), abs=1e-5)


def test_distances_by_the_users_weights(small: RGB) -> None:
    folder = os.environ.get(folders.WEIGHTS)
    path = dists.network(Path(folder)) if folder else None
    try:
        heads = dists.heads()
    except DependencyError:
        pytest.skip(f"needs {dists.PACKAGE}")
    if path is None:
        pytest.skip(f"needs weights of VGG16 in the folder that {folders.WEIGHTS} names")
    assert heads.is_file()
    meter = metrics.Meter(small, path.parent)
    near, far = (meter.measure(noisy(small, s), ["dists"])["dists"] for s in (5, 30))
    assert near is not None
    assert far is not None
    assert 0 < near < far < 1
