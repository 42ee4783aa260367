"""Pictures for conformance files, computed in integers: the same on every machine."""

import numpy as np
from numpy.typing import NDArray

from xcodec.types import RGB

Mask = NDArray[np.bool_]


def scene(height: int, width: int) -> RGB:
    """A sky over hills with a round sun and a striped fence: smooth parts, edges and texture."""
    row, col = np.arange(height)[:, None], np.arange(width)[None, :]
    bend = (col * 37 % (2 * width) - width) ** 2 // (6 * width)
    hills = row * 3 > height + bend
    sun = (row - height // 4) ** 2 + (col - width * 2 // 3) ** 2 < (min(height, width) // 6) ** 2
    fence = (row * 5 > 4 * height) & (col // 5 % 2 == 0)
    grain = (row * 7919 + col * 104729 + row * col * 31) % 13
    sky = 120 + row * 100 // max(height, 1)
    red = np.where(hills, 60 + col * 70 // width, sky)
    green = np.where(hills, 110 + grain, sky + 20)
    blue = np.where(hills, 40 + grain // 2, 235 - row * 60 // height)
    rgb = np.stack(np.broadcast_arrays(red, green, blue), -1)
    rgb = np.where(sun[..., None], [250, 220, 90], rgb)
    rgb = np.where(fence[..., None], [90, 60, 50], rgb)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def noise(count: int, seed: int = 1) -> NDArray[np.int64]:
    """Integers of 0 .. 2**16 - 1 from a linear congruential generator."""
    state, values = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(state >> 48)
    return np.array(values, np.int64)


def speckled(height: int, width: int) -> Mask:
    """A mask at random, denser to the right: best coded in blocks."""
    share = 1500 + 12000 * np.arange(width) // width
    return noise(height * width).reshape(height, width) < share


def diagonals(height: int, width: int) -> Mask:
    """A mask with few different gaps: best coded as runs."""
    return (3 * np.arange(height)[:, None] + np.arange(width)) % 23 == 0


def corners(height: int, width: int) -> Mask:
    """A mask with samples near the left and the right edge only."""
    row, col = np.arange(height)[:, None], np.arange(width)
    mask: Mask = (row * 5 + col * 3) % 61 < 2
    return mask & ((col < 60) | (col > width - 50))


def checks(height: int, width: int) -> Mask:
    """A dense mask whose bytes repeat: best coded as a bitmap."""
    row, col = np.arange(height)[:, None], np.arange(width)
    pattern = noise(64, 5).reshape(8, 8) < 20000
    mask: Mask = pattern[row // 2 % 8, col % 8]
    return mask


def disc(height: int, width: int) -> NDArray[np.uint8]:
    """Alpha that is opaque within an ellipse."""
    row, col = np.arange(height)[:, None], np.arange(width)
    inside = ((2 * row - height) * width) ** 2 + ((2 * col - width) * height) ** 2
    return np.where(inside < (height * width) ** 2 * 3 // 4, 255, 0).astype(np.uint8)


def fade(height: int, width: int) -> NDArray[np.uint8]:
    """Alpha that grows from left to right."""
    row, col = np.arange(height)[:, None], np.arange(width)
    return (row * 0 + col * 255 // max(1, width - 1)).astype(np.uint8)


def wide_profile() -> bytes:
    """An ICC profile of version 2 with the primaries of Adobe RGB (1998) and a gamma of 2.2."""

    def fixed(*values: float) -> bytes:
        return b"".join(round(v * 65536).to_bytes(4, "big", signed=True) for v in values)

    def xyz(*values: float) -> bytes:
        return b"XYZ " + bytes(4) + fixed(*values)

    name = b"wide\0"
    tags = {
        b"desc": b"desc" + bytes(4) + len(name).to_bytes(4, "big") + name + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947),
        b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
        **{tag: b"curv" + bytes(7) + b"\1" + (563).to_bytes(2, "big") for tag in TONE_CURVES},
    }
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + (at + len(body)).to_bytes(4, "big") + len(content).to_bytes(4, "big")
        body += content + bytes(-len(content) % 4)
    size = at + len(body)
    head = size.to_bytes(4, "big") + bytes(4) + b"\2\x20\0\0mntrRGB XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + fixed(0.9642, 1.0, 0.8249) + bytes(48)
    return head + len(tags).to_bytes(4, "big") + table + body


TONE_CURVES = (b"rTRC", b"gTRC", b"bTRC")
