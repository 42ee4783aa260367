"""Symbols chosen for what the generator will make of them (xcodec/encoder/lookahead.py)."""

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from tests.golden import pictures
from xcodec.coding import quantizer
from xcodec.encoder import analysis, lookahead
from xcodec.encoder.effort import DEFAULT_EFFORT
from xcodec.encoder.request import Request
from xcodec.errors import ModelError
from xcodec.reconstruction import model_files
from xcodec.types import DECODERS, Floats

RGB = NDArray[np.uint8]
SCENE = pictures.scene(72, 96)
RATE = 0.06
STEP = quantizer.default_index(RATE)


class Plain:
    """The critic of a network that paints the fill itself."""

    def excess(self, conditions: NDArray[np.float32], error: Floats) -> Floats:
        assert conditions.shape == (7, *error.shape[:2])
        return 0 * error


class Shy(Plain):
    """One of a network that would have everything a little darker."""

    def excess(self, conditions: NDArray[np.float32], error: Floats) -> Floats:
        return super().excess(conditions, error) + 6


@pytest.mark.parametrize("grey", [False, True])
def test_who_foresees_the_fill_itself_chooses_as_ever(
    monkeypatch: pytest.MonkeyPatch, grey: bool
) -> None:
    monkeypatch.setattr(lookahead, "_critic", Plain)
    rgb = np.repeat(SCENE[..., 1:2], 3, 2) if grey else SCENE
    draft = analysis.analyse(rgb, Request(RATE, grey=grey))
    assert draft.problem is not None
    step = quantizer.step_of(STEP)
    one, three = draft.problem.choose(step, 1), draft.problem.choose(step, 3)
    assert (one != three).sum() > 3 * (draft.problem.choose(step, 3, looks=2) != three).sum()


def test_the_fill_goes_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookahead, "_critic", Shy)
    draft = analysis.analyse(SCENE, Request(RATE))
    assert draft.problem is not None
    step = quantizer.step_of(STEP)
    luma = [
        draft.samples(draft.problem.choose(step, 4, looks=looks), STEP).values[:, 0].mean()
        for looks in (0, 1, 3)
    ]
    assert luma[1] < luma[0] - 2
    assert luma[2] < luma[1]


def test_few_samples_are_looked_at_more_often(monkeypatch: pytest.MonkeyPatch, photo: RGB) -> None:
    looks: list[int] = []

    class Counting(Plain):
        def excess(self, conditions: NDArray[np.float32], error: Floats) -> Floats:
            looks.append(1)
            return super().excess(conditions, error)

    monkeypatch.setattr(lookahead, "_critic", Counting)
    worth = {}
    for rate, times in ((0.014, 4), (0.016, 2)):
        for decoder in DECODERS:
            looks.clear()
            draft = analysis.analyse(photo, Request(rate, decoder=decoder))
            draft.quantise(STEP, DEFAULT_EFFORT)
            assert len(looks) == (times if decoder == "generator" else 0)
            assert draft.problem is not None
            worth[rate, decoder] = draft.problem.bit_worth(1.0)
    assert worth[0.014, "generator"] < 0.7 * worth[0.014, "classical"]
    assert worth[0.016, "generator"] == worth[0.016, "classical"]


def test_tiles_foresee_as_a_whole_picture_does(monkeypatch: pytest.MonkeyPatch, photo: RGB) -> None:
    darker = []
    for tile in (0, 128):
        fills = []
        for critic in (Plain, Shy):
            monkeypatch.setattr(lookahead, "_critic", critic)
            data = xcodec.encode(photo, 0.04, step=8, tile=tile)
            fills.append(np.asarray(xcodec.decode(data, decoder="classical"), float))
        darker.append(fills[0] - fills[1])
    borders = np.r_[120:136, 248:264]  # Samples of two tiles do their part there.
    for shown in darker:
        assert 4 < shown.mean() < 7
        assert abs(shown[:, borders].mean() - shown.mean()) < 0.5


def test_some_files_need_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "_places", lambda: [])
    lookahead._critic.cache_clear()
    for request in (Request(RATE, effort=0), Request(RATE, effort=9, decoder="classical")):
        draft = analysis.analyse(SCENE, request)
        assert len(draft.quantise(STEP, request.effort)) == len(draft.points)
        assert not request.looks
        assert not request.rounds
    draft = analysis.analyse(SCENE, Request(RATE))
    with pytest.raises(ModelError, match="proxy"):
        draft.quantise(STEP, DEFAULT_EFFORT)


@pytest.mark.parametrize("size", [400, 1200])
def test_each_decoder_paints_best_what_is_made_for_it(photo: RGB, size: int) -> None:
    errors = {}
    for made in DECODERS:
        data = xcodec.encode(photo, size=size, decoder=made)
        assert len(data) <= size
        for painter in DECODERS:
            painted = np.asarray(xcodec.decode(data, decoder=painter, device="cpu"), float)
            errors[made, painter] = np.square(painted - photo).mean()
    assert errors["generator", "generator"] < 0.996 * errors["classical", "generator"]
    assert errors["classical", "classical"] < 0.996 * errors["generator", "classical"]


def test_what_is_asked_of_the_fill_is_made_for_it(photo: RGB) -> None:
    made = [xcodec.encode(photo, psnr=25, decoder=decoder) for decoder in DECODERS]
    assert made[0] == made[1]
    with pytest.raises(xcodec.InputError, match="decoder is 'nobody'"):
        xcodec.encode(photo, decoder="nobody")
