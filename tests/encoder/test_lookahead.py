"""Symbols chosen with an eye to the generator (xcodec/encoder/lookahead.py)."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from tests.golden import pictures
from xcodec.choices import DECODERS, DEFAULT_EFFORT
from xcodec.coding import quantizer
from xcodec.encoder import analysis, lookahead
from xcodec.encoder.request import Request
from xcodec.errors import ModelError
from xcodec.reconstruction import classical, model_files
from xcodec.types import Floats

RGB = NDArray[np.uint8]
SCENE = pictures.scene(72, 96)
RATE = 0.06
STEP = quantizer.default_index(RATE)


class Plain:
    """The gradient of a network that reproduces the fill."""

    def minus_error(self, conditions: NDArray[np.float32], error: Floats) -> Floats:
        assert conditions.shape == (7, *error.shape[:2])
        return 0 * error


class Darker(Plain):
    """That of a network that prefers everything a little darker."""

    def minus_error(self, conditions: NDArray[np.float32], error: Floats) -> Floats:
        return super().minus_error(conditions, error) + 6


@pytest.mark.parametrize("grey", [False, True])
def test_a_proxy_that_reproduces_the_fill_changes_little(
    monkeypatch: pytest.MonkeyPatch, grey: bool
) -> None:
    monkeypatch.setattr(lookahead, "_proxy_gradient", Plain)
    rgb = np.repeat(SCENE[..., 1:2], 3, 2) if grey else SCENE
    draft = analysis.analyse(rgb, Request(RATE, grey=grey))
    assert draft.problem is not None
    step = quantizer.step_of(STEP)
    one, three = draft.problem.choose(step, 1), draft.problem.choose(step, 3)
    assert (one != three).sum() > 3 * (draft.problem.choose(step, 3, lookaheads=2) != three).sum()


def test_the_fill_goes_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookahead, "_proxy_gradient", Darker)
    draft = analysis.analyse(SCENE, Request(RATE))
    assert draft.problem is not None
    step = quantizer.step_of(STEP)
    luma = [
        draft.samples(draft.problem.choose(step, 4, lookaheads=number), STEP).values[:, 0].mean()
        for number in (0, 1, 3)
    ]
    assert luma[1] < luma[0] - 2
    assert luma[2] < luma[1]


def test_sparse_pictures_get_more_lookaheads(monkeypatch: pytest.MonkeyPatch, photo: RGB) -> None:
    calls: list[int] = []

    class Counting(Plain):
        def minus_error(self, conditions: NDArray[np.float32], error: Floats) -> Floats:
            calls.append(1)
            return super().minus_error(conditions, error)

    monkeypatch.setattr(lookahead, "_proxy_gradient", Counting)
    multipliers = {}
    for rate, times in ((0.014, 4), (0.016, 2)):
        for decoder in DECODERS:
            calls.clear()
            draft = analysis.analyse(photo, Request(rate, decoder=decoder))
            draft.quantise(STEP, DEFAULT_EFFORT)
            assert len(calls) == (times if decoder == "generator" else 0)
            assert draft.problem is not None
            multipliers[rate, decoder] = draft.problem.multiplier(1.0)
    assert multipliers[0.014, "generator"] < 0.7 * multipliers[0.014, "classical"]
    assert multipliers[0.016, "generator"] == multipliers[0.016, "classical"]


def test_tiles_look_ahead_as_a_whole_picture_does(
    monkeypatch: pytest.MonkeyPatch, photo: RGB
) -> None:
    darker = []
    for tile in (0, 128):
        fills = []
        for gradient in (Plain, Darker):
            monkeypatch.setattr(lookahead, "_proxy_gradient", gradient)
            data = xcodec.encode(photo, 0.04, step=8, tile=tile)
            fills.append(np.asarray(xcodec.decode(data, decoder="classical"), float))
        darker.append(fills[0] - fills[1])
    borders = np.r_[120:136, 248:264]  # Samples of two tiles do their part there.
    for shown in darker:
        assert 4 < shown.mean() < 7
        assert abs(shown[:, borders].mean() - shown.mean()) < 0.5


def test_what_the_proxy_paints_is_compared_with_the_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lookahead, "painter", lambda paths: lambda seen: seen[:3] + 12 * 2 / 255)
    weights = np.ones(SCENE.shape[:2], np.float32)
    weights[:, 48:] = 3
    for each in (None, weights):
        draft = analysis.analyse(SCENE, Request(RATE, weights=each))
        samples = draft.samples(draft.quantise(STEP, 0), STEP)
        fill = np.clip(classical.fill(samples).rgb, 0, 255)
        squared = np.square(np.clip(fill + 12, 0, 255) - SCENE)
        expected = (squared if each is None else squared * each[..., None]).mean()
        assert draft.problem is not None
        found = draft.problem.painted_error(samples.values - draft.origin, samples.step)
        assert found == pytest.approx(expected, rel=1e-3)


def test_some_files_need_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "_places", lambda: [])
    lookahead._proxy_gradient.cache_clear()
    for request in (Request(RATE, effort=0), Request(RATE, effort=9, decoder="classical")):
        draft = analysis.analyse(SCENE, request)
        assert len(draft.quantise(STEP, request.effort)) == len(draft.points)
        assert not request.lookaheads
        assert not request.tuning
    draft = analysis.analyse(SCENE, Request(RATE))
    with pytest.raises(ModelError, match="proxy"):
        draft.quantise(STEP, DEFAULT_EFFORT)


def test_each_decoder_paints_best_what_is_made_for_it(photo: RGB) -> None:
    errors, photo = {}, np.ascontiguousarray(photo[:200, 60:320])
    sizes = 200, 600
    for made, painter in itertools.product(DECODERS, DECODERS):
        errors[made, painter] = 1.0
        for size in sizes:
            data = xcodec.encode(photo, max_bytes=size, decoder=made)
            assert len(data) <= size
            painted = np.asarray(xcodec.decode(data, decoder=painter, device="cpu"), float)
            errors[made, painter] *= np.square(painted - photo).mean()
    assert errors["generator", "generator"] < 0.99 * errors["classical", "generator"]
    assert errors["classical", "classical"] < 0.99 * errors["generator", "classical"]


def test_a_psnr_is_that_of_the_classical_decoder(small: RGB) -> None:
    made = [xcodec.encode(small, psnr=22, decoder=decoder) for decoder in (None, "classical")]
    assert made[0] == made[1]
    with pytest.raises(xcodec.InputError, match="decoder is 'nobody'"):
        xcodec.encode(small, decoder="nobody")
