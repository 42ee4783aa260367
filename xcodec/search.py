"""The encoder's effort: which rate, step and blocks to send where bytes are limited."""

from dataclasses import dataclass, replace

import numpy as np

from xcodec import analysis, images, scatter
from xcodec.analysis import COARSE_BLOCK, FINE_BLOCK, Analysis, Request
from xcodec.coding import quantizer
from xcodec.errors import InputError

BITS_A_SAMPLE = 1.8
"""About what a sample costs at the default steps: where the search for a rate begins."""
RATE_STEP = 2.0 ** (1 / 2)
SMALL = 1500
"""Bytes below which a coarser density, which costs less, is tried as well."""


@dataclass(frozen=True)
class Candidate:
    """A file that fits, and its error through the classical fill."""

    data: bytes
    error: float


def within(rgb: images.RGB, request: Request, size: int) -> bytes:
    """The file of at most ``size`` bytes whose classical fill is nearest to the picture.

    The rate climbs from a guess while the picture gets better, for each size of block by itself.
    Raises InputError where no file is small enough.
    """
    fixed = request.lossless or not isinstance(request.mask, str)
    if fixed:
        found = _with_rate(rgb, request, size)
    elif request.block is not None or request.density == "uniform":
        found = _climb(rgb, request, size)
    else:
        blocks = (FINE_BLOCK, COARSE_BLOCK) if size < SMALL else (FINE_BLOCK,)
        tries = [_climb(rgb, replace(request, block=block), size) for block in blocks]
        if size < SMALL:
            tries.append(_climb(rgb, replace(request, density="uniform"), size))
        found = min((t for t in tries if t), key=lambda t: t.error, default=None)
    if found is None:
        raise InputError(f"no file of this picture fits {size} bytes")
    return found.data


def _climb(rgb: images.RGB, request: Request, size: int) -> Candidate | None:
    """The best file over rates, going up or down from the guess while that pays."""
    area = rgb.shape[0] * rgb.shape[1]
    guess = 8 * max(size - 16, 1) / BITS_A_SAMPLE / area
    tried: dict[int, Candidate | None] = {}

    def at(k: int) -> float:
        if k not in tried:
            rate = min(max(guess * RATE_STEP**k, 1 / area), 1.0)
            tried[k] = _with_rate(rgb, replace(request, rate=rate), size)
        found = tried[k]
        return np.inf if found is None else found.error

    best = min((0, 1), key=at)
    direction = 1 if best == 1 else -1
    # A rate that is far too high fits with no step at all: go down until something fits.
    while (at(best + direction) < at(best) or np.isinf(at(best))) and abs(best) < 24:
        best += direction
        if np.isinf(at(best)) and direction > 0:
            best, direction = 0, -1
    return tried[best]


def _with_rate(rgb: images.RGB, request: Request, size: int) -> Candidate | None:
    """The finest file that fits at this rate: with its own step, where one is asked for."""
    draft = analysis.analyse(rgb, request)
    if request.lossless:
        data = analysis.write(draft, request)
        return Candidate(data, 0.0) if len(data) <= size else None
    if request.step is not None:
        data, step = analysis.write(draft, request), request.step
        if len(data) > size:
            return None
    else:
        low, high = -1, quantizer.MAX_STEP_INDEX + 1
        middle = quantizer.default_index(max(request.rate, 1e-3))
        data, step = b"", high
        while high - low > 1:
            tried = analysis.write(draft, replace(request, step=middle))
            if len(tried) <= size:
                data, step, high = tried, middle, middle
            else:
                low = middle
            middle = (
                (low + high) // 2 if step <= quantizer.MAX_STEP_INDEX else min(high - 1, low + 24)
            )
        if not data:
            return None
    return Candidate(data, _error(rgb, draft, step))


def _error(rgb: images.RGB, draft: Analysis, step: int) -> float:
    """Squared error of the classical fill of a draft."""
    matrix = scatter.fill_matrix(draft.points) if draft.matrix is None else draft.matrix
    values = draft.samples(draft.quantise(step), step).values
    painted = images.from_ycocg((matrix @ values).reshape(rgb.shape))
    return float(np.square(np.clip(painted, 0, 255) - rgb).mean())
