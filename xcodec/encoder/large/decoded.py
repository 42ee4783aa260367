"""The error of a file as it is decoded: squared, and summed over pixels and R, G and B."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xcodec.coding import container
from xcodec.coding.tiles import Box
from xcodec.decoder import drawing
from xcodec.decoder.reading import LIMITS
from xcodec.encoder.large.tile_plan import Source
from xcodec.options import DecodeOptions
from xcodec.pictures.modes import to_depth
from xcodec.system.processes import Pool
from xcodec.types import RGB


def squared_error(source: Source, data: bytes, pool: Pool) -> float:
    """The error of the classical fill of a file."""
    return _error(source.rgb, data, DecodeOptions("classical"), pool)


def squared_errors(
    source: Source, data: bytes, boxes: Sequence[Box], pool: Pool
) -> Iterator[float]:
    """The errors in some boxes of a picture, one after another."""
    jobs = (_Job(np.ascontiguousarray(source.rgb[box.slices]), data, box) for box in boxes)
    return pool.map(_error_in, jobs)


@dataclass(frozen=True)
class _Job:
    """A part of a picture, uint8 (height, width, 3), its file, and the part's place."""

    rgb: RGB
    data: bytes
    box: Box


def _error_in(job: _Job) -> float:
    """The error in a box, found in a worker."""
    box = job.box
    region = box.left, box.top, box.width, box.height
    return _error(job.rgb, job.data, DecodeOptions("classical", region=region), Pool(1))


def _error(rgb: RGB, data: bytes, options: DecodeOptions, pool: Pool) -> float:
    """The error of what is decoded, beside ``rgb``."""
    contents = container.read(data, max_pixels=sys.maxsize, limits=LIMITS)
    top, total = 0, 0.0
    for strip in drawing.strips(contents, options, pool):
        wanted = rgb[top : top + len(strip)].astype(np.float32)
        total += float(np.square(to_depth(strip, 8) - wanted).sum(dtype=np.float64))
        top += len(strip)
    return total
