"""Symbols chosen by their bits and the error they leave (xcodec/encoder/rdoq.py)."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from tests.golden import pictures
from xcodec.coding import quantizer
from xcodec.coding.synthesis import GREY
from xcodec.decoder import inspection
from xcodec.encoder import analysis, forms, rdoq
from xcodec.encoder.effort import EFFORTS
from xcodec.encoder.request import Request
from xcodec.kriging.fill import normal_equations
from xcodec.pictures.colour import to_ycocg
from xcodec.reconstruction.classical import fill

RGB = NDArray[np.uint8]
SCENE = pictures.scene(72, 96)


def drafted(rate: float, **options: object) -> analysis.Analysis:
    request = Request(rate, decoder="classical", **options)  # type: ignore[arg-type]
    return analysis.analyse(SCENE, request)


def bits(draft: analysis.Analysis, symbols: NDArray[np.int32]) -> float:
    """The size of a file of symbols."""
    return 8.0 * len(analysis.write_symbols(draft, Request(decoder="classical"), 60, symbols))


def painted_error(draft: analysis.Analysis, symbols: NDArray[np.int32], step: int) -> float:
    painted = fill(draft.samples(symbols, step)).rgb
    return float(np.square(painted.astype(float) - SCENE).mean())


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_the_error_is_that_of_the_fill(rate: float) -> None:
    draft = drafted(rate)
    assert draft.problem is not None
    for step in (40, 120):
        symbols = draft.quantise(step, 4)
        values = draft.samples(symbols, step).values - GREY
        expected = painted_error(draft, symbols, step)
        assert draft.problem.error(values) == pytest.approx(expected, rel=1e-3, abs=1e-2)


def test_forms_are_those_of_the_coefficients() -> None:
    """Each octave's form is a block of (M T)' (M T), T the inverse transform."""
    draft = drafted(0.06)
    assert draft.lifting is not None
    gram, _ = normal_equations(draft.points, to_ycocg(SCENE))
    inverse = draft.lifting.inverse(np.eye(len(draft.points)))
    whole = inverse.T @ gram.toarray() @ inverse
    found = forms.forms(gram, draft.lifting)
    octaves = draft.tree.octaves
    assert len(found) == len(octaves) - 1 > 3
    # A form takes coarser values, not their coefficients: these are the values of each of them.
    values = np.eye(draft.tree.bounds[octaves[0].stop])
    for number, form in enumerate(found, 1):
        start, end = (draft.tree.bounds[at] for at in (octaves[number].start, octaves[number].stop))
        assert np.allclose(form.own.toarray(), whole[start:end, start:end], atol=1e-6)
        assert np.allclose(form.cross @ values, whole[start:end, :start], atol=1e-6)
        assert np.allclose(values.T @ (form.coarse @ values), whole[:start, :start], atol=1e-6)
        each = np.eye(end)
        values = draft.lifting.join(number, values @ each[:start], each[start:])


@pytest.mark.parametrize("rate", [0.02, 0.1])
def test_sweeps_lower_the_cost_by_bits_and_by_error(rate: float) -> None:
    draft = drafted(rate)
    step = quantizer.default_index(rate)
    worth = rdoq.MULTIPLIER * quantizer.step_of(step) ** 2 / len(draft.points) / 3

    found = [draft.quantise(step, effort) for effort in range(len(EFFORTS))]
    spent = [bits(draft, symbols) for symbols in found]
    errors = [painted_error(draft, symbols, step) for symbols in found]
    costs = [error + worth * each for error, each in zip(errors, spent, strict=True)]
    # Without an eye on the bits, the first sweep reaches 0.956 and 0.969, and spends more of them.
    assert costs[1] < 0.95 * costs[0]
    assert spent[4] < spent[0]
    assert errors[4] < errors[0]
    for before, after in itertools.pairwise(costs):
        assert after < 1.01 * before  # Contexts move along with the symbols.
    assert costs[-1] < costs[1]


def test_bits_that_are_worth_more_are_saved() -> None:
    draft = drafted(0.05)
    step = quantizer.default_index(0.05)
    found = [draft.quantise(step, 4, worth) for worth in (0.3, 1.0, 3.0)]
    spent = [bits(draft, symbols) for symbols in found]
    errors = [painted_error(draft, symbols, step) for symbols in found]
    assert spent == sorted(spent, reverse=True)
    assert errors[-1] > 1.03 * max(errors[:-1])


def test_more_effort_makes_smaller_files_of_the_same_picture(small: RGB) -> None:
    sizes = []
    for effort in (0, 4):
        data = [xcodec.encode(small, psnr=decibels, effort=effort) for decibels in (20, 22, 24)]
        sizes.append(sum(map(len, data)))
    assert sizes[1] < 0.9 * sizes[0]


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.2])
def test_more_effort_makes_better_files(small: RGB, rate: float) -> None:
    sizes, errors = [], []
    for effort in (0, 4):
        data = xcodec.encode(small, rate, effort=effort, decoder="classical")
        painted = np.asarray(xcodec.decode(data, decoder="classical"), float)
        sizes.append(len(data))
        errors.append(float(np.square(painted - small).mean()))
    assert errors[1] < 0.95 * errors[0]
    assert sizes[1] * errors[1] < 0.93 * sizes[0] * errors[0]


def test_effort_leaves_the_samples_where_they_are(small: RGB) -> None:
    found = {
        inspection.info(xcodec.encode(small, 0.03, effort=e)).samples for e in range(len(EFFORTS))
    }
    assert len(found) == 1


@pytest.mark.parametrize("effort", range(len(EFFORTS)))
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (40, 1), (3, 3)])
def test_odd_pictures_at_every_effort(shape: tuple[int, int], effort: int) -> None:
    high, wide = shape
    for picture in (SCENE[:high, :wide], np.full((high, wide, 3), 200, np.uint8)):
        for rate in (0.02, 0.5):
            data = xcodec.encode(picture, rate, effort=effort)
            assert xcodec.decode(data, decoder="classical").size == (wide, high)


@pytest.mark.parametrize("tone", ["mean", "point"])
def test_other_tones_are_left_as_they_are(small: RGB, tone: str) -> None:
    assert xcodec.encode(small, tone=tone, effort=7) == xcodec.encode(small, tone=tone, effort=0)


@pytest.mark.parametrize("effort", [-1, len(EFFORTS)])
def test_efforts_that_there_are_not(small: RGB, effort: int) -> None:
    with pytest.raises(xcodec.InputError, match=r"effort is -?[0-9]+; it must be in 0\.\.9"):
        xcodec.encode(small, effort=effort)


@pytest.mark.parametrize("careful", [False, True])
def test_samples_far_apart_need_care(careful: bool) -> None:
    """Where all depend on each other, moving them at the same time must not make things worse."""
    picture = pictures.scene(900, 1200)
    request = Request(4e-5, decoder="classical", density="uniform", cells=8.0, careful=careful)
    draft = analysis.analyse(picture, request)
    assert draft.problem is not None
    errors = [
        draft.problem.error(draft.samples(draft.quantise(118, effort), 118).values - GREY)
        for effort in (0, 4)
    ]
    assert (errors[1] < 1.1 * errors[0]) == careful


def test_multipliers_share_all_but_the_last_sweep() -> None:
    draft = drafted(0.05)
    step = quantizer.default_index(0.05)
    each = draft.quantise_each(step, 4, [1.0, 0.1, 3.0])
    assert np.array_equal(each[0], draft.quantise(step, 4))
    spent = [bits(draft, symbols) for symbols in each]
    assert spent[2] < spent[0] < spent[1]


@pytest.mark.parametrize("effort", [1, 4])
def test_sweeps_tell_about_how_many_bits_they_take(effort: int) -> None:
    draft = drafted(0.05)
    step = quantizer.default_index(0.05)
    sweep = draft.sweeper(step, effort)
    first = sweep(1.0)
    assert np.array_equal(first.symbols, draft.quantise(step, effort))
    choices = [first, *(sweep(multiplier) for multiplier in (1.0, 3.0, 10.0))]
    spent = [bits(draft, choice.symbols) for choice in choices]
    beside = spent[0] - first.bits
    assert 0 < beside < 0.3 * spent[0]  # The density, and the header.
    for choice, size in zip(choices, spent, strict=True):
        assert choice.bits + beside == pytest.approx(size, rel=0.02)
    assert spent[3] < spent[2] < spent[0]
