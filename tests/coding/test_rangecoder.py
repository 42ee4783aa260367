"""The range coder: golden words, the shortest end, and agreement with plain integers."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import reference
from tests.golden.pictures import noise
from xcodec.coding.rangecoder import TABLE_BITS, Decoder, Encoder
from xcodec.errors import FormatError

TABLES = [
    [1 << 14, 1 << 14],
    [32767, 1],
    [1, 32767],
    [20000, 9000, 3000, 700, 60, 7, 1],
    [1] * 26 + [(1 << TABLE_BITS) - 26],
]
GOLDEN = {
    "nothing": "",
    "mixed": "c9e17ce6d371071908b5b535f062b83ff96b11",
}
"""A changed byte is a change of the format."""


def steps_of(count: int, seed: int) -> list[tuple[int, int]]:
    """Pairs (table, or -width for plain bits; value), likely values being likely."""
    steps = []
    for which, quantile in noise(2 * count, seed).reshape(-1, 2).tolist():
        if which % 3 == 0:
            width = 1 + which // 3 % 16
            steps.append((-width, quantile % (1 << width)))
        else:
            table = TABLES[which // 3 % len(TABLES)]
            value = next(i for i in range(len(table)) if quantile // 2 < sum(table[: i + 1]))
            steps.append((which // 3 % len(TABLES), value))
    return steps


def encoded(steps: list[tuple[int, int]]) -> bytes:
    coder = Encoder()
    for which, value in steps:
        if which < 0:
            coder.bits(np.array([value]), np.array([-which]))
        else:
            coder.symbols(np.array([value]), np.array(TABLES[which]))
    return coder.finish()


def by_reference(steps: list[tuple[int, int]]) -> bytes:
    coder = reference.RangeEncoder()
    for which, value in steps:
        if which < 0:
            coder.bits(value, -which)
        else:
            coder.symbol(value, reference.cumulate(TABLES[which]))
    return coder.finish()


def decoded(data: bytes, steps: list[tuple[int, int]], whole: bool = True) -> list[int]:
    coder = Decoder(data, whole)
    return [
        int(
            coder.bits(np.array([-which]))[0]
            if which < 0
            else coder.symbols(1, np.array(TABLES[which]))[0]
        )
        for which, _ in steps
    ]


def test_golden_words() -> None:
    assert encoded([]).hex() == GOLDEN["nothing"]
    assert encoded(steps_of(40, 3)).hex() == GOLDEN["mixed"]


@pytest.mark.parametrize("seed", range(40))
def test_there_and_back_and_as_the_reference_does(seed: int) -> None:
    steps = steps_of(5 * seed, seed)
    data = encoded(steps)
    assert data == by_reference(steps)
    assert decoded(data, steps) == [value for _, value in steps]
    coder = reference.RangeDecoder(data)
    for which, value in steps:
        found = coder.bits(-which) if which < 0 else coder.symbol(reference.cumulate(TABLES[which]))
        assert found == value


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 4), st.integers(0, 1)),
            st.integers(1, 16).flatmap(
                lambda w: st.tuples(st.just(-w), st.integers(0, (1 << w) - 1))
            ),
        ),
        max_size=60,
    )
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_symbols(steps: list[tuple[int, int]]) -> None:
    data = encoded(steps)
    assert data == by_reference(steps)
    assert decoded(data, steps) == [value for _, value in steps]


def test_carries_run_through_words_that_were_held_back() -> None:
    """Symbols that keep the interval astride a word's end until the last one decides."""
    table = reference.cumulate(TABLES[0])
    for last in (0, 1):
        # Always the half that holds the middle: 0 then ones, or 1 then zeros.
        for steps in ([(0, 0)] + 200 * [(0, 1)], [(0, 1)] + 200 * [(0, 0)]):
            data = encoded([*steps, (0, last)])
            assert data == by_reference([*steps, (0, last)])
            assert decoded(data, [*steps, (0, last)]) == [v for _, v in steps] + [last]
    assert table[1] == 1 << 23


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=27))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_tables_become_cumulative_probabilities_by_plain_arithmetic(counts: list[int]) -> None:
    total = 1 << TABLE_BITS
    frequencies = [1 + c * (total - len(counts)) // sum(counts) for c in counts]
    frequencies[0] += total - sum(frequencies)
    values = list(range(len(counts))) * 3
    coder, plain = Encoder(), reference.RangeEncoder()
    coder.symbols(np.array(values), np.array(frequencies))
    for value in values:
        plain.symbol(value, reference.cumulate(frequencies))
    assert coder.finish() == plain.finish()


def test_no_shorter_bytes_would_do() -> None:
    for seed in range(20):
        steps = steps_of(12, seed)
        data = encoded(steps)
        values = [value for _, value in steps]
        if data:
            assert decoded(data[:-1], steps) != values
        assert not data.endswith(b"\0")


def test_bytes_beyond_the_last_symbol_are_damage() -> None:
    """The last of the 2**64 points belong to no symbol: all bits set lands there."""
    with pytest.raises(FormatError):
        Decoder(b"\xff" * 8).symbols(1, np.array(TABLES[3]))
    with pytest.raises(FormatError):
        Decoder(b"\xff" * 8).bits(np.array([4]))
    with pytest.raises(reference.DamagedError):
        reference.RangeDecoder(b"\xff" * 8).bits(4)


def test_a_cut_stream_gives_only_what_its_bytes_decide() -> None:
    steps = steps_of(120, 9)
    data, values = encoded(steps), [value for _, value in steps]
    given_before = 0
    for length in range(len(data) + 1):
        coder = Decoder(data[:length], whole=False)
        found: list[int] = []
        with suppress(FormatError):
            for which, _ in steps + [(-16, 0)] * 9:
                found += (
                    coder.bits(np.array([-which])).tolist()
                    if which < 0
                    else coder.symbols(1, np.array(TABLES[which])).tolist()
                )
        assert len(found) < len(values) + 9
        assert found[: len(values)] == values[: len(found)]
        assert len(found) >= given_before
        given_before = len(found)
    assert given_before >= len(values) - 1


def test_size_counts_bits_as_they_come() -> None:
    coder = Encoder()
    assert coder.size() == 0
    coder.bits(np.arange(1000) % 256, np.full(1000, 8))
    assert coder.size() == pytest.approx(8000, abs=2)
    assert len(coder.finish()) == pytest.approx(1000, abs=1)
