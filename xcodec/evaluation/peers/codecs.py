"""The codecs that xcodec is measured beside: at full size, and scaled down, coded, scaled up.

Each is set as someone would who wants small files: headers without comments, colour transform on,
slow encoders. Everything is coded by Pillow and its plugins: JPEG XL needs the package
pillow-jxl-plugin, HEIC pillow-heif, and mozjpeg mozjpeg-lossless-optimization.
"""

import importlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata

import numpy as np
import PIL
from PIL import Image, features

from xcodec.errors import InputError
from xcodec.types import RGB

SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Factors by which a picture is made smaller before it is coded."""
JPEG2000_COMMENT = b"\xff\x64\x00\x05\x00\x01-"
"""The comment "-" as a segment of a JPEG 2000 codestream: OpenJPEG's own is longer."""


@dataclass(frozen=True)
class Codec:
    """A peer.

    name      : what it is called in options and results
    title     : what readers know it by
    kind      : Pillow's name of the format
    qualities : its settings; bytes grow with them, by and large. For JPEG 2000 the bits per
                pixel to aim at, for the others the quality
    low       : the settings of a curve at low rates
    write     : image and quality to bytes
    """

    name: str
    title: str
    kind: str
    qualities: tuple[float, ...]
    low: tuple[float, ...]
    write: Callable[[Image.Image, float], bytes]

    def encode(self, rgb: RGB, quality: float) -> bytes:
        """The bytes of a whole file that holds the picture."""
        return self.write(Image.fromarray(rgb), quality)

    def decode(self, data: bytes) -> RGB:
        """The picture in a file, uint8 (height, width, 3)."""
        return np.asarray(Image.open(io.BytesIO(data), formats=[self.kind]).convert("RGB"))

    @property
    def version(self) -> str:
        """Versions of what codes and decodes: files and pictures may change with them."""
        versions = [f"pillow {PIL.__version__}"]
        for kind in self._parts:
            feature, package, _ = NEEDED[kind]
            found = features.version(feature) if feature else metadata.version(package)
            versions.append(f"{feature or package} {found}")
        return ", ".join(versions)

    @property
    def installed(self) -> bool:
        """Whether Pillow can write and read it here; imports the plugins."""
        return all(map(_available, self._parts))

    @property
    def _parts(self) -> tuple[str, ...]:
        return (self.kind, "mozjpeg") if self.name == "mozjpeg" else (self.kind,)


def codecs(names: Iterable[str] | None = None) -> list[Codec]:
    """The codecs of these names; by default all that are installed, without jpeg2000-default.

    Raises InputError where a name is unknown or its codec isn't installed.
    """
    if names is None:
        return [codec for name, codec in CODECS.items() if name != DEFAULT_2000 and codec.installed]
    chosen = []
    for name in names:
        if name not in CODECS:
            raise InputError(f"no codec {name!r}: there are {', '.join(CODECS)}")
        if not CODECS[name].installed:
            raise InputError(f"{name} is not installed: Pillow here can't write it")
        chosen.append(CODECS[name])
    return chosen


def shrink(rgb: RGB, scale: float) -> RGB:
    """The picture ``scale`` times smaller on each side, at least 1 pixel, by Lanczos."""
    if scale == 1:
        return rgb
    height, width = (max(1, round(side / scale)) for side in rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))


def enlarge(rgb: RGB, shape: tuple[int, ...]) -> RGB:
    """The picture at height and width of ``shape``, bicubic."""
    if rgb.shape[:2] == shape[:2]:
        return rgb
    size = (shape[1], shape[0])
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _jpeg(image: Image.Image, quality: float) -> bytes:
    """The smaller of a baseline and a progressive file, which hold the same pixels."""
    options = {"quality": int(quality), "optimize": True}
    files = [_saved(image, "JPEG", progressive=kind, **options) for kind in (False, True)]
    return min(files, key=len)


