"""ICC profiles: pictures are converted to sRGB before encoding, and back after decoding."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_SAME = 2
"""Profiles whose colours differ from sRGB by at most this many levels count as sRGB."""
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC


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
