"""Pillow plug-in: after ``import xcodec.pillow``, Pillow opens and saves .xgc files.

image = Image.open("a.xgc")                    # size, mode and metadata; pixels when first used
image.save("a.xgc", rate=0.02, effort=6)       # every keyword of xcodec.encode; others are ignored

``register(decoder=..., device=..., model=...)`` sets how pixels are decoded: by the generator if
its weights are found, else by the classical decoder ("auto", the default), or always by one of them
("generator", "classical"). ``Image.draft``, and so ``thumbnail``, to half the size or less decodes
a smaller picture with the classical decoder, which is much faster. With Pillow's
``ImageFile.LOAD_TRUNCATED_IMAGES``, what is left of a damaged or cut file is decoded.
"""

import warnings
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import IO, Any

from PIL import ExifTags, Image, ImageFile

from xcodec import codec
from xcodec.choices import CODED, DOWNSAMPLES
from xcodec.coding.header import START
from xcodec.decoder import inspection
from xcodec.errors import DependencyError, FormatError, InputError, ModelError, XcodecError
from xcodec.options import RENAMED, DecodeOptions, EncodeOptions
from xcodec.pictures import metadata, modes
from xcodec.pictures.chromaticity import as_shown

FORMAT, MIME = "XGC", "image/x-xgc"
_NO_LIMIT = 1 << 62
_OPTIONS = {field.name for field in fields(EncodeOptions)} | set(RENAMED)


@dataclass
class Settings:
    """How pixels are decoded: fields of ``DecodeOptions``; the decoder may also be "auto"."""

    decoder: str = "auto"
    model: str = "auto"
    device: str = "auto"


settings = Settings()


