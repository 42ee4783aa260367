"""A pass of the encoder over tiles, with their sizes and errors by setting."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor

import numpy as np

from xcodec.coding import quantizer
from xcodec.encoder.large import tiles
from xcodec.encoder.large.tile_plan import Source, TilePlan
from xcodec.encoder.large.tiles import CodedTile, QuantiserSetting
from xcodec.system.processes import Pool
from xcodec.types import Floats

CELLS = 3.5
"""Least number of cells from a sample to the next in quick passes and estimates
(docs/research/large-budgets.md)."""


@dataclass(frozen=True)
class TilePass:
    """Tiles that were coded with the same settings.

    numbers : of the tiles, ascending
    coded   : with each setting, by tile
    """

    settings: Sequence[QuantiserSetting]
    numbers: Sequence[int]
    coded: list[list[CodedTile]]

    def with_others(self, other: "TilePass") -> "TilePass":
        """These tiles and others."""
        known = dict(zip(self.numbers, self.coded, strict=True))
        known |= dict(zip(other.numbers, other.coded, strict=True))
        numbers = sorted(known)
        return TilePass(self.settings, numbers, [known[number] for number in numbers])

    @property
    def steps(self) -> list[int]:
        """The step of each setting; not for lossless samples."""
        return [setting.step for setting in self.settings if setting.step is not None]

    @property
    def sizes(self) -> Floats:
        """Bytes, (tiles, settings)."""
        return np.array([[tile.size for tile in each] for each in self.coded], np.float64)

    @property
    def errors(self) -> Floats:
        """Estimated squared errors, (tiles, settings)."""
        return np.array([[tile.error for tile in each] for each in self.coded])


def over_tiles(
    source: Source,
    plan: TilePlan,
    settings: Sequence[QuantiserSetting],
    numbers: Sequence[int],
    pool: Pool,
) -> TilePass:
    """Make a pass over some tiles, whose numbers ascend."""
    coded = tiles.code_all(source, plan, settings, pool, numbers, errors=True)
    return TilePass(settings, numbers, list(coded))


def quick(plan: TilePlan) -> TilePlan:
    """A plan of the same tiles with plainly rounded symbols and, where samples are far apart, cells
    for pixels: a pass by it takes a fraction of the time."""
    request = replace(plan.request, effort=0, rate=1 / plan.spread, cells=CELLS)
    return replace(plan, request=request)


def within(step: float) -> int:
    """The next index of a step at or below a place between steps."""
    return min(max(floor(step), 0), quantizer.MAX_STEP_INDEX)


def line(xs: Sequence[float] | Floats, ys: Sequence[float] | Floats, x: float) -> float:
    """The y of x on the line through the two points nearest to it."""
    near = np.argsort(np.abs(np.asarray(xs, float) - x), kind="stable")[:2]
    (x0, x1), (y0, y1) = np.asarray(xs, float)[near], np.asarray(ys, float)[near]
    return float(y0 if x0 == x1 else y0 + (x - x0) * (y1 - y0) / (x1 - x0))
