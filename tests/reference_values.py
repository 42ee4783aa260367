"""The second decoder's symbols of lossy samples: what they mean, and what predicts them.

Plain integers, one sample at a time, from sections 5 and 7 of docs/format.md.
"""

from math import exp, isqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.reference import Level, RangeDecoder

with np.load(Path(__file__).parent.parent / "xcodec" / "coding" / "network.npz") as stored:
    NETWORK = {name: stored[name].astype(np.int64) for name in stored.files}


def variogram(a: tuple[int, int], b: tuple[int, int]) -> int:
    apart = min((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2, 65535)
    return round((1 - exp(-((apart / 3600) ** 0.7))) * (1 << 22))


def limited(value: int, limit: int) -> int:
    return max(-limit, min(limit, value))


def weights_of(sites: list[tuple[int, int]], target: tuple[int, int]) -> list[int]:
    """Kriging weights in units of 2**-14."""
    first, *others = sites
    system = [
        [variogram(first, a) + variogram(first, b) - variogram(a, b) for b in others]
        for a in others
    ]
    right = [variogram(first, target) + variogram(first, a) - variogram(a, target) for a in others]
    count = len(others)
    for i in range(count):
        pivot = max(system[i][i], 256)
        for row in range(i + 1, count):
            factor = (system[i][row] << 16) // pivot
            for col in range(row, count):
                less = factor * system[i][col] >> 16
                system[row][col] = limited(system[row][col] - less, 1 << 26)
            right[row] = limited(right[row] - (factor * right[i] >> 16), 1 << 26)
    weights = [0] * count
    for i in reversed(range(count)):
        rest = (right[i] << 14) - sum(system[i][j] * weights[j] for j in range(i + 1, count))
        weights[i] = limited(rest // max(system[i][i], 256), 1 << 16)
    return [(1 << 14) - sum(weights), *weights]


def compressed(value: int) -> int:
    """Sixteenths on a logarithmic scale."""
    size = 2 * abs(value) + 16
    octave = size.bit_length() - 1
    scale = min(16 * (octave - 5) + (16 * size >> octave), 127)
    return -scale if value < 0 else scale


def divided(value: int, by: int) -> int:
    """Rounded toward zero."""
    return -(-value // by) if value < 0 else value // by


class Reader:
    """Reads the symbols of a picture or tile, level by level and plane by plane."""

    def __init__(
        self,
        points: list[tuple[int, int]],
        tree: "list[Level]",
        step: int,
        planes: int,
        finest: int,
    ) -> None:
        self.points, self.tree, self.step, self.planes = points, tree, step, planes
        self.finest = finest
        self.known = [[0] * planes for _ in points]
        self.predicted = [[0] * planes for _ in points]
        self.own = [[0] * planes for _ in points]
        self.links: list[tuple[int, list[int], list[int]]] = []
        self.first = 0

    def step_of(self, number: int, plane: int) -> int:
        """In units of 2**-16 grey levels."""
        mantissa = 1 << 16 * 16 + self.step % 16
        for _ in range(4):
            mantissa = isqrt(mantissa)
        depth = self.tree[number].depth
        coarser = self.finest - (depth if depth != self.tree[0].depth else 0)
        luma = (mantissa << self.step // 16) * 25**coarser // (2 * 33**coarser)
        return max(1, luma * (10, 23, 20)[plane] // 10)

    def read_plane(
        self, coder: "RangeDecoder", symbols: list[list[int]], number: int, plane: int
    ) -> None:
        level = self.tree[number]
        if plane == 0 and (number == 0 or level.depth != self.tree[number - 1].depth):
            self.finish(level.start)
            self.begin(number)
        tokens = []
        for index in range(level.start, level.end):
            tokens.append(coder.of_table(self.table(symbols, number, plane, index)))
        for index, signed in enumerate(tokens, level.start):
            token = signed + 1 >> 1
            width = max(0, token - 11)
            magnitude = token if token < 12 else (1 << width) + 10
            magnitude += coder.bits(width) if width else 0
            symbols[index][plane] = magnitude if signed & 1 else -magnitude
            size = (20 * magnitude + 1) * self.step_of(number, plane) // 20 if magnitude else 0
            size = min((size + (1 << 11)) >> 12, 1 << 24)
            self.own[index][plane] = size if signed & 1 else -size
            value = self.predicted[index][plane] + self.own[index][plane]
            self.known[index][plane] = value

    def prediction(self, sites: list[int], weights: list[int], plane: int) -> int:
        total = sum(w * self.known[i][plane] for w, i in zip(weights, sites, strict=True))
        return total + (1 << 13) >> 14

    def begin(self, number: int) -> None:
        """Predict an octave from coarser ones."""
        self.first, self.links = number, []
        depth, start = self.tree[number].depth, self.tree[number].start
        if number == 0:
            return
        end = max(level.end for level in self.tree if level.depth == depth)
        known = np.array(self.points[:start], np.int64)
        for index in range(start, end):
            apart = ((known - self.points[index]) ** 2).sum(1)
            sites = np.lexsort((np.arange(start), apart))[:6].tolist()
            weights = weights_of([self.points[i] for i in sites], self.points[index])
            self.links.append((index, sites, weights))
            for plane in range(self.planes):
                value = self.prediction(sites, weights, plane)
                self.predicted[index][plane] = self.known[index][plane] = value

    def finish(self, start: int) -> None:
        """Undo the update of coarser values by the octave before a point, and predict it again."""
        around, taken = [0] * start, [[0] * self.planes for _ in range(start)]
        for index, sites, weights in self.links:
            for weight, site in zip(weights, sites, strict=True):
                around[site] += abs(weight)
                for plane in range(self.planes):
                    taken[site][plane] += weight * self.own[index][plane]
        for site in range(self.links[0][0] if self.links else 0):
            for plane in range(self.planes):
                less = 3 * taken[site][plane] // (5 * max(around[site], 1 << 14))
                self.known[site][plane] = limited(self.known[site][plane] - less, 1 << 24)
        for index, sites, weights in self.links:
            for plane in range(self.planes):
                value = self.own[index][plane] + self.prediction(sites, weights, plane)
                self.known[index][plane] = value

    def inputs(self, symbols: list[list[int]], number: int, plane: int, index: int) -> list[int]:
        """What the network sees."""
        level, here = self.tree[number], self.points[index]
        start = self.tree[self.first].start
        near = level.nearest[index - level.start]
        near += near[-1:] * (16 - len(near))
        sites = [site for _, site in near]
        places, same, spacing, sizes, values = [0] * 32, [0] * 16, 0, [0] * 16, [0] * 16
        means, values = [0, 0, 0], [0] * 16 * (plane + 1)
        if number:
            spacing = max(1, isqrt(sum(apart for apart, _ in near) // 16))
            places = [
                limited(divided(32 * (self.points[site][axis] - here[axis]), spacing), 127)
                for axis in range(2)
                for site in sites
            ]
            same = [32 * (site >= start) for site in sites]
            above = range(self.tree[max(0, number - 4)].start, level.start)
            for of in range(self.planes):
                total = sum(abs(symbols[i][of]) for i in above)
                means[of] = compressed(16 * total // len(above))
            sizes = [compressed(16 * abs(symbols[site][plane])) for site in sites]
            values = [
                compressed(
                    divided(
                        (self.known[site][of] - self.predicted[index][of]) << 16,
                        self.step_of(number, of),
                    )
                )
                for of in range(plane + 1)
                for site in sites
            ]
        facts = [
            compressed(4 * spacing),
            32 * (number - self.first if number else 0),
            32 * (number == 0),
            16 * min(self.finest - level.depth, 7),
            16 * min(level.depth, 7),
            self.step // 2,
        ]
        own = [compressed(16 * symbols[index][of]) for of in range(plane)]
        both = [each for value in own for each in (value, abs(value))]
        return places + same + facts + means + sizes + values + both

    def table(self, symbols: list[list[int]], number: int, plane: int, index: int) -> list[int]:
        """Frequencies of the signed tokens of a symbol."""
        units = np.array(self.inputs(symbols, number, plane, index))
        for layer in range(3):
            sums = units @ NETWORK[f"weights{plane}{layer}"] + NETWORK[f"biases{plane}{layer}"]
            units = sums >> 8
            if layer < 2:
                units = np.clip(units, 0, 255)
        logarithms = units.tolist()
        best = max(logarithms)
        shares = [round(2 ** (24 - (best - each) / 32)) for each in logarithms]
        table = [1 + share * (32768 - len(shares)) // sum(shares) for share in shares]
        table[logarithms.index(best)] += 32768 - sum(table)
        return table
