"""The codecs that xcodec is compared with, at full size, and scaled down, coded and scaled up.

Their settings aim at small files: headers without comments, colour transform on, slow encoders.
Pillow and its plug-ins write and read nearly everything: JPEG XL needs the package
pillow-jxl-plugin, HEIC pillow-heif, and mozjpeg mozjpeg-lossless-optimization. VVC is coded by
programs (``peers/vvc``).
"""

import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import metadata

import numpy as np
import PIL
from PIL import Image, features

from xcodec.errors import InputError
from xcodec.evaluation.peers import payloads, vvc
from xcodec.system.packages import require
from xcodec.types import RGB

SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Factors by which pictures are scaled down before they are coded."""
LARGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383, "AVIF": 32_768}
"""Longest sides in pixels that the libraries of formats write and read, if these are not enough for
any picture."""
JPEG2000_COMMENT = b"\xff\x64\x00\x05\x00\x01-"
"""The comment "-" as a segment of a JPEG 2000 codestream; OpenJPEG's default comment is longer."""


@dataclass(frozen=True)
class Codec:
    """A codec to compare with.

    name      : its name in options and records
    title     : its name for readers
    kind      : Pillow's name of the format
    qualities : its settings, from small to large files (almost monotonically): the target bits per
                pixel of JPEG 2000, the quality of the others
    low       : the settings of a curve at low rates
    write     : function of an image and a quality that returns the file
    counts    : functions that count only some bytes of a file, by the name of what they count
    steady    : whether files hardly ever get smaller at a higher quality
    """

    name: str
    title: str
    kind: str
    qualities: tuple[float, ...]
    low: tuple[float, ...]
    write: Callable[[Image.Image, float], bytes]
    counts: Mapping[str, Callable[[bytes], int]] = field(default_factory=dict, compare=False)
    steady: bool = True

    def encode(self, rgb: RGB, quality: float) -> bytes:
        """Encode a picture as a complete file; b"" if the codec does not take its sides."""
        if max(rgb.shape[:2]) > LARGEST_SIDES.get(self.kind, math.inf):
            return b""
        try:
            return self.write(Image.fromarray(rgb), quality)
        except RuntimeError:
            if self.kind != "HEIF":
                raise
            return b""  # x265 refuses strips of a few pixels, by rules of its own.

    def decode(self, data: bytes) -> RGB:
        """Decode a file to uint8 (height, width, 3)."""
        if self.kind == "VVC":
            return vvc.decode(data)
        return np.asarray(Image.open(io.BytesIO(data), formats=[self.kind]).convert("RGB"))

    @property
    def version(self) -> str:
        """Versions of the libraries that encode and decode; results can change with them."""
        if self.kind == "VVC":
            return vvc.version()
        versions = [f"pillow {PIL.__version__}"]
        for kind in self._parts:
            feature, package, _ = REQUIREMENTS[kind]
            found = features.version(feature) if feature else metadata.version(package)
            versions.append(f"{feature or package} {found}")
        return ", ".join(versions)

    @property
    def installed(self) -> bool:
        """Whether its library or plug-in is available here; plug-ins are imported."""
        return all(map(_available, self._parts))

    @property
    def _parts(self) -> tuple[str, ...]:
        return (self.kind, "mozjpeg") if self.name == "mozjpeg" else (self.kind,)


def codecs(names: Iterable[str] | None = None) -> list[Codec]:
    """Return the codecs of these names; by default all installed ones but those of VARIANTS.

    Raises InputError for an unknown name or if Pillow lacks the codec, DependencyError if its
    plug-in is not installed.
    """
    if names is None:
        return [c for name, c in CODECS.items() if name not in VARIANTS and c.installed]
    chosen = []
    for name in names:
        if name not in CODECS:
            raise InputError(f"no codec {name!r}: codecs are {', '.join(CODECS)}")
        for part in CODECS[name]._parts:
            if not _load(part):
                missing = vvc.MISSING if part == "VVC" else "Pillow was built without it here"
                raise InputError(f"{name}: {missing}")
        chosen.append(CODECS[name])
    return chosen


def shrink(rgb: RGB, scale: float) -> RGB:
    """Scale a picture down by Lanczos: each side ``scale`` times smaller, at least 1 pixel."""
    if scale == 1:
        return rgb
    height, width = (max(1, round(side / scale)) for side in rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))


def enlarge(rgb: RGB, shape: tuple[int, ...]) -> RGB:
    """Scale a picture up to the height and width of ``shape``, bicubic."""
    if rgb.shape[:2] == shape[:2]:
        return rgb
    size = (shape[1], shape[0])
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _jpeg(image: Image.Image, quality: float) -> bytes:
    """The smaller of a baseline and a progressive file; both decode to the same pixels."""
    options = {"quality": int(quality), "optimize": True}
    files = [_saved(image, "JPEG", progressive=kind, **options) for kind in (False, True)]
    return min(files, key=len)


