"""Alpha from its section of a file."""

from collections.abc import Callable

import numpy as np

from xcodec.coding.explicit_mask import read_mask
from xcodec.coding.header import MAGIC, VERSION
from xcodec.coding.primitives import checksum, unpack
from xcodec.errors import FormatError
from xcodec.pictures.modes import to_depth
from xcodec.types import Alpha, Floats

KINDS = ("mask", "plane", "samples", "cut")
START = bytes([*MAGIC, 0xC0 | VERSION])
Paint = Callable[[bytes], Floats]


def read(section: bytes, height: int, width: int, paint: Paint) -> Alpha:
    """The alpha of a section, uint8 (height, width).

    paint : gives the luma, (height, width), of a grey file of these bytes

    Raises FormatError.
    """
    if not section or section[0] >= len(KINDS):
        raise FormatError("damaged: the alpha is coded in no known way")
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
    painted = paint(whole + checksum(whole))
    if painted.shape != (height, width):
        raise FormatError("damaged: the alpha is of another size than the picture")
    if kind == "cut":
        return np.where(painted > 127.5, 255, 0).astype(np.uint8)
    return to_depth(painted, 8)
