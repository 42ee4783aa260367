"""Embedded streams: every prefix is known exactly as far as its bits go."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests import reference_packets
from tests.golden import pictures
from xcodec.coding import embedded
from xcodec.coding.context import DIRECT
from xcodec.coding.lifting import Hierarchy, hierarchy
from xcodec.sampling.mask import points_from_density
from xcodec.types import Density, Points


def points_of(height: int, width: int, scale: int) -> Points:
    zeros = np.zeros((-(-height // 128), -(-width // 128)), np.int64)
    return points_from_density(Density(zeros, 128, scale), height, width)


def case(height: int, width: int, scale: int, seed: int) -> tuple[Hierarchy, NDArray[np.int32]]:
    """Points of a picture, and symbols that shrink from coarse to fine, as real ones do."""
    points = points_of(height, width, scale)
    noise = pictures.noise(3 * len(points), seed).reshape(-1, 3).astype(np.int64)
    size = 1 + 200 // (1 + np.arange(len(points)) // 8)
    symbols = (noise % (2 * size + 1)[:, None]) - size[:, None]
    return hierarchy(points), symbols.astype(np.int32)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(9, 60), st.integers(9, 60), st.integers(1, 8), st.integers(0, 99), st.binary())
def test_streams_decode_whole_whatever_follows(
    height: int, width: int, stages: int, seed: int, after: bytes
) -> None:
    tree, symbols = case(height, width, 4608 + 128 * (seed % 3), seed)
    stream, ends = embedded.write(symbols, tree, stages)
    known = embedded.read(stream + after, tree, len(symbols), stages)
    assert np.array_equal(known.symbols, symbols)
    assert not known.missing.any()
    assert known.levels == len(tree)
    assert sorted(ends) == ends
    assert len(stream) <= ends[-1] // 8 + 9


@pytest.mark.parametrize("stages", [1, 2, 4])
def test_prefixes_tell_leading_bits_and_never_a_wrong_one(stages: int) -> None:
    tree, symbols = case(96, 96, 4500, stages)
    stream, _ = embedded.write(symbols, tree, stages)
    before = np.inf
    for end in range(0, len(stream) + 1, 7 * stages):
        known = embedded.read(stream[:end], tree, len(symbols), stages)
        some = known.missing < stages
        leading = np.abs(symbols) >> known.missing << known.missing
        told = np.sign(symbols) * leading
        assert np.array_equal(known.symbols[some], told[some])
        assert not known.symbols[~some].any()
        assert known.missing.sum() <= before
        before = known.missing.sum()
    assert before < stages * symbols.size


def test_states_are_what_prefixes_decode_to() -> None:
    tree, symbols = case(80, 90, 4500, 5)
    stream, ends = embedded.write(symbols, tree, 3)
    for place, state in embedded.states(symbols, tree, 3):
        known = embedded.read(stream[: ends[place] // 8 + 9], tree, len(symbols), 3)
        assert (known.missing <= state.missing).all()
        assert known.levels >= state.levels
        same = known.missing == state.missing
        assert same.mean() > 0.9
        assert np.array_equal(known.symbols[same], state.symbols[same])


def test_large_magnitudes_survive() -> None:
    tree, symbols = case(64, 64, 4400, 1)
    symbols = symbols * (1 << 15) // 200
    assert np.abs(symbols).max() > 1000 * DIRECT
    for stages in (1, 5, 8):
        stream, _ = embedded.write(symbols, tree, stages)
        assert np.array_equal(embedded.read(stream, tree, len(symbols), stages).symbols, symbols)


def test_any_bytes_are_a_stream() -> None:
    tree, symbols = case(60, 60, 4500, 1)
    for seed in range(40):
        data = (pictures.noise(60, seed) % 256).astype(np.uint8).tobytes()
        known = embedded.read(data, tree, len(symbols), 1 + seed % 8)
        assert known.symbols.shape == symbols.shape


@pytest.mark.parametrize("stages", [1, 2, 3, 8])
def test_an_independent_decoder_agrees(stages: int) -> None:
    scale = 4600
    tree, symbols = case(40, 30, scale, stages)
    stream, _ = embedded.write(symbols, tree, stages)
    fields = {"width": 30, "height": 40, "scale": scale, "stages": stages}
    points, theirs = reference_packets.read_symbols(fields, stream)
    ours = points_of(40, 30, scale)
    assert points == list(zip(ours.rows.tolist(), ours.cols.tolist(), strict=True))
    assert np.array_equal(theirs, symbols)
