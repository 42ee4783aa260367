"""Sample values tuned through the generator (xcodec/encoder/tuning.py): efforts 8 and 9."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data as photos

import xcodec
from xcodec.encoder import analysis, request
from xcodec.encoder import effort as efforts
from xcodec.reconstruction import model_files

RGB = NDArray[np.uint8]


def painted_error(picture: RGB, data: bytes, decoder: str = "generator") -> float:
    painted = np.asarray(xcodec.decode(data, decoder=decoder, device="cpu"), float)
    return float(np.square(painted - picture).mean())


@pytest.mark.parametrize(("rate", "share"), [(0.02, 0.98), (0.06, 0.99)])
def test_the_generator_paints_tuned_files_better(
    rate: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = np.ascontiguousarray(photos.astronaut()[60:156, 170:266])
    without = tuple(replace(each, lookaheads=0) for each in efforts.EFFORTS)
    monkeypatch.setattr(efforts, "EFFORTS", without)  # What tuning alone brings.
    for module in (analysis, request):
        monkeypatch.setattr(module, "EFFORTS", without)
    plain, tuned = (xcodec.encode(photo, rate, effort=level) for level in (7, 8))
    # What it costs the fill is what it is for: the generator starts from elsewhere.
    assert painted_error(photo, tuned) < share * painted_error(photo, plain)
    assert len(tuned) < 1.05 * len(plain)


def test_a_size_is_kept_and_more_rounds_are_no_worse(small: RGB) -> None:
    errors, part = [], np.ascontiguousarray(small[:48, :56])
    for effort in (7, 8, 9):
        data = xcodec.encode(part, max_bytes=120, effort=effort)
        assert len(data) <= 120
        errors.append(painted_error(part, data))
    assert errors[1] < 1.001 * errors[0]
    assert errors[2] < 1.001 * errors[0]


def test_what_is_not_fitted_is_not_tuned(small: RGB) -> None:
    for options in ({"tone": "point"}, {"tone": "point", "lossless_samples": True}):
        files = [xcodec.encode(small, effort=effort, **options) for effort in (7, 8)]  # type: ignore[arg-type]
        assert files[0] == files[1]
    psnr = [xcodec.encode(small, psnr=20, effort=effort) for effort in (7, 8)]
    assert psnr[0] == psnr[1]  # A PSNR is that of the classical fill.


def test_weights_that_are_missing_are_one_clear_error(
    small: RGB, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "proxy.safetensors").write_bytes(model_files.find("proxy").read_bytes())
    monkeypatch.setattr(model_files, "_places", lambda: [tmp_path])
    with pytest.raises(xcodec.ModelError, match="face"):
        xcodec.encode(small, effort=8, model="face")


def test_torch_starts_only_for_these_efforts(small: RGB) -> None:
    code = (
        "import sys, numpy, xcodec\n"
        "xcodec.encode(numpy.zeros((20, 20, 3), 'u1'), effort=int(sys.argv[1]))\n"
        "print('torch' in sys.modules)"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code, effort], capture_output=True, text=True, check=True
        ).stdout.strip()
        for effort in ("7", "8")
    ]
    assert found == ["False", "True"]
