"""A picture sampled, measured and transformed, and its file written: the encoder's one pass."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from xcodec import images, scatter
from xcodec.coding import container, payload, quantizer
from xcodec.coding.container import Header
from xcodec.coding.lifting import EXACT_PARTS, Hierarchy, Lifting, hierarchy, residuals
from xcodec.errors import InputError
from xcodec.samples import TONES, Density, Floats, Ints, Points, Samples
from xcodec.sampling import density as densities
from xcodec.sampling import tone as tones
from xcodec.sampling.mask import points_from_density, points_from_mask

GREY = np.array([128, 0, 0])
"""Values are coded as differences from this YCoCg colour."""
FINE_BLOCK, COARSE_BLOCK = 16, 32
"""Sides of a density block in pixels: coarse ones pay below FINE_FROM, where samples are few."""
FINE_FROM = 0.025


@dataclass(frozen=True)
class Request:
    """What the caller asked for; ``codec.encode`` documents the fields.

    step : index of quantizer.step_of; None for the rate's default
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
    comment: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.mask, str) and self.mask not in ("blue", "random"):
            raise InputError(f"mask is {self.mask!r}; it is blue, random or an array")
        if self.tone not in TONES:
            raise InputError(f"tone is {self.tone!r}; it is one of {', '.join(TONES)}")
        if self.lossless and self.tone != "point":
            raise InputError("lossless samples are pixels: they need the tone 'point'")
        if self.lossless and self.step is not None:
            raise InputError("lossless samples have no step")
        if not 0 <= self.seed <= container.MAX_SEED:
            raise InputError(f"seed lies in 0..{container.MAX_SEED}")
        if self.model not in container.MODELS:
            raise InputError(f"model is {self.model!r}; it is one of {', '.join(container.MODELS)}")

    @property
    def step_index(self) -> int:
        """The step asked for, or the rate's default."""
        return quantizer.default_index(self.rate) if self.step is None else self.step


@dataclass(frozen=True)
class Analysis:
    """A sampled and transformed picture, ready to be quantised with any step.

    matrix       : the classical fill, where the values were fitted through it
    coefficients : float64 (n, 3), or the integer residuals of lossless samples
    """

    density: Density | None
    points: Points
    tree: Hierarchy
    lifting: Lifting | None
    matrix: csr_array | None
    coefficients: Floats | Ints
    tone: str

    def quantise(self, step: int) -> NDArray[np.int32]:
        """Symbols (n, 3) with the step of this index."""
        return quantizer.quantise(self.coefficients, quantizer.step_of(step), self.tree)

    def samples(self, symbols: NDArray[np.int32], step: int) -> Samples:
        """What the decoder gets from these symbols; of lossless samples there are none."""
        assert self.lifting is not None
        return synthesise(self.points, self.tree, self.lifting, symbols, step, self.tone)


def synthesise(
    points: Points,
    tree: Hierarchy,
    transform: Lifting,
    symbols: NDArray[np.int32],
    step: int,
    tone: str,
) -> Samples:
    """Samples from symbols (n, 3): dequantised with the step of this index, transformed back."""
    grey_levels = quantizer.step_of(step)
    values = transform.inverse(quantizer.dequantise(symbols, grey_levels, tree)) + GREY
    return Samples(points, values.astype(np.float32), grey_levels, tone)


def place(luma: Floats, request: Request) -> tuple[Density | None, Points]:
    """Where to sample a picture of this luma (height, width)."""
    height, width = luma.shape
    if not isinstance(request.mask, str):
        if request.mask.shape != luma.shape or request.mask.dtype != np.bool_:
            raise InputError(f"the mask is not bool ({height}, {width}), as the picture is")
        return None, points_from_mask(request.mask)
    usual = FINE_BLOCK if request.rate >= FINE_FROM else COARSE_BLOCK
    density = densities.measure(
        luma,
        max(1, round(request.rate * height * width)),
        kind=request.density,
        block=usual if request.block is None else request.block,
        strength=densities.STRENGTH if request.strength is None else request.strength,
        floor=densities.FLOOR if request.floor is None else request.floor,
        mask=request.mask,
        seed=request.seed,
    )
    points = points_from_density(density, height, width, request.mask, request.seed)
    return density, points


def analyse(rgb: images.RGB, request: Request) -> Analysis:
    """Sample a picture, uint8 (height, width, 3), and transform the values."""
    planes = images.to_ycocg(rgb)
    density, points = place(planes[..., 0], request)
    tree = hierarchy(points, EXACT_PARTS if request.lossless else 1)
    transform = matrix = None
    if request.lossless:
        exact = images.to_ycocg_r(rgb[points.rows, points.cols])
        coefficients: Floats | Ints = residuals(exact - GREY, tree)
    else:
        values = (tones.pixels if request.tone == "point" else tones.local_means)(planes, points)
        if request.tone == "least-squares":
            matrix = scatter.fill_matrix(points)
            values = tones.least_squares(matrix, planes, values)
        transform = Lifting(points, tree)
        coefficients = transform.forward(values - GREY)
    return Analysis(density, points, tree, transform, matrix, coefficients, request.tone)


def write(draft: Analysis, request: Request) -> bytes:
    """The file of a picture, with the step that was asked for."""
    if request.lossless:
        return write_symbols(draft, request, None, draft.coefficients.astype(np.int32))
    return write_symbols(draft, request, request.step_index, draft.quantise(request.step_index))


def write_symbols(
    draft: Analysis, request: Request, step: int | None, symbols: NDArray[np.int32]
) -> bytes:
    """The file of a picture with these symbols (n, 3)."""
    density, points = draft.density, draft.points
    header = Header(
        width=points.width,
        height=points.height,
        mask=request.mask if isinstance(request.mask, str) else "explicit",
        tone=request.tone,
        lossless=request.lossless,
        uniform=density is not None and not density.exponents.any(),
        model=container.MODELS.index(request.model),
        block=FINE_BLOCK if density is None else density.block,
        scale=0 if density is None else density.scale,
        seed=request.seed,
        step=step,
        sections={1: request.comment.encode()} if request.comment else {},
    )
    return container.write(header, payload.write(header, density, points, draft.tree, symbols))
