"""Where a damaged picture is right, told by the picture alone: constant colours and square blocks.

No torch here.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.types import RGB, Floats

MASKED = ("points", "white-block", "color-block")
"""Tasks whose damage can be told from what is right; where noise is, ``consensus`` only guesses."""
SMALLEST_BLOCK = 12
"""Smallest side of a colour block that is looked for, in pixels."""
LARGEST_SEARCH = 384
"""Larger pictures are searched for colour blocks at a fraction of their size first."""
CLIP = (-1.0, 6.0)
"""Least and most that a pixel along a border can say, in median steps of the picture."""
USUAL = 1.5
"""Standard deviations above the mean that it takes to speak for a border."""
CLEAR = 10.0
"""Evidence for a block over the square root of its outline from which on it counts as found."""


def find_known(rgb: RGB, task: str) -> NDArray[np.bool_]:
    """Where a damaged picture shows the original, bool (height, width).

    rgb : uint8 (height, width, 3), damaged as one of MASKED says

    points and white-block leave one constant colour; a colour block has four straight borders.
    Raises InputError where none stands out, and for other tasks.
    """
    if task not in MASKED:
        raise InputError(f"{task} does not mark its pixels")
    if task == "color-block":
        return _outside_block(rgb)
    codes = rgb.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1])
    colours, counts = np.unique(codes, return_counts=True)
    constant = np.asarray(codes == colours[counts.argmax()], np.bool_)
    if task == "points":
        if constant.mean() < 0.5 or constant.all():
            raise InputError("no colour fills the gaps between points: name a mask")
        return np.asarray(~constant)
    _, labels, facts, _ = cv2.connectedComponentsWithStats(constant.astype(np.uint8))
    areas = np.asarray(facts)[1:, cv2.CC_STAT_AREA]
    largest = 1 + int(areas.argmax())
    _, _, width, height, _ = map(int, np.asarray(facts)[largest])
    box = width * height
    if areas.max() < 64 or areas.max() < 0.9 * box or constant.all():
        raise InputError("no block of one colour is in the picture: name a mask")
    return np.asarray(labels != largest)


def _outside_block(rgb: RGB) -> NDArray[np.bool_]:
    """Where no square shows another picture.

    Along its outline colours step from one pixel to the next with no slope on either side, as edges
    of a picture hardly do. The square with the most such evidence is the block.
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
    if found is None or found[0] < CLEAR * (4 * found[3]) ** 0.5:
        raise InputError("no block stands out from the picture: name a mask")
    _, top, left, side = found
    known = np.ones(rgb.shape[:2], np.bool_)
    known[top : top + side, left : left + side] = False
    return known


def _steps(rgb: RGB) -> Floats:
    """Evidence for a border on the left of each pixel and at the right end: (height, width + 1).

    The picture's own ends say nothing.
    """
    padded = np.pad(rgb.astype(np.float32), ((0, 0), (2, 2), (0, 0)), "edge")
    slopes = np.abs(np.diff(padded, axis=1)).sum(2)
    alone = slopes[:, 1:-1] - np.maximum(slopes[:, :-2], slopes[:, 2:])
    inside = alone[:, 2:-2]
    if not inside.size:
        return np.zeros_like(alone)
    said: Floats = (alone / (np.median(np.abs(inside)) + 2)).clip(*CLIP)
    inside = said[:, 2:-2]
    said -= inside.mean() + USUAL * inside.std()
    said[:, [0, -1]] = 0
    return said


def _reduced(across: Floats, factor: int) -> Floats:
    """Evidence for borders of squares of factor by factor pixels, each the clearest near it."""
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
    """Evidence, top, left and side of the square whose outline has most of it; None without sides.

    across     : (height, width + 1), evidence for borders between columns
    down       : (height + 1, width), between rows
    rows, cols : where its top left corner may lie
    """
    across = np.pad(across.cumsum(0, np.float64), ((1, 0), (0, 0)))
    down = np.pad(down.cumsum(1, np.float64), ((0, 0), (1, 0)))
    found = None
    for side in sides:
        left_right = across[side:][rows] - across[:-side][rows]
        top_bottom = down[:, side:][:, cols] - down[:, :-side][:, cols]
        said = left_right[:, :-side][:, cols] + left_right[:, side:][:, cols]
        said = said + top_bottom[:-side][rows] + top_bottom[side:][rows]
        if said.size and (found is None or said.max() > found[0]):
            top, left = divmod(int(said.argmax()), said.shape[1])
            found = float(said.max()), top + rows.start, left + cols.start, side
    return found
