"""A picture sampled, measured and transformed, and its file written: the encoder's one pass."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xcodec import images
from xcodec.coding import container, payload, quantizer
from xcodec.coding.grid import Box
from xcodec.coding.header import MAX_SEED, MODELS, Header
from xcodec.coding.lifting import Hierarchy, Lifting, hierarchy, residuals
from xcodec.errors import InputError
from xcodec.foresight import Foresight
from xcodec.rdoq import Problem
from xcodec.samples import DECODERS, TONES, Density, Floats, Ints, Points, Samples
from xcodec.sampling import density as densities
from xcodec.sampling import tone as tones
from xcodec.sampling.mask import points_from_density, points_from_mask

GREY = np.array([128, 0, 0])
"""Values are coded as differences from this YCoCg colour."""
BLOCKS = ((0.015, 64), (0.08, 32))
"""Sides of a density block in pixels, and the rates below which each pays."""
FINEST_BLOCK = 16
SWEEPS = (0, 1, 1, 2, 3, 4, 6, 8, 8, 8)
"""Sweeps of rate-distortion optimised quantisation by effort."""
LOOKS = (0, 0, 0, 0, 2, 3, 4, 6, 6, 6)
"""Looks among them at what the generator will make of the fill, by effort."""
SPARSE_EFFORT = 2
"""A sparse picture gets the sweeps and looks of so many efforts more: they take less time there."""
ROUNDS = (0, 0, 0, 0, 0, 0, 0, 0, 8, 24)
"""Rounds of tuning through the generator by effort; they start torch."""
DEFAULT_EFFORT = 4


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


@dataclass(frozen=True)
class Analysis:
    """A sampled and transformed picture, ready to be quantised with any step.

    coefficients : float64 (n, planes), or the integer residuals of lossless samples
    problem      : where symbols are chosen by the error of the fill; None where they are rounded
    """

    density: Density | None
    points: Points
    tree: Hierarchy
    lifting: Lifting | None
    coefficients: Floats | Ints
    problem: Problem | None
    tone: str

    def quantise(self, step: int, effort: int, worth: float = 1.0) -> NDArray[np.int32]:
        """Symbols (n, planes) with the step of this index.

        worth : what a bit is worth, relative to the usual
        """
        grey_levels = quantizer.step_of(step)
        if self.problem is not None and SWEEPS[effort]:
            if self.problem.sparse:
                effort = min(effort + SPARSE_EFFORT, len(SWEEPS) - 1)
            return self.problem.choose(grey_levels, SWEEPS[effort], worth, LOOKS[effort])
        steps = quantizer.per_sample(grey_levels, self.tree, self.coefficients.shape[1])
        return quantizer.quantise(self.coefficients, steps)

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
    """Samples from symbols (n, planes), dequantised and transformed back."""
    grey_levels = quantizer.step_of(step)
    planes = symbols.shape[1]
    steps = quantizer.per_sample(grey_levels, tree, planes)
    values = np.zeros((len(symbols), len(GREY)), np.float32)
    values[:, :planes] = transform.inverse(quantizer.dequantise(symbols, steps)) + GREY[:planes]
    return Samples(points, values, grey_levels, tone)


def usual_block(rate: float) -> int:
    """Side of a density block in pixels at a rate: blocks that hold few samples don't pay."""
    return next((block for limit, block in BLOCKS if rate < limit), FINEST_BLOCK)


def place(luma: Floats, request: Request) -> tuple[Density | None, Points]:
    """Where to sample a picture of this luma (height, width)."""
    height, width = luma.shape
    if not isinstance(request.mask, str):
        if request.mask.shape != luma.shape or request.mask.dtype != np.bool_:
            raise InputError(f"the mask is not bool ({height}, {width}), as the picture is")
        if not request.mask.any():
            raise InputError("the mask marks no pixel: at least one sample is needed")
        return None, points_from_mask(request.mask)
    density = densities.measure(
        luma,
        max(1, round(request.rate * height * width)),
        kind=request.density,
        block=usual_block(request.rate) if request.block is None else request.block,
        strength=densities.STRENGTH if request.strength is None else request.strength,
        floor=densities.FLOOR if request.floor is None else request.floor,
        mask=request.mask,
        seed=request.seed,
        weights=request.weights,
    )
    points = points_from_density(density, height, width, request.mask, request.seed)
    return density, points


