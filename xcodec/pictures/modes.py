"""Pillow's modes to what is coded, and back.

Every picture becomes uint8 RGB of shape (height, width, 3), upright, in sRGB, and where something
is transparent a plane of alpha:

in                                     out
1                                      1
L; I;16 and its kin, I; F              L; I;16; L (F: 0..255, or 0..1 where no value is above 1)
P, RGB, CMYK, YCbCr, HSV, LAB          RGB
LA; PA, RGBA; a transparent colour     LA; RGBA; LA or RGBA
"""

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from xcodec.errors import InputError
from xcodec.pictures import metadata
from xcodec.pictures.metadata import Metadata
from xcodec.types import RGB, Alpha, Floats

PLAIN, BILEVEL, DEEP, COLOUR = range(4)
"""What a source was, beyond grey or colour of 8 bits: black and white, 16 bits a channel, and a
colour mode though every pixel is grey."""
WORTH_GREY = 1 << 14
"""Pixels from which saying that a picture is grey takes fewer bytes than chroma of zeros."""
STRIP = 64
"""Rows that are looked at together."""
GREYS = ("1", "L", "I;16")
"""Modes of grey without alpha."""


@dataclass(frozen=True)
class Picture:
    """A picture as xcodec sees it.

    rgb      : uint8 (height, width, 3), sRGB; what is not seen goes with its surroundings
    alpha    : uint8 (height, width), 255 is opaque; None where all is
    grey     : whether the channels of rgb are equal
    source   : one of PLAIN, BILEVEL, DEEP and COLOUR
    """

    rgb: RGB
    alpha: Alpha | None = None
    grey: bool = False
    source: int = PLAIN
    metadata: Metadata = field(default_factory=Metadata)


def picture_of(image: Image.Image | NDArray[Any]) -> Picture:
    """A picture from the caller.

    image : a decoded Pillow image, or a uint8 array (height, width), or (height, width, 3 or 4)

    Raises InputError for anything else.
    """
    if isinstance(image, Image.Image):
        return _of_image(image)
    if not isinstance(image, np.ndarray):
        raise InputError(f"a picture is a Pillow image or an array, not {type(image).__name__}")
    if image.dtype != np.uint8:
        raise InputError(f"a picture array is uint8, not {image.dtype}")
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,), (4,)) or not image.size:
        shape = "x".join(map(str, image.shape))
        raise InputError(f"a picture array is (height, width[, 3 or 4]), not {shape}")
    if image.ndim == 2:
        return Picture(_grey_rgb(image), grey=True)
    return _finished(image[..., :3], image[..., 3] if image.shape[2] == 4 else None, False)


def image_of(rgb: RGB | Floats, alpha: Alpha | None, grey: bool, source: int) -> Image.Image:
    """A Pillow image of the mode that a source had.

    rgb : (height, width, 3), 0..255, floats are rounded and clipped; with DEEP they give 16 bits
    """
    grey = grey and source != COLOUR
    if grey and source == DEEP and alpha is None:
        return Image.fromarray(to_depth(rgb[..., 0], 16))
    levels = to_depth(rgb[..., 0] if grey else rgb, 8)
    if source == BILEVEL and alpha is None:
        return Image.fromarray(levels > 127)
    image = Image.fromarray(np.ascontiguousarray(levels))
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
    return image


