"""What a prefix of an embedded stream stands for: samples, and how good they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec import images
from xcodec.analysis import Analysis
from xcodec.coding import embedded, quantizer
from xcodec.coding.context import PLANES
from xcodec.coding.embedded import Known
from xcodec.coding.lifting import Hierarchy, Lifting
from xcodec.protection import Curve
from xcodec.samples import Floats, Ints, Points, Samples

HALF = 0.5
"""Where in its interval a magnitude is taken to lie whose low bits are unknown."""
AHEAD = 8
"""Bytes that the decoder has to see beyond what it decodes."""
LEAST_ERROR = 0.05
"""Mean squared error below which a picture is as good as equal."""


def colour_of(rgb: images.RGB) -> int:
    """Mean of a picture in 16 bits: red 5, green 6, blue 5."""
    red, green, blue = (float(value) for value in rgb.reshape(-1, 3).mean(0) / 255)
    return round(red * 31) << 11 | round(green * 63) << 5 | round(blue * 31)


def ycocg_of(colour: int) -> Floats:
    """Y, Co and Cg, (3,), of ``colour_of``."""
    rgb = [(colour >> 11) * 255 / 31, (colour >> 5 & 63) * 255 / 63, (colour & 31) * 255 / 31]
    return images.to_ycocg(np.array(rgb, np.float32))


def coefficients_of(known: Known, steps: Floats) -> NDArray[np.float64]:
    """Coefficients (n, 3) of symbols that are known in part; ``steps`` has their shape."""
    rest = (np.left_shift(1, known.missing) - 1) * HALF
    magnitudes = np.abs(known.symbols) + np.where(known.symbols != 0, rest, 0.0)
    return quantizer.dequantise(np.sign(known.symbols) * magnitudes, steps)


def samples_of(
    known: Known, points: Points, tree: Hierarchy, transform: Lifting, step: int, colour: int
) -> Samples:
    """The samples that a prefix gives: those of the levels that it says something of.

    step   : index of the quantiser's step
    colour : what the coefficients are differences from, as in packets.Parameters
    """
    steps = quantizer.steps(quantizer.step_of(step), tree)
    every = np.repeat(steps, np.diff(tree.bounds), axis=0)
    values = transform.inverse(coefficients_of(known, every)) + ycocg_of(colour)
    last = max(known.levels, 1) - 1
    end = tree.bounds[last + 1]
    missing = int(known.missing[tree.span(last)].min())
    kept = Points(
        points.height, points.width, points.rows[:end], points.cols[:end], points.ranks[:end]
    )
    finest = float(steps[last, 0] * 2.0**missing)
    return Samples(kept, values[:end].astype(np.float32), finest, "least-squares")


def decibels(error: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """PSNR of mean squared errors."""
    psnr: NDArray[np.float64] = 10 * np.log10(255**2 / np.maximum(error, LEAST_ERROR))
    return psnr


@dataclass(frozen=True)
class Embedded:
    """A picture as an embedded stream.

    curve : quality of the classical fill of its prefixes
    """

    stream: bytes
    stages: int
    curve: Curve


def embed(draft: Analysis, symbols: Ints, step: int, stages: int) -> Embedded:
    """The stream of symbols (n, 3) of a picture, and what its prefixes are worth.

    step : index of the quantiser's step
    """
    assert draft.problem is not None
    assert draft.lifting is not None
    stream, ends = embedded.write(symbols, draft.tree, stages)
    steps = quantizer.per_sample(quantizer.step_of(step), draft.tree)
    sizes, errors = [0.0], [draft.problem.error(np.zeros(symbols.shape))]
    cut = len(ends) - PLANES * len(draft.tree.octaves[-1])
    for place, known in embedded.states(symbols, draft.tree, stages):
        values = draft.lifting.inverse(coefficients_of(known, steps))
        size = min(ends[place] / 8 + AHEAD, float(len(stream)))
        if place >= cut:  # What is cut here loses a whole plane: protection is not to do that.
            sizes.append(max(size - 1, sizes[-1]))
            errors.append(errors[-1])
        sizes.append(size)
        errors.append(draft.problem.error(values))
    quality = np.maximum.accumulate(decibels(np.array(errors)))
    return Embedded(stream, stages, Curve(np.array(sizes), quality))
