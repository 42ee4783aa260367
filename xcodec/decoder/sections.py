"""Reading the sections of a file: comment, metadata, and the mode of the source."""

from xcodec.coding.header import COMMENT, EXIF, PROFILE, SOURCE, XMP
from xcodec.pictures.metadata import Metadata
from xcodec.pictures.modes import PLAIN

METADATA = (EXIF, XMP, PROFILE)
"""Tags of the sections with metadata."""


def metadata_of(sections: dict[int, bytes]) -> Metadata:
    """The metadata in the sections of a file."""
    return Metadata(*(sections.get(tag, b"") for tag in METADATA))


def comment_of(sections: dict[int, bytes]) -> str | None:
    """The comment in the sections of a file, if there is one."""
    return sections[COMMENT].decode("utf-8", "replace") if COMMENT in sections else None


def source_of(sections: dict[int, bytes]) -> int:
    """The mode of the source, as in ``pictures.modes``; PLAIN if it is unknown to this release."""
    content = sections.get(SOURCE, b"")
    return content[0] if len(content) == 1 and content[0] <= 3 else PLAIN
