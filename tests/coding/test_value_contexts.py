"""Contexts of values: exact arithmetic, inputs that a decoder knows, tables that code."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import reference_values
from tests.coding.test_lifting import scattered
from tests.golden import pictures
from xcodec.coding import network, quantizer
from xcodec.coding.lifting import Lifting, hierarchy
from xcodec.coding.rangecoder import TABLE_BITS, Decoder, Encoder
from xcodec.coding.surroundings import LIMIT, Surroundings, compressed, inputs
from xcodec.coding.value_contexts import ValueCoder, ValueContexts
from xcodec.coding.values import STEP_BITS, VALUE_BITS, Values, coefficients, exact_steps
from xcodec.kriging.exact import WEIGHT_BITS, _variogram, exact_weights
from xcodec.kriging.neighbours import covariance, kriging

PLANES = 3


def some_symbols(count: int, most: int = 9) -> NDArray[np.int32]:
    noise = pictures.noise(PLANES * count).reshape(-1, PLANES)
    signs = 1 - 2 * (noise >> 8 & 1)
    return (signs * np.maximum(noise % (2 * most) - most, 0)).astype(np.int32)


def all_values(points: object, symbols: NDArray[np.int32], step: int) -> Values:
    tree = hierarchy(points)  # type: ignore[arg-type]
    values = Values(tree, Lifting(points, tree), step, PLANES)  # type: ignore[arg-type]
    for octave, levels in enumerate(tree.octaves):
        values.begin(octave)
        for level, plane in itertools.product(levels, range(PLANES)):
            values.put(level, plane, symbols[tree.span(level), plane])
        values.finish(octave)
    return values


@pytest.mark.parametrize("count", [1, 2, 6])
def test_exact_weights_are_those_of_kriging(count: int) -> None:
    noise = pictures.noise(400 * 14).reshape(400, 7, 2) % 90
    noise = noise[[len(np.unique(each, axis=0)) == 7 for each in noise]]
    sites, targets = noise[:, :count], noise[:, 6]
    weights = exact_weights(sites, targets)
    assert (weights.sum(1) == 1 << WEIGHT_BITS).all()
    usual = kriging(sites, targets[:, None])[0][:, 0]
    assert np.abs(weights / (1 << WEIGHT_BITS) - usual).max() < 0.003


def test_exact_weights_are_those_of_the_reference() -> None:
    """Also where sites lie so far apart, or so strangely, that limits are reached."""
    near = pictures.noise(240).reshape(20, 6, 2)
    for scale in (1, 2000):
        sites = near % 30 * scale
        sites[:, :, 0] += np.arange(6)  # All different.
        targets = np.full((20, 2), 11 * scale + 7)
        expected = [
            reference_values.weights_of([tuple(site) for site in each], (t[0], t[1]))
            for each, t in zip(sites.tolist(), targets.tolist(), strict=True)
        ]
        assert exact_weights(sites, targets).tolist() == expected


def test_no_entry_of_a_table_is_near_a_half() -> None:
    variogram = (1 - covariance(np.arange(1 << 16))) * (1 << 22)
    powers = 2.0 ** (24 - np.arange(32 * 26) / 32)
    for exact, table in ((variogram, _variogram()), (powers, network._powers())):
        assert np.array_equal(np.rint(exact), table)
        assert np.abs(exact - np.floor(exact) - 0.5)[exact != 0.5].min() > 1e-6


def test_steps_are_those_of_the_quantiser() -> None:
    tree = hierarchy(scattered(64, 90, 0.3))
    for index in (0, 60, quantizer.MAX_STEP_INDEX):
        exact = exact_steps(index, tree, PLANES) / (1 << STEP_BITS)
        usual = quantizer.steps(quantizer.step_of(index), tree)
        assert exact == pytest.approx(usual, rel=0.001)


def test_coefficients_are_those_of_the_quantiser() -> None:
    symbols = np.arange(-40, 41)
    exact = coefficients(symbols, np.int64(37 << STEP_BITS)) / (1 << VALUE_BITS)
    assert exact == pytest.approx(quantizer.dequantise(symbols, np.float64(37)), abs=1 / 32)
    most = coefficients(np.array([quantizer.MAX_SYMBOL]), np.int64(1 << 40))
    assert most == 1 << 24


@pytest.mark.parametrize("shape", [(1, 1, 1.0), (64, 90, 0.3), (300, 200, 0.01)])
def test_exact_values_are_those_of_the_transform(shape: tuple[int, int, float]) -> None:
    points = scattered(*shape)
    symbols, step = some_symbols(len(points)), 90
    values = all_values(points, symbols, step)
    tree = hierarchy(points)
    steps = quantizer.per_sample(quantizer.step_of(step), tree)
    usual = Lifting(points, tree).inverse(quantizer.dequantise(symbols, steps))
    assert np.abs(values.known / (1 << VALUE_BITS) - usual).max() < 1


def test_compressed_is_a_logarithm() -> None:
    values = np.array([0, 1, 8, 16, 32, 64, 1 << 20])
    found = compressed(values)
    assert found.tolist() == [reference_values.compressed(value) for value in values.tolist()]
    assert found.tolist() == [0, 2, 16, 24, 36, 50, LIMIT]
    assert np.array_equal(np.diff(compressed(np.arange(5000))) >= 0, np.full(4999, True))


@pytest.mark.parametrize("plane", range(PLANES))
def test_inputs_are_what_the_decoder_knows(plane: int) -> None:
    points = scattered(64, 90, 0.2)
    tree = hierarchy(points)
    around = Surroundings(points, tree)
    whole = some_symbols(len(points), 200)
    level = len(tree) - 2
    known = np.zeros_like(whole)
    known[: tree.bounds[level]] = whole[: tree.bounds[level]]
    known[tree.span(level), :plane] = whole[tree.span(level), :plane]
    octave = next(i for i, levels in enumerate(tree.octaves) if level in levels)
    seen = []
    for symbols in (whole, known):
        values = Values(tree, Lifting(points, tree), 80, PLANES)
        for number, levels in enumerate(tree.octaves[: octave + 1]):
            values.begin(number)
            for each, of in itertools.product(levels, range(PLANES)):
                if each < level or (each == level and of < plane) or symbols is whole:
                    before = each < level or (each == level and of < plane)
                    values.put(each, of, (symbols if before else known)[tree.span(each), of])
            if number < octave:
                values.finish(number)
        seen.append(around.of(tree.span(level), plane, symbols, values))
    assert np.array_equal(*seen)
    assert seen[0].shape == (np.diff(tree.bounds)[level], inputs(plane))
    assert np.abs(seen[0]).max() <= LIMIT
    assert np.array_equal(seen[0], np.rint(seen[0]))
    span = tree.span(level)
    pieces = slice(span.start, span.start + 5), slice(span.start + 5, span.stop)
    parts = [around.of(part, plane, known, values) for part in pieces]
    assert np.array_equal(np.concatenate(parts), seen[0])


@pytest.mark.parametrize("plane", range(PLANES))
def test_sums_of_the_network_are_exact_in_float32(plane: int) -> None:
    limit = LIMIT
    for layer in network.layers(plane):
        weights, biases = layer.weights.astype(np.int64), layer.biases.astype(np.int64)
        assert np.array_equal(weights, layer.weights)
        assert np.array_equal(biases, layer.biases)
        assert (np.abs(weights).sum(0) * limit + np.abs(biases)).max() < 1 << 24
        limit = network.ACTIVE


@pytest.mark.parametrize("plane", range(PLANES))
def test_the_network_gives_the_same_in_any_layout_and_order(plane: int) -> None:
    noise = pictures.noise(70 * inputs(plane)).reshape(70, -1)
    known = (noise % (2 * LIMIT + 1) - LIMIT).astype(np.float32)
    units = known.astype(np.int64)
    for number, layer in enumerate(network.layers(plane)):
        units = units @ layer.weights.astype(np.int64) + layer.biases.astype(np.int64) >> 8
        if number < 2:
            units = np.clip(units, 0, network.ACTIVE)
    found = network.logits(plane, known)
    assert np.array_equal(found, units)
    assert np.array_equal(network.logits(plane, np.asfortranarray(known)), units)
    assert np.array_equal(network.logits(plane, known[::-1])[::-1], units)
    one_by_one = [network.logits(plane, known[i : i + 1]) for i in range(len(known))]
    assert np.array_equal(np.concatenate(one_by_one), units)


def test_tables_sum_up_and_leave_nothing_out() -> None:
    noise = pictures.noise(50 * network.SIGNED).reshape(50, -1).astype(np.int64)
    for spread in (1, 50, 5000):
        logarithms = noise % (2 * spread) - spread
        tables = network.frequencies(logarithms)
        assert (tables.sum(1) == 1 << TABLE_BITS).all()
        assert tables.min() >= 1
        lengths = TABLE_BITS - np.log2(tables)
        assert network.bits(logarithms) == pytest.approx(lengths, abs=1.2)


def test_signed_tokens_are_undone() -> None:
    symbols = np.concatenate([np.arange(-40, 41), [-quantizer.MAX_SYMBOL, quantizer.MAX_SYMBOL]])
    token, width, rest = network.signed_tokens(symbols)
    assert token.min() == 0
    assert token.max() < network.SIGNED
    least, again, sign = network.symbols_of(token)
    assert np.array_equal(again, width)
    assert np.array_equal(sign * (least + rest), symbols)


@pytest.mark.parametrize("most", [2, 3000])
def test_symbols_survive_coding(most: int) -> None:
    points = scattered(64, 90, 0.4)
    tree = hierarchy(points)
    contexts = ValueContexts(points, tree, Lifting(points, tree))
    symbols = some_symbols(len(points), most)
    encoder, order = Encoder(), list(itertools.product(range(len(tree)), range(PLANES)))
    coder = ValueCoder(contexts, 100, PLANES)
    for level, plane in order:
        coder.write_plane(encoder, symbols, level, plane)
    decoder, found = Decoder(encoder.finish()), np.zeros_like(symbols)
    coder = ValueCoder(contexts, 100, PLANES)
    for level, plane in order:
        coder.read_plane(decoder, found, level, plane)
    assert np.array_equal(found, symbols)
