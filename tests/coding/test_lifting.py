"""The transform over scattered samples, its levels, and the quantiser after it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.golden import pictures
from xcodec.coding import context, lifting, quantizer
from xcodec.coding.lifting import EXACT_PARTS, Lifting, hierarchy
from xcodec.samples import Points
from xcodec.sampling.mask import order_points

SHAPES = [(1, 1, 1.0), (1, 40, 0.3), (30, 30, 1.0), (64, 90, 0.05), (300, 200, 0.01)]


def scattered(high: int, wide: int, share: float) -> Points:
    marks = pictures.noise(high * wide).reshape(high, wide) < share * 65536
    marks[-1, -1] = True
    return order_points(high, wide, *np.nonzero(marks))


@pytest.fixture(params=SHAPES, ids=str)
def points(request: pytest.FixtureRequest) -> Points:
    return scattered(*request.param)


@pytest.mark.parametrize("parts", [1, EXACT_PARTS])
def test_levels_are_octaves_of_rank(points: Points, parts: int) -> None:
    tree = hierarchy(points, parts)
    assert tree.bounds[0] == 0
    assert tree.bounds[-1] == len(points)
    assert all(a < b for a, b in pairwise(tree.bounds))
    assert list(tree.depths) == sorted(tree.depths)
    assert all(tree.depths.count(d) <= parts for d in tree.depths)
    for level, depth in enumerate(tree.depths):
        ranks = points.ranks[tree.span(level)]
        low = 0 if depth == 0 else 1 << (depth + lifting.COARSEST_BITS - 1)
        assert ranks.min() >= low
        assert ranks.max() < 1 << (depth + lifting.COARSEST_BITS)
        index = tree.neighbours[level]
        assert index.shape == (len(ranks), min(lifting.NEIGHBOURS, tree.bounds[level]))
        if level:
            assert index.max() < tree.bounds[level]
            assert (np.diff(tree.distances[level]) >= 0).all()


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
    fine = coefficients[tree.bounds[-2] :]
    assert np.abs(fine).mean() < 0.05 * np.ptp(plane)
    flat = Lifting(points, tree).forward(np.full((len(points), 1), 7.0))
    assert np.allclose(flat[: tree.bounds[1]], 7)
    assert np.allclose(flat[tree.bounds[1] :], 0)


@pytest.mark.parametrize("planes", [1, 3])
def test_integer_lifting_is_exact(points: Points, planes: int) -> None:
    tree = hierarchy(points, EXACT_PARTS)
    noise = pictures.noise(planes * len(points)).reshape(-1, planes)
    for values in (noise % 511 - 255, np.full_like(noise, -255), noise // 65000 * 510 - 255):
        differences = lifting.residuals(values, tree)
        assert np.array_equal(lifting.restore(differences, tree), values)
        assert np.abs(differences).max() <= 510 + 255 * planes


def test_integer_prediction_follows_smooth_values() -> None:
    points = scattered(64, 90, 0.1)
    tree = hierarchy(points, EXACT_PARTS)
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
    symbols = quantizer.quantise(values, step, tree)
    back = quantizer.dequantise(symbols, step, tree)
    each = np.repeat(quantizer.steps(step, tree), np.diff(tree.bounds), 0)
    saturated = np.abs(symbols) == quantizer.MAX_SYMBOL
    assert (np.abs(back - values)[~saturated] <= 0.66 * each[~saturated]).all()
    assert (back[symbols == 0] == 0).all()
    assert (np.sign(back) == np.sign(symbols)).all()
    assert np.array_equal(quantizer.quantise(back, step, tree), symbols)


def test_steps_grow_finer_for_coarser_levels_and_coarser_for_chroma() -> None:
    tree = hierarchy(scattered(300, 200, 0.05))
    steps = quantizer.steps(50.0, tree)
    assert steps[-1, 0] == 50
    assert (np.diff(steps[:, 0]) > 0).all()
    assert steps[:, 1] == pytest.approx(quantizer.CHROMA_GROWTH * steps[:, 0])
    assert np.array_equal(steps[:, 1], steps[:, 2])


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
    symbols = quantizer.quantise(np.array([[1e9, -1e9, 0]]), 0.5, tree)
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
    for table, last in (
        (model.weights, (context.FEATURES,)),
        (model.thresholds, (model.thresholds.shape[-1],)),
        (model.frequencies, (model.thresholds.shape[-1] + 1, context.TOKENS)),
    ):
        assert table.shape == (planes, context.CLASSES, *last)
    assert (model.weights >= 0).all()
    assert (np.diff(model.thresholds) >= 0).all()
    assert (model.frequencies > 0).all()
    assert (model.frequencies.sum(-1) == 1 << 15).all()
    largest = np.array([model.clip] * 6 + [16 * model.clip] + [model.clip] * 2 + [1])
    assert (model.weights @ largest).max() < 1 << 31  # Other decoders may use 32 bits.


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
