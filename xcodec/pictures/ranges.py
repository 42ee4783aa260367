"""Grey pictures whose levels fill little of what their type can hold.

Sensors of 10, 12 or 14 bits and thermal cameras store their levels in 16 bits or in floats, where
they look black, or all alike.
"""

import warnings
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xcodec.errors import InputError
from xcodec.types import Floats, Ints

MODES = ("I", "F")
"""Modes of Pillow with more than 8 bits, beside I;16 and its variants."""
DARK = 1 << 14
"""Pictures of 16 bits without a level from here on are too dark: 14 bits or fewer."""
NARROW = 1 << 13
"""So many levels of 16 bits are too few contrasts."""
_HINT = "--stretch spreads them over the whole range"


def is_deep(image: Image.Image) -> bool:
    """Whether an image is a grey one with more than 8 bits."""
    return image.mode in MODES or image.mode.startswith("I;16")


def hint(image: Image.Image) -> None:
    """Warn if the levels of a grey image with more than 8 bits use little of their range.

    Raises InputError if they do not fit into 16 bits.
    """
    levels = np.asarray(image)
    low, high = _ends(levels)
    if image.mode == "F":
        whole = 1 if high <= 1 else 255
        if low < 0 or high > 255:
            text = "of which those outside 0..255 are clipped"
            warnings.warn(_text(low, high, text), UserWarning, stacklevel=2)
        elif high != low and (high < whole / 4 or high - low < whole / 8):
            warnings.warn(_text(low, high, f"of 0..{whole}"), UserWarning, stacklevel=2)
        return
    if low < 0 or high > 65535:
        raise InputError(f"{_text(low, high, 'outside 16 bits')}")
    if high != low and (high < DARK or high - low < NARROW):
        warnings.warn(_text(low, high, "of 0..65535"), UserWarning, stacklevel=2)


def stretched(image: Image.Image) -> Image.Image:
    """Return a grey image whose levels are spread linearly from 0 to 65535 (mode I;16).

    Values that are not numbers become the lowest level. A transparent level moves along.
    """
    levels = np.asarray(image)
    low, high = _ends(levels)
    spread = high - low or 1.0

    def moved(values: Ints | Floats) -> NDArray[np.uint16]:
        known = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
        return np.clip(np.rint((known - low) / spread * 65535), 0, 65535).astype(np.uint16)

    strips = np.array_split(levels, _parts(levels))
    wide = Image.fromarray(np.concatenate([moved(rows) for rows in strips]))
    wide.info = dict(image.info)
    if image.format == "TIFF" and "exif" not in wide.info:
        with suppress(Exception):  # Damaged EXIF never stops pixels.
            wide.info["exif"] = image.getexif().tobytes()
    clear = wide.info.get("transparency")
    if isinstance(clear, int | float):
        wide.info["transparency"] = int(moved(np.array([clear]))[0])
    wide.format = image.format
    return wide


def _parts(levels: Ints | Floats) -> int:
    """Strips in which levels are converted, to bound memory."""
    return max(1, min(len(levels), levels.size >> 22))


def _ends(levels: Ints | Floats) -> tuple[float, float]:
    """The lowest and the highest level; 0 and 0 if there is no number."""
    if levels.dtype.kind == "f":
        levels = levels[np.isfinite(levels)]
    return (float(levels.min()), float(levels.max())) if levels.size else (0.0, 0.0)


def _text(low: float, high: float, rest: str) -> str:
    return f"the levels lie in {low:.6g}..{high:.6g}, {rest}: {_HINT}"
