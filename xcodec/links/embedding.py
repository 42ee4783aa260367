"""Encoding a picture as an embedded stream, and measuring the quality of its prefixes."""

from dataclasses import dataclass

import numpy as np

from xcodec.coding import embedded, quantizer
from xcodec.coding.context import PLANES
from xcodec.coding.ranges import PARAMETERS
from xcodec.encoder.analysis import Analysis
from xcodec.links.prefixes import GREY, coefficients_of, decibels
from xcodec.links.protection import Curve
from xcodec.pictures.colour import to_ycocg
from xcodec.types import RGB, Ints

AHEAD = 8
"""Bytes that the range decoder reads beyond what it decodes."""


def colour_of(rgb: RGB) -> int:
    """Mean colour of a picture, uint8 (height, width, 3), in 16 bits: red 5, green 6, blue 5."""
    red, green, blue = (float(value) for value in rgb.reshape(-1, 3).mean(0) / 255)
    return round(red * 31) << 11 | round(green * 63) << 5 | round(blue * 31)


@dataclass(frozen=True)
class Embedded:
    """A picture as an embedded stream.

    stages : number of stages of the stream
    curve  : PSNR of the classical fill of its prefixes, with the parameters before them
    """

    stream: bytes
    stages: int
    curve: Curve


def embed(
    draft: Analysis, symbols: Ints, step: int, stages: int, parameters: int = PARAMETERS
) -> Embedded:
    """Write the symbols of a picture as an embedded stream, and measure its prefixes.

    symbols : int (n, 3)
    step    : index of the quantiser step
    stages  : number of stages of the stream
    parameters : bytes of the parameters before the stream
    """
    assert draft.problem is not None
    assert draft.lifting is not None
    stream, ends = embedded.write(symbols, draft.tree, stages)
    steps = quantizer.per_sample(quantizer.step_of(step), draft.tree)
    grey = to_ycocg(np.full((1, 3), GREY, np.float32)) - draft.origin
    unknown = draft.problem.error(np.repeat(grey, len(symbols), axis=0))
    # All of the parameters give the mean colour, less gives nothing.
    sizes = [0.0, parameters - 1.0, float(parameters)]
    errors = [unknown, unknown, draft.problem.error(np.zeros(symbols.shape))]
    cut = len(ends) - PLANES * len(draft.tree.octaves[-1])
    for place, known in embedded.states(symbols, draft.tree, stages):
        values = draft.lifting.inverse(coefficients_of(known, steps))
        size = parameters + min(ends[place] / 8 + AHEAD, float(len(stream)))
        if place >= cut:  # A cut here loses a whole plane: keep protection from cutting.
            sizes.append(max(size - 1, sizes[-1]))
            errors.append(errors[-1])
        sizes.append(size)
        errors.append(draft.problem.error(values))
    quality = np.maximum.accumulate(decibels(np.array(errors)))
    return Embedded(stream, stages, Curve(np.array(sizes), quality, parameters))
