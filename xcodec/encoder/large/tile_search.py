"""The search for a byte budget or a PSNR over the tiles of a picture, in little more than a pass.

All tiles share a step; each has a Lagrange multiplier of its own. A quick pass, in which cells
stand for pixels, tells how size and error depend on the step. A part of the tiles is then coded
with full effort, to correct what the quick pass expects, and the others follow. Every tile is coded
with several multipliers, and those are kept that serve the whole file best.
"""

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import quantizer
from xcodec.encoder.budget import STEPS_PER_OCTAVE
from xcodec.encoder.large import tiles
from xcodec.encoder.large.decoded import squared_error, squared_errors
from xcodec.encoder.large.sharing import shared_out
from xcodec.encoder.large.tile_pass import TilePass, line, over_tiles, quick, within
from xcodec.encoder.large.tile_plan import Source, TilePlan
from xcodec.encoder.large.tiles import QuantiserSetting
from xcodec.encoder.rates import Goal
from xcodec.encoder.rdoq import SPARSE_FACTOR, is_sparse
from xcodec.encoder.search import STEPS_PER_DECIBEL
from xcodec.system.processes import Pool
from xcodec.types import Floats

QUICK_STEPS = (-3, 3)
"""Steps of the quick pass, relative to the one that it starts from."""
FAR = 20
"""Steps beyond those of a quick pass at which another one is made."""
MULTIPLIERS = (1.6, 2.6)
"""Factors on the default Lagrange multiplier that every tile is coded with besides."""
BELOW, FAR_BELOW = 0.4, 2.2
"""How many steps more finely than is expected to meet the goal tiles are coded, so that multipliers
can do the rest, and how many at most."""
MOVES = (-2, -1, 1, 2)
"""Where multipliers change nothing, every tile is coded with other steps, this far away."""
EVERY = 6
"""One of so many tiles is coded first."""
CORRECTIONS = 3
"""How often these are coded at most."""
PASSES = 4
"""Largest number of passes with full effort."""
DECODINGS = 4
"""How often a file is made of the tiles of a pass until its PSNR is right."""
SPARE = 0.012
"""Share of the allowed error that may be left over: 0.05 dB. Errors are known to half a percent
before a file is decoded, and decoding takes a third of a pass."""


