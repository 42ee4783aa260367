"""Pictures in files and streams, and the colour transforms."""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from xcodec.errors import InputError, LimitError
from xcodec.pictures import modes
from xcodec.pictures.modes import Picture, picture_of, upright
from xcodec.system import files
from xcodec.types import MAX_PIXELS

METADATA = ("exif", "icc_profile", "xmp")
"""What Pillow calls the metadata that it writes."""
DEEP_KINDS = {"PNG": ".png", "TIFF": ".tif"}
"""Formats that hold 16 bits a channel, by OpenCV's suffixes."""
Source = str | os.PathLike[str] | bytes | BinaryIO

_limit_lock = threading.Lock()


def load(source: Source, max_pixels: int = MAX_PIXELS) -> Picture:
    """The picture in a file ("-": standard input), in bytes or in a binary stream.

    Raises InputError where there is no whole picture, LimitError where it has more than
    ``max_pixels`` pixels, which is known before a pixel is decoded.
    """
    return picture_of(_open(source, max_pixels))


def load_mask(source: Source, max_pixels: int = MAX_PIXELS) -> NDArray[np.bool_]:
    """An explicit mask from a picture: True where a pixel isn't black, (height, width).

    Raises what ``load`` raises.
    """
    image = upright(_open(source, max_pixels))
    if image.mode in ("P", "PA"):
        image = image.convert("RGB")
    levels = np.asarray(image).reshape(image.height, image.width, -1)
    colours = [i for i, band in enumerate(image.getbands()) if band.upper() != "A"]
    mask: NDArray[np.bool_] = (levels[..., colours] != 0).any(-1)
    return mask


def load_weights(source: Source, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """How much each pixel of a picture counts, from its grey levels, uint8 (height, width).

    Raises what ``load`` raises.
    """
    grey: NDArray[np.uint8] = np.asarray(upright(_open(source, max_pixels)).convert("L"))
    return grey


def save(
    image: Image.Image,
    target: files.Name | BinaryIO,
    kind: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write a picture to a file, atomically, to standard output ("-") or to a binary stream.

    kind : Pillow's name of a file format; by default from the file's suffix, else "PNG"

    Raises InputError where the format is unknown or the file can't be written.
    """
    name = target if isinstance(target, str | os.PathLike) else files.STDIO
    data = encoded(image, kind or kind_of(name))
    if isinstance(target, str | os.PathLike):
        files.write(target, data, overwrite)
    else:
        target.write(data)


def encoded(image: Image.Image, kind: str) -> bytes:
    """The bytes of a picture's file; ``kind`` as in ``save``. Raises InputError."""
    data = io.BytesIO()
    known = {name: image.info[name] for name in METADATA if name in image.info}
    # Lossy formats alone heed the quality, and only some the others.
    options: dict[str, Any] = {"quality": 95, **known}
    if kind == "PNG" and "xmp" in known:
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", known["xmp"].decode("utf-8", "replace"))
    try:
        try:
            image.save(data, kind, **options)
        except OSError:  # The format holds no such mode.
            data = io.BytesIO()
            modes.plainer(image).save(data, kind, **options)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"cannot write {kind}: {error}") from error
    return data.getvalue()


def save_deep(levels: NDArray[Any], target: files.Name, kind: str, overwrite: bool = False) -> None:
    """Write an array uint16 (height, width[, channels]) as a PNG or TIFF file of 16 bits.

    Raises InputError where that fails.
    """
    if kind not in DEEP_KINDS:
        raise InputError(f"{kind} files of 16 bits a channel cannot be written: use PNG or TIFF")
    channels = [2, 1, 0, 3][: levels.shape[2]] if levels.ndim == 3 else []
    if levels.shape[2:] == (2,):  # There is no such picture: grey as a colour.
        levels, channels = levels[..., [0, 0, 0, 1]], [0, 1, 2, 3]
    ordered = np.ascontiguousarray(levels[..., channels] if channels else levels)
    done, data = cv2.imencode(DEEP_KINDS[kind], ordered)
    if not done:
        raise InputError(f"cannot write {kind}")
    files.write(target, data.tobytes(), overwrite)


def kind_of(name: files.Name) -> str:
    """Pillow's name of the format that a file's suffix asks for; "PNG" for standard output.

    Raises InputError where no format that Pillow writes has that suffix.
    """
    if os.fspath(name) == files.STDIO:
        return "PNG"
    suffix = Path(name).suffix.lower()
    kind = Image.registered_extensions().get(suffix, "")
    if kind not in Image.SAVE or suffix == ".xgc":
        raise InputError(f"{files.called(name)}: no picture format has the suffix {suffix!r}")
    return kind


def _open(source: Source, max_pixels: int) -> Image.Image:
    name = files.called(source)
    if isinstance(source, str | os.PathLike):
        source = files.read(source)
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with _without_pillow_limit():
            image = Image.open(stream)
    except UnidentifiedImageError as error:
        raise InputError(f"{name}: not a picture of a known format") from error
    except Exception as error:  # Pillow's readers raise whatever they trip over.
        raise InputError(f"{name}: the picture is damaged ({_line(error)})") from error
    if image.width * image.height > max_pixels:
        size = f"{image.width}x{image.height} pixels"
        raise LimitError(f"{name}: {size}, more than the {max_pixels} that are allowed")
    return _decoded(image, name)


def _decoded(image: Image.Image, name: str) -> Image.Image:
    """An image whose pixels are in memory."""
    try:
        image.load()
    except Exception as error:
        raise InputError(f"{name}: the picture is damaged ({_line(error)})") from error
    return image


@contextmanager
def _without_pillow_limit() -> Iterator[None]:
    """Pillow's own limit on pixels put aside: ours is checked before any pixel is decoded."""
    with _limit_lock:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _line(error: Exception) -> str:
    """The first line of an error's text, or its kind where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
