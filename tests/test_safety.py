"""What docs/security.md promises beyond tests/test_hostile.py."""

import re
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import xcodec
from xcodec.coding import container, payload, primitives
from xcodec.coding.header import Header
from xcodec.decoder import inspection
from xcodec.sampling import mask as masks

ROOT = Path(__file__).parent.parent


def test_no_pickle_anywhere() -> None:
    for path in (ROOT / "xcodec").rglob("*.py"):
        text = path.read_text().replace("allow_pickle=False", "")
        # Weights of losses and metrics that others publish as bare tensors.
        if "training" in path.parts or path.name == "dists.py":
            text = re.sub(r"torch\.load\([^()]*weights_only=True\)", "", text)
        for word in ("pickle", "torch.load", "marshal", "shelve", "eval(", "exec("):
            assert word not in text.replace(".eval(", ""), f"{path}: {word}"


def full(side: int, payload: bytes) -> bytes:
    """A file that asks for every pixel of a square as a sample."""
    header = Header(side, side, "blue", "point", False, True, 0, 16, scale=masks.MAX_SCALE, step=90)
    return container.write(header, [payload])


def test_few_bytes_cannot_ask_for_many_samples() -> None:
    data = full(4000, b"")
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(xcodec.LimitError, match="samples, more than the limit of 131072"):
        xcodec.decode(data, decoder="classical")
    assert time.process_time() - start < 1
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()
    with pytest.raises(xcodec.LimitError, match=str(131072 + 64 * 100)):
        inspection.info(full(4000, bytes(100)))


def test_an_explicit_mask_cannot_either() -> None:
    header = Header(2000, 2000, "explicit", "point", False, False, 0, 16, step=90)
    layer = b"\0" + primitives.pack(b"\xff" * 500_000)
    data = container.write(header, [primitives.varint(len(layer)) + layer])
    with pytest.raises(xcodec.LimitError, match="samples"):
        inspection.info(data)


def test_encoders_keep_to_that(monkeypatch: pytest.MonkeyPatch) -> None:
    flat = np.full((100, 100), 128, np.uint8)
    small = xcodec.encode(flat, 0.5)
    for module in (masks, payload):
        monkeypatch.setattr(module, "FREE_SAMPLES", 100)
    with pytest.raises(xcodec.LimitError):
        inspection.info(small)
    data = xcodec.encode(flat, 0.5)
    info = inspection.info(data)
    assert info.samples == pytest.approx(5000, rel=0.01)
    assert len(data) - 11 == pytest.approx((info.samples - 100) / 64, abs=3)
    assert (np.asarray(xcodec.decode(data, decoder="classical")) == 128).all()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_leave_no_half_file(tmp_path: Path, number: signal.Signals) -> None:
    picture = tmp_path / "in.png"
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)
    Image.fromarray(noise).save(picture)
    code = (
        "import os, time; from xcodec.system import files; real = os.fsync\n"
        "def slow(fd):\n real(fd); print('writing', flush=True); time.sleep(60)\n"
        "os.fsync = slow\n"
        "import sys; from xcodec.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "encode", str(picture), "-e", "0", "-r", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"writing"
        assert len(list(tmp_path.iterdir())) == 2  # The temporary file is there now.
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]
