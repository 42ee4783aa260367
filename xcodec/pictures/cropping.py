"""Parts of pictures."""

from xcodec.types import RGB


def middle(rgb: RGB, side: int | None = None) -> RGB:
    """The middle of a picture, at most ``side`` pixels high and wide; None: the largest square."""
    side = min(rgb.shape[:2]) if side is None else side
    top, left = (max(length - side, 0) // 2 for length in rgb.shape[:2])
    return rgb[top : top + side, left : left + side]
