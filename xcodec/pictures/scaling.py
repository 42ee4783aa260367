"""Scaling pictures down before they are encoded, and up again after decoding."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import cv2
import numpy as np
from PIL import Image

from xcodec.errors import LimitError
from xcodec.pictures.modes import Picture
from xcodec.types import RGB, Alpha, Floats

Side = Callable[[int, int], int | None]
"""A function of width and height that returns the longer side wanted; None: as it is."""
DIRECT = ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr")
"""Pillow's modes whose pixels can be averaged as they are."""
DRAFT = 2
"""JPEG files are decoded at a fraction of their size that is at least this many times larger than
what is wanted."""
Plane = TypeVar("Plane", RGB, Alpha)


def draft(image: Image.Image, side: Side | None) -> None:
    """Let the decoder of a JPEG file scale it down, as far as that costs no quality.

    To be called before its pixels are read.
    """
    wanted = None if side is None else side(*image.size)
    if wanted is not None:
        image.draft(None, within(image.size, DRAFT * wanted))


def reduce_image(image: Image.Image, side: int) -> None:
    """Scale an image down in place until its longer side has ``side`` pixels, by Lanczos.

    Modes whose pixels cannot be averaged are left alone: ``reduced`` serves them.
    """
    if image.mode in DIRECT and "transparency" not in image.info:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)


def reduced(picture: Picture, side: int) -> Picture:
    """Scale a picture down until its longer side has ``side`` pixels, by Lanczos."""
    height, width = picture.rgb.shape[:2]
    size = within((width, height), side)
    if size == (width, height):
        return picture
    alpha = None if picture.alpha is None else resized(picture.alpha, size)
    return replace(
        picture,
        rgb=resized(picture.rgb, size),
        alpha=None if alpha is None or alpha.min() == 255 else alpha,
        original=picture.original or (width, height),
    )


def resized(plane: Plane, size: tuple[int, int]) -> Plane:
    """Return uint8 (height, width[, 3]) resampled to a width and height, by Lanczos."""
    image = Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
    return np.asarray(image)


def allowed(original: tuple[int, int], max_pixels: int) -> tuple[int, int]:
    """Return the size of an original. Raises LimitError if it has more than ``max_pixels``."""
    width, height = original
    if width * height > max_pixels:
        raise LimitError(
            f"the original had {width}x{height} pixels, more than the {max_pixels} allowed: "
            "--max-pixels raises the limit"
        )
    return original


def enlarged(levels: RGB | Floats, size: tuple[int, int]) -> RGB | Floats:
    """Return (height, width[, channels]), 0..255, resampled to a larger width and height.

    Bicubic: it is smooth, and unlike Lanczos it does not ring at edges.
    """
    large: Any = cv2.resize(levels, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large)


def within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Return a size scaled down so that the longer side has at most ``side`` pixels."""
    longest = max(size)
    if longest <= side:
        return size
    width, height = (max(1, round(each * side / longest)) for each in size)
    return width, height