def analyse(rgb: images.RGB, request: Request) -> Analysis:
    """Sample a picture, uint8 (height, width, 3), and transform the values."""
    density, points = place(images.to_ycocg(rgb)[..., 0], request)
    return transformed(rgb, density, points, request)


@dataclass(frozen=True)
class Share:
    """A tile's place in a larger picture.

    box    : its pixels in the window of the picture that is looked at
    finest : depth of the picture's finest octave
    spread : pixels of the picture to each of its samples
    """

    box: Box
    finest: int
    spread: float


def transformed(
    rgb: images.RGB,
    density: Density | None,
    points: Points,
    request: Request,
    share: Share | None = None,
) -> Analysis:
    """Measure the samples of a picture, uint8 (height, width, 3), and transform their values.

    share : rgb and points are a window around a tile: the analysis is the tile's, and samples of
            others, whose values are guessed, do their part of the fill
    """
    count = 1 if request.grey else len(GREY)
    own: slice | NDArray[np.bool_] = slice(None)
    mine = points
    if share is not None:
        own, mine = within(points, share.box)
    tree = hierarchy(mine, None if share is None else share.finest)
    transform = problem = None
    if request.lossless:
        exact = images.to_ycocg_r(rgb[points.rows, points.cols][own])[:, :count]
        coefficients: Floats | Ints = residuals(exact - GREY[:count], tree)
    elif not len(mine):
        transform, coefficients = Lifting(mine, tree), np.zeros((0, count))
    else:
        origin = np.array(request.origin, np.float32)
        planes = images.to_ycocg(rgb)[..., :count] - origin[:count]
        values = (tones.pixels if request.tone == "point" else tones.local_means)(planes, points)
        transform = Lifting(mine, tree)
        if request.tone == "least-squares":
            foresight = None
            if request.looks:
                foresight = Foresight(rgb, points, origin, request.tone)
            problem = Problem(points, tree, transform, planes, values, request.weights, foresight)
            if share is not None and isinstance(own, np.ndarray):
                problem.keep(own, share.spread)
            values = problem.values
        else:
            values = values[own]
        coefficients = transform.forward(values)
    return Analysis(density, mine, tree, transform, coefficients, problem, request.tone)


def within(points: Points, box: Box) -> tuple[NDArray[np.bool_], Points]:
    """Which points lie in a box, and these, counted from its corner."""
    rows, cols = points.rows - box.top, points.cols - box.left
    own = (rows >= 0) & (rows < box.height) & (cols >= 0) & (cols < box.width)
    return own, Points(box.height, box.width, rows[own], cols[own], points.ranks[own])


def header_of(
    height: int, width: int, density: Density | None, request: Request, step: int | None
) -> Header:
    """The header of a picture's file."""
    return Header(
        width=width,
        height=height,
        mask=request.mask if isinstance(request.mask, str) else "explicit",
        tone=request.tone,
        lossless=request.lossless,
        uniform=density is not None and not density.exponents.any(),
        model=MODELS.index(request.model),
        block=FINEST_BLOCK if density is None else density.block,
        scale=0 if density is None else density.scale,
        seed=request.seed,
        grey=request.grey,
        step=step,
        sections=request.sections,
    )


def write_symbols(
    draft: Analysis, request: Request, step: int | None, symbols: NDArray[np.int32]
) -> bytes:
    """The file of a picture with these symbols (n, 3)."""
    density, points = draft.density, draft.points
    header = header_of(points.height, points.width, density, request, step)
    return container.write(header, payload.write(header, density, points, draft.tree, symbols))
