"""The paper's generator and the baseline: layer counts, shapes, sizes (xcodec/reconstruction)."""

import pytest
import torch
from torch import nn

from xcodec.errors import ModelError
from xcodec.reconstruction.architecture import (
    Architecture,
    OnDemandArchitecture,
    Shape,
    XGansArchitecture,
)
from xcodec.reconstruction.baselines import NormedBlock, OnDemand, XGans
from xcodec.reconstruction.generator import Generator
from xcodec.reconstruction.torch_weights import build, channels

SHAPES = (Architecture(), XGansArchitecture(), OnDemandArchitecture(width=8, side=64))


def layers(network: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, kind)]


def traced(network: nn.Module, x: torch.Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Kernel and output of each convolution, in the order in which they run."""
    found: list[tuple[str, tuple[int, ...]]] = []

    def note(layer: nn.Module, _: object, output: torch.Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        kind = "up" if isinstance(layer, nn.ConvTranspose2d) else "c"
        name = f"{kind}{layer.kernel_size[0]}s{layer.stride[0]}"
        found.append((name, tuple(output.shape[1:])))

    hooks = [
        layer.register_forward_hook(note)
        for layer in (*layers(network, nn.Conv2d), *layers(network, nn.ConvTranspose2d))
    ]
    with torch.inference_mode():
        network.eval()(x)
    for hook in hooks:
        hook.remove()
    return found


def test_x_gans_has_the_layers_of_section_3_3() -> None:
    network = XGans()
    assert traced(network, torch.zeros(1, 3, 256, 256)) == [
        ("c7s1", (64, 256, 256)),
        ("c3s2", (128, 128, 128)),
        ("c3s2", (256, 64, 64)),
        *[("c3s1", (256, 64, 64))] * 18,
        ("up3s2", (128, 128, 128)),
        ("up3s2", (64, 256, 256)),
        ("c7s1", (3, 256, 256)),
    ]
    assert len(layers(network, NormedBlock)) == 9
    assert len(layers(network, nn.BatchNorm2d)) == 3 + 18 + 2
    assert len(layers(network, nn.LeakyReLU)) == 3 + 9 + 2
    assert [layer.p for layer in layers(network, nn.Dropout)] == [0.5] * 9  # type: ignore[union-attr]
    assert sum(weight.numel() for weight in network.parameters()) == 11_388_675


def test_on_demand_has_gaos_layers() -> None:
    network = OnDemand(OnDemandArchitecture(side=128))
    assert traced(network, torch.zeros(1, 3, 128, 128)) == [
        ("c4s2", (64, 64, 64)),
        ("c4s2", (128, 32, 32)),
        ("c4s2", (256, 16, 16)),
        ("c4s2", (512, 8, 8)),
        ("up4s2", (256, 16, 16)),
        ("up4s2", (128, 32, 32)),
        ("up4s2", (64, 64, 64)),
        ("up4s2", (3, 128, 128)),
    ]
    assert tuple(network.across.weight.shape) == (512, 64, 64)
    assert len(layers(network, nn.BatchNorm2d)) == 7


@pytest.mark.parametrize("size", [(1, 1), (4, 9), (17, 30), (65, 64)])
def test_x_gans_takes_any_size_and_stays_in_range(size: tuple[int, int]) -> None:
    network = XGans(XGansArchitecture(width=4, blocks=1)).eval()
    with torch.inference_mode():
        picture = network(torch.rand(2, 3, *size) * 2 - 1)
    assert picture.shape == (2, 3, *size)
    assert picture.abs().max() <= 1


def test_on_demand_refuses_another_size() -> None:
    network = OnDemand(OnDemandArchitecture(width=4, side=32))
    with pytest.raises(ModelError, match="32x32 pixels only"):
        network(torch.zeros(1, 3, 32, 48))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.kind)
def test_every_kind_survives_json_and_is_built(shape: Shape) -> None:
    again = Shape.from_json(shape.to_json())
    assert again == shape
    network = build(again)
    assert network.architecture == shape
    side = getattr(shape, "side", 64)
    with torch.inference_mode():
        picture = network.eval()(torch.zeros(1, channels(shape), side, side))
    assert picture.shape == (1, 3, side, side)


def test_a_table_without_a_kind_is_a_u_nets() -> None:
    assert Shape.from_json('{"middle": 2}') == Architecture(middle=2)
    assert isinstance(build(Architecture()), Generator)


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "oil"}',
        '{"kind": "x-gans", "widths": [1, 2, 3, 4]}',
        '{"kind": "x-gans", "dropout": 1.0}',
        '{"kind": "x-gans", "blocks": 1000}',
        '{"kind": "on-demand", "side": 100}',
        '{"kind": "on-demand", "side": 100000}',
        '{"kind": []}',
    ],
)
def test_damaged_architectures_are_refused(text: str) -> None:
    with pytest.raises(ModelError):
        Shape.from_json(text)


def test_another_kind_than_asked_for_is_refused() -> None:
    with pytest.raises(ModelError, match="unknown kind"):
        Architecture.from_json(XGansArchitecture().to_json())
