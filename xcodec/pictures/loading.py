"""Reading pictures from files, bytes and streams, and writing them."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xcodec.choices import CODED
from xcodec.errors import InputError
from xcodec.pictures import extras, holding, modes, ranges, scaling
from xcodec.pictures.chromaticity import as_shown
from xcodec.pictures.metadata import sound
from xcodec.pictures.modes import Picture, picture_of
from xcodec.pictures.opening import Reading, Source, opened
from xcodec.pictures.orientation import lies, upright
from xcodec.system import files
from xcodec.types import MAX_PIXELS

_USUAL = Reading()
_NO_LEVELS = ("P", "PA", "CMYK", "YCbCr", "HSV")
"""Pillow's modes whose bands are not levels of light; LAB is another."""
_OPAQUE = ("BMP", "DIB", "GIF", "PPM", "SPIDER")
"""Formats without alpha; GIF has black-and-white alpha only. Pillow knows it of the others."""
DEEP_KINDS = {"PNG": ".png", "TIFF": ".tif"}
"""Formats that are written with 16 bits per channel, and the suffixes that OpenCV knows them by."""
DEEP_GREYS = (*DEEP_KINDS, "JPEG2000", "PPM", "ICO", "IM", "SPIDER")
"""Formats that Pillow writes with greys of 16 bits."""


def load(
    source: Source,
    max_pixels: int = MAX_PIXELS,
    *,
    kind: str | None = None,
    frame: int | None = None,
    salvage: bool = False,
    stretch: bool = False,
) -> Picture:
    """Read a picture from a file ("-" is standard input), from bytes or from a binary stream.

    The parameters are the fields of ``opening.Reading``. Warns of what is not read: other frames,
    the rest of a file that was cut short.

    Raises InputError if it is not a complete picture, LimitError, before any pixel is decoded, if
    it has more than ``max_pixels`` pixels, and DependencyError if a plug-in of Pillow is missing.
    """
    return read(source, Reading(max_pixels, kind, frame, salvage, stretch))


def read(source: Source, how: Reading) -> Picture:
    """Read a picture as ``load`` does."""
    image, data, size = opened(source, how)
    side = None if how.side is None else how.side(*size)
    if side is not None:
        scaling.reduce_image(image, side)
    image = as_shown(image, data)
    image.info.pop("gamma", None)  # It counts once.
    beside = extras.named(sound(image.info).get("xmp") or b"", data)
    del data  # It may be as large as the picture.
    if beside:
        text = f"the file also holds {' and '.join(beside)}: only the picture is read"
        warnings.warn(text, UserWarning, stacklevel=2)
    with _named(source):
        image = _levelled(image, how)
        picture = picture_of(image)
    if side is None:
        return picture
    original = size[::-1] if lies(image) else size
    return replace(scaling.reduced(picture, side), original=original)


def load_mask(source: Source, how: Reading = _USUAL) -> NDArray[np.bool_]:
    """Read an explicit mask from a picture: bool (height, width), False where it is black.

    Raises what ``load`` raises.
    """
    image = _in_levels(upright(opened(source, how)[0]))
    levels = np.asarray(image).reshape(image.height, image.width, -1)
    colours = [i for i, band in enumerate(image.getbands()) if band.upper() != "A"]
    mask: NDArray[np.bool_] = (levels[..., colours] != 0).any(-1)
    return mask


def load_weights(source: Source, how: Reading = _USUAL) -> NDArray[np.uint8]:
    """Read the weights of pixels from a picture: its grey levels, uint8 (height, width).

    Raises what ``load`` raises.
    """
    image = _in_levels(upright(opened(source, how)[0]))
    if ranges.is_deep(image):  # convert() would clip them.
        with _named(source):
            return picture_of(_levelled(image, how), turn=False).rgb[..., 0]
    grey: NDArray[np.uint8] = np.asarray(image.convert("L"))
    return grey


