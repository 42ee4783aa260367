"""One pass of the encoder: sample a picture, transform the values, quantise, write the file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import container, payload, quantizer
from xcodec.coding.header import MODELS, Header
from xcodec.coding.lifting import Hierarchy, Lifting, hierarchy, residuals
from xcodec.coding.synthesis import GREY, synthesise
from xcodec.coding.tiles import Box
from xcodec.coding.value_contexts import ValueContexts
from xcodec.encoder.effort import EFFORTS, Effort, for_sparse
from xcodec.encoder.lookahead import Lookahead
from xcodec.encoder.rdoq import Choice, Problem
from xcodec.encoder.request import Request, request_of
from xcodec.encoder.target import Target
from xcodec.errors import InputError
from xcodec.options import EncodeOptions
from xcodec.pictures.colour import to_ycocg, to_ycocg_r
from xcodec.sampling import density as densities
from xcodec.sampling import tone as tones
from xcodec.sampling.mask import points_from_density, points_from_mask
from xcodec.system import checks
from xcodec.types import RGB, Density, Floats, Ints, Points, Samples


@dataclass(frozen=True)
class Analysis:
    """A sampled and transformed picture, ready to be quantised with any step.

    density      : None if the mask is explicit
    contexts     : None if samples are lossless
    coefficients : float64 (n, planes), or the integer residuals of lossless samples
    problem      : chooses symbols by the error of the fill; None if they are rounded
    origin       : YCoCg colour (3,) that values are coded as differences from
    """

    density: Density | None
    points: Points
    tree: Hierarchy
    contexts: ValueContexts | None
    coefficients: Floats | Ints
    problem: Problem | None
    tone: str
    origin: Floats

    @property
    def lifting(self) -> Lifting | None:
        """The transform; None if samples are lossless."""
        return None if self.contexts is None else self.contexts.lifting

    def quantise(self, step: int, effort: int, multiplier: float = 1.0) -> NDArray[np.int32]:
        """Quantise the coefficients: symbols, int32 (n, planes).

        step       : index of ``quantizer.step_of``
        effort     : 0 to 9
        multiplier : factor on the default Lagrange multiplier
        """
        return self.quantise_each(step, effort, [multiplier])[0]

    def quantise_each(
        self, step: int, effort: int, multipliers: Sequence[float]
    ) -> list[NDArray[np.int32]]:
        """Quantise the coefficients with each of several multipliers, as ``Problem.choose_each``
        does. Without a problem, multipliers change nothing."""
        settings = self._settings(effort)
        if self.problem is not None and settings.sweeps:
            return self.problem.choose_each(
                quantizer.step_of(step), settings.sweeps, multipliers, settings.lookaheads
            )
        return [self._rounded(step)] * len(multipliers)

    def sweeper(self, step: int, effort: int, multiplier: float = 1.0) -> Callable[[float], Choice]:
        """Quantise the coefficients up to the last sweep, as ``Problem.sweeper`` does; there must
        be a problem, and a sweep."""
        assert self.problem is not None
        settings = self._settings(effort)
        return self.problem.sweeper(
            quantizer.step_of(step), settings.sweeps, multiplier, settings.lookaheads
        )

    def _settings(self, effort: int) -> Effort:
        sparse = self.problem is not None and EFFORTS[effort].sweeps and self.problem.sparse
        return for_sparse(effort) if sparse else EFFORTS[effort]

    def _rounded(self, step: int) -> NDArray[np.int32]:
        planes = self.coefficients.shape[1]
        steps = quantizer.per_sample(quantizer.step_of(step), self.tree, planes)
        return quantizer.quantise(self.coefficients, steps)

    def samples(self, symbols: NDArray[np.int32], step: int) -> Samples:
        """The samples that a decoder gets from symbols (n, planes); not for lossless samples."""
        assert self.lifting is not None
        return synthesise(
            self.points, self.tree, self.lifting, symbols, step, self.tone, self.origin
        )


def place(luma: Floats, request: Request) -> tuple[Density | None, Points]:
    """Choose where to sample a picture.

    luma : float (height, width), 0 to 255

    Raises InputError if an explicit mask does not fit the picture or marks no pixel.
    """
    height, width = luma.shape
    if not isinstance(request.mask, str):
        check_mask(request.mask, luma.shape)
        return None, points_from_mask(request.mask)
    density = densities.measure(
        luma,
        max(1, round(request.rate * height * width)),
        request.shape,
        mask=request.mask,
        seed=request.seed,
        weights=request.weights,
    )
    points = points_from_density(density, height, width, request.mask, request.seed)
    return density, points


def check_mask(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> None:
    """Raise InputError if an explicit mask does not fit a picture's shape or marks no pixel."""
    checks.same_size("the mask", mask, shape)
    if not mask.any():
        raise InputError("the mask marks no pixel: at least one sample is needed")


