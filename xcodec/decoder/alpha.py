"""Reading the alpha section of a file.

The first byte is the kind of coding. Then follows

mask    : for black and white alpha, exact: where it differs from the row above (explicit_mask)
plane   : exact: a zstandard frame of the differences from the row above, modulo 256
samples : a grey file without its first byte and its checksum
cut     : the same; alpha is opaque where the decoded luma is at least half
"""

from collections.abc import Callable

import numpy as np

from xcodec.coding.explicit_mask import read_mask
from xcodec.coding.header import START
from xcodec.coding.primitives import ending, unpack
from xcodec.errors import FormatError
from xcodec.pictures.modes import to_depth
from xcodec.types import Alpha, Floats

KINDS = ("mask", "plane", "samples", "cut")
LumaOf = Callable[[bytes], Floats]


def read(section: bytes, height: int, width: int, luma_of: LumaOf) -> Alpha:
    """Read the alpha of a section, uint8 (height, width).

    luma_of : decodes a grey file to its luma, (height, width)

    Raises FormatError if the section is damaged or of an unknown kind.
    """
    if not section or section[0] >= len(KINDS):
        raise FormatError("damaged: unknown kind of alpha")
    kind, body = KINDS[section[0]], section[1:]
    if kind == "mask":
        levels = np.logical_xor.accumulate(read_mask(body, height, width), 0)
        return np.where(levels, 255, 0).astype(np.uint8)
    if kind == "plane":
        rows = np.frombuffer(unpack(body, height * width), np.uint8)
        if rows.size < height * width:
            raise FormatError("damaged: the alpha is too short")
        return np.cumsum(rows.reshape(height, width), 0, dtype=np.uint8)
    whole = START + body
    luma = luma_of(whole + ending(whole))
    if luma.shape != (height, width):
        raise FormatError("damaged: the alpha does not have the size of the picture")
    if kind == "cut":
        return np.where(luma > 127.5, 255, 0).astype(np.uint8)
    return to_depth(luma, 8)
