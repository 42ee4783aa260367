"""Using up a byte budget: the step that nearly fits, and the multiplier that does the rest.

A step index changes a file by 5 %, a multiplier for all sweeps by as little as is wanted. Sizes
scatter by half a percent; further sweeps with larger multipliers take away what is too much
(docs/research/byte-budgets.md).
"""

from collections.abc import Callable

import numpy as np

from xcodec.coding import quantizer
from xcodec.encoder.analysis import Analysis
from xcodec.encoder.candidates import Coded
from xcodec.encoder.request import Request

STEPS_PER_OCTAVE = 14.0
"""About how many step indices halve a file: used to extrapolate the next step."""
CLOSE = 3.0
"""A step that is fewer indices off is near enough."""
TRIES = 6
"""Number of steps that are tried to come near."""
ROUNDS, MOST_ROUNDS = 3, 12
"""Number of steps and multipliers that are tried with full effort once a file fits, and if none
does."""
OCTAVES_PER_STEP = 0.8
"""About how many octaves of the multiplier change a file as one step index does."""
SWEEPS = 5
"""Number of sweeps with a larger and larger multiplier, until a file that is too large fits."""
OCTAVES_PER_OCTAVE, LEAST = 18.0, 0.15
"""By how many octaves for each octave of bytes the multiplier grows, and by how many at least."""
CERTAINLY = 0.005
"""A file that seems too large by more octaves is not written to see."""
ABOVE = 0.004
"""By how many octaves the first of these sweeps aims above a budget."""
SPARE = 0.011
"""Share of a budget that may be left over."""


def octaves(size: float, limit: int) -> float:
    """By how many octaves a size exceeds a budget; 0 or less fits."""
    return float(np.log2(size / limit))


def near(size: Callable[[int], float], start: int, limit: int) -> float:
    """Return the step, between indices, that about fits a budget.

    size  : bytes of a file with the step of an index, about
    start : index of the step to begin with
    limit : the budget in bytes
    """
    step, speed, before = start, STEPS_PER_OCTAVE, None
    for _ in range(TRIES):
        excess = octaves(size(step), limit)
        if before is not None and before[1] != excess:
            found = (step - before[0]) / (before[1] - excess)
            speed = min(max(found, STEPS_PER_OCTAVE / 2), STEPS_PER_OCTAVE * 2)
        before, expected = (step, excess), step + excess * speed
        if abs(expected - step) < CLOSE or step == quantizer.nearest(expected):
            break
        step = quantizer.nearest(expected)
    return expected


def filled(draft: Analysis, request: Request, start: float, limit: int) -> Coded | None:
    """Return the file that uses up a budget; None if none fits.

    start : a step between indices to begin with
    limit : the budget in bytes
    """
    place, best = start, None
    for number in range(1, MOST_ROUNDS + 1):
        place -= ABOVE * STEPS_PER_OCTAVE
        file, excess = squeezed(draft, request, place, quantizer.nearest(place), limit)
        if file is not None and (best is None or file.size > best.size):
            best = file
        if best is not None and (best.size >= (1 - SPARE) * limit or number >= ROUNDS):
            break
        if place > quantizer.MAX_STEP_INDEX or (place < 0 and best is not None):
            break
        # There is nothing below the first step; if its file is too large, the next ones may fit.
        place = number if place < 0 else place + excess * STEPS_PER_OCTAVE
    return best


def squeezed(
    draft: Analysis, request: Request, place: float, step: int, limit: int
) -> tuple[Coded | None, float]:
    """Sweep with larger and larger multipliers until a file fits a budget.

    Returns it, or None, and by how many octaves of bytes the file of the first sweep exceeds the
    budget.

    place : between step indices; the first file is to be about as large as with that step
    step  : the index that is used instead, with another multiplier
    limit : the budget in bytes
    """
    multiplier = OCTAVES_PER_STEP * (place - step)
    sweep, found, beside = draft.sweeper(step, request.effort, 2.0**multiplier), list[float](), 0.0
    for _ in range(SWEEPS):
        choice = sweep(2.0**multiplier)
        file = Coded(draft, request, step, choice.symbols, beside + choice.bits / 8)
        if not found or octaves(file.size, limit) < CERTAINLY:
            beside = len(file.data) - choice.bits / 8
        found.append(octaves(file.size, limit))
        if found[-1] <= 0:
            return file, found[0]
        multiplier += max(OCTAVES_PER_OCTAVE * found[-1], LEAST)
    return None, found[0]
