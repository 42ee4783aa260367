"""SSDV (slow-scan digital video of amateur radio), by its program ``ssdv``.

It cuts a JPEG file into packets that decode independently. A lost packet costs a strip of blocks,
so that it matters which packets arrive. Its parity does not help against lost packets and is off.
"""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xcodec.errors import XcodecError
from xcodec.evaluation.peers import codecs
from xcodec.types import RGB

PROGRAM = "ssdv"
BLOCK_SIDE = 16
"""Sides of its pictures are multiples of this number of pixels."""
MAX_PACKET = 256
"""Largest size of a packet in bytes."""
SSDV_QUALITIES = range(8)
SOURCE_QUALITY = 95
"""Quality of the JPEG file that the program starts from."""
TIMEOUT = 20.0
"""Seconds after which a run of the program counts as failed."""


def installed() -> bool:
    """Whether the program is on the PATH."""
    return shutil.which(PROGRAM) is not None


@dataclass(frozen=True)
class SsdvPicture:
    """A picture as packets of SSDV.

    name : scale and quality
    """

    name: str
    packets: tuple[bytes, ...]

    def paint(self, arrived: NDArray[np.bool_], shape: tuple[int, ...], nothing: RGB) -> RGB:
        """Decode the packets that arrived.

        arrived : bool (n,), by packet
        shape   : height and width of the result
        nothing : the result if the packets cannot be decoded
        """
        kept = [each for each, here in zip(self.packets, arrived, strict=True) if here]
        if not kept:
            return nothing
        data = _run("-d", b"".join(kept), f"-l{len(kept[0])}")
        try:
            rgb = np.asarray(Image.open(io.BytesIO(data), formats=["JPEG"]).convert("RGB"))
        except OSError:
            return nothing
        return codecs.enlarge(rgb, shape)


def sizes(rgb: RGB, packet_size: int, budget: int) -> Iterator[SsdvPicture]:
    """Encode a picture at all scales and qualities whose packets fit ``budget`` bytes together."""
    length = min(packet_size, MAX_PACKET)
    for scale in codecs.SCALES:
        height, width = (
            max(BLOCK_SIDE, round(side / scale / BLOCK_SIDE) * BLOCK_SIDE) for side in rgb.shape[:2]
        )
        small = Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        small.save(file, "JPEG", quality=SOURCE_QUALITY)
        for quality in SSDV_QUALITIES:
            data = _run("-e", file.getvalue(), "-n", f"-l{length}", "-cX", "-i1", f"-q{quality}")
            if len(data) > budget:
                break
            cut = tuple(data[i : i + length] for i in range(0, len(data), length))
            yield SsdvPicture(f"1/{scale:g} {quality}", cut)


def _run(mode: str, data: bytes, *options: str) -> bytes:
    """Run the program on bytes and return its output. Raises XcodecError if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        source.write_bytes(data)
        command = [PROGRAM, mode, *options, str(source), str(target)]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=TIMEOUT)
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise XcodecError(f"{PROGRAM} failed: {error}") from error
