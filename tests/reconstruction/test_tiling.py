"""Tiles: they cover the picture, leave no seam, and keep memory bounded."""

import numpy as np
import pytest
import torch

from xcodec.reconstruction import tiling
from xcodec.reconstruction.architecture import MULTIPLE
from xcodec.reconstruction.generator import Generator
from xcodec.reconstruction.torch_painter import TorchPainter
from xcodec.types import Fill, Floats, Points, Samples


@pytest.mark.parametrize("length", [1, 1023, 1024, 1025, 1040, 1921, 4000, 99_999, 1 << 20])
def test_spans_cover_an_axis_with_weights_that_sum_to_one(length: int) -> None:
    spans = tiling.spans(length)
    total = np.zeros(length)
    for span in spans:
        assert span.start % MULTIPLE == 0
        assert 0 < span.stop - span.start <= tiling.TILE
        total[span.slice] += span.weights
        if span.start:
            assert not span.weights[: tiling.MARGIN].any()
        if span.stop < length:
            assert not span.weights[-tiling.MARGIN :].any()
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_tiles_of_a_known_picture_give_it_back() -> None:
    """Windows of at most a tile are painted, each within the picture."""
    height, width = 900, 1700
    whole = np.random.default_rng(0).random((height, width, 3), np.float32)
    sizes = []

    def window(rows: slice, cols: slice) -> Floats:
        sizes.append((rows.stop - rows.start) * (cols.stop - cols.start))
        return whole[rows, cols]

    np.testing.assert_allclose(tiling.in_windows(height, width, window), whole, atol=1e-6)
    assert len(sizes) > 1
    assert max(sizes) <= tiling.TILE**2


def test_small_pictures_are_painted_whole() -> None:
    calls = []

    def window(rows: slice, cols: slice) -> Floats:
        calls.append((rows, cols))
        return np.zeros((1024, 1024, 3), np.float32)

    tiling.in_windows(1024, 1024, window)
    assert calls == [(slice(0, 1024), slice(0, 1024))]
    assert tiling.windows(512, 2048) == [(0, 512, 0, 2048)]
    assert len(tiling.windows(513, 2048)) > 1


def test_no_seam_between_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole or tiled, a smooth random picture is painted alike: below one grey level apart."""
    torch.manual_seed(0)
    generator = Generator()
    torch.nn.init.normal_(generator.head.weight, std=0.03)
    height, width = 200, 1500
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width] / 40
    phases = rng.uniform(0, 6, (3, 2))
    rgb = np.stack([128 + 90 * np.sin(x + a) * np.cos(y + b) for a, b in phases], -1)
    rows, cols = (axis.ravel() for axis in np.mgrid[0:height:7, 0:width:7])
    points = Points(height, width, rows, cols, np.arange(len(rows)))
    samples = Samples(points, np.zeros((len(rows), 3), np.float32), 8.0)
    fill = Fill(rgb.astype(np.float32), (0.5 + 0.5 * np.sin(x * y)).astype(np.float32))
    painter = TorchPainter(generator, "cpu")

    def window(rows: slice, cols: slice) -> Floats:
        return painter.window(samples, fill, rows, cols)

    whole = painter.window(samples, fill)
    monkeypatch.setattr(tiling, "WHOLE", 0)
    tiled = tiling.in_windows(height, width, window)
    assert not np.array_equal(tiled, whole)  # It was tiled.
    assert np.abs(whole - fill.rgb).std() > 5  # There is something that might differ.
    assert np.abs(tiled - whole).max() < 1
    assert np.abs(tiled - whole).mean() < 0.02
