"""The input of one pass of the encoder: the options, completed with what the picture gives."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xcodec.choices import DECODERS, DEFAULT_EFFORT, DENSITIES, MASKS, TONES
from xcodec.coding import quantizer
from xcodec.coding.header import MODELS
from xcodec.coding.synthesis import GREY
from xcodec.encoder.effort import EFFORTS, Effort
from xcodec.options import DEFAULT_RATE, EncodeOptions
from xcodec.sampling.density import DensityShape
from xcodec.types import Floats

Origin = tuple[float, float, float]


@dataclass(frozen=True)
class Request:
    """The settings of one pass of the encoder. ``EncodeOptions`` documents and checks most fields.
    A search replaces rate, step and density.

    step     : index of ``quantizer.step_of``; None: the default of the rate
    lossless : whether sampled pixels are decoded exactly
    decoder  : the decoder that the file is optimised for
    grey     : whether the picture has no chroma, so that only luma is coded
    weights  : float32 (height, width), relative weights of the pixels' errors; None: all 1
    original : width and height of the picture that this one was made of, if it was larger
    sections : sections of the file, tag -> bytes
    cells    : if given, least number of cells from a sample to the next, so that symbols are chosen
               for the means of cells instead of pixels: quickly, and without lookahead
    careful  : as for ``descent.damped``; False keeps the files of earlier versions
    origin   : YCoCg colour that values are coded as differences from; always GREY in files
    """

    rate: float = DEFAULT_RATE
    step: int | None = None
    density: str = DENSITIES[0]
    mask: str | NDArray[np.bool_] = MASKS[0]
    tone: str = TONES[0]
    lossless: bool = False
    strength: float | None = None
    floor: float | None = None
    block: int | None = None
    seed: int = 0
    model: str = MODELS[0]
    effort: int = DEFAULT_EFFORT
    decoder: str = DECODERS[0]
    grey: bool = False
    weights: Floats | None = None
    original: tuple[int, int] | None = None
    sections: dict[int, bytes] = field(default_factory=dict)
    cells: float | None = None
    careful: bool = False
    origin: Origin = (float(GREY[0]), float(GREY[1]), float(GREY[2]))

    @property
    def shape(self) -> DensityShape:
        """How the density follows the edges."""
        return DensityShape.of(self.density, self.block, self.strength, self.floor)

    @property
    def settings(self) -> Effort:
        """The settings of the effort."""
        return EFFORTS[self.effort]

    @property
    def lookaheads(self) -> int:
        """Number of sweeps preceded by a proxy gradient."""
        if self.decoder != DECODERS[0] or self.cells is not None:
            return 0
        return self.settings.lookaheads

    @property
    def cell(self) -> int:
        """Side of a cell in pixels."""
        if self.cells is None or self.tone != TONES[0]:
            return 1
        octaves = int(np.floor(-0.5 * np.log2(self.rate) - np.log2(self.cells)))
        return int(min(1 << max(octaves, 0), self.shape.block))

    @property
    def tuning(self) -> int:
        """Number of steps along the gradient of the generator."""
        return self.settings.tuning if self.decoder == DECODERS[0] else 0

    @property
    def step_index(self) -> int:
        """Index of the requested step, or of the default of the rate."""
        return quantizer.default_index(self.rate) if self.step is None else self.step


def request_of(
    options: EncodeOptions,
    *,
    grey: bool = False,
    weights: Floats | None = None,
    original: tuple[int, int] | None = None,
    sections: dict[int, bytes] | None = None,
    origin: Origin = Request.origin,
) -> Request:
    """Make a request from options; the other arguments are fields of ``Request``."""
    return Request(
        rate=DEFAULT_RATE if options.rate is None else options.rate,
        step=None if options.step is None else quantizer.index_of(options.step),
        density=options.density,
        mask=options.mask,
        tone=options.tone,
        lossless=options.lossless_samples,
        strength=options.strength,
        floor=options.floor,
        block=options.block,
        seed=options.seed or 0,
        model=options.model,
        effort=options.effort,
        decoder=options.optimised_for,
        grey=grey,
        weights=weights,
        original=original,
        sections=sections or {},
        origin=origin,
    )
