"""The options of encoding and decoding: frozen dataclasses that check themselves once.

The Python functions, the command line, batches, the Pillow plug-in, packets and training all share
them. Options that contradict each other are an error; none is ignored.
"""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xcodec.choices import (
    DECODERS,
    DEFAULT_EFFORT,
    DENSITIES,
    DEVICES,
    DOWNSAMPLES,
    MASKS,
    MAX_EFFORT,
    TONES,
)
from xcodec.coding import quantizer
from xcodec.coding.header import MAX_SEED, MODELS
from xcodec.coding.original import MAX_SIDE as MAX_PICTURE_SIDE
from xcodec.coding.tiles import MAX_SIDE, UNIT
from xcodec.errors import ConflictError, OptionError
from xcodec.sampling.density import BLOCKS, FLOORS, STRENGTHS, DensityShape
from xcodec.system import checks
from xcodec.types import MAX_PIXELS, Region

DEFAULT_RATE = quantizer.DEFAULT_RATE
MIN_RATE, MAX_RATE = 0.001, 0.5
TARGETS = ("rate", "max_bytes", "bpp", "psnr")
"""The options that set the size or the quality of a file: at most one of them is given."""
LARGEST_STEP = quantizer.step_of(quantizer.MAX_STEP_INDEX)
EXACT_ALPHA, DEFAULT_ALPHA = 100, 50
Limits = Mapping[str, tuple[Any, ...]]
REALS: Limits = {
    "rate": (MIN_RATE, MAX_RATE),
    "bpp": (1e-6, 1e4),
    "psnr": (0.01, 99.99, " dB"),
    "step": (quantizer.SMALLEST_STEP, LARGEST_STEP),
    "strength": STRENGTHS,
    "floor": FLOORS,
}
WHOLES: Limits = {
    "max_bytes": (1,),
    "max_side": (0, MAX_PICTURE_SIDE),
    "block": (BLOCKS[0], BLOCKS[-1]),
    "seed": (0, MAX_SEED),
    "effort": (0, MAX_EFFORT),
    "alpha_quality": (0, EXACT_ALPHA),
    "tile": (0, MAX_SIDE),
    "jobs": (1,),
}
"""Ranges of the numbers among the options."""
RENAMED = {"size": "max_bytes", "lossless": "lossless_samples"}
"""Old names of options, accepted until 1.0, and the new ones."""


@dataclass(frozen=True, eq=False)
class _Options:
    """The common base of all options."""

    def given(self) -> tuple[str, ...]:
        """The names of the options that differ from their defaults."""
        return tuple(
            field.name
            for field in fields(self)
            if (value := getattr(self, field.name)) is not field.default
            and (isinstance(value, np.ndarray) or value != field.default)
        )

    def _normalise(self, reals: Limits, wholes: Limits) -> None:
        """Check numbers, and keep them as Python's own: arrays give others."""
        for check, limits in ((checks.real, reals), (checks.whole, wholes)):
            for name, within in limits.items():
                value = getattr(self, name)
                if value is None and type(self).__dataclass_fields__[name].default is not None:
                    raise OptionError((name,), "is None; it must be a number")
                object.__setattr__(self, name, check(name, value, *within))

    def only(self, known: Sequence[str], user: str) -> None:
        """Raise ConflictError if an option was given that ``user``, say "packets", lacks."""
        for name in self.given():
            if name not in known:
                raise ConflictError((name,), f"is not an option of {user}")


