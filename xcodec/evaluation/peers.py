"""The codecs that xcodec is measured beside: at full size, and scaled down, coded, scaled up.

Each is set as someone would who wants small files: headers without comments, colour transform on,
slow encoders. Everything is coded by Pillow; JPEG XL needs the package pillow-jxl-plugin.
"""

import importlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, features

from xcodec.errors import InputError
from xcodec.evaluation import metrics
from xcodec.images import RGB

SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Factors by which a picture is made smaller before it is coded."""
NEIGHBOURS = 2
"""Qualities tried beside the one that fills a budget best: sizes don't quite ascend with them."""
JPEG2000_COMMENT = b"\xff\x64\x00\x05\x00\x01-"
"""The comment "-" as a segment of a JPEG 2000 codestream: OpenJPEG's own is longer."""


@dataclass(frozen=True)
class Codec:
    """A peer.

    name      : what it is called in options and results
    kind      : Pillow's name of the format
    qualities : its settings; bytes grow with them, by and large. For JPEG 2000 the bits per
                pixel to aim at, for the others the quality
    low       : the settings of a curve at low rates
    write     : image and quality to bytes
    """

    name: str
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


def codecs(names: Iterable[str] | None = None) -> list[Codec]:
    """The codecs of these names; by default those of BEST that are installed.

    Raises InputError where a name is unknown or its codec isn't installed.
    """
    if names is None:
        return [CODECS[name] for name in BEST if _installed(CODECS[name].kind)]
    chosen = []
    for name in names:
        if name not in CODECS:
            raise InputError(f"no codec {name!r}: there are {', '.join(CODECS)}")
        if not _installed(CODECS[name].kind):
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


@dataclass(frozen=True)
class Trial:
    """A picture coded once: at 1/scale of its size, at a quality of the codec."""

    codec: Codec
    scale: float
    quality: float
    data: bytes

    def picture(self, shape: tuple[int, ...]) -> RGB:
        """What the bytes decode to, at height and width of ``shape``."""
        return enlarge(self.codec.decode(self.data), shape)


class Sweep:
    """One picture through codecs, scales and qualities: each is tried once, when it is needed.

    rgb     : uint8 (height, width, 3)
    weights : folder of LPIPS' weights, as in ``metrics.lpips_squeeze``
    """

    def __init__(
        self,
        rgb: RGB,
        codecs: Sequence[Codec],
        scales: Sequence[float] = SCALES,
        weights: Path | None = None,
    ) -> None:
        self.rgb = rgb
        self.codecs = tuple(codecs)
        self.scales = tuple(scales)
        self.weights = weights
        self._small = {scale: shrink(rgb, scale) for scale in scales}
        self._trials: dict[tuple[str, float, float], Trial] = {}
        self._measured: dict[tuple[str, float, float], tuple[float, float | None]] = {}

    def best_within(self, budget: int, names: Sequence[str] | None = None) -> dict[str, Trial]:
        """The best files of at most ``budget`` bytes, for PSNR and for LPIPS each by itself.

        names : of the codecs that count; by default all

        Returns the trials under "psnr" and "lpips": neither where no file fits, no "lpips"
        where its weights are absent.
        """
        best: dict[str, Trial] = {}
        highest, lowest = -np.inf, np.inf
        for codec in self.codecs:
            if names is not None and codec.name not in names:
                continue
            for scale in self.scales:
                for trial in self._candidates(codec, scale, budget):
                    psnr, lpips = self._measure(trial)
                    if psnr > highest:
                        highest, best["psnr"] = psnr, trial
                    if lpips is not None and lpips < lowest:
                        lowest, best["lpips"] = lpips, trial
        return best

    def _candidates(self, codec: Codec, scale: float, budget: int) -> list[Trial]:
        """The files near the largest one that fits, those that fit, found by bisection."""
        low, high = 0, len(codec.qualities)
        while low < high:
            middle = (low + high) // 2
            if len(self._trial(codec, scale, middle).data) <= budget:
                low = middle + 1
            else:
                high = middle
        if not low:  # Not even the lowest quality fits.
            return []
        near = range(max(0, low - 1 - NEIGHBOURS), min(len(codec.qualities), low + NEIGHBOURS))
        trials = [self._trial(codec, scale, index) for index in near]
        return [trial for trial in trials if len(trial.data) <= budget]

    def _trial(self, codec: Codec, scale: float, index: int) -> Trial:
        quality = codec.qualities[index]
        key = (codec.name, scale, quality)
        if key not in self._trials:
            data = codec.encode(self._small[scale], quality)
            self._trials[key] = Trial(codec, scale, quality, data)
        return self._trials[key]

    def _measure(self, trial: Trial) -> tuple[float, float | None]:
        """PSNR and LPIPS of a trial."""
        key = (trial.codec.name, trial.scale, trial.quality)
        if key not in self._measured:
            picture = trial.picture(self.rgb.shape)
            self._measured[key] = (
                metrics.psnr(self.rgb, picture),
                metrics.lpips_squeeze(self.rgb, picture, self.weights),
            )
        return self._measured[key]


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


def _installed(kind: str) -> bool:
    """Whether Pillow can write a format here; imports the plugin of JPEG XL."""
    if kind == "JXL":
        try:
            importlib.import_module("pillow_jxl")
        except ImportError:
            return False
        return True
    feature = {"JPEG": "jpg", "JPEG2000": "jpg_2000", "WEBP": "webp", "AVIF": "avif"}[kind]
    return bool(features.check(feature))


def _geometric(first: float, last: float, count: int) -> tuple[float, ...]:
    return tuple(float(value) for value in np.geomspace(first, last, count).round(5))


_ALL = tuple(range(101))  # 100 would make JPEG XL lossless, which is another mode.
_TARGETS = _geometric(0.004, 8, 160)
_CURVE = _geometric(0.01, 0.5, 18)

CODECS = {
    codec.name: codec
    for codec in (
        Codec("jpeg", "JPEG", tuple(range(1, 96)), tuple(range(1, 21)), _jpeg),
        Codec("jpeg2000", "JPEG2000", _TARGETS, _CURVE, _jpeg2000),
        Codec("jpeg2000-default", "JPEG2000", _TARGETS, _CURVE, _jpeg2000_default),
        Codec("webp", "WEBP", _ALL, tuple(range(0, 41, 4)), _webp),
        Codec("avif", "AVIF", _ALL, tuple(range(0, 51, 5)), _avif),
        Codec("jpegxl", "JXL", _ALL[:-1], tuple(range(0, 51, 5)), _jpegxl),
    )
}
BEST = ("jpeg", "jpeg2000", "webp", "avif", "jpegxl")
"""The peers of "best peer": jpeg2000-default, which lacks the colour transform, is never best."""
