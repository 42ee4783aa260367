"""SSDV (amateur radio's slow-scan digital video) as a peer, by its program ``ssdv``.

A JPEG file is cut into packets that each decode by themselves: a lost one costs a strip of blocks,
so it matters which packets arrive. Without parity, which does nothing for lost packets.
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
SIDE = 16
"""Sides of its pictures are multiples of this many pixels."""
LARGEST = 256
"""Bytes of a packet at most."""
QUALITIES = range(8)
SOURCE = 95
"""Quality of the JPEG file that the program is given."""
SECONDS = 20


def installed() -> bool:
    """Whether the program is there."""
    return shutil.which(PROGRAM) is not None


@dataclass(frozen=True)
class Sent:
    """A picture as packets.

    name : of its scale and quality
    """

    name: str
    packets: tuple[bytes, ...]

    def paint(self, arrived: NDArray[np.bool_], shape: tuple[int, ...], nothing: RGB) -> RGB:
        """The picture that packets give, (n,) bool, at height and width of ``shape``; ``nothing``
        where they give none."""
        kept = [each for each, here in zip(self.packets, arrived, strict=True) if here]
        if not kept:
            return nothing
        data = _run("-d", b"".join(kept), f"-l{len(kept[0])}")
        try:
            rgb = np.asarray(Image.open(io.BytesIO(data), formats=["JPEG"]).convert("RGB"))
        except OSError:
            return nothing
        return codecs.enlarge(rgb, shape)


def sizes(rgb: RGB, packet_size: int, budget: int) -> Iterator[Sent]:
    """The picture at all scales and qualities whose packets have at most ``budget`` bytes."""
    length = min(packet_size, LARGEST)
    for scale in codecs.SCALES:
        height, width = (max(SIDE, round(side / scale / SIDE) * SIDE) for side in rgb.shape[:2])
        small = Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        small.save(file, "JPEG", quality=SOURCE)
        for quality in QUALITIES:
            data = _run("-e", file.getvalue(), "-n", f"-l{length}", "-cX", "-i1", f"-q{quality}")
            if len(data) > budget:
                break
            cut = tuple(data[i : i + length] for i in range(0, len(data), length))
            yield Sent(f"1/{scale:g} {quality}", cut)


def _run(mode: str, data: bytes, *options: str) -> bytes:
    """What the program makes of bytes; raises XcodecError where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        source.write_bytes(data)
        command = [PROGRAM, mode, *options, str(source), str(target)]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise XcodecError(f"{PROGRAM} failed: {error}") from error
