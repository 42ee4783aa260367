"""A large picture with few samples, analysed in one piece.

Tiles would cost more than they are worth where a megapixel has but a few thousand samples. The fill
of so few samples is smooth, so the means of cells stand for the picture, and a whole search takes
less time than coding all pixels once (docs/research/large-budgets.md).
"""

from dataclasses import replace

import numpy as np

from xcodec.encoder import analysis
from xcodec.encoder.analysis import Analysis
from xcodec.encoder.candidates import Candidate
from xcodec.encoder.large.decoded import squared_error
from xcodec.encoder.large.tile_plan import Source
from xcodec.encoder.rates import RATE_STEP, Goal
from xcodec.encoder.request import Request
from xcodec.encoder.search import Search
from xcodec.encoder.target import Target
from xcodec.pictures.colour import to_ycocg
from xcodec.pictures.quality import decibels
from xcodec.sampling import density as densities
from xcodec.sampling.mask import points_from_density, scale_for_count
from xcodec.system.processes import Pool
from xcodec.types import RGB, Density

PIXELS = 400
"""From so many pixels a sample on, a picture is coded in one piece ..."""
MOST_CELLS = 1 << 22
"""... unless it has more cells than this: memory stays bounded."""
CELLS = 8.0
"""Least number of cells from a sample to the next."""
BITS_PER_SAMPLE = 8.0
"""Initial guess of bits per sample within a byte budget: samples that are far apart have little in
common. The search goes up from there."""
BLOCKS = (128, 64)
"""Sides of density blocks that are tried beside a uniform density. Each block takes about a bit."""
DECODINGS, EXCESS = 4, 0.1
"""How often files are decoded until the PSNR is right, and by how many dB it may be too high."""
STRIP = 128
"""Rows that are read at once: a multiple of the side of every cell."""


class SparseAnalysis:
    """Does what ``analysis.analyse`` does, for a picture whose requests have cells."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._targets: dict[int, Target] = {}

    def __call__(self, rgb: RGB, request: Request) -> Analysis:
        """rgb : not used; it is the source that is analysed"""
        assert isinstance(request.mask, str)
        height, width = self._source.height, self._source.width
        target = self._target(request)
        luma = target.planes[..., 0] + np.float32(request.origin[0])
        weights = None if request.weights is None else target.weights
        exponents = densities.exponents_of(luma, request.shape, weights, target.cell)
        count = max(1, round(request.rate * height * width))
        block, mask, seed = request.shape.block, request.mask, request.seed
        scale = scale_for_count(exponents, block, height, width, count, mask, seed)
        density = Density(exponents, block, scale)
        points = points_from_density(density, height, width, mask, seed)
        return analysis.fitted(target, density, points, request)

    def _target(self, request: Request) -> Target:
        """The picture in the request's cells."""
        cell = request.cell
        if cell not in self._targets:
            finer = max((other for other in self._targets if other < cell), default=0)
            self._targets[cell] = (
                self._targets[finer].coarser(cell // finer) if finer else self._measured(request)
            )
        return self._targets[cell]

    def _measured(self, request: Request) -> Target:
        """The picture in the request's cells, from its pixels."""
        count = 1 if request.grey else 3
        origin = np.array(request.origin[:count], np.float32)
        strips, weights = [], request.weights
        for top in range(0, self._source.height, STRIP):
            planes = to_ycocg(self._source.rows(top, top + STRIP))[..., :count] - origin
            own = None if weights is None else weights[top : top + STRIP]
            strips.append(Target(planes, own).coarser(request.cell))
        return Target.joined(strips)


def suits(request: Request, rate: float, area: int) -> bool:
    """Whether a picture with a rate is better coded in one piece.

    area : of the picture in pixels
    """
    cell = replace(request, rate=rate, cells=CELLS).cell
    return request.tone == "least-squares" and rate < 1 / PIXELS and area <= MOST_CELLS * cell**2


def best(source: Source, request: Request, goal: Goal, pool: Pool) -> bytes | None:
    """The best file without tiles that meets a goal, over rates and densities; None if there is
    none."""
    request = replace(request, cells=CELLS)
    search = Search(source.rgb, replace(goal, decoded=False), analyse=SparseAnalysis(source))
    found = _over_densities(search, request)
    if found is None:
        return None
    found = search.finished(found, request.effort)
    return found.data if goal.psnr is None else _of_psnr(source, search, found, goal.psnr, pool)


def _over_densities(search: Search, request: Request) -> Candidate | None:
    """The best file with little effort. It starts from a uniform density, which takes no bytes."""
    quick = replace(request, effort=request.settings.candidates)
    default = request.density == "sobel" and request.strength is None and request.block is None
    start = replace(quick, density="uniform") if default else quick
    first = search.climb(start, RATE_STEP, True, BITS_PER_SAMPLE)
    if first is None or not default:
        return first
    found = first
    for block in BLOCKS:
        other = replace(first.request, density=request.density, block=block)
        found = search.better(found, search.at(other))
    if found is not first:
        here = found.request
        for factor in (RATE_STEP, 1 / RATE_STEP):
            found = search.better(found, search.at_rate(here, factor * here.rate))
    return found


def _of_psnr(
    source: Source, search: Search, found: Candidate, psnr: float, pool: Pool
) -> bytes | None:
    """The file with another's rate and density that just reaches a PSNR when it is decoded."""
    best, aim = None, psnr
    for _ in range(DECODINGS):
        error = squared_error(source, found.data, pool) / source.rgb.size
        excess = float(decibels(error)) - psnr
        if excess >= 0 and (best is None or len(found.data) < len(best)):
            best = found.data
        if 0 <= excess <= EXCESS:
            break
        aim -= excess
        toward = search.toward(Goal(psnr=aim, decoded=False))
        again = toward.finished(found, found.request.effort)
        if again.data == found.data:
            break
        found = again
    return best
