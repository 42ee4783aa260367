"""Opening pictures: from bytes to an image of Pillow whose pixels are read, or one clear error."""

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from xcodec.errors import InputError, LimitError, XcodecError
from xcodec.pictures import formats, frames, headers, libtiff, salvage, scaling
from xcodec.pictures.metadata import loadable
from xcodec.system import files, threads
from xcodec.system.notices import first_line
from xcodec.types import MAX_PIXELS

Source = str | os.PathLike[str] | bytes | BinaryIO

_RAISE = "--max-pixels raises the limit"
_limit_lock = threads.Lock()
_limits: list[int | None] = []
"""Pillow's limits before the current ones."""
# Without a handler, Python writes what Pillow logs to standard error.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Reading:
    """How a picture is read.

    max_pixels : pictures with more pixels are refused
    kind       : the only format to read, for example "eps"; None: every one in ``formats.READ``
    frame      : which of several frames or pages to read, from 0; None: the one that Pillow shows,
                 with a warning
    salvage    : whether to read what is there of a JPEG file that was cut short, with a warning
    stretch    : whether to spread the levels of grey pictures with more than 8 bits over the whole
                 range; otherwise, a warning tells if they use little of it
    beside     : whether this is a picture beside another one that ``kind`` and ``frame`` are meant
                 for, such as its mask: other formats are read as well, and a single frame is taken
                 whatever its number
    side       : the longer side that a picture of a width and height is scaled down to; None: none
                 is
    """

    max_pixels: int = MAX_PIXELS
    kind: str | None = None
    frame: int | None = None
    salvage: bool = False
    stretch: bool = False
    beside: bool = False
    side: scaling.Side | None = None


def opened(source: Source, how: Reading) -> tuple[Image.Image, bytes, tuple[int, int]]:
    """Open a picture and read its pixels; also return the bytes of its file, and its size there.

    A JPEG file may be decoded at a fraction of its size, if ``how`` scales pictures down.

    Raises InputError if it is not a complete picture, LimitError, before any pixel is decoded, if
    it has too many pixels, and DependencyError if a plug-in is missing.
    """
    name = files.called(source)
    if isinstance(source, str | os.PathLike):
        data = files.read(source)
    else:
        data = source if isinstance(source, bytes) else _content(source, name)
    head = data[: formats.HEAD]
    try:
        kinds = formats.kinds(head, how.kind, how.beside)
        _check(headers.size(data), how.max_pixels)
        if how.frame is None:
            frames.refuse_thumbnails(data)
        image = _identified(data, kinds, how)
        _check(image.size, how.max_pixels)
        with _guarded(kinds, how):
            one = how.beside and getattr(image, "n_frames", 1) == 1
            frame = None if one else how.frame
            image = frames.chosen(image, frame, lambda: _identified(data, kinds, how))
        _check(image.size, how.max_pixels)
        size = image.size
        return _decoded(image, data, kinds, how), data, size
    except XcodecError as error:
        raise type(error)(f"{name}: {error}") from error.__cause__


def _content(stream: BinaryIO, name: str) -> bytes:
    """The bytes of a stream, from its start if it can go there. Raises InputError."""
    try:
        with suppress(OSError, AttributeError):
            stream.seek(0)
        return bytes(stream.read())
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{name}: cannot be read ({first_line(error)})") from error


def warn(text: str) -> None:
    """Warn the user of what was found in a picture."""
    warnings.warn(text, UserWarning, stacklevel=2)


def _check(size: tuple[int, int], max_pixels: int) -> None:
    """Raise LimitError if a picture has too many pixels."""
    width, height = size
    if width * height > max_pixels:
        raise LimitError(f"{width}x{height} pixels, more than the {max_pixels} allowed: {_RAISE}")


def _identified(data: bytes, kinds: list[str], how: Reading) -> Image.Image:
    """Open a picture without reading its pixels. Raises InputError or LimitError."""
    try:
        with _guarded(kinds, how):
            return Image.open(io.BytesIO(data), formats=kinds)
    except UnidentifiedImageError as error:
        text = formats.refused(data[: formats.HEAD])
        if how.kind is not None and not how.beside:
            text = f"not a picture of the format {how.kind}"
        raise InputError(text) from error
    except (LimitError, MemoryError):
        raise
    except Exception as error:  # Pillow's readers raise exceptions of many kinds.
        raise InputError(f"the picture is damaged ({first_line(error)})") from error


def _decoded(image: Image.Image, data: bytes, kinds: list[str], how: Reading) -> Image.Image:
    """Return an image after decoding its pixels. Raises InputError or LimitError."""
    silent = libtiff.silenced() if image.format == "TIFF" else nullcontext()
    try:
        with silent, nullcontext() if _known(kinds) else _guarded(kinds, how), loadable(image):
            scaling.draft(image, how.side)
            image.load()
        return image
    except (LimitError, MemoryError):
        raise
    except Exception as error:
        text = f"the picture is damaged ({first_line(error)})"
        if isinstance(error, OSError) and image.format in ("JPEG", "MPO"):
            if how.salvage:
                return _salvaged(data, kinds, how)
            text += "; --salvage reads what is there"
        raise InputError(text) from error


def _salvaged(data: bytes, kinds: list[str], how: Reading) -> Image.Image:
    """Return what is there of a JPEG picture that was cut short. Raises InputError."""
    image = _identified(salvage.ended(data), kinds, how)
    try:
        image.load()
    except Exception as error:
        raise InputError(f"nothing can be salvaged ({first_line(error)})") from error
    warn(salvage.report(image))
    return image


def _known(kinds: list[str]) -> bool:
    """Whether these are formats that give the size of a picture before they decode it."""
    return set(kinds) <= set(formats.READ)


@contextmanager
def _guarded(kinds: list[str], how: Reading) -> Iterator[None]:
    """Let Pillow open or decode a file of these formats in the block, within the limit on pixels.

    Raises LimitError.
    """
    try:
        with _pillow_limit(None if _known(kinds) else how.max_pixels):
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise LimitError(f"more than the {how.max_pixels} pixels allowed: {_RAISE}") from error


@contextmanager
def _pillow_limit(limit: int | None) -> Iterator[None]:
    """Set Pillow's limit on pixels in the block, and make it exact.

    None disables it: for formats whose size is known before pixels are decoded, ours is checked.
    """
    with _limit_lock:
        _limits.append(Image.MAX_IMAGE_PIXELS)
        Image.MAX_IMAGE_PIXELS = limit
        try:
            if limit is None:
                yield
            else:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", Image.DecompressionBombWarning)
                    yield
        finally:
            Image.MAX_IMAGE_PIXELS = _limits.pop()


def _limited_again() -> None:
    """Put Pillow's limit back in a child, which lacks the threads that had changed it."""
    if _limits:
        Image.MAX_IMAGE_PIXELS = _limits[0]
        _limits.clear()


threads.in_child(_limited_again)
