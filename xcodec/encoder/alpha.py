"""Writing the alpha section of a file: as samples of its own, or exactly if that is smaller.

``decoder.alpha`` describes the layout of the section.
"""

import numpy as np
from numpy.typing import NDArray

from xcodec.coding import quantizer
from xcodec.coding.explicit_mask import write_mask
from xcodec.coding.header import START
from xcodec.coding.primitives import content_size, ending_size, pack
from xcodec.decoder.alpha import KINDS
from xcodec.encoder import search
from xcodec.encoder.analysis import analyse, write_symbols
from xcodec.encoder.rates import Goal
from xcodec.encoder.request import Request
from xcodec.errors import InputError
from xcodec.options import EXACT_ALPHA
from xcodec.reconstruction.classical import fill
from xcodec.types import Alpha

SHARE = 4
"""If the size of a file is limited, alpha takes at most one part in SHARE of it."""
_RATES = tuple(0.002 * 2.0**i for i in range(7))
"""Rates that are tried for black and white alpha."""
_STEP = quantizer.index_of(128.0)
"""Index of the step for black and white alpha: only the side of the threshold matters."""
_EFFORT = 2
"""Effort for the samples of alpha, whatever the effort of the picture."""


def wanted_psnr(quality: int) -> float:
    """The PSNR in dB that alpha must reach at a quality of 0 to 99. For black and white alpha it
    limits the fraction of wrong pixels."""
    return 18 + quality / 5


def write(alpha: Alpha, quality: int, limit: int | None = None) -> bytes:
    """Write a plane of alpha, uint8 (height, width), as a section.

    quality : 0 to 100
    limit   : largest size in bytes, which takes precedence over the quality

    Raises InputError if nothing fits the limit.
    """
    most = np.inf if limit is None else limit
    binary = bool(((alpha == 0) | (alpha == 255)).all())
    exact = _write_mask(alpha > 0) if binary else _write_plane(alpha)
    if quality >= EXACT_ALPHA and len(exact) <= most:
        return exact
    if binary:
        small, good = _cut(alpha > 0, quality, min(len(exact), most))
    else:
        small, good = _samples(alpha, quality, limit)
    if len(exact) <= most and (small is None or not good or len(exact) <= len(small)):
        return exact
    if small is None:
        raise InputError(f"no alpha fits {limit} bytes")
    return small


def _write_mask(opaque: NDArray[np.bool_]) -> bytes:
    changes = opaque.copy()
    changes[1:] ^= opaque[:-1]
    return bytes([KINDS.index("mask")]) + write_mask(changes)


def _write_plane(alpha: Alpha) -> bytes:
    changes = alpha.copy()
    changes[1:] -= alpha[:-1]
    return bytes([KINDS.index("plane")]) + pack(changes.tobytes())


def _body(kind: str, file: bytes) -> bytes:
    return bytes([KINDS.index(kind)]) + file[len(START) : content_size(len(file))]


def _samples(alpha: Alpha, quality: int, limit: int | None) -> tuple[bytes | None, bool]:
    """The smallest section of samples that reaches a quality, else the best one within the limit,
    and whether it reaches the quality."""
    rgb = np.repeat(alpha[..., None], 3, axis=2)
    request = Request(grey=True, effort=_EFFORT)
    goals = [(True, Goal(psnr=wanted_psnr(quality)))]
    if limit is not None:
        # In the section, a byte for the kind is in place of the first one, and no checksum.
        goals.append((False, Goal(max_bytes=limit + ending_size(limit))))
    for good, goal in goals:
        try:
            section = _body("samples", search.best(rgb, request, goal))
        except InputError:
            continue
        if limit is None or len(section) <= limit:
            return section, good
    return None, False


def _cut(opaque: NDArray[np.bool_], quality: int, limit: float) -> tuple[bytes | None, bool]:
    """The section with the fewest samples that leave few enough pixels wrong, else the largest one
    within the limit, and whether it reaches the quality."""
    rgb = np.repeat(np.where(opaque, 255, 0).astype(np.uint8)[..., None], 3, axis=2)
    found = None
    for rate in _RATES:
        request = Request(max(rate, 1 / opaque.size), _STEP, grey=True, effort=_EFFORT)
        draft = analyse(rgb, request)
        symbols = draft.quantise(_STEP, _EFFORT)
        section = _body("cut", write_symbols(draft, request, _STEP, symbols))
        if len(section) > limit:
            break
        found = section
        painted = fill(draft.samples(symbols, _STEP)).rgb[..., 0] > 127.5
        if np.mean(painted != opaque) <= 10 ** (-wanted_psnr(quality) / 10):
            return found, True
    return found, False
