"""EXIF, XMP and ICC profiles of pictures.

Pictures are encoded in sRGB. A picture with another profile is converted to sRGB before encoding,
and back after decoding if the profile was kept. Its colours are shown correctly either way.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from xcodec.pictures.extras import without_promises

KINDS = ("EXIF", "XMP", "ICC profile")
SMALL = 2000
"""Files with a byte budget below this carry no metadata by default."""
SHARE = 8
"""Otherwise, by default, an item may take one part in SHARE of the budget."""
PLENTY = 1000
"""Bytes that an item may take by default if there is no budget."""
_SAME = 2
"""Profiles whose colours differ from sRGB by at most this many levels count as sRGB."""
_DESCRIPTIVE = {
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.XResolution,
    ExifTags.Base.YResolution,
    ExifTags.Base.ResolutionUnit,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.HostComputer,
    ExifTags.Base.Copyright,
    ExifTags.IFD.Exif,
    ExifTags.IFD.GPSInfo,
}
"""Tags of a TIFF file that describe the picture; the others describe the layout of the file."""
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop)
_TYPES = {
    "exif": bytes,
    "xmp": bytes,
    "icc_profile": bytes,
    "XML:com.adobe.xmp": str,
    "Raw profile type exif": str,
}
"""Types of the metadata in Pillow's ``Image.info``."""
_PREFIX = b"Exif\0\0"
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC


@dataclass(frozen=True)
class Metadata:
    """Metadata of a picture, as bytes; empty where there is none.

    exif    : a TIFF structure without prefix, and without orientation, which is already applied
    xmp     : an XMP packet
    profile : the ICC profile that the picture was converted from, unless that is sRGB
    """

    exif: bytes = b""
    xmp: bytes = b""
    profile: bytes = b""

    def __bool__(self) -> bool:
        return bool(self.exif or self.xmp or self.profile)


def metadata_of(image: Image.Image, upright: Image.Image) -> Metadata:
    """Return the EXIF and XMP of an image, except what promises more than a picture.

    image   : as it was opened
    upright : the same turned upright (ImageOps.exif_transpose)
    """
    xmp = sound(upright.info).get("xmp") or b""
    try:
        exif = Image.Exif()  # A copy: the caller's image stays unchanged.
        with only_sound(image):
            exif.load(image.getexif().tobytes())
        if image.format == "TIFF":
            for tag in set(exif) - _DESCRIPTIVE:
                del exif[tag]
        exif.pop(ExifTags.Base.Orientation, None)
        packed = exif.tobytes().removeprefix(_PREFIX) if len(exif) else b""
    except Exception:  # Damaged EXIF must not prevent encoding.
        packed = b""
    return Metadata(packed, without_promises(xmp.rstrip(b"\0")))


def sound(info: dict[Any, Any]) -> dict[Any, Any]:
    """Return Pillow's ``Image.info`` without EXIF, XMP and ICC profiles that are of a wrong type.

    A file may hold numbers where bytes belong, on which Pillow itself stumbles.
    """
    known = dict(info)
    for name, kind in _TYPES.items():
        content = known.get(name)
        if isinstance(content, str) and kind is bytes:
            known[name] = content.encode("utf-8", "replace")
        elif isinstance(content, bytes | bytearray) and kind is str:
            known[name] = content.decode("utf-8", "replace")
        elif isinstance(content, bytearray | memoryview):
            known[name] = bytes(content)
        elif content is not None and not isinstance(content, kind):
            del known[name]
    return known


@contextmanager
def only_sound(image: Image.Image) -> Iterator[None]:
    """Let an image have only ``sound`` metadata in the block."""
    known = sound(image.info)
    wrong = {
        name: content for name, content in image.info.items() if known.get(name) is not content
    }
    image.info = known
    try:
        yield
    finally:
        image.info.update(wrong)


@contextmanager
def loadable(image: Image.Image) -> Iterator[None]:
    """``only_sound``, while the pixels of an image are read in the block.

    For TIFF files, directories of EXIF that cannot be read are forgotten, since Pillow would stop.
    """
    with only_sound(image):
        if image.format == "TIFF" and getattr(image, "tile", None):
            for tag in _DIRECTORIES:
                try:
                    if tag in image.getexif():
                        image.getexif().get_ifd(tag)
                except Exception:
                    image.getexif().pop(tag, None)
        yield


def without_maker_note(exif: bytes) -> bytes:
    """Return EXIF without the maker note, which is often most of it; empty if it is damaged."""
    try:
        tags = Image.Exif()
        tags.load(exif)
        tags.get_ifd(ExifTags.IFD.Exif).pop(ExifTags.Base.MakerNote, None)
        return tags.tobytes().removeprefix(_PREFIX)
    except Exception:
        return b""