@dataclass(frozen=True, eq=False)
class EncodeOptions(_Options):
    """How a picture is encoded. At most one of rate, max_bytes, bpp and psnr is given.

    rate      : fraction of the pixels that are sampled, 0.001 to 0.5, but at least one pixel; if no
                target is given, 0.02
    max_bytes : largest size of the file. The rate, and step and density unless given, are chosen
                for the best picture
    bpp       : the same limit in bits per pixel
    max_side  : pictures whose longer side has more pixels are scaled down to it; 0: none is; None:
                only those with more than 700 pixels for each byte of max_bytes or bpp, and none
                with an array as mask or lossless samples. Files tell the size of the original
    psnr      : PSNR in dB, 0 to 100, that the smallest possible file's classical fill must reach
    step      : quantiser step in grey levels, 0.5 to 1961; None: the default of the rate
    density   : where samples are dense: "sobel" or "canny" (along edges), or "uniform"
    mask      : "blue" (spread evenly), "random" (by ``seed``), or a bool array (height, width),
                which replaces rate and density
    tone      : value of a sample: "least-squares" (fitted through the fill), a local "mean", or the
                "point" itself
    lossless_samples : whether sampled pixels are decoded exactly; needs tone "point"
    strength  : how strongly edges attract samples, 0 to 2; None: 0.7
    floor     : edge strength of flat areas relative to the mean, above 0, up to 10; None: 0.25
    block     : side of a density block in pixels, a power of two from 8 to 128; None: 64, or what
                a search finds to be best
    seed      : seed of the mask "random", 0 to 2**32 - 1; None: 0
    model     : name of the weights that the file asks for, "photo" or "face"
    comment   : text stored in the file
    effort    : 0 (fastest) to 9: time spent to save bytes; 8 and 9 need torch
                (``xcodec encode --help-effort`` prints what each does)
    decoder   : the decoder to optimise the file for, "generator" or "classical"; has an effect from
                effort 4 on. None: the generator, or with ``psnr`` the classical decoder
    roi       : regions of interest, (x, y, width, height, weight) in pixels; weight 1/64 to 64
    roi_mask  : uint8 (height, width): pixels at 255 weigh four times as much as at 0
    saliency  : whether faces and salient areas weigh more
    alpha_quality : quality of transparency, 0 to 100; 100 is exact
    keep      : EXIF, XMP and ICC profile to store: all (True), none (False), or those that are
                small beside the file, without positions (None), with a warning about the others
    tile      : side of the tiles in pixels, a multiple of 128; 0: no tiles; None: 1024 if the
                picture has more than 2 megapixels, else no tiles
    jobs      : processes that code tiles; above 1 needs an ``if __name__ == "__main__"`` guard

    Raises OptionError (an InputError) if a value is out of range, ConflictError (an OptionError) if
    two options contradict each other.
    """

    rate: float | None = None
    max_bytes: int | None = None
    bpp: float | None = None
    max_side: int | None = None
    psnr: float | None = None
    step: float | None = None
    density: str = DENSITIES[0]
    mask: str | NDArray[np.bool_] = MASKS[0]
    tone: str = TONES[0]
    lossless_samples: bool = False
    strength: float | None = None
    floor: float | None = None
    block: int | None = None
    seed: int | None = None
    model: str = MODELS[0]
    comment: str | None = None
    effort: int = DEFAULT_EFFORT
    decoder: str | None = None
    roi: Sequence[Region] = ()
    roi_mask: NDArray[np.uint8] | None = None
    saliency: bool = False
    alpha_quality: int = DEFAULT_ALPHA
    keep: bool | None = None
    tile: int | None = None
    jobs: int = 1

    def __post_init__(self) -> None:
        self._check_values()
        self._check_conflicts()

    @classmethod
    def from_keywords(cls, keywords: dict[str, Any], stacklevel: int = 3) -> Self:
        """Make options from keywords. Old names are accepted with a DeprecationWarning.

        stacklevel : of the warning, as in ``warnings.warn``

        Raises TypeError for an unknown keyword, and what the options themselves raise.
        """
        chosen = dict(keywords)
        for old, new in RENAMED.items():
            if old in chosen:
                if new in chosen:
                    raise ConflictError((old, new), "are the same option")
                warnings.warn(
                    f"{old} is now called {new}", DeprecationWarning, stacklevel=stacklevel
                )
                chosen[new] = chosen.pop(old)
        unknown = sorted(set(chosen) - {field.name for field in fields(cls)})
        if unknown:
            raise TypeError(f"there is no option {unknown[0]!r}")
        return cls(**chosen)

    @property
    def explicit_mask(self) -> bool:
        """Whether the mask is an array."""
        return not isinstance(self.mask, str)

    @property
    def reducible(self) -> bool:
        """Whether a picture may be scaled down unasked: not if its pixels matter one by one."""
        return not self.explicit_mask and not self.lossless_samples

    @property
    def optimised_for(self) -> str:
        """The decoder that the file is optimised for."""
        return self.decoder or DECODERS[0 if self.psnr is None else 1]

    def _check_values(self) -> None:
        self._normalise(REALS, WHOLES)
        checks.flags(self, "lossless_samples", "saliency")
        if self.keep is not None:
            checks.flags(self, "keep")
        DensityShape.of(self.density, self.block, self.strength, self.floor)  # Checks them.
        checks.one_of("tone", self.tone, TONES)
        checks.one_of("model", self.model, MODELS)
        checks.one_of("decoder", self.decoder or DECODERS[0], DECODERS)
        if not (isinstance(self.mask, np.ndarray) and self.mask.dtype == np.bool_):
            checks.one_of("mask", self.mask, MASKS, "or a bool array")
        if self.tile is not None and self.tile % UNIT:
            raise OptionError(("tile",), f"is {self.tile}; it must be a multiple of {UNIT}, or 0")
        if self.comment is not None:
            checks.text("comment", self.comment)
        for region in checks.items("roi", self.roi):
            *place, weight = checks.items("a region of roi", region, 5)
            for each in place:
                checks.whole("a number of roi", each, -1_000_000, 1_000_000)
            checks.real("a weight of roi", weight, 0, 1e6)
        if self.roi_mask is not None:
            checks.array("roi_mask", self.roi_mask, np.uint8)

    def _check_conflicts(self) -> None:
        targets = [name for name in TARGETS if getattr(self, name) is not None]
        if len(targets) > 1:
            raise ConflictError(targets[:2], "exclude each other")
        given = set(self.given())
        if self.explicit_mask:
            for name in ("rate", "density", "strength", "floor", "block"):
                if name in given:
                    raise ConflictError(
                        ("mask", name), "exclude each other: the mask sets the samples"
                    )
            if self.max_side:
                raise ConflictError(
                    ("mask", "max_side"), "exclude each other: the mask has the picture's size"
                )
        if self.seed is not None and (self.explicit_mask or self.mask != "random"):
            raise ConflictError(("seed",), "needs the mask 'random'")
        if self.density == "uniform":
            for name in ("strength", "floor"):
                if name in given:
                    raise ConflictError((name, "density"), "exclude each other: density is uniform")
        if self.psnr is not None and self.decoder == "generator":
            raise ConflictError(
                ("psnr", "decoder"), "conflict: psnr is that of the classical decoder"
            )
        if self.lossless_samples:
            self._check_lossless()

    def _check_lossless(self) -> None:
        name = "lossless_samples"
        if self.tone != "point":
            raise ConflictError((name,), "needs the tone 'point': samples are pixels")
        for other in ("step", "psnr"):
            if getattr(self, other) is not None:
                raise ConflictError((name, other), "exclude each other")
        if self.explicit_mask and (self.max_bytes is not None or self.bpp is not None):
            raise ConflictError(
                (name, "mask"), "conflict with a size: they leave nothing to choose"
            )


