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

from xcodec import files, modes
from xcodec.errors import InputError, LimitError
from xcodec.modes import PLAIN, Picture, image_of, picture_of, upright
from xcodec.samples import Floats, Ints

MAX_PIXELS = 100_000_000
"""Pictures with more pixels than this are refused unless the caller raises the limit."""

RGB = modes.RGB
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


def to_image(rgb: RGB | Floats) -> Image.Image:
    """A Pillow image of RGB (height, width, 3): rounded and clipped to 0..255 where float."""
    return image_of(rgb, None, False, PLAIN)


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


def to_ycocg(rgb: RGB | Floats) -> NDArray[np.float32]:
    """Planes Y, Co, Cg of RGB, float32 (..., 3), without rounding.

    rgb : (..., 3), 0..255; then Y lies in 0..255, Co and Cg in -255..255
    """
    red, green, blue = np.moveaxis(np.asarray(rgb, np.float32), -1, 0)
    mean = (red + blue) / 2
    return np.stack([(mean + green) / 2, red - blue, green - mean], -1)


def from_ycocg(planes: Floats) -> NDArray[np.float32]:
    """RGB of planes Y, Co, Cg, float32 (..., 3): the inverse of ``to_ycocg``, not clipped."""
    luma, orange, green = np.moveaxis(np.asarray(planes, np.float32), -1, 0)
    mean = luma - green / 2
    return np.stack([mean + orange / 2, luma + green / 2, mean - orange / 2], -1)


def to_ycocg_r(rgb: RGB | Ints) -> NDArray[np.int32]:
    """Planes of the reversible integer transform YCoCg-R, int32 (..., 3).

    rgb : integers (..., 3), 0..255; then Y lies in 0..255, Co and Cg in -255..255

    Source: Malvar and Sullivan, "YCoCg-R: A Color Space with RGB Reversibility", JVT-I014, 2003.
    """
    red, green, blue = np.moveaxis(np.asarray(rgb, np.int32), -1, 0)
    orange = red - blue
    mean = blue + (orange >> 1)
    return np.stack([mean + (green - mean >> 1), orange, green - mean], -1)


def from_ycocg_r(planes: Ints) -> NDArray[np.int32]:
    """RGB of YCoCg-R planes, int32 (..., 3): the exact inverse of ``to_ycocg_r``."""
    luma, orange, green = np.moveaxis(np.asarray(planes, np.int32), -1, 0)
    mean = luma - (green >> 1)
    blue = mean - (orange >> 1)
    return np.stack([blue + orange, green + mean, blue], -1)


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
