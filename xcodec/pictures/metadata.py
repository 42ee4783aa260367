"""EXIF, XMP and ICC profiles of pictures: which of them is kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import ExifTags, Image

from xcodec.pictures import profiles, xmp
from xcodec.pictures.extras import without_promises

KINDS = ("EXIF", "XMP", "ICC profile")
SMALL = 2000
"""Files with a byte budget below this carry no metadata by default."""
SHARE = 8
"""Otherwise, by default, an item may take one part in SHARE of the budget."""
PLENTY = 1000
"""Bytes that an item may take by default if there is no budget."""
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
_FILE = {
    *range(254, 260), 262, 266, 273, 274, *range(277, 280), 284, 317, 320, *range(322, 326), 330,
    338, 339, 347, 513, 514, 40962, 40963,
}  # fmt: skip
"""Tags of EXIF that describe a file: size, layout, orientation, which is applied, and thumbnail."""
_PLACE = "position (GPS)"
_POSITION = {2, 4, 20, 22, 28}
"""Tags of GPSInfo that tell where a picture was taken, or what it shows."""
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
_IPTC = 33723
"""The tag of TIFF files that holds IPTC."""


@dataclass(frozen=True)
class Metadata:
    """Metadata of a picture, as bytes; empty where there is none.

    exif    : a TIFF structure without prefix, and without orientation, which is already applied
    xmp     : an XMP packet
    profile : the ICC profile that the picture was converted from, unless that is sRGB
    asked   : whether the caller gave EXIF and XMP, so that a position in them is kept
    others  : names of other metadata, which files cannot hold
    """

    exif: bytes = b""
    xmp: bytes = b""
    profile: bytes = b""
    asked: bool = field(default=False, kw_only=True)
    others: tuple[str, ...] = field(default=(), kw_only=True)

    def __bool__(self) -> bool:
        return bool(self.exif or self.xmp or self.profile)


def metadata_of(image: Image.Image, upright: Image.Image) -> Metadata:
    """Return the EXIF and XMP of an image, except what describes its file and what promises more
    than a picture.

    image   : as it was opened
    upright : the same turned upright (ImageOps.exif_transpose)
    """
    packet = sound(upright.info).get("xmp") or b""
    try:
        exif = Image.Exif()  # A copy: the caller's image stays unchanged.
        with only_sound(image):
            exif.load(image.getexif().tobytes())
        unwanted = set(exif) - _DESCRIPTIVE if image.format == "TIFF" else set(exif) & _FILE
        for tag in unwanted:
            del exif[tag]
        if ExifTags.IFD.Exif in exif:
            inside = exif.get_ifd(ExifTags.IFD.Exif)
            for tag in set(inside) & _FILE:
                del inside[tag]
        packed = exif.tobytes().removeprefix(_PREFIX) if len(exif) else b""
        if ExifTags.IFD.Exif in exif and not inside:
            packed = _without(packed, ExifTags.IFD.Exif)
    except Exception:  # Damaged EXIF must not prevent encoding.
        packed = b""
    return Metadata(
        packed, xmp.without_file(without_promises(packet.rstrip(b"\0"))), others=_others(image)
    )


def _without(exif: bytes, directory: int) -> bytes:
    """EXIF without one of its directories; empty if nothing is left."""
    tags = Image.Exif()
    tags.load(exif)
    del tags[directory]
    return tags.tobytes().removeprefix(_PREFIX) if len(tags) else b""


def _others(image: Image.Image) -> tuple[str, ...]:
    """Name the metadata of an image besides EXIF, XMP and ICC profile."""
    there = {
        "IPTC": "photoshop" in image.info or _IPTC in getattr(image, "tag_v2", ()),
        "comment": "comment" in image.info,
        "text": image.format == "PNG"
        and any(isinstance(value, str) for name, value in image.info.items() if name not in _TYPES),
    }
    return tuple(name for name, found in there.items() if found)


def without_position(known: Metadata) -> Metadata:
    """Return metadata without the place where the picture was taken (GPS)."""
    packed = known.exif
    with suppress(Exception):  # Damaged EXIF tells none.
        tags = Image.Exif()
        tags.load(packed)
        if _POSITION & set(tags.get_ifd(ExifTags.IFD.GPSInfo)):
            packed = _without(packed, ExifTags.IFD.GPSInfo)
    return replace(known, exif=packed, xmp=xmp.without_position(known.xmp))


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


def for_tiff(exif: bytes) -> Image.Exif:
    """Return EXIF as tags for a TIFF file, without those that describe another file."""
    tags = Image.Exif()
    with suppress(Exception):  # Damaged EXIF must not prevent writing.
        tags.load(exif)
        for tag in set(tags) & _FILE:
            del tags[tag]
    return tags


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
    """Choose the metadata to keep; also return the names of what is dropped or reduced.

    keep     : True for everything, False for nothing, None for items that are small for the file,
               without positions that nobody asked for
    size     : byte budget of the file, or None
    bytes_of : the size of an item in a file
    """
    if keep is not None:
        return whole if keep else Metadata(), [*whole.others] if keep else []
    limit = PLENTY if size is None else size // SHARE if size >= SMALL else 0
    kept = whole if whole.asked else without_position(whole)
    dropped = [] if kept == whole else [_PLACE]
    for name, kind in zip(("exif", "xmp", "profile"), KINDS, strict=True):
        content = getattr(kept, name)
        if not content or bytes_of(content) <= limit:
            continue
        if name == "exif" and limit:
            content = without_maker_note(content)
            kind = "EXIF (maker note)"
        if name != "exif" or not content or bytes_of(content) > limit:
            content, kind = b"", kind.split(" (")[0]
        kept = replace(kept, **{name: content})
        dropped.append(kind)
    if not (kept.exif or kept.xmp):  # These say it all.
        dropped = [name for name in dropped if name != _PLACE]
    return kept, dropped


def attached(image: Image.Image, known: Metadata) -> Image.Image:
    """Return an sRGB image with metadata, converted to its profile if there is one."""
    if known.profile:
        image = profiles.from_srgb(image, known.profile)
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
