"""The transform over scattered samples, its levels, and the quantiser after it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.golden import pictures
from xcodec.coding import context, lifting, quantizer
from xcodec.coding.lifting import PARTS, Lifting, hierarchy
from xcodec.sampling.mask import order_points
from xcodec.types import Points

SHAPES = [(1, 1, 1.0), (1, 40, 0.3), (30, 30, 1.0), (64, 90, 0.05), (300, 200, 0.01)]


def scattered(high: int, wide: int, share: float) -> Points:
    marks = pictures.noise(high * wide).reshape(high, wide) < share * 65536
    marks[-1, -1] = True
    return order_points(high, wide, *np.nonzero(marks))


@pytest.fixture(params=SHAPES, ids=str)
def points(request: pytest.FixtureRequest) -> Points:
    return scattered(*request.param)


def test_levels_are_quarters_of_octaves_of_rank(points: Points) -> None:
    tree = hierarchy(points)
    assert tree.bounds[0] == 0
    assert tree.bounds[-1] == len(points)
    assert all(a < b for a, b in pairwise(tree.bounds))
    assert list(tree.depths) == sorted(tree.depths)
    assert all(tree.depths.count(d) <= PARTS for d in tree.depths)
    for level, depth in enumerate(tree.depths):
        ranks = points.ranks[tree.span(level)]
        low = 0 if depth == 0 else 1 << (depth + lifting.COARSEST_BITS - 1)
        assert ranks.min() >= low
        assert ranks.max() < 1 << (depth + lifting.COARSEST_BITS)
        index = tree.neighbours[tree.span(level)]
        assert index.shape == (len(ranks), lifting.NEIGHBOURS)
        near = min(lifting.NEAR, tree.bounds[level])
        assert tree.distances[level].shape == (len(ranks), near)
        if level:
            assert index.max() < tree.bounds[level]
            assert (np.diff(np.sort(index), axis=1) == 0).any() == (tree.bounds[level] < 16)
            assert (np.diff(tree.distances[level]) >= 0).all()
    octaves = tree.octaves
    assert [level for octave in octaves for level in octave] == list(range(len(tree)))
    assert [{tree.depths[level] for level in octave} for octave in octaves] == [
        {depth} for depth in sorted(set(tree.depths))
    ]


def test_lifting_is_undone(points: Points) -> None:
    transform = Lifting(points, hierarchy(points))
    values = pictures.noise(3 * len(points)).reshape(-1, 3) / 257.0
    there = transform.forward(values)
    assert np.allclose(transform.inverse(there), values)
    assert np.allclose(transform.forward(transform.inverse(values)), values)


def test_lifting_packs_what_is_smooth() -> None:
    points = scattered(64, 90, 0.1)
    tree = hierarchy(points)
    plane = (points.rows * 1.5 + points.cols)[:, None]
    coefficients = Lifting(points, tree).forward(plane)
    fine = coefficients[tree.bounds[tree.octaves[-1].start] :]
    assert np.abs(fine).mean() < 0.05 * np.ptp(plane)
    flat = Lifting(points, tree).forward(np.full((len(points), 1), 7.0))
    coarsest = tree.bounds[tree.octaves[0].stop]
    assert np.allclose(flat[:coarsest], 7)
    assert np.allclose(flat[coarsest:], 0)


def test_splitting_an_octave_off_is_undone_by_joining_it(points: Points) -> None:
    tree = hierarchy(points)
    transform = Lifting(points, tree)
    values = pictures.noise(3 * len(points)).reshape(-1, 3) / 257.0
    parts = []
    for octave in range(len(tree.octaves) - 1, 0, -1):
        values, own = transform.split(octave, values)
        assert len(values) == tree.bounds[tree.octaves[octave].start]
        parts.append(own)
    for octave, own in enumerate(reversed(parts), 1):
        values = transform.join(octave, values, own)
    assert np.allclose(values, pictures.noise(3 * len(points)).reshape(-1, 3) / 257.0)


@pytest.mark.parametrize("planes", [1, 3])
def test_integer_lifting_is_exact(points: Points, planes: int) -> None:
    tree = hierarchy(points)
    noise = pictures.noise(planes * len(points)).reshape(-1, planes)
    for values in (noise % 511 - 255, np.full_like(noise, -255), noise // 65000 * 510 - 255):
        differences = lifting.residuals(values, tree)
        assert np.array_equal(lifting.restore(differences, tree), values)
        assert np.abs(differences).max() <= 510 + 255 * planes


def test_integer_prediction_follows_smooth_values() -> None:
    points = scattered(64, 90, 0.1)
    tree = hierarchy(points)
    values = np.stack([points.rows + points.cols] * 3, 1)
    differences = np.abs(lifting.residuals(values, tree)[tree.bounds[6] :])
    assert differences[:, 0].mean() < 8
    # The later planes follow the first.
    assert differences[:, 1:].mean() < 0.8 * differences[:, 0].mean()


@given(st.integers(0, quantizer.MAX_STEP_INDEX), st.integers(0, 1000))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_quantising_moves_values_by_less_than_a_step(index: int, seed: int) -> None:
    points = scattered(40, 60, 0.1)
    tree = hierarchy(points)
    step = quantizer.step_of(index)
    values = (pictures.noise(3 * len(points), seed).reshape(-1, 3) - 32768) / 131.0
    each = quantizer.per_sample(step, tree)
    symbols = quantizer.quantise(values, each)
    back = quantizer.dequantise(symbols, each)
    saturated = np.abs(symbols) == quantizer.MAX_SYMBOL
    assert (np.abs(back - values)[~saturated] <= 0.66 * each[~saturated]).all()
    assert (back[symbols == 0] == 0).all()
    assert (np.sign(back) == np.sign(symbols)).all()
    assert np.array_equal(quantizer.quantise(back, each), symbols)


def test_steps_grow_finer_for_coarser_levels_and_coarser_for_chroma() -> None:
    tree = hierarchy(scattered(300, 200, 0.05))
    steps = quantizer.steps(50.0, tree)
    assert steps[-1, 0] == 50
    for before, octave in pairwise(tree.octaves):
        assert (steps[octave] > steps[before.start]).all()
        assert (steps[octave] == steps[octave.start]).all()
    assert steps == pytest.approx(np.outer(steps[:, 0], quantizer.GROWTH))
    assert np.array_equal(quantizer.per_sample(50.0, tree)[[0, -1]], steps[[0, -1]])


def test_step_indices_are_those_of_their_steps() -> None:
    for index in range(quantizer.MAX_STEP_INDEX + 1):
        assert quantizer.index_of(quantizer.step_of(index)) == index
    assert quantizer.index_of(0) == 0
    assert quantizer.index_of(1e9) == quantizer.MAX_STEP_INDEX
    assert quantizer.step_of(16) == 2 * quantizer.step_of(0)
    defaults = [quantizer.step_of(quantizer.default_index(r)) for r in (0.001, 0.02, 0.5)]
    assert defaults == sorted(defaults, reverse=True)


def test_huge_values_saturate() -> None:
    points = scattered(1, 1, 1.0)
    tree = hierarchy(points)
    steps = quantizer.per_sample(0.5, tree)
    symbols = quantizer.quantise(np.array([[1e9, -1e9, 0]]), steps)
    assert symbols.tolist() == [[quantizer.MAX_SYMBOL, -quantizer.MAX_SYMBOL, 0]]


def test_tokens_tell_every_magnitude() -> None:
    magnitudes = np.arange(1 << 16)
    token, width, rest = context.tokens_of(magnitudes)
    assert token.max() == context.TOKENS - 1
    assert (np.diff(token) >= 0).all()
    assert (rest < 1 << width).all()
    first, again = context.first_of(token)
    assert np.array_equal(again, width)
    assert np.array_equal(first + rest, magnitudes)


@pytest.mark.parametrize("kind", context.KINDS)
def test_tables_are_sound(kind: str) -> None:
    model = context.tables(kind)
    planes = 1 if kind in ("density", "counts") else 3
    units, cuts = model.output.shape[-1], model.thresholds.shape[-1]
    for table, last in (
        (model.hidden, (units, context.FEATURES)),
        (model.output, (units,)),
        (model.thresholds, (cuts,)),
        (model.frequencies, (cuts + 1, context.TOKENS)),
    ):
        assert table.shape == (planes, *last)
    assert (np.diff(model.thresholds) >= 0).all()
    assert (model.frequencies > 0).all()
    assert (model.frequencies.sum(-1) == 1 << 15).all()
    largest = np.array([model.clip] * 8 + [16 * model.clip] * 3 + [model.clip] * 2 + [1, 6, 1])
    sums = np.abs(model.hidden) @ largest
    # float64 adds integers exactly below this, in any order.
    assert sums.max() < 1 << 53
    assert (np.abs(model.output) * (sums >> context.HIDDEN_SHIFT)).sum(-1).max() < 1 << 53


@pytest.mark.parametrize("kind", context.KINDS)
def test_guesses_are_those_of_plain_integers(kind: str) -> None:
    model = context.tables(kind)
    for plane in range(len(model.output)):
        known = pictures.noise(50 * context.FEATURES).reshape(50, -1) % (16 * model.clip)
        sums = known.astype(object) @ model.hidden[plane].T.astype(object)
        units = np.maximum(sums, 0) >> context.HIDDEN_SHIFT
        expected = (units @ model.output[plane].astype(object)).astype(np.int64)
        assert np.array_equal(context.guesses(model, plane, known), expected)


def test_large_neighbours_lead_to_large_guesses() -> None:
    model = context.tables("coefficients")
    for plane in range(3):
        known = np.zeros((model.clip + 1, context.FEATURES), np.int64)
        known[:, :8] = np.arange(model.clip + 1)[:, None]
        known[:, 8 + plane] = context.MEAN_SCALE * np.arange(model.clip + 1)
        known[:, -2:] = 3, 1
        guess = context.guesses(model, plane, known)
        bins = np.searchsorted(model.thresholds[plane], guess, side="right")
        table = model.frequencies[plane][bins]
        zeros = table[:, 0] / table.sum(1)
        assert zeros[0] > zeros[2] > zeros[-1]


def test_contexts_see_only_what_the_decoder_knows() -> None:
    points = scattered(64, 90, 0.1)
    tree = hierarchy(points)
    noise: NDArray[np.int64] = pictures.noise(3 * len(points)).reshape(-1, 3) % 9
    level, plane = len(tree) - 2, 1
    known = np.zeros_like(noise)
    known[: tree.bounds[level]] = noise[: tree.bounds[level]]
    known[tree.span(level), :plane] = noise[tree.span(level), :plane]
    seen = [context.features(tree, level, plane, m) for m in (noise, known)]
    assert np.array_equal(*seen)
