"""What the files of a format hold besides pixels: EXIF, XMP and ICC profiles.

Pillow leaves out silently what a format cannot hold, even the profile, without which colours are
shown wrong, and refuses to write what is too long.
"""

from typing import Any

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from xcodec.pictures import metadata, profiles

_NAMES = {"exif": "EXIF", "xmp": "XMP", "icc_profile": "ICC profile"}
"""Keys of Pillow's ``Image.info`` that are written to files, and what they are called."""
_EVERYTHING = frozenset(_NAMES)
_HELD = {
    **dict.fromkeys(("AVIF", "HEIF", "JPEG", "MPO", "PNG", "TIFF", "WEBP"), _EVERYTHING),
    "JXL": frozenset(("exif", "xmp")),
}
"""What the files of a format hold; those of others hold nothing."""
_NO_GREY = {"AVIF": ("LA",), "HEIF": ("L", "LA"), "WEBP": ("1", "L", "LA", "I;16")}
"""Modes of grey that become colours in a format: a profile of greys would not fit them."""
_JPEG_MARKER = 65533 - len(b"http://ns.adobe.com/xap/1.0/\0")
"""Bytes of EXIF or XMP that JPEG files hold at least."""


def fitted(image: Image.Image, kind: str) -> tuple[Image.Image, dict[str, Any], str]:
    """Return an image as a format can hold it, the options of Pillow's writer for its metadata, and
    what is left out, as a text for a warning.

    kind : Pillow's name of the format

    Where no profile is held, the image is converted to sRGB.
    """
    known = {
        name: content
        for name in _NAMES
        if isinstance(content := image.info.get(name), bytes) and content
    }
    lost = [name for name in known if name not in _HELD.get(kind, ())]
    if image.mode in _NO_GREY.get(kind, ()) and "icc_profile" in known:
        lost.append("icc_profile")
    if kind in ("JPEG", "MPO"):
        lost += [name for name in ("exif", "xmp") if len(known.get(name, b"")) > _JPEG_MARKER]
    if "icc_profile" in lost:
        image = _in_srgb(image, known["icc_profile"])
    held = {name: content for name, content in known.items() if name not in lost}
    return (
        image,
        _options(held, kind),
        _notice(kind, [_NAMES[each] for each in dict.fromkeys(lost)]),
    )


def _notice(kind: str, lost: list[str]) -> str:
    """The warning about what is left out of a file; empty if nothing is."""
    if not lost:
        return ""
    names = " or ".join([", ".join(lost[:-1]), lost[-1]] if len(lost) > 1 else lost)
    large = " of this size" if kind in ("JPEG", "MPO") else ""
    colours = ": the picture becomes sRGB" if _NAMES["icc_profile"] in lost else ""
    return f"{kind} files hold no {names}{large}{colours}"


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return an image converted from a profile to sRGB, without the profile."""
    mode = image.mode.removesuffix("A")
    colours = image if mode == image.mode else image.convert(mode)
    converted = profiles.to_srgb(colours, profile)[0]
    if mode != image.mode:
        converted = converted.copy()
        converted.putalpha(image.getchannel("A"))
    elif converted is image:
        converted = image.copy()
    converted.info = {name: each for name, each in image.info.items() if name != "icc_profile"}
    return converted


def _options(held: dict[str, bytes], kind: str) -> dict[str, Any]:
    """The options of Pillow's writer for metadata."""
    options: dict[str, Any] = dict(held)
    if kind == "PNG" and "xmp" in held:
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", held["xmp"].decode("utf-8", "replace"))
    if kind == "TIFF" and {"exif", "xmp"} & set(held):
        tags = metadata.for_tiff(held.get("exif", b""))
        if "xmp" in held:
            tags[ExifTags.Base.XMLPacket] = held["xmp"]
        options["exif"] = tags
    return options
