"""What one encoding is to be: the options of the caller with what the picture adds to them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import quantizer
from xcodec.coding.header import MAX_SEED, MODELS
from xcodec.encoder.effort import DEFAULT_EFFORT, LOOKS, ROUNDS, SWEEPS
from xcodec.errors import InputError
from xcodec.types import DECODERS, TONES, Floats


@dataclass(frozen=True)
class Request:
    """What the caller asked for; ``codec.encode`` documents the fields.

    step     : index of quantizer.step_of; None for the rate's default
    decoder  : one of DECODERS, whose picture is to be good
    grey     : code luma alone, of a picture whose chroma is zero
    weights  : float32 (height, width): how much each pixel counts, relative to others
    sections : of the file, tag -> bytes
    origin   : YCoCg colour that values are coded as differences from; files know GREY only
    """

    rate: float = 0.02
    step: int | None = None
    density: str = "sobel"
    mask: str | NDArray[np.bool_] = "blue"
    tone: str = "least-squares"
    lossless: bool = False
    strength: float | None = None
    floor: float | None = None
    block: int | None = None
    seed: int = 0
    model: str = "photo"
    effort: int = DEFAULT_EFFORT
    decoder: str = DECODERS[0]
    grey: bool = False
    weights: Floats | None = None
    sections: dict[int, bytes] = field(default_factory=dict)
    origin: tuple[float, float, float] = (128.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if isinstance(self.mask, str) and self.mask not in ("blue", "random"):
            raise InputError(f"mask is {self.mask!r}; it is blue, random or an array")
        if self.tone not in TONES:
            raise InputError(f"tone is {self.tone!r}; it is one of {', '.join(TONES)}")
        if self.lossless and self.tone != "point":
            raise InputError("lossless samples are pixels: they need the tone 'point'")
        if self.lossless and self.step is not None:
            raise InputError("lossless samples have no step")
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed lies in 0..{MAX_SEED}")
        if not 0 <= self.effort < len(SWEEPS):
            raise InputError(f"effort lies in 0..{len(SWEEPS) - 1}")
        if self.decoder not in DECODERS:
            raise InputError(f"decoder is {self.decoder!r}; it is {' or '.join(DECODERS)}")
        if self.model not in MODELS:
            raise InputError(f"model is {self.model!r}; it is one of {', '.join(MODELS)}")

    @property
    def looks(self) -> int:
        """Looks at what the generator will make of the fill."""
        return LOOKS[self.effort] if self.decoder == "generator" else 0

    @property
    def rounds(self) -> int:
        """Rounds of tuning through the generator."""
        return ROUNDS[self.effort] if self.decoder == "generator" else 0

    @property
    def step_index(self) -> int:
        """The step asked for, or the rate's default."""
        return quantizer.default_index(self.rate) if self.step is None else self.step
