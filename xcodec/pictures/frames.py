"""Files that hold several pictures, or something else than what Pillow shows first."""

import struct
import warnings
from collections.abc import Callable
from contextlib import suppress

from PIL import Image

from xcodec.errors import InputError
from xcodec.pictures.formats import DEVELOP
from xcodec.system.notices import first_line

_SUBFILE, _WIDTH, _HEIGHT, _PHOTOMETRIC, _SUBIFDS, _DNG = 254, 256, 257, 262, 330, 50706
"""Tags of TIFF files."""
_RAW_LIGHT = (32803, 34892)
"""Photometric interpretations of camera sensors: colour filter array and linear raw."""
_WANTED = {_SUBFILE, _WIDTH, _HEIGHT, _PHOTOMETRIC, _SUBIFDS, _DNG}
_MAX_ENTRIES, _MAX_PARTS = 4096, 64

_BROKEN = (struct.error, IndexError, OverflowError)
"""What reading a damaged TIFF file raises."""

Directory = dict[int, list[int]]


def chosen(image: Image.Image, frame: int | None, again: Callable[[], Image.Image]) -> Image.Image:
    """Return an image at the frame to read, before its pixels are decoded.

    frame : counted from 0; None: the frame that Pillow shows, with a warning if there are others
    again : opens the image once more, if frames cannot be counted

    Raises InputError if there is no such frame.
    """
    try:
        count = int(getattr(image, "n_frames", 1))
    except MemoryError:
        raise
    except Exception:  # Later frames are damaged.
        image, count = again(), 0
    if frame is None:
        if count > 1:
            warnings.warn(_notice(image, count), UserWarning, stacklevel=2)
        return image
    if frame < 0 or (count and frame >= count):
        known = "1 frame, number 0" if count == 1 else f"{count} frames, 0 to {count - 1}"
        raise InputError(f"frame is {frame}; the picture has {known}")
    if frame:
        try:
            image.seek(frame)
        except MemoryError:
            raise
        except Exception as error:
            raise InputError(f"frame {frame} cannot be read ({first_line(error)})") from error
    return image


def _notice(image: Image.Image, count: int) -> str:
    """The warning for a picture of several frames of which none was chosen."""
    shown = image.tell()
    text = f"the picture has {count} frames, of which only number {shown} is read"
    if getattr(image, "default_image", False):
        text += ", a still for programs that show no animations"
    return f"{text}: --frame N (0 to {count - 1}) chooses another"


def refuse_thumbnails(data: bytes) -> None:
    """Raise InputError for a camera's raw file of TIFF's kind, and for a TIFF file whose first page
    is a small version of a picture elsewhere in the file.
    """
    try:
        pages, parts = _directories(data)
    except _BROKEN:
        return  # Pillow says what is wrong.
    if not pages:
        return
    first = pages[0]
    width, height = _size(first)
    preview = f"--frame 0 reads its preview of {width}x{height} pixels"
    if _DNG in first or any(each.get(_PHOTOMETRIC, [0])[0] in _RAW_LIGHT for each in pages + parts):
        raise InputError(f"a camera's raw file (DNG or similar): {DEVELOP}; {preview}")
    largest = max(pages + parts, key=_area)
    if not first.get(_SUBFILE, [0])[0] & 1 or _area(largest) <= _area(first):
        return
    wide, high = _size(largest)
    number = next((i for i, page in enumerate(pages) if page is largest), None)
    advice = DEVELOP if number is None else f"--frame {number} reads it"
    raise InputError(
        f"the first page is a thumbnail of a picture of {wide}x{high} pixels that is elsewhere in "
        f"the file: {advice}; {preview}"
    )


def _directories(data: bytes) -> tuple[list[Directory], list[Directory]]:
    """The pages of a TIFF file and the sub-directories of the first; nothing for other files."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
    if not order or len(data) < 16:
        return [], []
    version = struct.unpack_from(order + "H", data, 2)[0]
    if version not in (42, 43):
        return [], []
    big = version == 43
    start = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
    page, following = _directory(data, start, order, big)
    pages, parts, seen = [page], [], {start}
    with suppress(*_BROKEN):
        while following and following not in seen and len(pages) < _MAX_PARTS:
            seen.add(following)
            page, following = _directory(data, following, order, big)
            pages.append(page)
    for offset in pages[0].get(_SUBIFDS, []):
        with suppress(*_BROKEN):
            parts.append(_directory(data, offset, order, big)[0])
    return pages, parts


def _directory(data: bytes, start: int, order: str, big: bool) -> tuple[Directory, int]:
    """The numbers in those tags of a directory that matter here, and where the next one is."""
    count = struct.unpack_from(order + ("Q" if big else "H"), data, start)[0]
    entry, head, inline = (20, 8, 8) if big else (12, 2, 4)
    found: Directory = {}
    for i in range(min(count, _MAX_ENTRIES)):
        at = start + head + i * entry
        tag, kind = struct.unpack_from(order + "HH", data, at)
        letter = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(kind)
        if tag not in _WANTED or letter is None:
            continue
        length = struct.unpack_from(order + ("Q" if big else "I"), data, at + 4)[0]
        length = min(length, _MAX_PARTS)
        place = at + entry - inline
        if length * struct.calcsize(order + letter) > inline:
            place = struct.unpack_from(order + ("Q" if big else "I"), data, place)[0]
        values = list(struct.unpack_from(f"{order}{length}{letter}", data, place))
        if values:
            found[tag] = values
    try:
        after = struct.unpack_from(
            order + ("Q" if big else "I"), data, start + head + count * entry
        )
    except struct.error:
        after = (0,)
    return found, after[0]


def _size(directory: Directory) -> tuple[int, int]:
    """Width and height of the picture that a directory describes; 0 where it does not say."""
    return directory.get(_WIDTH, [0])[0], directory.get(_HEIGHT, [0])[0]


def _area(directory: Directory) -> int:
    """Pixels of the picture that a directory describes."""
    width, height = _size(directory)
    return width * height
