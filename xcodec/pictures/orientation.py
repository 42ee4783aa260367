"""Which way up a picture is: by its file format, or else by EXIF, or else by XMP."""

from typing import Any

from PIL import ExifTags, Image, ImageFile, ImageOps

from xcodec.pictures import headers, metadata

_SIZE = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
_LYING = (5, 6, 7, 8)
"""Orientations in which width and height are exchanged."""


def upright(image: Image.Image) -> Image.Image:
    """Return an image turned according to its orientation; the same image if upright."""
    if _orientation(image) == 1:
        return image  # A copy of a large picture would take too much memory.
    try:
        with metadata.only_sound(image):
            return ImageOps.exif_transpose(image)
    except Exception:  # Damaged EXIF must not prevent encoding.
        return image


def lies(image: Image.Image) -> bool:
    """Whether ``upright`` exchanges the width and the height of an image."""
    return _orientation(image) in _LYING


def _orientation(image: Image.Image) -> Any:
    """The orientation of an image that is not applied yet, as EXIF numbers it; 1 is upright."""
    try:
        with metadata.only_sound(image):
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
            return 1 if _is_turned(image, orientation) else orientation
    except Exception:  # Damaged EXIF must not prevent encoding.
        return 1


def _is_turned(image: Image.Image, orientation: int) -> bool:
    """Whether an image has been turned already, though its EXIF still asks for it.

    The plug-in for JPEG XL turns pictures. So may a program that goes on with the EXIF of the file
    that it opened; that shows where EXIF tells the size of the picture in the file.
    """
    if image.format == "JXL":
        stored_as_jpeg = getattr(image, "jpeg", False)
        return not stored_as_jpeg and headers.is_turned(getattr(image, "fc", b""))
    if isinstance(image, ImageFile.ImageFile) or orientation not in _LYING:
        return False
    tags = image.getexif().get_ifd(ExifTags.IFD.Exif)
    stored = tuple(tags.get(name) for name in _SIZE)
    return image.width != image.height and stored == (image.height, image.width)