def analyse(rgb: RGB, request: Request) -> Analysis:
    """Sample a picture, uint8 (height, width, 3), and transform the values."""
    density, points = place(to_ycocg(rgb)[..., 0], request)
    return transformed(rgb, density, points, request)


@dataclass(frozen=True)
class Share:
    """A tile's place in a larger picture.

    box    : its pixels, counted from the corner of the window that is analysed
    finest : depth of the picture's finest octave
    spread : pixels per sample in the whole picture
    """

    box: Box
    finest: int
    spread: float


def transformed(
    rgb: RGB,
    density: Density | None,
    points: Points,
    request: Request,
    share: Share | None = None,
) -> Analysis:
    """Measure the samples of a picture, uint8 (height, width, 3), and transform their values.

    share : if given, rgb and points are a window around a tile, and the analysis is that of the
            tile. Samples outside it take part in the fill, with estimated values
    """
    origin = np.array(request.origin)
    count = 1 if request.grey else len(origin)
    if not request.lossless:
        planes = to_ycocg(rgb)[..., :count] - origin[:count].astype(np.float32)
        target = Target(planes, request.weights).coarser(request.cell)
        return fitted(target, density, points, request, share, rgb)
    own, mine = _own(points, share)
    tree = hierarchy(mine, None if share is None else share.finest)
    exact = to_ycocg_r(rgb[points.rows, points.cols][own])[:, :count]
    coefficients = residuals(exact - GREY[:count], tree)
    return Analysis(density, mine, tree, None, coefficients, None, request.tone, origin)


def fitted(
    target: Target,
    density: Density | None,
    points: Points,
    request: Request,
    share: Share | None = None,
    rgb: RGB | None = None,
) -> Analysis:
    """Measure the samples of a picture that is given by its target; not for lossless samples.

    share : as for ``transformed``
    rgb   : the same picture, for lookahead
    """
    origin = np.array(request.origin)
    own, mine = _own(points, share)
    tree = hierarchy(mine, None if share is None else share.finest)
    transform, problem = Lifting(mine, tree), None
    contexts = ValueContexts(mine, tree, transform)
    values: Floats = np.zeros((0, target.planes.shape[2]))
    if len(mine):
        measure = tones.pixels if request.tone == "point" else tones.local_means
        values = measure(target.planes, target.places(points))
        if request.tone == "least-squares":
            lookahead = None
            if request.lookaheads and rgb is not None:
                lookahead = Lookahead(rgb, points, origin.astype(np.float32), request.tone)
            problem = Problem(points, contexts, target, values, lookahead, request.careful)
            if share is not None and isinstance(own, np.ndarray):
                problem.keep(own, share.spread)
            values = problem.values
        else:
            values = values[own]
    coefficients = transform.forward(values) if len(mine) else values
    return Analysis(density, mine, tree, contexts, coefficients, problem, request.tone, origin)


def _own(points: Points, share: Share | None) -> tuple[slice | NDArray[np.bool_], Points]:
    """Which points are those of the tile, and these points, counted from its corner."""
    return (slice(None), points) if share is None else within(points, share.box)


def within(points: Points, box: Box) -> tuple[NDArray[np.bool_], Points]:
    """Which points lie in a box, bool (n,), and these points, counted from its corner."""
    rows, cols = points.rows - box.top, points.cols - box.left
    own = (rows >= 0) & (rows < box.height) & (cols >= 0) & (cols < box.width)
    return own, Points(box.height, box.width, rows[own], cols[own], points.ranks[own])


def header_of(
    height: int, width: int, density: Density | None, request: Request, step: int | None
) -> Header:
    """The header of a picture's file.

    step : index of ``quantizer.step_of``; None if samples are lossless
    """
    return Header(
        width=width,
        height=height,
        mask=request.mask if isinstance(request.mask, str) else "explicit",
        tone=request.tone,
        lossless=request.lossless,
        uniform=density is not None and not density.exponents.any(),
        model=MODELS.index(request.model),
        block=densities.BLOCK if density is None else density.block,
        scale=0 if density is None else density.scale,
        seed=request.seed,
        grey=request.grey,
        step=step,
        original=request.original,
        sections=request.sections,
    )


def write_symbols(
    draft: Analysis, request: Request, step: int | None, symbols: NDArray[np.int32]
) -> bytes:
    """Write the file of a picture with symbols (n, planes)."""
    density, points = draft.density, draft.points
    header = header_of(points.height, points.width, density, request, step)
    layers = payload.write(header, density, points, draft.tree, symbols, draft.contexts)
    return container.write(header, layers)


def quantised(rgb: RGB, options: EncodeOptions) -> Samples:
    """The samples that a decoder would get, without writing a file. Networks are trained on them.

    rgb : uint8 (height, width, 3)
    """
    request = request_of(options)
    draft = analyse(rgb, request)
    symbols = draft.quantise(request.step_index, request.effort)
    return draft.samples(symbols, request.step_index)
