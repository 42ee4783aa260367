"""The search for a byte budget or a PSNR for large pictures, in about the time of a single pass.

One step for the whole picture is rate-distortion optimal: it shares the bytes out among the tiles.
Rate and density are those that are best for a sample of small tiles (``tile_sample``); a search
over all tiles finds the step (``tile_search``). A picture with few samples is coded in one piece
instead (``sparse``).
"""

from dataclasses import dataclass, replace
from math import inf

from xcodec.encoder.large import sparse, tile_plan, tiles
from xcodec.encoder.large.decoded import squared_error
from xcodec.encoder.large.tile_pass import CELLS
from xcodec.encoder.large.tile_plan import Source
from xcodec.encoder.large.tile_sample import TileSample
from xcodec.encoder.large.tile_search import EVERY, TileSearch
from xcodec.encoder.large.tiles import QuantiserSetting
from xcodec.encoder.rates import BITS_PER_SAMPLE, RATE_STEP, Goal, RateSearch, affordable, beside
from xcodec.encoder.request import Request
from xcodec.errors import InputError
from xcodec.options import MAX_RATE
from xcodec.system.processes import Pool

SAMPLE_EFFORT = 4
"""Highest effort of the search by a sample of tiles."""
RATES = 4
"""How many rates are tried, if the one that suits the sample does not meet the goal."""
PARTS, PASSES = 2, 4
"""Largest number of passes over some of the tiles and over all of them, to find a rate."""
NEARLY = 0.97
"""Share of a byte budget that is used at least, if passes are left."""
LOSSLESS_BITS = 20
"""Initial guess of bits per lossless sample."""


def best(
    source: Source, request: Request, goal: Goal, side: int, pool: Pool, free: bool = False
) -> bytes:
    """Find the best file that meets a goal, as ``search.best`` does.

    side : of a tile in pixels
    free : whether the picture may be coded in one piece instead

    Raises InputError if no file was found.
    """
    if goal.psnr is None and goal.max_bytes is None:
        return tiles.at_rate(source, request, side, pool)
    request, found = replace(request, careful=True), None
    if request.lossless or request.step is not None:
        masked = not isinstance(request.mask, str)
        if goal.max_bytes is not None and not masked:
            found = _by_rate(source, request, goal.max_bytes, side, pool)
        else:
            search = _GivenStep(source, goal, side, pool)
            file = search.at(request) if masked else search.climb(request, RATE_STEP, True)
            found = None if file is None else file.data
    else:
        found = _by_step(source, request, goal, side, pool, free)
    if found is None:
        raise InputError(f"no file of this picture {goal}")
    return found


def _by_step(
    source: Source, request: Request, goal: Goal, side: int, pool: Pool, free: bool
) -> bytes | None:
    """The best file over steps, and over rates and densities unless a mask is given."""
    if not isinstance(request.mask, str):
        plan = tile_plan.plan(source, request, side)
        return TileSearch(source, plan, goal, pool).best(request.step_index)
    area, rate = source.height * source.width, request.rate
    if goal.max_bytes is not None:
        rate = affordable(goal.max_bytes, request, area)
    if free and sparse.suits(request, rate, area):
        return sparse.best(source, request, goal, pool)
    sample = TileSample(source, goal, side, beside(request), pool)
    effort = min(request.effort, SAMPLE_EFFORT)
    expected = sample.over_densities(replace(request, effort=effort, cells=CELLS))
    if expected is None:
        return None
    found = expected.request
    if free and sparse.suits(request, found.rate, area):
        return sparse.best(source, replace(request, rate=found.rate), goal, pool)
    chosen = replace(found, effort=request.effort, cells=None, step=expected.step)
    data, ratio = None, sample.ratio(chosen, expected.step)
    for _ in range(RATES):
        plan = tile_plan.plan(source, chosen, side, sample.edges)
        data = TileSearch(source, plan, goal, pool, ratio).best(expected.step)
        if data is not None:
            break
        # The whole picture may have more detail than the sample, or less.
        factor = 0.5 if goal.max_bytes is not None else 2.0
        chosen = replace(chosen, rate=min(max(factor * chosen.rate, 1 / area), MAX_RATE))
    if free and goal.psnr is not None and data is not None:
        # Samples that cost so little may be many, and yet say no more than a few.
        rate = affordable(len(data), request, area)
        if sparse.suits(request, rate, area):
            whole = sparse.best(source, replace(request, rate=rate), goal, pool)
            data = min((each for each in (data, whole) if each is not None), key=len)
    return data


@dataclass(frozen=True)
class _File:
    """A file that meets the goal, and what it was made from."""

    request: Request
    data: bytes


class _GivenStep(RateSearch[_File]):
    """The search over rates for a file whose step is given."""

    def __init__(self, source: Source, goal: Goal, side: int, pool: Pool) -> None:
        super().__init__(goal, source.height * source.width)
        self._source, self._side, self._pool = source, side, pool

    def at(self, request: Request) -> _File | None:
        data = tiles.at_rate(self._source, request, self._side, self._pool)
        if self.goal.max_bytes is not None:
            spent = float(len(data))
        else:
            spent = squared_error(self._source, data, self._pool)
        return _File(request, data) if spent <= self.goal.limit(self.area) else None

    def cost(self, found: _File | None) -> float:
        return inf if found is None else len(found.data)


def _by_rate(source: Source, request: Request, size: int, side: int, pool: Pool) -> bytes | None:
    """The file with the highest rate that fits ``size`` bytes, with a given step."""
    low, high, found, scales = 0.0, 1.0, None, set[int]()
    rate = min(MAX_RATE, affordable(size, request, source.height * source.width))
    if request.lossless:
        rate *= BITS_PER_SAMPLE / LOSSLESS_BITS
    setting = QuantiserSetting(None if request.lossless else request.step_index)
    for number in range(PARTS + PASSES):
        shared = tile_plan.plan(source, replace(request, rate=rate), side)
        some = range(len(shared.grid))[:: EVERY if number < PARTS else 1]
        partly = len(some) < len(shared.grid)
        assert shared.density is not None
        if not partly and shared.density.scale in scales:  # No rate lies between those seen.
            break
        coded = [tile for (tile,) in tiles.code_all(source, shared, [setting], pool, some)]
        if partly:
            found_size = sum(tile.size for tile in coded)
            expected = shared.beside + found_size / shared.shares[::EVERY].sum()
        else:
            scales.add(shared.density.scale)
            data = tiles.written(shared, setting.step, coded)
            expected = len(data)
            if expected <= size:
                low, found = rate, data
            else:
                high = rate
            if NEARLY * size <= expected <= size:
                break
        rate *= 0.99 * size / expected
        if not low < rate < high:
            rate = (low + high) / 2
    return found
