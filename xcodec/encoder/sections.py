"""Writing the sections of a file: comment, alpha, metadata, and the mode of the source."""

from dataclasses import dataclass, field

from xcodec.coding.header import ALPHA, COMMENT, EXIF, PROFILE, SOURCE, XMP, cost
from xcodec.encoder import alpha
from xcodec.options import EncodeOptions
from xcodec.pictures import metadata
from xcodec.pictures.modes import PLAIN, Picture


@dataclass(frozen=True)
class Sections:
    """The sections of a picture's file.

    content : tag -> bytes
    dropped : names of the metadata that is left out, for a warning
    """

    content: dict[int, bytes] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


def sections_of(picture: Picture, options: EncodeOptions, limit: int | None) -> Sections:
    """The sections of a picture's file.

    limit : largest size of the file in bytes; None: no limit

    Raises InputError if the alpha does not fit.
    """
    known, dropped = metadata.chosen(picture.metadata, options.keep, limit, cost)
    every = {
        COMMENT: (options.comment or "").encode(),
        EXIF: known.exif,
        XMP: known.xmp,
        PROFILE: known.profile,
        SOURCE: bytes([picture.source]) if picture.source != PLAIN else b"",
    }
    if picture.alpha is not None:
        share = None if limit is None else limit // alpha.SHARE
        every[ALPHA] = alpha.write(picture.alpha, options.alpha_quality, share)
    return Sections({tag: each for tag, each in every.items() if each}, tuple(dropped))