class XgcImageFile(ImageFile.ImageFile):
    """A .xgc file; its samples are read when pixels are first used."""

    format = FORMAT
    format_description = "xcodec picture"
    n_frames, is_animated = 1, False
    _data = b""
    _downsample = 1

    def _open(self) -> None:
        assert self.fp is not None
        self._data = self.fp.read()
        try:
            known = inspection.peek(
                self._data, max_pixels=_NO_LIMIT
            )  # Pillow has a limit of its own.
        except FormatError as error:
            raise SyntaxError(str(error)) from error
        except XcodecError as error:
            raise OSError(str(error)) from error
        self._size = known.width, known.height
        self._mode = known.mode
        self.info |= metadata.info_of(known.metadata)

    def load(self) -> Any:
        """Decode the picture, once. Raises OSError if the file cannot be decoded."""
        if self._im is None:
            try:
                painted = self._painted("classical" if self._downsample > 1 else settings.decoder)
            except XcodecError as error:
                raise OSError(f"{error}") from error
            self.im = painted.im
            self._size, self._mode = painted.size, painted.mode
            if "icc_profile" not in painted.info:  # The profile could not be used.
                self.info.pop("icc_profile", None)
            self._close()
        return Image.Image.load(self)

    def __setstate__(self, state: list[Any]) -> None:
        """Take over the pixels of a copy that another process, or ``deepcopy``, has made."""
        super().__setstate__(state)
        # Pillow leaves these unset.
        self.fp = self.custom_mimetype = None
        self._exclusive_fp = False

    def _painted(self, decoder: str) -> Image.Image:
        whole = DecodeOptions(
            partial=ImageFile.LOAD_TRUNCATED_IMAGES,
            max_pixels=_NO_LIMIT,
            downsample=self._downsample,
        )
        classical = replace(whole, decoder="classical")
        if decoder == "classical":
            return codec.decode_picture(self._data, classical)
        try:
            generated = replace(whole, model=settings.model, device=settings.device)
            return codec.decode_picture(self._data, generated)
        except (ModelError, DependencyError):
            if decoder == "generator":
                raise
            return codec.decode_picture(self._data, classical)

    def _close(self) -> None:
        file, self.fp = self.fp, None  # Another thread may load the picture at the same time.
        if self._exclusive_fp and file is not None:
            file.close()

    def draft(
        self, mode: str | None, size: tuple[int, int] | None
    ) -> tuple[str, tuple[int, int, float, float]] | None:
        """Choose a smaller picture to decode, not below ``size``; the mode stays."""
        if self._im is not None or size is None or self._downsample > 1:
            return None
        scale = min(self.width // max(size[0], 1), self.height // max(size[1], 1))
        fitting = [n for n in DOWNSAMPLES if 1 < n <= scale]
        if not fitting:
            return None
        n = self._downsample = fitting[-1]
        width, height = self.size
        self._size = -(-width // n), -(-height // n)
        return self.mode, (0, 0, width / n, height / n)

    def verify(self) -> None:
        """Check the whole file without reconstructing it. Raises SyntaxError if it is damaged."""
        try:
            if self._data:  # A copy from ``__setstate__`` has none.
                inspection.info(self._data, max_pixels=_NO_LIMIT)
        except XcodecError as error:
            raise SyntaxError(str(error)) from error
        finally:
            self._close()


def save(image: Image.Image, stream: IO[bytes], filename: str | bytes) -> None:
    """Pillow's hook: encode with those keywords of ``Image.save`` that are fields of EncodeOptions.

    As in every format of Pillow, other keywords (``quality``, ``dpi``, ...) are ignored.
    ``lossless`` without the tone "point" is WebP's and ignored, too.

    Raises InputError (a ValueError) if ``encode`` does.
    """
    options = {name: value for name, value in image.encoderinfo.items() if name in _OPTIONS}
    if options.get("tone") != "point":
        options.pop("lossless", None)
    if isinstance(options.get("comment"), bytes):  # As other formats have it.
        options["comment"] = options["comment"].decode("utf-8", "replace")
    given = {
        name: _bytes(name, image.encoderinfo[name])
        for name in ("exif", "icc_profile", "xmp")
        if name in image.encoderinfo
    }
    # A program may have turned or cropped what it opened, and Pillow keeps the EXIF all the same.
    turn = opened = isinstance(image, ImageFile.ImageFile)
    copy = as_shown(image).copy() if opened else image.copy()
    copy.info = dict(image.info)
    copy.info.update(given)
    if image.format == "TIFF" and "exif" not in copy.info:
        with suppress(Exception):  # Damaged EXIF never stops pixels.
            copy.info["exif"] = image.getexif().tobytes()
    if "exif" in given:
        tags = Image.Exif()
        with suppress(Exception):
            tags.load(given["exif"])
        turn = ExifTags.Base.Orientation in tags
    picture = modes.picture_of(copy, turn)
    if {"exif", "xmp"} & set(given):
        picture = replace(picture, metadata=replace(picture.metadata, asked=True))
    from xcodec.encoder.encoding import encode_picture  # Only here: opening never needs it.

    stream.write(encode_picture(picture, EncodeOptions.from_keywords(options, 4), stacklevel=4))


def save_all(image: Image.Image, stream: IO[bytes], filename: str | bytes) -> None:
    """Pillow's hook for several frames, of which only the current one is encoded."""
    if image.encoderinfo.get("append_images") or getattr(image, "n_frames", 1) > 1:
        text = "a .xgc file holds one picture: the other frames are left out"
        warnings.warn(text, UserWarning, stacklevel=3)
    save(image, stream, filename)


def _bytes(name: str, value: Any) -> bytes:
    """An option of ``Image.save`` with metadata. Raises InputError."""
    try:
        if isinstance(value, Image.Exif):
            return value.tobytes()
        if isinstance(value, str):
            return value.encode()
        return memoryview(value or b"").tobytes()
    except Exception as error:  # EXIF that was made up may hold anything.
        raise InputError(f"{name} cannot be written ({error}): it must be bytes") from error


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(START)


def register(decoder: str = "auto", *, model: str = "auto", device: str = "auto") -> None:
    """Make Pillow open and save .xgc files, and set how it decodes them.

    decoder       : "auto", "generator" or "classical"; "auto" uses the generator if it can
    model, device : as in ``DecodeOptions``

    Raises InputError if the decoder or the device is unknown, or options contradict each other.
    """
    DecodeOptions("generator" if decoder == "auto" else decoder, model, device)
    settings.decoder, settings.model, settings.device = decoder, model, device
    Image.register_open(FORMAT, XgcImageFile, _accept)
    Image.register_save(FORMAT, save)
    Image.register_save_all(FORMAT, save_all)
    Image.register_extension(FORMAT, CODED)
    Image.register_mime(FORMAT, MIME)


register()
