"""Pictures in files and in Pillow's modes to uint8 RGB and back, and the colour transforms.

Every picture becomes uint8 RGB of shape (height, width, 3) on its way in:

1, L, P, RGB, CMYK, YCbCr, HSV, LAB   as Pillow converts them
I;16 and its kin, I                    16-bit grey, 0..65535: divided by 257 and rounded
F                                      grey 0..255, or 0..1 where no value is above 1
LA, PA, RGBA, a transparent colour     composited on white
EXIF orientation is applied, and of several frames the first is taken.
"""

import io
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from xcodec import files
from xcodec.errors import InputError, LimitError
from xcodec.samples import Floats, Ints

MAX_PIXELS = 100_000_000
"""Pictures with more pixels than this are refused unless the caller raises the limit."""

RGB = NDArray[np.uint8]
Source = str | os.PathLike[str] | bytes | BinaryIO

_limit_lock = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """A picture as xcodec sees it.

    rgb        : uint8 (height, width, 3)
    composited : whether some pixel was transparent, so that white shows through it
    """

    rgb: RGB
    composited: bool = False


def load(source: Source, max_pixels: int = MAX_PIXELS) -> Picture:
    """The picture in a file ("-": standard input), in bytes or in a binary stream.

    Raises InputError where there is no whole picture, LimitError where it has more than
    ``max_pixels`` pixels, which is known before a pixel is decoded.
    """
    return _convert(_open(source, max_pixels))


def load_mask(source: Source, max_pixels: int = MAX_PIXELS) -> NDArray[np.bool_]:
    """An explicit mask from a picture: True where a pixel isn't black, (height, width).

    Raises what ``load`` raises.
    """
    image = _open(source, max_pixels)
    if image.mode in ("P", "PA"):
        image = image.convert("RGB")
    levels = np.asarray(image).reshape(image.height, image.width, -1)
    colours = [i for i, band in enumerate(image.getbands()) if band.upper() != "A"]
    mask: NDArray[np.bool_] = (levels[..., colours] != 0).any(-1)
    return mask


def as_rgb(image: Image.Image | NDArray[Any]) -> RGB:
    """A picture from the caller, uint8 (height, width, 3).

    image : a Pillow image, or a uint8 array (height, width) or (height, width, 3)

    Warns where a Pillow image is transparent: white shows through it.
    Raises InputError for anything else.
    """
    if isinstance(image, Image.Image):
        picture = _convert(_decoded(image, "the picture"))
        if picture.composited:
            warnings.warn("the picture is transparent: composited on white", stacklevel=3)
        return picture.rgb
    if not isinstance(image, np.ndarray):
        raise InputError(f"a picture is a Pillow image or an array, not {type(image).__name__}")
    if image.dtype != np.uint8:
        raise InputError(f"a picture array is uint8, not {image.dtype}")
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or not image.size:
        shape = "x".join(map(str, image.shape))
        raise InputError(f"a picture array is (height, width) or (height, width, 3), not {shape}")
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def to_image(rgb: RGB | Floats) -> Image.Image:
    """A Pillow image of RGB (height, width, 3): rounded and clipped to 0..255 where float."""
    if rgb.dtype != np.uint8:
        rgb = np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(rgb))


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
    kind = kind or kind_of(name)
    data = io.BytesIO()
    try:
        image.save(data, kind, quality=95)  # Lossy formats alone heed the quality.
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"cannot write {kind}: {error}") from error
    if isinstance(target, str | os.PathLike):
        files.write(target, data.getvalue(), overwrite)
    else:
        target.write(data.getvalue())


def kind_of(name: files.Name) -> str:
    """Pillow's name of the format that a file's suffix asks for; "PNG" for standard output.

    Raises InputError where no format that Pillow writes has that suffix.
    """
    if os.fspath(name) == files.STDIO:
        return "PNG"
    suffix = Path(name).suffix.lower()
    kind = Image.registered_extensions().get(suffix, "")
    if kind not in Image.SAVE:
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
    """An image whose pixels are in memory, upright."""
    try:
        image.load()
    except Exception as error:
        raise InputError(f"{name}: the picture is damaged ({_line(error)})") from error
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # Damaged EXIF is no reason to refuse the pixels.
        return image


def _convert(image: Image.Image) -> Picture:
    """The picture in a decoded image of any mode."""
    if 0 in image.size:
        raise InputError("the picture has no pixels")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        grey = _grey(image)
        clear = np.asarray(image) == image.info.get("transparency", -1)
        grey[clear] = 255
        return Picture(np.repeat(grey[..., None], 3, axis=2), bool(clear.any()))
    try:
        rgba = image.convert("RGBA") if image.has_transparency_data else None
        if rgba is None or rgba.getchannel("A").getextrema()[0] == 255:
            return Picture(np.asarray(image.convert("RGB")))
    except ValueError as error:
        raise InputError(f"pictures of mode {image.mode} are not supported") from error
    white = Image.new("RGBA", image.size, "white")
    return Picture(np.asarray(Image.alpha_composite(white, rgba).convert("RGB")), True)


def _grey(image: Image.Image) -> NDArray[np.uint8]:
    """Grey levels of a picture in a mode wider than 8 bits, (height, width)."""
    levels = np.asarray(image, np.float64)
    if image.mode == "F":
        if not np.isfinite(levels).all():
            raise InputError("the picture holds values that are not numbers")
        if levels.max() <= 1:
            levels = levels * 255
    else:
        if levels.min() < 0 or levels.max() > 65535:
            raise InputError("the picture holds values outside 16 bits: scale them first")
        levels = levels / 257
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


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
