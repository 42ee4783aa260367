"""VVC intra pictures by programs that the user names: VVenC and a decoder that takes its options.

VVENC names the program vvencapp of VVenC, VVDEC the program vvdecapp of VVdeC, or one with the same
options. A picture is coded at 4:2:0, 10 bits, BT.601 full range, by preset slow, without perceptual
optimisation of the quantiser (QPA), which lowers PSNR. Chroma is scaled up bicubically.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xcodec.errors import XcodecError
from xcodec.pictures.modes import to_depth
from xcodec.types import RGB

ENCODER, DECODER = "VVENC", "VVDEC"
"""Environment variables that name the programs."""
MISSING = f"name recorded points by --recorded, or programs by {ENCODER} and {DECODER}"
TIMEOUT = 600.0
"""Seconds after which a run of a program counts as failed."""
QUALITIES = tuple(float(-qp) for qp in range(63, 9, -1))
"""Quantiser parameters, negated, since qualities run from small to large files."""
LOW = QUALITIES[::3]
SLICES = {*range(12), 19}
"""Types of NAL units of a picture: slices and the picture header."""
SETS = {13, 14, 15, 16, 17, 18}
"""Types of parameter sets."""
LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of R, G and B in Y, of BT.601."""
SIZE = np.dtype("<u2")
"""Width and height stand before the stream, since a decoder of raw pictures does not tell them."""


def installed() -> bool:
    """Whether the variables name both programs."""
    return bool(os.environ.get(ENCODER) and os.environ.get(DECODER))


def version() -> str:
    """Return what tells the programs apart: their paths, sizes and times."""
    found = []
    for name in (ENCODER, DECODER):
        path = Path(os.environ.get(name, ""))
        try:
            state = path.stat()
        except OSError as error:
            raise XcodecError(f"{name}={path}: {error.strerror}") from error
        found.append(f"{path.name} {state.st_size} {state.st_mtime_ns}")
    return ", ".join(found)


def write(image: Image.Image, quality: float) -> bytes:
    """Encode a picture. Raises XcodecError if the program fails."""
    rgb = np.asarray(image.convert("RGB"))
    height, width = rgb.shape[:2]
    padded = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    size = f"{padded.shape[1]}x{padded.shape[0]}"
    options = ["-s", size, "-c", "yuv420_10", "-r", "1", "-f", "1", "--preset", "slow"]
    options += ["--qpa", "0", "--threads", "1", "-q", f"{-quality:g}"]
    stream = _run(ENCODER, _planes(padded), "-i", "-o", options)
    return np.array([width, height], SIZE).tobytes() + stream


def decode(data: bytes) -> RGB:
    """Decode a picture to uint8 (height, width, 3). Raises XcodecError if the program fails."""
    width, height = (int(side) for side in np.frombuffer(data[:4], SIZE))
    raw = _run(DECODER, data[4:], "-b", "-o", [])
    return _picture(np.frombuffer(raw, "<u2"), height, width)


def bare(data: bytes) -> int:
    """Return the bytes of the slices alone, without start codes."""
    return _count(data, SLICES)


def with_sets(data: bytes) -> int:
    """Return the bytes of slices and parameter sets, without start codes."""
    return _count(data, SLICES | SETS)


def _count(data: bytes, kinds: set[int]) -> int:
    return sum(len(unit) for unit in _units(data[4:]) if unit[1] >> 3 in kinds)


def _units(stream: bytes) -> Iterator[bytes]:
    """NAL units between start codes, 0 0 1 with any zeros before and after."""
    for part in stream.split(b"\0\0\1")[1:]:
        yield part.rstrip(b"\0")


def _run(name: str, data: bytes, source: str, target: str, options: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "in", Path(folder) / "out"
        given.write_bytes(data)
        command = [os.environ.get(name, name), source, str(given), target, str(made), *options]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=TIMEOUT)
            return made.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise XcodecError(f"{name}: {error}") from error


def _planes(rgb: RGB) -> bytes:
    """Y, Cb and Cr of 10 bits in full range, as 16-bit numbers; chroma at half the size."""
    values = rgb.astype(np.float64) / 255
    luma = values @ LUMA
    blue = (values[..., 2] - luma) / (2 - 2 * LUMA[2])
    red = (values[..., 0] - luma) / (2 - 2 * LUMA[0])
    planes = [luma, *(_halved(chroma) + 0.5 for chroma in (blue, red))]
    coded = [np.clip(np.rint(plane * 1023), 0, 1023).astype("<u2") for plane in planes]
    return b"".join(plane.tobytes() for plane in coded)


def _halved(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, cols = plane.shape
    mean: NDArray[np.float64] = plane.reshape(rows // 2, 2, cols // 2, 2).mean((1, 3))
    return mean


def _picture(raw: NDArray[np.uint16], height: int, width: int) -> RGB:
    rows, cols = height + height % 2, width + width % 2
    if raw.size != rows * cols * 3 // 2:
        raise XcodecError(f"{DECODER}: not a picture of {cols}x{rows} pixels at 4:2:0")
    luma, blue, red = np.split(raw / 1023, [rows * cols, rows * cols * 5 // 4])
    y = luma.reshape(rows, cols)
    b, r = (2 * (_doubled(chroma, rows, cols) - 0.5) for chroma in (blue, red))
    b, r = b * (1 - LUMA[2]) + y, r * (1 - LUMA[0]) + y
    g = (y - LUMA[0] * r - LUMA[2] * b) / LUMA[1]
    return to_depth(255 * np.stack([r, g, b], axis=-1)[:height, :width], 8)


def _doubled(plane: NDArray[np.float64], rows: int, cols: int) -> NDArray[np.float64]:
    small = Image.fromarray(plane.reshape(rows // 2, cols // 2).astype(np.float32))
    return np.asarray(small.resize((cols, rows), Image.Resampling.BICUBIC), np.float64)
