"""What a file says beside its samples: comment, alpha, metadata, and what the source was."""

from dataclasses import dataclass, field

from xcodec.coding.header import ALPHA, COMMENT, EXIF, PROFILE, SOURCE, XMP, cost
from xcodec.encoder import alpha
from xcodec.pictures import metadata
from xcodec.pictures.modes import PLAIN, Picture


@dataclass(frozen=True)
class Extras:
    """What goes into the sections of a file, as the caller wants it; ``codec.encode`` says more.

    keep : metadata, all of it or nothing; None: what is worth its bytes
    """

    comment: str | None = None
    alpha_quality: int = alpha.QUALITY
    keep: bool | None = None


@dataclass(frozen=True)
class Sections:
    """content : tag -> bytes; dropped : metadata left out, by name"""

    content: dict[int, bytes] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


def of(picture: Picture, extras: Extras, size: int | None) -> Sections:
    """The sections of a picture's file.

    size : most bytes of the file; None where it has no limit

    Raises InputError where the alpha doesn't fit.
    """
    known, dropped = metadata.chosen(picture.metadata, extras.keep, size, cost)
    every = {
        COMMENT: (extras.comment or "").encode(),
        EXIF: known.exif,
        XMP: known.xmp,
        PROFILE: known.profile,
        SOURCE: bytes([picture.source]) if picture.source != PLAIN else b"",
    }
    if picture.alpha is not None:
        share = None if size is None else size // alpha.SHARE
        every[ALPHA] = alpha.write(picture.alpha, extras.alpha_quality, share)
    return Sections({tag: each for tag, each in every.items() if each}, tuple(dropped))
