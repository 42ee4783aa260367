"""A picture to the bytes of a file: the encoder's whole story on one page."""

import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xcodec.encoder import reduction, search
from xcodec.encoder.large import goals, tiles
from xcodec.encoder.large.tile_plan import Source
from xcodec.encoder.rates import Goal
from xcodec.encoder.request import request_of
from xcodec.encoder.sections import sections_of
from xcodec.errors import InputError
from xcodec.options import EncodeOptions
from xcodec.pictures import modes
from xcodec.pictures.modes import Picture
from xcodec.sampling.saliency import weights
from xcodec.system import packages
from xcodec.system.processes import workers


def encode_picture(
    image: Picture | Image.Image | NDArray[np.uint8], options: EncodeOptions, stacklevel: int = 2
) -> bytes:
    """``xcodec.encode`` for an ``EncodeOptions`` object.

    stacklevel : of warnings, as in ``warnings.warn``
    """
    picture = image if isinstance(image, Picture) else modes.picture_of(image)
    goal = _goal(picture, options)
    picture, options = reduction.reduced(picture, options)
    rgb = picture.rgb
    limit = None if goal is None else goal.max_bytes
    sections = sections_of(picture, options, limit)
    if sections.dropped:
        text = f"left out of the file: {', '.join(sections.dropped)}"
        warnings.warn(text, stacklevel=stacklevel)
    request = request_of(
        options,
        grey=picture.grey,
        weights=weights(rgb, options.roi, options.roi_mask, options.saliency),
        original=picture.original,
        sections=sections.content,
    )
    side = tiles.side_for(rgb.shape[0], rgb.shape[1], options.tile)
    if side is not None:
        with workers(options.jobs) as pool:
            source, free = Source(rgb), options.tile is None
            return goals.best(source, request, goal or Goal(), side, pool, free)
    if request.tuning:
        packages.require("torch", "torch", f"effort {options.effort}")
    return search.at_rate(rgb, request) if goal is None else search.best(rgb, request, goal)


def _goal(picture: Picture, options: EncodeOptions) -> Goal | None:
    """The goal of a search; None if there is no byte budget and no PSNR.

    Bits per pixel are those of the original.

    Raises InputError if ``bpp`` leaves less than a byte.
    """
    if options.bpp is not None:
        height, width = picture.rgb.shape[:2]
        width, height = picture.original or (width, height)
        limit = int(options.bpp * width * height / 8)
        if limit < 1:
            raise InputError(f"bpp is {options.bpp:g}: a file has at least one byte")
        return Goal(limit)
    if options.max_bytes is None and options.psnr is None:
        return None
    return Goal(options.max_bytes, options.psnr, densest=1.0)