@contextmanager
def _named(source: Source) -> Iterator[None]:
    """Put the name of a source before the errors of the block."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{files.called(source)}: {error}") from error.__cause__


def _levelled(image: Image.Image, how: Reading) -> Image.Image:
    """An image, with the levels of greys of more than 8 bits spread if that is asked for.

    Otherwise, warns if they use little of their range. Raises InputError if they do not fit it.
    """
    if ranges.is_deep(image):
        if how.stretch:
            return ranges.stretched(image)
        ranges.hint(image)
    return image


def _in_levels(image: Image.Image) -> Image.Image:
    """An image whose bands are levels of light, so that all of them are 0 where it is black."""
    if image.mode == "LAB":
        return image.getchannel("L")
    return image.convert("RGB") if image.mode in _NO_LEVELS else image


def save(
    image: Image.Image,
    target: files.Name | BinaryIO,
    kind: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write a picture to a file (atomically), to standard output ("-") or to a binary stream.

    kind : Pillow's name of the file format; by default chosen by the suffix, "PNG" for streams

    Raises InputError if the format is unknown or the file cannot be written.
    """
    name = target if isinstance(target, str | os.PathLike) else files.STDIO
    data = encoded(image, kind or kind_of(name))
    if isinstance(target, str | os.PathLike):
        files.write(target, data, overwrite)
    else:
        target.write(data)


def encoded(image: Image.Image, kind: str) -> bytes:
    """Return a picture as the bytes of a file; ``kind`` as in ``save``.

    Warns if files of this format cannot hold its metadata. Raises InputError.
    """
    image, known, lost = holding.fitted(image, kind)
    image = _in_held_mode(image, kind)
    if lost:
        warnings.warn(lost, UserWarning, stacklevel=2)
    failure: Exception | None = None
    # The format may not have the mode of the image; damaged EXIF must not prevent writing.
    for options in (known, {}) if known else (known,):
        for simpler in (lambda each: each, modes.plainer, _rgb):
            data = io.BytesIO()
            try:
                # Formats ignore the options that they do not have.
                simpler(image).save(data, kind, quality=95, **options)
            except MemoryError:
                raise
            except Exception as error:  # Pillow's writers raise exceptions of many kinds.
                failure = error
                continue
            if options is not known:
                warnings.warn("damaged metadata was left out", UserWarning, stacklevel=2)
            return data.getvalue()
    raise InputError(f"cannot write {kind}: {failure}") from failure


def _in_held_mode(image: Image.Image, kind: str) -> Image.Image:
    """An image as a format can hold it, where Pillow's writer would clip greys of 16 bits to white,
    or drop the alpha without a word."""
    if image.mode == "I;16":
        return image if kind in DEEP_GREYS else modes.plainer(image)
    if image.mode not in ("LA", "RGBA"):
        return image
    if kind == "GIF" and not any(image.getchannel("A").histogram()[1:-1]):
        return image.convert("RGBA")
    return modes.plainer(image) if kind in _OPAQUE else image


def _rgb(image: Image.Image) -> Image.Image:
    """An image as the simplest formats can hold it."""
    return modes.plainer(image).convert("RGB")


def check_deep(kind: str, grey: bool) -> None:
    """Raise InputError if files of a format have no 16 bits per channel: before a long computation.

    kind : Pillow's name of the format
    grey : whether they would hold nothing but grey
    """
    if kind not in (DEEP_GREYS if grey else DEEP_KINDS):
        raise InputError(f"{kind} files have no 16 bits per channel: use PNG or TIFF")


def save_deep(levels: NDArray[Any], target: files.Name, kind: str, overwrite: bool = False) -> None:
    """Write an array, uint16 (height, width[, 1..4]), as a file of 16 bits per channel.

    kind : one of DEEP_KINDS

    Raises InputError if that fails.
    """
    channels = [2, 1, 0, 3][: levels.shape[2]] if levels.ndim == 3 else []
    if levels.shape[2:] == (2,):  # OpenCV writes no grey with alpha: write it as a colour.
        levels, channels = levels[..., [0, 0, 0, 1]], [0, 1, 2, 3]
    ordered = np.ascontiguousarray(levels[..., channels] if channels else levels)
    done, data = cv2.imencode(DEEP_KINDS[kind], ordered)
    if not done:
        raise InputError(f"cannot write {kind}")
    files.write(target, data.tobytes(), overwrite)


def kind_of(name: files.Name) -> str:
    """Return Pillow's name of the format that a file's suffix stands for; "PNG" for "-".

    Raises InputError if Pillow writes no format with that suffix.
    """
    if os.fspath(name) == files.STDIO:
        return "PNG"
    suffix = Path(name).suffix.lower()
    kind = Image.registered_extensions().get(suffix, "")
    if kind not in Image.SAVE or suffix == CODED:
        raise InputError(
            f"{files.called(name)}: no picture format has the suffix {suffix!r}: try .png, .jpg, "
            ".webp, .avif or .tif"
        )
    return kind
