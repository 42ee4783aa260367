"""Conversion of Pillow's modes to what is encoded, and back.

Every picture becomes uint8 RGB (height, width, 3), upright, in sRGB, and a plane of alpha if
anything is transparent. Decoding gives these modes:

mode of the source                     mode of the decoded picture
1                                      1
L; I;16 and variants, I; F             L; I;16; L (F: 0..255, or 0..1 if no value is above 1)
P, RGB, CMYK, YCbCr, HSV, LAB          RGB
LA; PA, RGBA; a transparent colour     LA; RGBA; LA or RGBA
"""

import os
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from xcodec.errors import InputError, XcodecError
from xcodec.pictures import libtiff, metadata, profiles
from xcodec.pictures.chromaticity import as_shown
from xcodec.pictures.filling import surroundings
from xcodec.pictures.metadata import Metadata, metadata_of
from xcodec.pictures.orientation import upright
from xcodec.system.notices import first_line
from xcodec.types import RGB, Alpha, Floats

PLAIN, BILEVEL, DEEP, COLOUR = range(4)
"""Kinds of sources: grey or colour with 8 bits per channel, black and white, grey with 16 bits, and
a colour mode in which every pixel is grey."""
WORTH_GREY = 1 << 14
"""Pixels from which a note that a picture is grey takes fewer bytes than chroma of zeros."""
STRIP = 64
"""Rows that are examined at a time."""
GREYS = ("1", "L", "I;16")
"""Pillow's modes of grey without alpha."""
_TRANSPARENT: dict[str, tuple[type, ...]] = {
    "1": (int, tuple),
    "L": (int, tuple),
    "P": (int, bytes),
    "RGB": (int, tuple, list),
}
"""The modes that may have transparent colours, and the types of these in ``Image.info``."""


@dataclass(frozen=True)
class Picture:
    """A picture as it is encoded.

    rgb      : uint8 (height, width, 3), sRGB; invisible pixels continue their surroundings
    alpha    : uint8 (height, width), 255 is opaque; None if everything is opaque
    grey     : whether the channels of rgb are equal
    source   : one of PLAIN, BILEVEL, DEEP and COLOUR
    metadata : EXIF, XMP and ICC profile of the source
    original : width and height before it was scaled down; None: it was not
    """

    rgb: RGB
    alpha: Alpha | None = None
    grey: bool = False
    source: int = PLAIN
    metadata: Metadata = field(default_factory=Metadata)
    original: tuple[int, int] | None = None


def picture_of(image: Image.Image | NDArray[Any], turn: bool = True) -> Picture:
    """Convert a Pillow image or an array to a Picture.

    image : a Pillow image, or an array, uint8 (height, width) or (height, width, 3 or 4)
    turn  : whether the orientation of the image is applied

    Raises InputError for anything else, and for an image whose pixels cannot be read.
    """
    if isinstance(image, Image.Image):
        try:
            return _of_image(image, turn)
        except (XcodecError, MemoryError):
            raise
        except Exception as error:  # Pillow raises exceptions of many kinds.
            raise InputError(f"the picture cannot be converted ({first_line(error)})") from error
    if not isinstance(image, np.ndarray):
        raise InputError(_no_picture(image))
    image = np.asarray(image)  # Matrices and masked arrays calculate in their own ways.
    if image.dtype != np.uint8:
        raise InputError(
            f"a picture array is uint8, not {image.dtype}: scale it to 0..255 and convert it"
        )
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,), (4,)) or not image.size:
        shape = "x".join(map(str, image.shape))
        raise InputError(f"a picture array is (height, width[, 3 or 4]), not {shape}")
    if image.ndim == 2:
        return Picture(_grey_rgb(image), grey=True)
    return _finished(image[..., :3], image[..., 3] if image.shape[2] == 4 else None, False)