def _jpeg2000(image: Image.Image, bpp: float, colour_transform: bool = True) -> bytes:
    data = _saved(
        image,
        "JPEG2000",
        irreversible=True,
        mct=int(colour_transform),  # Pillow's default is 0: three planes coded by themselves.
        quality_mode="rates",
        quality_layers=[24 / bpp],
        no_jp2=True,
        comment=b"-",
    )
    return data.replace(JPEG2000_COMMENT, b"", 1)


def _jpeg2000_default(image: Image.Image, bpp: float) -> bytes:
    return _jpeg2000(image, bpp, colour_transform=False)


def _webp(image: Image.Image, quality: float) -> bytes:
    return _saved(image, "WEBP", quality=int(quality), method=6)


def _avif(image: Image.Image, quality: float) -> bytes:
    return _saved(image, "AVIF", quality=int(quality), speed=4, max_threads=1)


def _jpegxl(image: Image.Image, quality: float) -> bytes:
    return _saved(image, "JXL", quality=int(quality), effort=7)


def _heic(image: Image.Image, quality: float) -> bytes:
    return _saved(image, "HEIF", quality=int(quality))


def _mozjpeg(image: Image.Image, quality: float) -> bytes:
    """A JPEG file whose scans and tables mozjpeg has chosen; its pixels are those of ``_jpeg``."""
    import mozjpeg_lossless_optimization as mozjpeg

    data: bytes = mozjpeg.optimize(_jpeg(image, quality))
    return data


@cache
def _available(part: str) -> bool:
    """Whether a part that codecs need is there; imports Pillow's plugins."""
    feature, _, module = NEEDED[part]
    if feature:
        return bool(features.check(feature))
    try:
        plugin = importlib.import_module(module)
    except ImportError:
        return False
    if part == "HEIF":
        plugin.register_heif_opener()
    return True


def _geometric(first: float, last: float, count: int) -> tuple[float, ...]:
    return tuple(float(value) for value in np.geomspace(first, last, count).round(5))


_ALL = tuple(range(101))  # 100 would make JPEG XL lossless, which is another mode.
_TARGETS = _geometric(0.004, 8, 160)
_CURVE = _geometric(0.01, 0.5, 18)

NEEDED = {
    "JPEG": ("libjpeg_turbo", "", ""),
    "JPEG2000": ("jpg_2000", "", ""),
    "WEBP": ("webp", "", ""),
    "AVIF": ("avif", "", ""),
    "JXL": ("", "pillow-jxl-plugin", "pillow_jxl"),
    "HEIF": ("", "pillow-heif", "pillow_heif"),
    "mozjpeg": ("", "mozjpeg-lossless-optimization", "mozjpeg_lossless_optimization"),
}
"""By part of a codec: Pillow's feature, or a package and its module."""

DEFAULT_2000 = "jpeg2000-default"
_LOW = tuple(range(0, 41, 4))
CODECS = {
    codec.name: codec
    for codec in (
        Codec("jpeg", "JPEG", "JPEG", tuple(range(1, 96)), tuple(range(1, 21)), _jpeg),
        Codec("mozjpeg", "mozjpeg", "JPEG", tuple(range(1, 96)), tuple(range(1, 21)), _mozjpeg),
        Codec("jpeg2000", "JPEG 2000", "JPEG2000", _TARGETS, _CURVE, _jpeg2000),
        Codec(
            DEFAULT_2000,
            "JPEG 2000, Pillow's default",
            "JPEG2000",
            _TARGETS,
            _CURVE,
            _jpeg2000_default,
        ),
        Codec("webp", "WebP", "WEBP", _ALL, _LOW, _webp),
        Codec("avif", "AVIF", "AVIF", _ALL, _LOW, _avif),
        Codec("jpegxl", "JPEG XL", "JXL", _ALL[:-1], _LOW, _jpegxl),
        Codec("heic", "HEIC", "HEIF", _ALL, _LOW, _heic),
    )
}
BEST = ("jpeg", "jpeg2000", "webp", "avif", "jpegxl")
"""The peers of "best peer": design and published tables mean these five."""
