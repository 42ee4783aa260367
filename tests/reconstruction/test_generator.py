"""The generator: limits, sizes, its start at the classical fill, its conditions."""

import numpy as np
import pytest
import torch

from xcodec.errors import InputError, ModelError
from xcodec.reconstruction.architecture import Architecture
from xcodec.reconstruction.conditions import CHANNELS, conditions, from_network, stack, to_network
from xcodec.reconstruction.generator import Generator
from xcodec.reconstruction.torch_painter import TorchPainter, choose
from xcodec.types import Fill, Points, Samples


def picture(height: int, width: int, tone: str = "least-squares") -> tuple[Samples, Fill]:
    """Samples on a coarse grid and a fill that has nothing to do with them."""
    rng = np.random.default_rng(height * 1000 + width)
    rows, cols = (axis.ravel() for axis in np.mgrid[0:height:5, 0:width:5])
    points = Points(height, width, rows, cols, np.arange(len(rows)))
    values = rng.uniform(0, 255, (len(rows), 3)).astype(np.float32)
    rgb = rng.uniform(-20, 275, (height, width, 3)).astype(np.float32)
    deviation = rng.random((height, width), np.float32)
    return Samples(points, values, 12.0, tone), Fill(rgb, deviation)


def test_weights_within_their_limit() -> None:
    generator = Generator()
    halves = sum(weight.numel() * 2 for weight in generator.state_dict().values())
    assert sum(weight.numel() * 2 for weight in generator.parameters()) == halves <= 8_000_000


def test_a_network_of_means_sees_and_adds_nothing_finer() -> None:
    torch.manual_seed(0)
    generator = Generator(Architecture((4, 8, 8, 8), (0, 0, 0), 1, (0, 0, 0), scale=2))
    torch.nn.init.normal_(generator.head.weight, std=0.1)
    x = torch.randn(1, CHANNELS, 64, 64)
    finer = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(32, 32)
    with torch.inference_mode():
        one, other = generator(x) - x[:, :3], generator(x + finer) - (x + finer)[:, :3]
    assert one.abs().max() > 0.01
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(one[..., ::2, ::2], one[..., 1::2, 1::2], atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (2, 3), (17, 33), (32, 16), (50, 1)])
def test_an_untrained_generator_gives_back_the_fill(shape: tuple[int, int]) -> None:
    samples, fill = picture(*shape)
    painted = TorchPainter(Generator(), "cpu").window(samples, fill)
    assert painted.shape == (*shape, 3)
    assert painted.dtype == np.float32
    np.testing.assert_allclose(painted, fill.rgb.clip(0, 255), atol=1e-3)


def test_a_row_of_padding_does_not_change_the_rest() -> None:
    """Only what lies near the padded end may see that the size is no multiple of 16."""
    torch.manual_seed(0)
    generator = Generator(Architecture((8, 8, 8, 8), (1, 1, 1), 0, (1, 1, 1)))
    torch.nn.init.normal_(generator.head.weight, std=0.1)
    x = torch.randn(1, CHANNELS, 256, 16)
    with torch.inference_mode():
        whole, cut = generator(x), generator(x[..., :250, :])
    torch.testing.assert_close(cut[..., :32, :], whole[..., :32, :])
    assert not torch.equal(cut, whole[..., :250, :])


def test_conditions_say_what_the_decoder_knows() -> None:
    samples, fill = picture(11, 12)
    planes = conditions(samples, fill)
    assert planes.shape == (CHANNELS, 11, 12)
    assert planes.dtype == np.float32
    rgb = np.moveaxis(fill.rgb, -1, 0).clip(0, 255)
    np.testing.assert_allclose(from_network(planes[:3]), rgb, atol=1e-4)
    np.testing.assert_array_equal(planes[3], fill.deviation)
    mask = np.zeros((11, 12))
    mask[::5, ::5] = 1
    np.testing.assert_array_equal(planes[4], mask)
    np.testing.assert_allclose(planes[5], np.log2(13) / 6)
    assert not planes[6].any()
    assert (conditions(*picture(11, 12, "point"))[6] == 1).all()


def test_conditions_of_a_window_are_the_windows_conditions() -> None:
    samples, fill = picture(40, 50)
    rows, cols = slice(7, 30), slice(11, 50)
    whole = conditions(samples, fill)
    np.testing.assert_array_equal(conditions(samples, fill, rows, cols), whole[:, rows, cols])


def test_uint8_parts_are_the_same_conditions_as_float_ones() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    flat = np.zeros((5, 6), np.float32)
    exact = stack(rgb, flat, flat.astype(np.uint8), 0.0, "mean")
    np.testing.assert_array_equal(exact, stack(rgb.astype(np.float32), flat, flat, 0.0, "mean"))
    assert exact[:3].min() >= -1
    assert exact[:3].max() <= 1


def test_network_scale_and_back() -> None:
    grey = np.array([0.0, 127.5, 255.0])
    np.testing.assert_allclose(to_network(grey), [-1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(from_network(to_network(grey)), grey, atol=1e-4)


def test_unknown_and_absent_devices_are_refused() -> None:
    with pytest.raises(InputError, match="one of auto, cpu"):
        choose("abacus")
    if not torch.backends.mps.is_available():
        with pytest.raises(InputError, match="finds none"):
            choose("mps")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card with CUDA")
def test_cuda_and_processor_paint_the_same() -> None:
    torch.manual_seed(0)
    generator = Generator()
    torch.nn.init.normal_(generator.head.weight, std=0.02)
    samples, fill = picture(200, 300)
    here, there = (TorchPainter(generator, each).window(samples, fill) for each in ("cpu", "cuda"))
    change = np.std(here - fill.rgb.clip(0, 255))
    assert np.sqrt(np.mean((here - there) ** 2)) < 0.02 * change


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        '{"widths": [48, 96, 144]}',
        '{"widths": [48, 96, 144, 1e9]}',
        '{"widths": [48, 96, 144, 100000]}',
        '{"middle": true}',
        '{"middle": -1}',
        '{"depth": 3}',
    ],
)
def test_damaged_architectures_are_refused(text: str) -> None:
    with pytest.raises(ModelError):
        Architecture.from_json(text)


def test_architecture_survives_json() -> None:
    architecture = Architecture((1, 2, 3, 4), (0, 1, 2), 5, (3, 2, 1))
    assert Architecture.from_json(architecture.to_json()) == architecture
