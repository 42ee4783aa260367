"""Filling from around (xcodec/pictures/filling.py), and PSNR (quality.py)."""

import numpy as np
import pytest

from tests.golden import pictures
from xcodec.pictures.filling import pull_push, surroundings
from xcodec.pictures.quality import decibels

SCENE = pictures.scene(60, 90)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 8), (60, 90)])
def test_a_flat_picture_is_continued(shape: tuple[int, int]) -> None:
    alpha = np.zeros(shape, np.uint8)
    alpha[0, 0] = 7
    flat = np.full((*shape, 3), 41, np.uint8)
    assert surroundings(flat, alpha) == pytest.approx(41, abs=1e-3)
    known = np.where(alpha > 0, 1, 0).astype(np.float32)
    assert pull_push(flat * known[..., None], known) == pytest.approx(41, abs=1e-2)


def test_known_pixels_are_kept_and_holes_filled() -> None:
    known = np.ones((60, 90), np.float32)
    known[20:40, 30:60] = 0
    for filled in (
        surroundings(SCENE, known.astype(np.uint8)),
        pull_push(SCENE * known[..., None], known),
    ):
        assert filled.dtype == np.float32
        assert filled[known > 0] == pytest.approx(SCENE[known > 0], abs=1e-2)
        around = SCENE[15:45, 25:65].astype(float)
        hole = filled[20:40, 30:60]
        assert (hole >= around.min((0, 1)) - 1).all()
        assert (hole <= around.max((0, 1)) + 1).all()


def test_nothing_seen_is_white() -> None:
    assert (surroundings(SCENE, np.zeros((60, 90), np.uint8)) == 255).all()


def test_decibels() -> None:
    assert decibels(255.0**2) == pytest.approx(0)
    assert decibels(np.array([65.025, 650.25])) == pytest.approx([30, 20])
    assert np.isfinite(decibels(0.0))
    assert decibels(0.0, least=1.0) == pytest.approx(decibels(1.0))
