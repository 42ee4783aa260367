"""What a picture says beside its pixels: EXIF, XMP and ICC profiles.

Pictures are coded in sRGB. One whose profile says otherwise is converted on its way in, and back on
its way out where the profile was kept, so that the colours shown are right either way.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

KINDS = ("EXIF", "XMP", "ICC profile")
SMALL = 2000
"""Files that must stay below this many bytes carry none of it unless asked to."""
SHARE = 8
"""Else an item may take this part of a file's bytes, or PLENTY where no size is asked for."""
PLENTY = 1000
_SAME = 2
"""Largest difference in levels of two profiles that are taken for one."""
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
"""Tags of a TIFF file that speak of the picture; the others say how its bytes are laid out."""
_PREFIX = b"Exif\0\0"
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC


@dataclass(frozen=True)
class Metadata:
    """Bytes of each kind, empty where there is none.

    exif    : a TIFF structure without prefix or orientation, of which nothing is left to apply
    xmp     : an XMP packet
    profile : an ICC profile that the picture was converted from; none where that is sRGB
    """

    exif: bytes = b""
    xmp: bytes = b""
    profile: bytes = b""

    def __bool__(self) -> bool:
        return bool(self.exif or self.xmp or self.profile)


def of(image: Image.Image, upright: Image.Image) -> Metadata:
    """The EXIF and XMP of an opened image that was turned upright (ImageOps.exif_transpose)."""
    xmp = upright.info.get("xmp") or b""
    if isinstance(xmp, str):
        xmp = xmp.encode()
    try:
        exif = Image.Exif()  # A copy: the caller keeps his.
        exif.load(image.getexif().tobytes())
        if image.format == "TIFF":
            for tag in set(exif) - _DESCRIPTIVE:
                del exif[tag]
        exif.pop(ExifTags.Base.Orientation, None)
        packed = exif.tobytes().removeprefix(_PREFIX) if len(exif) else b""
    except Exception:  # Damaged EXIF is no reason to refuse the pixels.
        packed = b""
    return Metadata(packed, bytes(xmp).rstrip(b"\0"))


def without_maker_note(exif: bytes) -> bytes:
    """EXIF without what only the camera's maker can read, often most of it."""
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
    """What of it is worth its bytes, and what of KINDS is left out or made smaller by that.

    keep     : all of it, or nothing; None keeps what is small beside the file
    size     : most bytes of the file, where one is asked for
    bytes_of : what bytes take in a file
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
    """An sRGB image with metadata, converted to the profile that is kept of it."""
    if known.profile:
        image = from_srgb(image, known.profile)
    image.info |= info_of(replace(known, profile=b""))
    return image


def info_of(known: Metadata) -> dict[str | tuple[int, int], Any]:
    """What Pillow keeps in the ``info`` of an image with this metadata."""
    every = {
        "exif": known.exif and _PREFIX + known.exif,
        "xmp": known.xmp,
        "icc_profile": known.profile,
    }
    return {name: content for name, content in every.items() if content}


def to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, bytes]:
    """An image converted to sRGB, and the profile that leads back; as it is where there is none.

    image   : of a mode with 8 bits a channel, without alpha
    profile : the one that its colours have
    """
    if not profile:
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
        # Nothing is written as CMYK, so nothing leads back.
        return converted, b"" if space == "CMYK" else profile
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image, b""


def from_lab(image: Image.Image) -> Image.Image:
    """An image of CIE L*a*b* (D50) as sRGB."""
    transform = _transform(_lab(), _srgb(), "LAB", "RGB")
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    converted.info = {key: value for key, value in image.info.items() if key != "icc_profile"}
    return converted


def from_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """An sRGB image with its colours as an ICC profile says; as it is where that fails."""
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
    """Whether an RGB profile gives the colours of sRGB, to within rounding."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    lattice = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3)
    transform = _transform(_opened(profile), _srgb(), "RGB", "RGB")
    shown: NDArray[np.uint8] = np.asarray(
        ImageCms.applyTransform(Image.fromarray(lattice), transform)
    )
    return int(np.abs(shown.astype(int) - lattice).max()) <= _SAME
