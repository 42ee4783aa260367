"""Which rate, density and step suit a large picture, judged by small tiles from all over it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xcodec.coding import quantizer
from xcodec.coding.tiles import TileGrid
from xcodec.encoder.large.tile_pass import line, over_tiles, quick, within
from xcodec.encoder.large.tile_plan import Edges, Source, TilePlan, plan
from xcodec.encoder.large.tiles import QuantiserSetting
from xcodec.encoder.rates import OTHER_BLOCKS, Goal, RateSearch
from xcodec.encoder.request import Request
from xcodec.system.processes import Pool
from xcodec.types import Floats

SIDES = ((0.01, 512, 6), (1.0, 256, 12))
"""Rates up to which tiles have these sides in pixels, and how many of them are taken."""
CHECKED = 6
"""How many of them are also coded with full effort."""
STEPS = (-4, 4)
"""Steps that they are coded with, relative to the one that is expected."""
FAR, TRIES = 8, 4
"""Steps beyond those at which the tiles are coded again, and how often they are at most."""
OVERHEAD = 7
"""About the bytes that a tile takes beside its symbols."""


@dataclass(frozen=True)
class Estimate:
    """What a request is expected to give.

    step : index of the step that just meets the goal
    cost : as ``RateSearch.cost``
    """

    request: Request
    step: int
    cost: float


class TileSample(RateSearch[Estimate]):
    """The search for one picture and goal, by estimates."""

    def __init__(self, source: Source, goal: Goal, side: int, beside: int, pool: Pool) -> None:
        """side   : of a tile of the whole picture in pixels
        beside : bytes of a file beside its tiles
        """
        super().__init__(goal, source.height * source.width)
        self.edges = Edges(source)
        self._source, self._pool = source, pool
        self._beside = beside + OVERHEAD * len(TileGrid(source.height, source.width, side))
        self._step: int | None = None

    def cost(self, found: Estimate | None) -> float:
        return np.inf if found is None else found.cost

    def at(self, request: Request) -> Estimate | None:
        self.edges.strengths(request.shape.kind, min(*OTHER_BLOCKS, request.shape.block))
        shared, count = self._plan(request)
        start = self._step
        if start is None:
            start = quantizer.default_index(max(request.rate, 1e-3))
        for _ in range(TRIES):
            steps = sorted({within(start + move) for move in STEPS})
            spent, lost = self._measured(shared, steps, count)
            expected = line(np.log2(spent), steps, np.log2(self.goal.limit(self.area)))
            if steps[0] - FAR <= expected <= steps[-1] + FAR:
                break
            start = within(expected)
            if start in steps:  # Even the finest step or the coarsest does not reach the limit.
                if spent.min() > self.goal.limit(self.area):
                    return None
                break
        self._step = within(expected)
        cost = 2 ** line(steps, np.log2(lost), self._step)
        return Estimate(replace(request, step=None), self._step, cost)

    def ratio(self, request: Request, step: int) -> float:
        """The ratio of what the goal limits with full effort and with a quick pass.

        step : index of the step
        """
        shared, _ = self._plan(request)
        full, quickly = (
            self._measured(each, [step], CHECKED)[0][0] for each in (shared, quick(shared))
        )
        return float(full / quickly)

    def _plan(self, request: Request) -> tuple[TilePlan, int]:
        """The plan of small tiles, and the number of those that are taken."""
        side, count = next((side, count) for most, side, count in SIDES if request.rate <= most)
        return plan(self._source, request, side, self.edges, about=True), count

    def _measured(
        self, shared: TilePlan, steps: Sequence[int], count: int
    ) -> tuple[Floats, Floats]:
        """What the goal limits in the whole picture, and what is minimised, by step."""
        numbers = _spread_out(shared.grid, count)
        settings = [QuantiserSetting(step) for step in steps]
        done = over_tiles(self._source, shared, settings, numbers, self._pool)
        share = sum(shared.grid.box(number).area for number in numbers) / self.area
        sizes = (done.sizes - OVERHEAD).clip(1).sum(0) / share + self._beside
        errors = done.errors.clip(1).sum(0) / share
        return (sizes, errors) if self.goal.max_bytes is not None else (errors, sizes)


def _spread_out(grid: TileGrid, count: int) -> list[int]:
    """Numbers of some tiles, evenly spread over a grid, by a sequence of low discrepancy.

    Source: Roberts, "The Unreasonable Effectiveness of Quasirandom Sequences", 2018.
    """
    places = np.arange(count) * np.array([[0.7548776662466927], [0.5698402909980532]]) + 0.5
    rows, cols = (places % 1 * np.array([[grid.high], [grid.wide]])).astype(int)
    numbers: list[int] = np.unique(rows * grid.wide + cols).tolist()
    return numbers
