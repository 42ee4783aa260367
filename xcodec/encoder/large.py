"""The search for a byte budget or a PSNR for tiled pictures, in few passes.

One step and one Lagrange multiplier for the whole picture are rate-distortion optimal: they share
the bytes out among the tiles. Rate, density and a first step come from a small picture made of
pieces of the large one. The whole picture is then coded with several steps at once, until the best
step that meets the goal is known.
"""

from dataclasses import replace

import numpy as np

from xcodec.coding import container, quantizer
from xcodec.decoder import drawing
from xcodec.decoder.reading import LIMITS
from xcodec.encoder import search, tiles
from xcodec.encoder.request import Request
from xcodec.encoder.search import Goal, Search
from xcodec.encoder.tiles import QuantiserSetting, Source, TilePlan
from xcodec.errors import InputError
from xcodec.options import MAX_RATE, DecodeOptions
from xcodec.pictures.modes import to_depth
from xcodec.pictures.quality import decibels
from xcodec.system.processes import Pool
from xcodec.types import RGB

PIECE, PIECES = 512, 2
"""Side in pixels of the pieces that stand for the picture, and their number in each direction."""
PIECES_EFFORT = 4
"""Highest effort of the search on the pieces."""
FIRST_STEPS = (-6, -2, 2, 6)
"""Step indices of the first pass, relative to the step found for the pieces."""
PASSES = 6
"""Largest number of passes over the picture."""
MULTIPLIERS = 1.3, 1.7
"""Multipliers tried to squeeze the next finer step under the limit."""
LOSSLESS_BITS = 20
"""Initial guess of bits per lossless sample."""


def best(source: Source, request: Request, goal: Goal, side: int, pool: Pool) -> bytes:
    """Find the best file that meets a goal, as ``search.best`` does.

    side : of a tile in pixels

    Raises InputError if no file was found.
    """
    if goal.psnr is None and goal.max_bytes is None:
        return tiles.at_rate(source, request, side, pool)
    found = None
    if request.lossless or request.step is not None:
        if goal.max_bytes is not None and isinstance(request.mask, str):
            found = _by_rate(source, request, goal.max_bytes, side, pool)
    else:
        start = _from_pieces(source, request, goal)
        shared = tiles.plan(source, start, side)
        if goal.max_bytes is not None:
            found = _by_step(source, shared, start.step_index, goal.max_bytes, pool)
        elif goal.psnr is not None:
            found = _by_psnr(source, shared, start.step_index, goal.psnr, pool)
    if found is None:
        raise InputError(f"no file of this picture {goal}")
    return found


def _from_pieces(source: Source, request: Request, goal: Goal) -> Request:
    """The request with the rate, density and step that are best for pieces of a picture."""
    if not isinstance(request.mask, str):
        return request
    pieces = _pieces(source)
    share = pieces.shape[0] * pieces.shape[1] / (source.height * source.width)
    size = None if goal.max_bytes is None else max(24, round(goal.max_bytes * share))
    small = replace(request, weights=None, sections={}, effort=min(request.effort, PIECES_EFFORT))
    found = Search(pieces, Goal(size, goal.psnr)).over_densities(small)
    if found is None:
        return request
    chosen = found.request
    return replace(
        request,
        rate=chosen.rate,
        density=chosen.density,
        block=chosen.block,
        strength=chosen.strength,
        step=found.step,
    )


