"""SSDV, by a stand-in program with the same options that cuts pictures in its own way."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from xcodec.errors import XcodecError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import ssdv

STAND_IN = """#!{python}
# Packets: number of packets, index, side, and that part of a picture's rows in grey.
import io, sys
from PIL import Image
mode, source, target = sys.argv[1], sys.argv[-2], sys.argv[-1]
length = next(int(text[2:]) for text in sys.argv if text.startswith("-l"))
data = open(source, "rb").read()
if mode == "-e":
    image = Image.open(io.BytesIO(data)).convert("L")
    assert image.width % 16 == image.height % 16 == 0
    pixels, room = image.tobytes(), length - 2
    parts = [pixels[i : i + room] for i in range(0, len(pixels), room)]
    out = b"".join(bytes([i, image.width]) + p.ljust(room, b"\\0") for i, p in enumerate(parts))
else:
    width, room = data[1], length - 2
    if width > 128:
        sys.exit(1)
    pixels = bytearray(b"\\x80" * width * width)
    for i in range(0, len(data), length):
        start = data[i] * room
        pixels[start : start + room] = data[i + 2 : i + length]
    file = io.BytesIO()
    Image.frombytes("L", (width, width), bytes(pixels[: width * width])).save(file, "JPEG")
    out = file.getvalue()
open(target, "wb").write(out)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in, alone on the PATH."""
    path = tmp_path / ssdv.PROGRAM
    path.write_text(STAND_IN.format(python=sys.executable))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return path


def test_the_program_is_found_on_the_path(program: Path) -> None:
    assert ssdv.installed()
    program.unlink()
    assert not ssdv.installed()


def test_packets_fit_a_budget_and_lost_ones_cost_quality(
    program: Path, small: NDArray[np.uint8]
) -> None:
    rgb = np.ascontiguousarray(small[:96, :96])
    grey = np.full_like(rgb, 128)
    found = list(ssdv.sizes(rgb, 200, 1400))
    assert found
    assert all(sum(map(len, sent.packets)) <= 1400 for sent in found)
    sent = found[0]
    assert {len(packet) for packet in sent.packets} == {200}
    arrived = np.ones(len(sent.packets), bool)
    whole = sent.paint(arrived, rgb.shape, grey)
    arrived[1] = False
    less = sent.paint(arrived, rgb.shape, grey)
    assert whole.shape == rgb.shape
    assert metrics.psnr(rgb, whole) > metrics.psnr(rgb, less)
    assert sent.paint(~np.ones(len(sent.packets), bool), rgb.shape, grey) is grey


def test_a_failing_program_is_an_error(program: Path, small: NDArray[np.uint8]) -> None:
    program.write_text(f"#!{sys.executable}\nraise SystemExit(1)")
    with pytest.raises(XcodecError, match="ssdv failed"):
        list(ssdv.sizes(small, 200, 1400))


@pytest.mark.skipif(shutil.which(ssdv.PROGRAM) is None, reason="needs the program ssdv")
def test_the_program_itself(photo: NDArray[np.uint8]) -> None:
    rgb = np.asarray(Image.fromarray(photo).resize((256, 256)))
    sent = max(ssdv.sizes(rgb, 256, 2560), key=lambda each: len(each.packets))
    arrived = np.ones(len(sent.packets), bool)
    whole = metrics.psnr(rgb, sent.paint(arrived, rgb.shape, np.full_like(rgb, 128)))
    arrived[0] = False
    assert whole > 18
    assert metrics.psnr(rgb, sent.paint(arrived, rgb.shape, np.full_like(rgb, 128))) < whole
