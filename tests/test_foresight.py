"""Symbols chosen for what the generator will make of them (xcodec/foresight.py)."""

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from tests.golden import pictures
from xcodec import analysis, foresight
from xcodec.analysis import Request
from xcodec.coding import quantizer
from xcodec.errors import ModelError
from xcodec.reconstruction import zoo
from xcodec.samples import Floats

RGB = NDArray[np.uint8]
SCENE = pictures.scene(72, 96)
RATE = 0.06
STEP = quantizer.default_index(RATE)


class Plain:
    """The critic of a network that paints the fill itself."""

    def gradient(self, conditions: NDArray[np.float32], error: Floats) -> Floats:
        assert conditions.shape == (7, *error.shape[:2])
        return error


class Shy(Plain):
    """One of a network that would have everything a little darker."""

    def gradient(self, conditions: NDArray[np.float32], error: Floats) -> Floats:
        return super().gradient(conditions, error) + 6


@pytest.mark.parametrize("grey", [False, True])
def test_who_foresees_the_fill_itself_chooses_as_ever(
    monkeypatch: pytest.MonkeyPatch, grey: bool
) -> None:
    """Sweeps toward the picture and toward what leads there are the same."""
    monkeypatch.setattr(foresight, "_critic", Plain)
    rgb = np.repeat(SCENE[..., 1:2], 3, 2) if grey else SCENE
    draft = analysis.analyse(rgb, Request(RATE, effort=9, grey=grey))
    assert draft.problem is not None
    step = quantizer.step_of(STEP)
    one, two = draft.problem.choose(step, 1), draft.problem.choose(step, 2)
    assert (one != two).any()
    # The fill is clipped to what pixels can be before a network sees it.
    assert (draft.problem.choose(step, 1, foreseen=1) != two).mean() < 0.01


def test_tiles_foresee_what_their_neighbours_add(
    monkeypatch: pytest.MonkeyPatch, photo: RGB
) -> None:
    monkeypatch.setattr(foresight, "_critic", Plain)
    files = []
    for sweeps, foreseen in ((1, 0), (1, 1), (2, 0)):
        monkeypatch.setattr(analysis, "SWEEPS", (sweeps,) * 10)
        monkeypatch.setattr(analysis, "FORESEEN", (foreseen,) * 10)
        data = xcodec.encode(photo, 0.04, tile=256)
        files.append(np.asarray(xcodec.decode(data, decoder="classical"), float))
    one, foreseeing, two = files
    assert np.square(one - two).mean() > 20 * np.square(foreseeing - two).mean()


def test_the_fill_goes_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresight, "_critic", Shy)
    draft = analysis.analyse(SCENE, Request(RATE, effort=9))
    assert draft.problem is not None
    step = quantizer.step_of(STEP)
    luma = [
        draft.samples(draft.problem.choose(step, 4, foreseen=sweeps), STEP).values[:, 0].mean()
        for sweeps in (0, 3)
    ]
    assert luma[1] < luma[0] - 3


def test_low_efforts_need_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "_places", lambda: [])
    foresight._critic.cache_clear()
    assert analysis.FORESEEN[0] == 0
    draft = analysis.analyse(SCENE, Request(RATE, effort=0))
    assert len(draft.quantise(STEP, 0)) == len(draft.points)
    draft = analysis.analyse(SCENE, Request(RATE, effort=9))
    with pytest.raises(ModelError, match="proxy"):
        draft.quantise(STEP, 9)


@pytest.mark.parametrize("rate", [0.01, 0.04])
def test_the_generator_paints_foreseen_files_better(photo: RGB, rate: float) -> None:
    """0.08 dB are 1.8 % of the error."""
    errors, sizes = [], []
    for effort in (4, 5):
        data = xcodec.encode(photo, rate, effort=effort)
        painted = np.asarray(xcodec.decode(data, device="cpu"), float)
        errors.append(np.square(painted - photo).mean())
        sizes.append(len(data))
    assert errors[1] < 0.993 * errors[0]
    assert sizes[1] < 1.01 * sizes[0]
