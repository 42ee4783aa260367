"""VVC by programs: here two scripts that keep a picture's planes in units like those of VVC."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from xcodec.errors import InputError, XcodecError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import codecs, vvc
from xcodec.evaluation.peers.rivals import RIVALS, rivals

RGB = NDArray[np.uint8]
PROGRAM = """#!{python}
import sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
target = open(options["-o"], "wb")
if "-q" in options:  # Only the upper bits, in letters, so that no start code occurs.
    raw = open(options["-i"], "rb").read()
    width, height = map(int, options["-s"].split("x"))
    assert len(raw) == width * height * 3
    assert options["-c"] == "yuv420_10" and options["--qpa"] == "0"
    drop = int(options["-q"]) // 10
    values = [int.from_bytes(raw[i:i + 2], "little") >> drop << drop for i in range(0, len(raw), 2)]
    coded = "".join(format(value, "03x") for value in values).encode()
    for kind, body in ((15, b"sps"), (16, b"pps"), (7, coded)):
        target.write(b"\\0\\0\\0\\1" + bytes([0, kind << 3 | 1]) + body)
else:
    coded = open(options["-b"], "rb").read().split(b"\\0\\0\\1")[-1][2:]
    for i in range(0, len(coded), 3):
        target.write(int(coded[i:i + 3], 16).to_bytes(2, "little"))
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "program"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    for name in (vvc.ENCODER, vvc.DECODER):
        monkeypatch.setenv(name, str(path))
    codecs._available.cache_clear()
    yield path
    codecs._available.cache_clear()


@pytest.mark.parametrize("shape", [(48, 64), (5, 3), (1, 1)])
def test_pictures_pass_the_programs(programs: Path, shape: tuple[int, int], small: RGB) -> None:
    (codec,) = codecs.codecs(["vvc"])
    rgb = np.ascontiguousarray(small[: shape[0], : shape[1]])
    fine, coarse = codec.encode(rgb, -10), codec.encode(rgb, -63)
    decoded = codec.decode(fine)
    assert decoded.shape == rgb.shape
    # Chroma has half the resolution; without its loss 10 bits are finer than 8.
    assert metrics.psnr(rgb, decoded) > 33
    assert metrics.psnr(rgb, codec.decode(coarse)) < metrics.psnr(rgb, decoded)
    planes = (shape[0] + shape[0] % 2) * (shape[1] + shape[1] % 2) * 3 // 2
    assert codec.counts["payload"](fine) == 2 + 3 * planes
    assert codec.counts[RIVALS["vvc-sets"].part](fine) == 2 + 3 * planes + 5 + 5
    assert "program" in codec.version


def test_grey_survives_exactly(programs: Path) -> None:
    (codec,) = codecs.codecs(["vvc"])
    grey = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    assert np.abs(codec.decode(codec.encode(grey, -10)).astype(int) - grey).max() <= 1


def test_a_program_that_fails_is_one_error(programs: Path, small: RGB) -> None:
    (codec,) = codecs.codecs(["vvc"])
    data = codec.encode(small, -30)
    programs.write_text(f"#!{sys.executable}\nraise SystemExit(3)\n")
    with pytest.raises(XcodecError, match=r"VVENC: .*exit status 3"):
        codec.encode(small, -30)
    with pytest.raises(XcodecError, match="VVDEC: "):
        codec.decode(data)


def test_vvc_needs_programs_or_recorded_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(vvc.ENCODER, raising=False)
    codecs._available.cache_clear()
    with pytest.raises(InputError, match="--recorded, or programs by VVENC and VVDEC"):
        rivals(["vvc"])
    assert "vvc" not in [rival.name for rival in rivals()]
    names = [rival.name for rival in rivals(recorded=True)]
    assert {"vvc", "vvc-sets", "avif", "av1"} <= set(names)
    assert rivals(["vvc"], recorded=True) == [RIVALS["vvc"]]
    with pytest.raises(InputError, match="no codec 'gif'"):
        rivals(["gif"])
