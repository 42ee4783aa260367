"""What one pass of the encoder works from: the options, and what the picture adds to them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xcodec.choices import DECODERS, DEFAULT_EFFORT, DENSITIES, MASKS, TONES
from xcodec.coding import quantizer
from xcodec.coding.header import MODELS
from xcodec.coding.synthesis import GREY
from xcodec.encoder.effort import EFFORTS, Effort
from xcodec.options import DEFAULT_RATE, EncodeOptions
from xcodec.types import Floats

Origin = tuple[float, float, float]


@dataclass(frozen=True)
class Request:
    """A pass of the encoder. A search replaces rate, step and density; ``EncodeOptions`` documents
    and checks most fields.

    step     : index of ``quantizer.step_of``; None for the rate's default
    lossless : whether sampled pixels are decoded exactly
    decoder  : the decoder that the file is optimised for
    grey     : whether luma alone is coded, of a picture whose chroma is zero
    weights  : float32 (height, width): how much each pixel counts, relative to others
    sections : of the file, tag -> bytes
    origin   : YCoCg colour that values are coded as differences from; files know GREY only
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
    sections: dict[int, bytes] = field(default_factory=dict)
    origin: Origin = (float(GREY[0]), float(GREY[1]), float(GREY[2]))

    @property
    def settings(self) -> Effort:
        """What the effort does."""
        return EFFORTS[self.effort]

    @property
    def lookaheads(self) -> int:
        """Sweeps that are preceded by a proxy gradient."""
        return self.settings.lookaheads if self.decoder == DECODERS[0] else 0

    @property
    def tuning(self) -> int:
        """Steps along the gradient of the generator."""
        return self.settings.tuning if self.decoder == DECODERS[0] else 0

    @property
    def step_index(self) -> int:
        """The step asked for, or the rate's default."""
        return quantizer.default_index(self.rate) if self.step is None else self.step


def request_of(
    options: EncodeOptions,
    *,
    grey: bool = False,
    weights: Floats | None = None,
    sections: dict[int, bytes] | None = None,
    origin: Origin = Request.origin,
) -> Request:
    """The request of a caller's options; the other arguments are as the fields of Request."""
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
        sections=sections or {},
        origin=origin,
    )