@dataclass(frozen=True)
class DecodeOptions(_Options):
    """How a file is decoded.

    decoder    : "generator" (a trained network) or "classical" (interpolation)
    model      : name or path of the generator's weights; "auto": those that the file names
    device     : where the generator runs: "auto", "cpu", "cuda" or "mps"
    partial    : whether to decode what is left of a damaged or cut file, with a warning
    bit_depth  : 8, or 16 for grey pictures (``decode_array``: for any); None: as the source
    strip      : whether to leave out EXIF, XMP and ICC profile; the picture is then sRGB
    max_pixels : pictures with more pixels are refused
    region     : x, y, width and height of the part to decode, in pixels of the whole picture
    downsample : factor by which the decoded picture is smaller: 1, 2, 4, ... 64
    original_size : whether to scale a picture up that was scaled down to be encoded
    jobs       : processes that read tiles; above 1 needs an ``if __name__ == "__main__"`` guard
    realism    : 0 (faithful) to 1 (realistic, invents detail): mixes two sets of weights

    Raises OptionError (an InputError) if a value is out of range, ConflictError (an OptionError) if
    two options contradict each other.
    """

    decoder: str = DECODERS[0]
    model: str = "auto"
    device: str = DEVICES[0]
    partial: bool = False
    bit_depth: int | None = None
    strip: bool = False
    max_pixels: int = MAX_PIXELS
    region: tuple[int, int, int, int] | None = None
    downsample: int = 1
    jobs: int = 1
    realism: float = 0.0
    original_size: bool = False

    @property
    def needs_model(self) -> bool:
        """Whether a network is needed and the file chooses it."""
        return self.decoder != "classical" and self.model == "auto"

    def __post_init__(self) -> None:
        self._normalise({"realism": (0.0, 1.0)}, {"max_pixels": (1,), "jobs": (1,)})
        checks.flags(self, "partial", "strip", "original_size")
        checks.one_of("decoder", self.decoder, DECODERS)
        checks.one_of("device", self.device, DEVICES)
        if not isinstance(self.model, str | os.PathLike):
            raise OptionError(("model",), f"is {self.model!r}; it must be a name or a path")
        checks.one_of("downsample", self.downsample, DOWNSAMPLES)
        if self.bit_depth is not None:
            checks.one_of("bit_depth", self.bit_depth, (8, 16))
        if self.region is not None:
            for each in checks.items("region", self.region, 4):
                checks.whole("a number of the region", each, -1_000_000)
            left, top, width, height = self.region
            if min(left, top) < 0 or min(width, height) < 1:
                raise OptionError(
                    ("region",),
                    f"is {self.region}; it must be x, y, width, height, with x and y 0 or "
                    "more, and width and height 1 or more",
                )
        if self.original_size:
            other = "region" if self.region is not None else "downsample"
            if self.region is not None or self.downsample != 1:
                raise ConflictError(("original_size", other), "exclude each other")
        if self.decoder == "classical":
            for name, unused in (("realism", 0), ("model", "auto")):
                if getattr(self, name) != unused:
                    raise ConflictError(
                        (name, "decoder"), "conflict: the classical decoder has no network"
                    )
