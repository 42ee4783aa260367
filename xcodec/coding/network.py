"""The network that predicts symbols with their signs, and the tables that follow from it.

Layers of integers: every sum of products is below 2 ** 24, so float32 adds it exactly, in any
order, with any number of threads. The outputs are logarithms of probabilities. docs/format.md,
section 5; the weights in network.npz were trained by scripts/fit_network.py.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from xcodec.coding.context import TOKENS, first_of, tokens_of
from xcodec.coding.rangecoder import TABLE_BITS
from xcodec.types import Ints

SIGNED = 2 * TOKENS - 1
"""Tokens with a sign: 0, then 1, -1, 2, -2, ..."""
SHIFT = 8
"""Low bits that the sums of each layer lose."""
ACTIVE = 255
"""Largest output of a hidden unit."""
LOG_STEPS = 32
"""Steps of an output for each doubling of a probability."""
_POWER_BITS = 24
_UNTHREADED = 1 << 18
"""Products up to which OpenBLAS starts no threads, which would wait for each other where several
processes share the cores, and hang in a process that was forked meanwhile."""


@dataclass(frozen=True)
class Layer:
    """weights : float32 (inputs, units), whole numbers; biases : float32 (units,), likewise"""

    weights: NDArray[np.float32]
    biases: NDArray[np.float32]

    def __call__(self, known: NDArray[np.float32]) -> NDArray[np.float32]:
        """The outputs (m, units) for inputs (m, inputs), before any limit."""
        sums = np.empty((len(known), self.weights.shape[1]), np.float32)
        rows = max(1, _UNTHREADED // self.weights.size)
        for start in range(0, len(known), rows):
            part = slice(start, start + rows)
            np.matmul(known[part], self.weights, out=sums[part])
        sums += self.biases
        sums *= 2.0**-SHIFT
        return np.floor(sums, out=sums)


@cache
def layers(plane: int) -> tuple[Layer, ...]:
    """Return the layers for a plane."""
    with files("xcodec.coding").joinpath("network.npz").open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        return tuple(
            Layer(
                # Rows in a row: OpenBLAS takes half the time.
                stored[f"weights{plane}{number}"].astype(np.float32, "C"),
                stored[f"biases{plane}{number}"].astype(np.float32),
            )
            for number in range(3)
        )


@cache
def _powers() -> NDArray[np.int64]:
    """2 ** (-i / LOG_STEPS) in units of 2 ** -_POWER_BITS, rounded, a half to 0; 0 from some i on.

    One entry is exactly a half, that of 800. No other lies near enough to one to be rounded
    differently anywhere.
    """
    exponents = np.arange(LOG_STEPS * (_POWER_BITS + 2)) / LOG_STEPS
    return np.rint(2.0 ** (_POWER_BITS - exponents)).astype(np.int64)


def logits(plane: int, known: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return logarithms of probabilities, (m, SIGNED), in LOG_STEPS of a doubling.

    known : whole numbers (m, inputs), of ``surroundings``
    """
    *hidden, last = layers(plane)
    units = known
    for layer in hidden:
        units = layer(units)
        # np.clip takes 10 us more.
        np.minimum(np.maximum(units, 0, out=units), ACTIVE, out=units)
    return last(units).astype(np.int64)


def frequencies(logarithms: Ints) -> NDArray[np.int64]:
    """Return tables (m, SIGNED), each summing to 2 ** TABLE_BITS, from ``logits``."""
    powers = _powers()
    best = logarithms.max(1, keepdims=True)
    shares = powers[np.minimum(best - logarithms, len(powers) - 1)]
    total = shares.sum(1, keepdims=True)
    tables: NDArray[np.int64] = 1 + shares * ((1 << TABLE_BITS) - SIGNED) // total
    rows = np.arange(len(tables))
    tables[rows, logarithms.argmax(1)] += (1 << TABLE_BITS) - tables.sum(1)
    return tables


def bits(logarithms: Ints) -> NDArray[np.float32]:
    """Return about the code length of each token in bits, (m, SIGNED), from ``logits``."""
    doublings = (logarithms - logarithms.max(1, keepdims=True)).astype(np.float32) / LOG_STEPS
    lengths = np.log2(np.exp2(doublings).sum(1, keepdims=True)) - doublings
    limited: NDArray[np.float32] = np.minimum(lengths, np.float32(TABLE_BITS))
    return limited


def signed_tokens(symbols: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return signed tokens of symbols, and the number and value of the bits that follow each."""
    token, width, rest = tokens_of(np.abs(symbols))
    return 2 * token - (symbols > 0), width, rest


def symbols_of(signed: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the least magnitude of signed tokens, the number of bits that follow each, and their
    signs."""
    magnitude, width, sign = _meanings()
    return magnitude[signed], width[signed], sign[signed]


@cache
def _meanings() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """``symbols_of`` of each signed token."""
    signed = np.arange(SIGNED)
    magnitude, width = first_of(signed + 1 >> 1)
    return magnitude, width, np.where(signed & 1, 1, -1)