class TileSearch:
    """The search for one picture, plan and goal."""

    def __init__(
        self, source: Source, plan: TilePlan, goal: Goal, pool: Pool, ratio: float = 1.0
    ) -> None:
        """ratio : what is expected of ``TileSample.ratio``"""
        self._source, self._plan, self._goal, self._pool = source, plan, goal, pool
        self._ratio = ratio
        self._all = range(len(plan.grid))
        self._limit = goal.limit(plan.grid.whole.area)
        if goal.max_bytes is not None:
            self._limit -= plan.beside

    def best(self, start: int) -> bytes | None:
        """The best file that was found; None if no file meets the goal.

        start : index of the step to begin with
        """
        quickly = self._quick(start)
        expected = self._expected(quickly)
        if min(abs(expected - step) for step in quickly.steps) > FAR:
            quickly = self._quick(within(expected))
            expected = self._expected(quickly)
        if self._impossible(quickly, expected):
            return None
        some, step = self._all[::EVERY], within(expected - BELOW)
        for _ in range(CORRECTIONS):
            first = self._coded(step, some)
            expected = self._expected(quickly, first)
            if 0 <= expected - step <= FAR_BELOW or step == within(expected - BELOW):
                break
            step = within(expected - BELOW)
        else:
            first = self._coded(step, [])
        best, tried = None, set[int]()
        for _ in range(PASSES):
            tried.add(step)
            rest = [number for number in self._all if number not in first.numbers]
            found, move = self._file(first.with_others(self._coded(step, rest)))
            if found is not None and (best is None or self._better(found, best)):
                best = found
            step = within(step + move)
            if step in tried:
                break
            first = self._coded(step, [])
        return best

    def _impossible(self, quickly: TilePass, expected: float) -> bool:
        """Whether even the finest step or the coarsest is far from meeting the goal."""
        beyond = not -FAR <= expected <= quantizer.MAX_STEP_INDEX + FAR
        return beyond and float(self._spent(quickly).sum(0).min()) > self._limit

    def _quick(self, start: int) -> TilePass:
        """All tiles, quickly, with steps around one."""
        steps = sorted({within(start + move) for move in QUICK_STEPS})
        settings = [QuantiserSetting(step) for step in steps]
        return self._pass(quick(self._plan), settings, self._all)

    def _coded(self, step: int, numbers: Sequence[int]) -> TilePass:
        """Some tiles with full effort: with the given step first, and with what lies near it."""
        request = self._plan.request
        if request.tone == "least-squares" and request.settings.sweeps:
            lowered = is_sparse(self._plan.spread, request.lookaheads > 0)
            factor = 1 / SPARSE_FACTOR if lowered else 1.0
            others = [QuantiserSetting(step, factor * multiplier) for multiplier in MULTIPLIERS]
        else:
            others = [QuantiserSetting(within(step + move)) for move in MOVES]
        settings = list(dict.fromkeys([QuantiserSetting(step), *others]))
        return self._pass(self._plan, settings, numbers)

    def _pass(
        self, plan: TilePlan, settings: Sequence[QuantiserSetting], numbers: Sequence[int]
    ) -> TilePass:
        return over_tiles(self._source, plan, settings, numbers, self._pool)

    def _spent(self, done: TilePass) -> Floats:
        """What the goal limits, (tiles, settings): bytes, or errors."""
        return done.sizes if self._goal.max_bytes is not None else done.errors

    def _lost(self, done: TilePass) -> Floats:
        """What should be as low as possible, (tiles, settings)."""
        if self._goal.max_bytes is None:
            return done.sizes
        if not self._plan.request.lookaheads:
            return done.errors
        # The error of the fill says little about that of the generator: prefer equal multipliers.
        multipliers = [setting.multiplier for setting in done.settings]
        lost: Floats = done.sizes[:, :1] * np.log2(multipliers)
        return lost

    def _expected(self, quickly: TilePass, first: TilePass | None = None) -> float:
        """The step with which all tiles are expected to spend what the goal allows.

        first : tiles with full effort, to correct what the quick pass expects
        """
        totals = np.log2(self._spent(quickly).sum(0))
        ratio = self._ratio
        if first is not None:
            same = np.log2(self._spent(quickly)[list(first.numbers)].sum(0))
            found = self._spent(first)[:, 0].sum()
            ratio = found / 2 ** line(quickly.steps, same, first.steps[0])
        return line(totals + np.log2(ratio), quickly.steps, np.log2(max(self._limit, 1.0)))

    def _file(self, done: TilePass) -> tuple[bytes | None, int]:
        """The best file of all tiles that meets the goal, and by how many steps another pass should
        differ, 0 if none is needed."""
        limit, best, last = self._limit, None, b""
        if self._goal.max_bytes is None:
            limit *= (1 - SPARE / 2) / self._understated(done)
        for _ in range(DECODINGS):
            chosen = self._chosen(done, limit)
            if chosen is None:
                break
            data = self._written(done, *chosen)
            if self._goal.max_bytes is not None:
                best = data
                break
            if data == last:
                break
            last, error = data, squared_error(self._source, data, self._pool)
            if error <= self._limit and (best is None or len(data) < len(best)):
                best = data
            if (1 - SPARE) * self._limit <= error <= self._limit:
                break
            limit += (1 - SPARE / 4) * self._limit - error
        return best, self._move(done, limit, best is not None)

    def _understated(self, done: TilePass) -> float:
        """The ratio of errors as they are decoded and as they are estimated, from some tiles."""
        first = done.steps[0], np.zeros(len(done.numbers), np.int64)
        step, which = self._chosen(done, self._limit) or first
        some = self._all[::EVERY]
        boxes = [self._plan.grid.box(number) for number in some]
        data = self._written(done, step, which)
        decoded = sum(squared_errors(self._source, data, boxes, self._pool))
        return max(decoded, 1.0) / max(float(done.errors[some, which[some]].sum()), 1.0)

    def _written(self, done: TilePass, step: int, which: NDArray[np.int64]) -> bytes:
        """The file of all tiles, each with one of its settings."""
        kept = [each[setting] for each, setting in zip(done.coded, which, strict=True)]
        return tiles.written(self._plan, step, kept)

    def _chosen(self, done: TilePass, limit: float) -> tuple[int, NDArray[np.int64]] | None:
        """The step and each tile's setting, so that the tiles spend at most ``limit`` and lose
        little; None if they always spend more."""
        spent, lost = self._spent(done), self._lost(done)
        best, least = None, np.inf
        for step in dict.fromkeys(done.steps):
            own = np.flatnonzero(np.array(done.steps) == step)
            which = shared_out(spent[:, own], lost[:, own], limit)
            if which is not None:
                total = lost[range(len(which)), own[which]].sum()
                if total < least:
                    best, least = (step, own[which]), total
        return best

    def _move(self, done: TilePass, limit: float, found: bool) -> int:
        """By how many steps another pass should differ.

        found : whether these tiles make a file: then the question is whether they could spend more,
                and otherwise whether they could spend less
        """
        spent, lost = self._spent(done), self._lost(done)
        extreme = (lost if found else spent).argmin(1)
        total = float(spent[range(len(spent)), extreme].sum())
        octaves = float(np.log2(max(total, 1.0) / max(limit, 1.0)))
        steps = octaves * (
            STEPS_PER_OCTAVE if self._goal.max_bytes is not None else -3 * STEPS_PER_DECIBEL
        )
        if found:
            return int(steps) if octaves < 0 else 0
        way = 1 if self._goal.max_bytes is not None else -1
        return way * max(1, ceil(way * steps))

    def _better(self, one: bytes, other: bytes) -> bool:
        """Whether a file is better than another that meets the goal, too."""
        more = len(one) - len(other)
        return more > 0 if self._goal.max_bytes is not None else more < 0