def _pieces(source: Source) -> RGB:
    """Pieces from all over a picture, put together, uint8 (height, width, 3)."""
    high, wide = min(PIECE, source.height // PIECES), min(PIECE, source.width // PIECES)
    rows = []
    for row in range(PIECES):
        top = (2 * row + 1) * source.height // (2 * PIECES) - high // 2
        strip = source.rows(top, top + high)
        lefts = [(2 * col + 1) * source.width // (2 * PIECES) - wide // 2 for col in range(PIECES)]
        rows.append(np.concatenate([strip[:, left : left + wide] for left in lefts], 1))
    return np.ascontiguousarray(np.concatenate(rows))


def _files(
    source: Source, plan: TilePlan, settings: list[QuantiserSetting], pool: Pool
) -> dict[QuantiserSetting, bytes]:
    """The file with each setting, from one pass."""
    coded = list(tiles.code_all(source, plan, settings, pool))
    return {
        setting: tiles.written(plan, setting.step, [tile[which] for tile in coded])
        for which, setting in enumerate(settings)
    }


def _within(step: int) -> int:
    return min(max(step, 0), quantizer.MAX_STEP_INDEX)


def _by_step(source: Source, plan: TilePlan, start: int, size: int, pool: Pool) -> bytes | None:
    """The file with the finest step, and then the smallest multiplier, that fits ``size`` bytes."""
    seen: dict[int, int] = {}
    steps = sorted({_within(start + move) for move in FIRST_STEPS})
    best: tuple[int, bytes] | None = None
    for _ in range(PASSES):
        files = _files(source, plan, [QuantiserSetting(step) for step in steps], pool)
        for setting, data in files.items():
            assert setting.step is not None
            seen[setting.step] = len(data)
            if len(data) <= size and (best is None or setting.step < best[0]):
                best = setting.step, data
        fits = [step for step in seen if seen[step] <= size]
        fails = [step for step in seen if seen[step] > size]
        if not fits:
            steps = _spaced(max(fails), 1, seen[max(fails)], size)
        elif not fails:
            steps = _spaced(min(fits), -1, seen[min(fits)], size)
        elif min(fits) - max(fails) > 1:
            inner = range(max(fails) + 1, min(fits))
            steps = list(inner)[:: max(1, len(inner) // 3)]
        else:
            break
        steps = sorted({_within(step) for step in steps} - set(seen))
        if not steps:
            break
    if best is None or best[0] == 0:
        return None if best is None else best[1]
    finer = [QuantiserSetting(best[0] - 1, multiplier) for multiplier in MULTIPLIERS]
    squeezed = _files(source, plan, finer, pool)
    fitting = [data for data in squeezed.values() if len(data) <= size]
    return max([best[1], *fitting], key=len)


def _spaced(step: int, way: int, has: int, size: int) -> list[int]:
    """Steps on the way to the estimated one that gives the size.

    way : 1 toward coarser steps, -1 toward finer ones
    has : size in bytes of the file with ``step``
    """
    move = max(2, round(search.STEPS_PER_OCTAVE * abs(np.log2(has / size))))
    return [step + way * part for part in {move // 2, move, move + 4} if part]


def _by_rate(source: Source, request: Request, size: int, side: int, pool: Pool) -> bytes | None:
    """The file with the highest rate that fits ``size`` bytes, with a given step."""
    low, high, found = 0.0, 1.0, None
    area = source.height * source.width
    bits = LOSSLESS_BITS if request.lossless else search.BITS_PER_SAMPLE
    rate = min(MAX_RATE, 8 * size / bits / area)
    for _ in range(PASSES):
        data = tiles.at_rate(source, replace(request, rate=rate), side, pool)
        if len(data) <= size:
            low, found = rate, data
        else:
            high = rate
        if len(data) <= size <= 1.03 * len(data):
            break
        rate *= 0.99 * size / len(data)
        if not low < rate < high:
            rate = (low + high) / 2
    return found


def _by_psnr(source: Source, plan: TilePlan, start: int, psnr: float, pool: Pool) -> bytes | None:
    """The file with the coarsest step that reaches a PSNR."""
    found: tuple[int, bytes] | None = None
    failing, step = quantizer.MAX_STEP_INDEX + 1, start
    for _ in range(PASSES):
        (data,) = _files(source, plan, [QuantiserSetting(step)], pool).values()
        excess = _psnr(source, data, pool) - psnr
        if excess >= 0:
            found = step, data
        else:
            failing = step
        floor = -1 if found is None else found[0]
        move = round(excess * search.STEPS_PER_DECIBEL) or (1 if excess >= 0 else -1)
        step = min(max(step + move, floor + 1), failing - 1)
        if step <= floor or step < 0:
            break
    return None if found is None else found[1]


def _psnr(source: Source, data: bytes, pool: Pool) -> float:
    """PSNR in dB of the classical fill of a file, over R, G and B."""
    contents = container.read(data, max_pixels=source.height * source.width, limits=LIMITS)
    top, total = 0, 0.0
    for strip in drawing.strips(contents, DecodeOptions("classical"), pool):
        wanted = source.rows(top, top + len(strip)).astype(np.float64)
        total += float(np.square(to_depth(strip, 8) - wanted).sum())
        top += len(strip)
    mean = total / (3 * source.height * source.width)
    return float(decibels(mean))