def plainer(image: Image.Image) -> Image.Image:
    """An image without alpha, on white, and with 8 bits a channel: for formats with no more."""
    if image.mode == "I;16":
        return Image.fromarray(to_depth(np.asarray(image) / 257, 8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    flat = Image.alpha_composite(white, image.convert("RGBA"))
    return flat.convert("L" if image.mode == "LA" else "RGB")


def mode_of(grey: bool, alpha: bool, source: int) -> str:
    """The mode of what ``image_of`` gives."""
    if not grey or source == COLOUR:
        return "RGBA" if alpha else "RGB"
    if alpha:
        return "LA"
    return {BILEVEL: "1", DEEP: "I;16"}.get(source, "L")


def to_depth(levels: RGB | Floats, depth: int) -> NDArray[Any]:
    """Levels 0..255 as integers of 8 bits, or of 16 (times 257), rounded and clipped."""
    if depth == 8:
        if levels.dtype == np.uint8:
            return levels
        return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.clip(np.rint(levels.astype(np.float64) * 257), 0, 65535).astype(np.uint16)


def upright(image: Image.Image) -> Image.Image:
    """An image turned as its EXIF orientation says: the same where that is how it is."""
    try:
        if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return image  # Large pictures have no room for copies.
        return ImageOps.exif_transpose(image)
    except Exception:  # Damaged EXIF is no reason to refuse the pixels.
        return image


def _of_image(image: Image.Image) -> Picture:
    if 0 in image.size:
        raise InputError("the picture has no pixels")
    turned = upright(image)
    known = metadata.of(image, turned)
    image = turned
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        clear = np.asarray(image) == image.info.get("transparency", -1)
        alpha = np.where(clear, 0, 255).astype(np.uint8) if clear.any() else None
        source = PLAIN if image.mode == "F" else DEEP
        return _finished(_grey_rgb(_grey(image)), alpha, True, source, known)
    try:
        alpha = None
        if image.mode == "La":
            image = image.convert("LA")
        if image.has_transparency_data:
            alpha = np.asarray(image.convert("RGBA").getchannel("A"))
        grey = image.mode in ("1", "L", "LA")
        if image.mode == "LAB":
            image = metadata.from_lab(image)
        colours = image if image.mode == "CMYK" else _in(image, "L" if grey else "RGB")
        colours, profile = metadata.to_srgb(colours, image.info.get("icc_profile") or b"")
        rgb = np.asarray(_in(colours, "RGB"))
    except ValueError as error:
        raise InputError(f"pictures of mode {image.mode} are not supported") from error
    known = Metadata(known.exif, known.xmp, profile)
    source = BILEVEL if image.mode == "1" else PLAIN
    return _finished(rgb, alpha, grey, source, known)


def _in(image: Image.Image, mode: str) -> Image.Image:
    """An image in a mode: the same where it is."""
    return image if image.mode == mode else image.convert(mode)


def _finished(
    rgb: RGB,
    alpha: Alpha | None,
    grey: bool,
    source: int = PLAIN,
    known: Metadata | None = None,
) -> Picture:
    """A picture whose unseen parts go with what is around them, grey where it can be."""
    if alpha is not None and alpha.min() == 255:
        alpha = None
    if not grey and rgb[..., 0].size >= WORTH_GREY and _is_grey(rgb):
        grey, source = True, COLOUR
    if alpha is not None and not alpha.all():
        rgb = _spread(rgb, alpha)
    return Picture(rgb, alpha, grey, source, known or Metadata())


def _is_grey(rgb: RGB) -> bool:
    """Whether the channels are equal; few rows tell that of most pictures."""
    strips = (rgb[top : top + STRIP] for top in range(0, len(rgb), STRIP))
    return all((strip[..., :1] == strip).all() for strip in strips)


def _spread(rgb: RGB, alpha: Alpha) -> RGB:
    """Colours carried on into where alpha is 0, smoothly: nothing is spent on what is not seen."""
    seen = (alpha > 0).astype(np.float32)
    colours = rgb * seen[..., None]
    levels: list[tuple[Any, Any]] = [(colours, seen)]
    while min(levels[-1][1].shape) > 1:
        high, wide = levels[-1][1].shape
        size = ((wide + 1) // 2, (high + 1) // 2)
        small = [cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in levels[-1]]
        levels.append((small[0], small[1]))
    total = seen.sum()
    mean = colours.sum((0, 1), dtype=np.float64) / total if total else np.full(3, 255.0)
    guess = np.broadcast_to(mean.astype(np.float32), levels[-1][0].shape)
    for part, weight in reversed(levels):
        guess = cv2.resize(
            np.ascontiguousarray(guess), weight.shape[::-1], interpolation=cv2.INTER_LINEAR
        ).reshape(part.shape)
        guess = np.where(
            weight[..., None] > 0, part / np.maximum(weight, 1e-6)[..., None], guess
        ).astype(np.float32)
    return np.where(alpha[..., None] > 0, rgb, to_depth(guess, 8))


def _grey_rgb(grey: NDArray[np.uint8]) -> RGB:
    return np.repeat(grey[..., None], 3, axis=2)


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


def to_image(rgb: RGB | Floats) -> Image.Image:
    """A Pillow image of RGB (height, width, 3): rounded and clipped to 0..255 where float."""
    return image_of(rgb, None, False, PLAIN)
