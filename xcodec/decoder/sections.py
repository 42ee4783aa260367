"""What a file says beside its samples: comment, metadata, and what the source was."""

from xcodec.coding.header import COMMENT, EXIF, PROFILE, SOURCE, XMP
from xcodec.pictures.metadata import Metadata
from xcodec.pictures.modes import PLAIN

METADATA = (EXIF, XMP, PROFILE)


def metadata_of(sections: dict[int, bytes]) -> Metadata:
    """The metadata in a file's sections."""
    return Metadata(*(sections.get(tag, b"") for tag in METADATA))


def comment_of(sections: dict[int, bytes]) -> str | None:
    """The comment in a file's sections, if there is one."""
    return sections[COMMENT].decode("utf-8", "replace") if COMMENT in sections else None


def source_of(sections: dict[int, bytes]) -> int:
    """What the source was; PLAIN where that is unknown to this release."""
    content = sections.get(SOURCE, b"")
    return content[0] if len(content) == 1 and content[0] <= 3 else PLAIN