def chosen(
    whole: Metadata, keep: bool | None, size: int | None, bytes_of: Callable[[bytes], int]
) -> tuple[Metadata, list[str]]:
    """Choose the metadata to keep; also return the KINDS that are dropped or reduced.

    keep     : True for everything, False for nothing, None for items that are small for the file
    size     : byte budget of the file, or None
    bytes_of : the size of an item in a file
    """
    if keep is not None:
        return whole if keep else Metadata(), []
    limit = PLENTY if size is None else size // SHARE if size >= SMALL else 0
    kept = replace(whole)
    dropped = []
    for name, kind in zip(("exif", "xmp", "profile"), KINDS, strict=True):
        content = getattr(whole, name)
        if not content or bytes_of(content) <= limit:
            continue
        if name == "exif" and limit:
            content = without_maker_note(content)
            kind = "EXIF (maker note)"
        if name != "exif" or not content or bytes_of(content) > limit:
            content, kind = b"", kind.split(" (")[0]
        kept = replace(kept, **{name: content})
        dropped.append(kind)
    return kept, dropped


def attached(image: Image.Image, known: Metadata) -> Image.Image:
    """Return an sRGB image with metadata, converted to its profile if there is one."""
    if known.profile:
        image = from_srgb(image, known.profile)
    image.info |= info_of(replace(known, profile=b""))
    return image


def info_of(known: Metadata) -> dict[str | tuple[int, int], Any]:
    """Return the entries of Pillow's ``Image.info`` for this metadata."""
    every = {
        "exif": known.exif and _PREFIX + known.exif,
        "xmp": known.xmp,
        "icc_profile": known.profile,
    }
    return {name: content for name, content in every.items() if content}


def to_srgb(image: Image.Image, profile: Any) -> tuple[Image.Image, bytes]:
    """Convert an image to sRGB; also return the profile for converting it back, if any.

    The image is returned unchanged, without a profile, if its profile is sRGB or unusable.

    image   : of a mode with 8 bits per channel, without alpha
    profile : the ICC profile of its colours, or nothing
    """
    if not profile or not isinstance(profile, bytes):  # A TIFF file may hold anything.
        return image, b""
    try:
        space = _space(profile)
        if space not in {"RGB": ("RGB",), "L": ("GRAY",), "CMYK": ("CMYK",)}.get(image.mode, ()):
            return image, b""
        if space == "RGB" and _is_srgb(profile):
            return image, b""
        mode = "RGB" if image.mode == "CMYK" else image.mode
        transform = _transform(_opened(profile), _srgb(), image.mode, "RGB")
        converted = ImageCms.applyTransform(image, transform)
        assert converted is not None
        if mode == "L":
            converted = converted.getchannel("G")
        # Pictures are never written as CMYK, so they are never converted back.
        return converted, b"" if space == "CMYK" else profile
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image, b""


def from_lab(image: Image.Image) -> Image.Image:
    """Convert an image from CIE L*a*b* (D50) to sRGB."""
    transform = _transform(_lab(), _srgb(), "LAB", "RGB")
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    converted.info = {key: value for key, value in image.info.items() if key != "icc_profile"}
    return converted


def from_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert an sRGB image to an ICC profile; return it unchanged if that fails."""
    mode = image.mode.removesuffix("A")
    try:
        if _space(profile) != {"RGB": "RGB", "L": "GRAY"}.get(mode):
            return image
        transform = _transform(_srgb(), _opened(profile), "RGB", mode)
        converted = ImageCms.applyTransform(image.convert("RGB"), transform)
        assert converted is not None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    if mode != image.mode:
        converted.putalpha(image.getchannel("A"))
    converted.info["icc_profile"] = profile
    return converted


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _lab() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))


def _space(profile: bytes) -> str:
    return str(_opened(profile).profile.xcolor_space).strip()


def _transform(
    source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile, mode: str, to: str
) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(source, target, mode, to, _INTENT, _FLAGS)


def _is_srgb(profile: bytes) -> bool:
    """Whether an RGB profile gives the same colours as sRGB, within _SAME levels."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    lattice = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3)
    transform = _transform(_opened(profile), _srgb(), "RGB", "RGB")
    shown: NDArray[np.uint8] = np.asarray(
        ImageCms.applyTransform(Image.fromarray(lattice), transform)
    )
    return int(np.abs(shown.astype(int) - lattice).max()) <= _SAME
