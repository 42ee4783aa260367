"""Finds the known pixels of a damaged picture from the picture alone. No torch here.

Points and white blocks leave one constant colour; a colour block has four straight borders.
docs/research/finding-damage.md measures how often blocks are found with the constants below.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.types import RGB, Floats

MASKED = ("points", "white-block", "color-block")
"""Tasks with a mask of known pixels. For color-noise, ``noise`` only estimates probabilities."""
SMALLEST_BLOCK = 12
"""Smallest side of a colour block that is searched for, in pixels."""
LARGEST_SEARCH = 384
"""Pictures with a longer side, in pixels, are searched at reduced size first."""
EVIDENCE_RANGE = (-1.0, 6.0)
"""Range that a pixel's evidence for a border is clipped to, in median steps of the picture."""
THRESHOLD = 1.5
"""Subtracted from evidence: this many standard deviations above its mean."""
FOUND = 10.0
"""A block is found if its evidence over the square root of its outline reaches this."""
SMALLEST_AREA = 64
"""Smallest area of a block of one colour, in pixels."""
SQUARENESS = 0.9
"""Smallest fraction of its bounding box that a block of one colour fills."""


def find_known(rgb: RGB, task: str) -> NDArray[np.bool_]:
    """Where a damaged picture shows the original, bool (height, width).

    rgb  : uint8 (height, width, 3)
    task : one of MASKED

    Raises InputError if the damage is not found, and for other tasks.
    """
    if task not in MASKED:
        raise InputError(f"the damage of {task} cannot be found: name a mask")
    if task == "color-block":
        return _outside_block(rgb)
    codes = rgb.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1])
    colours, counts = np.unique(codes, return_counts=True)
    constant = np.asarray(codes == colours[counts.argmax()], np.bool_)
    if task == "points":
        if constant.mean() < 0.5 or constant.all():
            raise InputError("no single colour fills the gaps between points: name a mask")
        return np.asarray(~constant)
    _, labels, facts, _ = cv2.connectedComponentsWithStats(constant.astype(np.uint8))
    areas = np.asarray(facts)[1:, cv2.CC_STAT_AREA]
    largest = 1 + int(areas.argmax())
    _, _, width, height, _ = map(int, np.asarray(facts)[largest])
    box = width * height
    if areas.max() < max(SMALLEST_AREA, SQUARENESS * box) or constant.all():
        raise InputError("there is no block of one colour in the picture: name a mask")
    return np.asarray(labels != largest)


def _outside_block(rgb: RGB) -> NDArray[np.bool_]:
    """Finds a square of another picture; true outside of it.

    Across its outline colours jump from one pixel to the next with no slope on either side, which
    edges within a picture rarely do. The square with the most such evidence is the block.
    """
    across, down = _steps(rgb), _steps(rgb.swapaxes(0, 1)).T
    factor, most = -(-max(rgb.shape[:2]) // LARGEST_SEARCH), min(rgb.shape[:2])
    sides = range(-(-SMALLEST_BLOCK // factor), most // factor + 1)
    found = _clearest(_reduced(across, factor), _reduced(down.T, factor).T, sides)
    if found is not None and factor > 1:
        _, top, left, side = (factor * n for n in found)
        rows, cols = (slice(max(n - factor, 0), n + factor + 1) for n in (top, left))
        sides = range(max(side - factor, SMALLEST_BLOCK), min(side + factor, most) + 1)
        found = _clearest(across, down, sides, rows, cols)
    if found is None or found[0] < FOUND * (4 * found[3]) ** 0.5:
        raise InputError("no block is found in the picture: name a mask")
    _, top, left, side = found
    known = np.ones(rgb.shape[:2], np.bool_)
    known[top : top + side, left : left + side] = False
    return known


def _steps(rgb: RGB) -> Floats:
    """Evidence for a border left of each pixel, and at the right end: (height, width + 1).

    It is 0 at the ends of the picture.
    """
    padded = np.pad(rgb.astype(np.float32), ((0, 0), (2, 2), (0, 0)), "edge")
    slopes = np.abs(np.diff(padded, axis=1)).sum(2)
    jumps = slopes[:, 1:-1] - np.maximum(slopes[:, :-2], slopes[:, 2:])
    inside = jumps[:, 2:-2]
    if not inside.size:
        return np.zeros_like(jumps)
    evidence: Floats = (jumps / (np.median(np.abs(inside)) + 2)).clip(*EVIDENCE_RANGE)
    inside = evidence[:, 2:-2]
    evidence -= inside.mean() + THRESHOLD * inside.std()
    evidence[:, [0, -1]] = 0
    return evidence


def _reduced(across: Floats, factor: int) -> Floats:
    """Evidence at a fraction of the size: sums of ``factor`` rows, maxima of nearby columns."""
    if factor == 1:
        return across
    height, width = across.shape[0] // factor, (across.shape[1] - 1) // factor
    rows = across[: height * factor].reshape(height, factor, -1).sum(1)
    near = cv2.dilate(rows, np.ones((1, factor + 1 - factor % 2)))
    reduced = np.array(near, np.float32)[:, : width * factor + 1 : factor]
    reduced[:, [0, -1]] = 0
    return reduced


def _clearest(
    across: Floats,
    down: Floats,
    sides: range,
    rows: slice = slice(0, None),
    cols: slice = slice(0, None),
) -> tuple[float, int, int, int] | None:
    """Evidence, top, left and side of the square with the most evidence; None without sides.

    across     : (height, width + 1), evidence for borders between columns
    down       : (height + 1, width), evidence for borders between rows
    rows, cols : places of the top left corner to try
    """
    across = np.pad(across.cumsum(0, np.float64), ((1, 0), (0, 0)))
    down = np.pad(down.cumsum(1, np.float64), ((0, 0), (1, 0)))
    found = None
    for side in sides:
        left_right = across[side:][rows] - across[:-side][rows]
        top_bottom = down[:, side:][:, cols] - down[:, :-side][:, cols]
        evidence = left_right[:, :-side][:, cols] + left_right[:, side:][:, cols]
        evidence = evidence + top_bottom[:-side][rows] + top_bottom[side:][rows]
        if evidence.size and (found is None or evidence.max() > found[0]):
            top, left = divmod(int(evidence.argmax()), evidence.shape[1])
            found = float(evidence.max()), top + rows.start, left + cols.start, side
    return found
