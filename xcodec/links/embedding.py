"""A picture as an embedded stream, and what its prefixes are worth: the sender's side."""

from dataclasses import dataclass

import numpy as np

from xcodec.coding import embedded, quantizer
from xcodec.coding.context import PLANES
from xcodec.encoder.analysis import Analysis
from xcodec.links.prefixes import coefficients_of, decibels
from xcodec.links.protection import Curve
from xcodec.types import RGB, Ints

AHEAD = 8
"""Bytes that the decoder has to see beyond what it decodes."""


def colour_of(rgb: RGB) -> int:
    """Mean of a picture in 16 bits: red 5, green 6, blue 5."""
    red, green, blue = (float(value) for value in rgb.reshape(-1, 3).mean(0) / 255)
    return round(red * 31) << 11 | round(green * 63) << 5 | round(blue * 31)


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