def _jpeg2000(image: Image.Image, bpp: float, colour_transform: bool = True) -> bytes:
    data = _saved(
        image,
        "JPEG2000",
        irreversible=True,
        mct=int(colour_transform),  # Pillow's default is 0: the colours are coded separately.
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
    """By the encoder's default tune, which is "iq" in libavif 1.4."""
    return _saved(image, "AVIF", quality=int(quality), speed=4, max_threads=1)


def _avif_tuned(image: Image.Image, quality: float, tune: str) -> bytes:
    options = {"speed": 1, "max_threads": 1, "advanced": {"tune": tune}}
    return _saved(image, "AVIF", quality=int(quality), **options)


def _jpegxl(image: Image.Image, quality: float) -> bytes:
    return _saved(image, "JXL", quality=int(quality), effort=7)


def _heic(image: Image.Image, quality: float) -> bytes:
    """By the encoder's defaults, preset "slow" and tune "ssim"."""
    return _saved(image, "HEIF", quality=int(quality))


def _heic_tuned(image: Image.Image, quality: float, tune: str) -> bytes:
    options = {"tune": tune, "preset": "veryslow"}
    return _saved(image, "HEIF", quality=int(quality), enc_params=options)


def _mozjpeg(image: Image.Image, quality: float) -> bytes:
    """The file of ``_jpeg`` with scans and tables chosen by mozjpeg; the pixels are the same."""
    data: bytes = require(REQUIREMENTS["mozjpeg"][2], "bench").optimize(_jpeg(image, quality))
    return data


def _load(part: str) -> bool:
    """Import the plug-in that a part needs, if any; False if Pillow lacks its feature.

    Raises DependencyError if the plug-in is not installed.
    """
    if part == "VVC":
        return vvc.installed()
    feature, _, module = REQUIREMENTS[part]
    if feature:
        return bool(features.check(feature))
    plugin = require(module, "bench")
    if part == "HEIF":
        plugin.register_heif_opener()
    return True


@cache
def _available(part: str) -> bool:
    try:
        return _load(part)
    except ImportError:
        return False


def _geometric(first: float, last: float, count: int) -> tuple[float, ...]:
    return tuple(float(value) for value in np.geomspace(first, last, count).round(5))


_ALL = tuple(range(101))  # JPEG XL and tuned AVIF leave out 100, which is a lossless mode there.
_TARGETS = _geometric(0.004, 8, 160)
_CURVE = _geometric(0.01, 0.5, 18)

REQUIREMENTS = {
    "JPEG": ("libjpeg_turbo", "", ""),
    "JPEG2000": ("jpg_2000", "", ""),
    "WEBP": ("webp", "", ""),
    "AVIF": ("avif", "", ""),
    "JXL": ("", "pillow-jxl-plugin", "pillow_jxl"),
    "HEIF": ("", "pillow-heif", "pillow_heif"),
    "mozjpeg": ("", "mozjpeg-lossless-optimization", "mozjpeg_lossless_optimization"),
}
"""What the parts of a codec need: a feature of Pillow, or a package and its module."""

_LOW = tuple(range(0, 41, 4))
AVIF_TUNES, HEIC_TUNES = ("psnr", "ssim", "iq"), ("psnr", "ssim")
"""What the encoders can aim at: the tunes of libaom and of x265."""
PAYLOAD, WITH_SETS = "payload", "with parameter sets"
"""What of a file counts, if not the whole file."""
_AV1, _HEVC = {PAYLOAD: payloads.av1}, {PAYLOAD: payloads.hevc}
_VVC = {PAYLOAD: vvc.bare, WITH_SETS: vvc.with_sets}


def _tuned() -> Iterator[Codec]:
    for tune in AVIF_TUNES:
        write = partial(_avif_tuned, tune=tune)
        title = f"AVIF, tune {tune}"
        yield Codec(f"avif-{tune}", title, "AVIF", _ALL[:-1], _LOW, write, _AV1)
    for tune in HEIC_TUNES:
        write = partial(_heic_tuned, tune=tune)
        yield Codec(f"heic-{tune}", f"HEIC, tune {tune}", "HEIF", _ALL, _LOW, write, _HEVC)


DEFAULT_2000 = "jpeg2000-default"
_TUNED = tuple(_tuned())
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
        # From quality 19 on, it does not scale down by itself: files are up to a quarter smaller.
        Codec("jpegxl", "JPEG XL", "JXL", _ALL[:-1], _LOW, _jpegxl, steady=False),
        Codec("heic", "HEIC", "HEIF", _ALL, _LOW, _heic),
        *_TUNED,
        Codec("vvc", "VVC", "VVC", vvc.QUALITIES, vvc.LOW, vvc.write, _VVC),
    )
}
VARIANTS = (DEFAULT_2000, *(codec.name for codec in _TUNED), "vvc")
"""Codecs that are measured where they are named: other settings of one that is there already, and
one that needs programs."""