def image_of(rgb: RGB | Floats, alpha: Alpha | None, grey: bool, source: int) -> Image.Image:
    """Return a Pillow image in the mode of its source.

    rgb    : (height, width, 3), 0..255; floats are rounded and clipped, to 16 bits for DEEP
    alpha  : uint8 (height, width), or None
    grey   : whether only the first channel counts
    source : one of PLAIN, BILEVEL, DEEP and COLOUR
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


def to_image(rgb: RGB | Floats) -> Image.Image:
    """Return a Pillow image of RGB (height, width, 3), 0..255; floats are rounded and clipped."""
    return image_of(rgb, None, False, PLAIN)


def plainer(image: Image.Image) -> Image.Image:
    """Return an image of 8 bits per channel on white, without alpha: for simple formats."""
    if image.mode == "I;16":
        return Image.fromarray(to_depth(np.asarray(image) / 257, 8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    flat = Image.alpha_composite(white, image.convert("RGBA"))
    return flat.convert("L" if image.mode == "LA" else "RGB")


def mode_of(grey: bool, alpha: bool, source: int) -> str:
    """Return the mode of the image that ``image_of`` returns; ``alpha``: whether it has alpha."""
    if not grey or source == COLOUR:
        return "RGBA" if alpha else "RGB"
    if alpha:
        return "LA"
    return {BILEVEL: "1", DEEP: "I;16"}.get(source, "L")


def to_depth(levels: RGB | Floats, depth: int) -> NDArray[Any]:
    """Round and clip levels 0..255 of any shape to integers.

    depth : 8 for uint8, 16 for uint16, whose levels are 257 times as large
    """
    if depth == 8:
        if levels.dtype == np.uint8:
            return levels
        return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.clip(np.rint(levels.astype(np.float64) * 257), 0, 65535).astype(np.uint16)


def _no_picture(given: object) -> str:
    """What a picture is, for one who gave something else."""
    path = isinstance(given, str | os.PathLike)
    hint = "PIL.Image.open reads files" if path else "numpy.asarray makes arrays of lists, tensors"
    return f"a picture is a Pillow image or a uint8 array, not {type(given).__name__}: {hint}"


def _of_image(image: Image.Image, turn: bool) -> Picture:
    if 0 in image.size:
        raise InputError("the picture has no pixels")
    _load(image)
    if isinstance(image, ImageFile.ImageFile):  # Others may have been changed since.
        image = as_shown(image)
    turned = upright(image) if turn else image
    known = metadata_of(image, turned)
    image = turned
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        clear = np.asarray(image) == _transparent_level(image)
        alpha = np.where(clear, 0, 255).astype(np.uint8) if clear.any() else None
        source = PLAIN if image.mode == "F" else DEEP
        return _finished(_grey_rgb(_grey(image)), alpha, True, source, known)
    try:
        if image.mode == "La":
            image = image.convert("LA")
        image = _convertible(image)
        alpha = None
        if image.has_transparency_data:
            alpha = np.asarray(image.convert("RGBA").getchannel("A"))
        grey = image.mode in ("1", "L", "LA")
        if image.mode == "LAB":
            image = profiles.from_lab(image)
        colours = image if image.mode == "CMYK" else _in(image, "L" if grey else "RGB")
        colours, profile = profiles.to_srgb(colours, image.info.get("icc_profile") or b"")
        rgb = np.asarray(_in(colours, "RGB"))
    except ValueError as error:
        raise InputError(
            f"pictures of mode {image.mode} are not supported: convert it to RGB"
        ) from error
    known = replace(known, profile=profile)
    source = BILEVEL if image.mode == "1" else PLAIN
    return _finished(rgb, alpha, grey, source, known)


def _load(image: Image.Image) -> None:
    """Read the pixels of an image. Raises InputError with the reason if that fails."""
    file = getattr(image, "fp", None)
    closed = isinstance(image, ImageFile.ImageFile) and getattr(file, "closed", file is None)
    silent = libtiff.silenced() if image.format == "TIFF" else nullcontext()
    try:
        with silent, metadata.loadable(image):
            image.load()
    except MemoryError:
        raise
    except Exception as error:
        text = f"the picture cannot be read ({first_line(error)})"
        if "closed image" in str(error):
            text = "the picture was closed: open it again, or close it after it is encoded"
        elif closed:
            text = (
                "the file of the picture was closed before its pixels were read, perhaps by "
                "verify() or at the end of a with block: open it again"
            )
        elif "truncated" in text or "broken" in text:
            text += ": set PIL.ImageFile.LOAD_TRUNCATED_IMAGES = True to read what is there"
        raise InputError(text) from error


def _transparent_level(image: Image.Image) -> float:
    """The transparent level of a grey image, -1 if there is none."""
    level = image.info.get("transparency")
    return level if isinstance(level, int | float) else -1


def _convertible(image: Image.Image) -> Image.Image:
    """Return an image without a transparent colour that is none of its mode's.

    Pillow would refuse to convert it. A palette with transparent colours becomes RGBA.
    """
    if "transparency" not in image.info:
        return image
    if isinstance(image.info["transparency"], _TRANSPARENT.get(image.mode, ())):
        pixel = image.crop((0, 0, 1, 1))
        try:
            pixel.convert("RGBA")
            if image.mode == "P":
                return image.convert("RGBA")
            (pixel if image.mode == "RGB" else pixel.convert("L")).convert("RGB")
            return image
        except (TypeError, ValueError, OverflowError):
            pass
    image = image.copy()
    del image.info["transparency"]
    return image


def _in(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in a mode; the same image if it has that mode."""
    return image if image.mode == mode else image.convert(mode)


def _finished(
    rgb: RGB,
    alpha: Alpha | None,
    grey: bool,
    source: int = PLAIN,
    known: Metadata | None = None,
) -> Picture:
    """Return a Picture: opaque and grey if it can be, invisible pixels like their surroundings."""
    if alpha is not None and alpha.min() == 255:
        alpha = None
    if not grey and rgb[..., 0].size >= WORTH_GREY and _is_grey(rgb):
        grey, source = True, COLOUR
    if alpha is not None and not alpha.all():
        rgb = _spread(rgb, alpha)
    return Picture(rgb, alpha, grey, source, Metadata() if known is None else known)


def _is_grey(rgb: RGB) -> bool:
    """Whether all channels are equal."""
    # Most colour pictures show it in their first rows.
    strips = (rgb[top : top + STRIP] for top in range(0, len(rgb), STRIP))
    return all((strip[..., :1] == strip).all() for strip in strips)


def _spread(rgb: RGB, alpha: Alpha) -> RGB:
    """Return RGB with smooth colours where alpha is 0, so that invisible pixels cost few bytes."""
    return np.where(alpha[..., None] > 0, rgb, to_depth(surroundings(rgb, alpha), 8))


def _grey_rgb(grey: NDArray[np.uint8]) -> RGB:
    return np.repeat(grey[..., None], 3, axis=2)


def _grey(image: Image.Image) -> NDArray[np.uint8]:
    """Return the grey levels, uint8 (height, width), of an image in a mode wider than 8 bits."""
    levels = np.asarray(image, np.float64)
    if image.mode == "F":
        if not np.isfinite(levels).all():
            raise InputError(
                "the picture holds values that are not numbers: --stretch makes them black"
            )
        if levels.max() <= 1:
            levels = levels * 255
    else:
        if levels.min() < 0 or levels.max() > 65535:
            raise InputError("the picture holds values outside 16 bits: scale them first")
        levels = levels / 257
    return to_depth(levels, 8)
