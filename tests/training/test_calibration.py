"""Ranges of a generator's values, measured on training pictures."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.reconstruction.test_opencv_painter import SMALL, written
from xcodec.errors import InputError, ModelError
from xcodec.reconstruction import model_files, ranges, torch_weights
from xcodec.reconstruction.architecture import OnDemandArchitecture
from xcodec.reconstruction.onnx_integers import FLOATING
from xcodec.reconstruction.torch_weights import build
from xcodec.training import calibration

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def pictures(tmp_path: Path, small: np.ndarray) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(np.roll(small, 40 * number, 1)[: 60 + number]).save(
            folder / f"{number}.png"
        )
    return folder


def test_ranges_are_the_same_each_time(tmp_path: Path, pictures: Path) -> None:
    path = written(tmp_path / "a.safetensors", SMALL, 0)
    files = [calibration.calibrate(path, pictures, count).read_bytes() for count in (1, 3, 1, 40)]
    assert files[0] == files[2] != files[1] == files[3]
    found = ranges.read(path)
    assert found is not None
    layers = [name for name in model_files.read(path)[1] if name.endswith(".weight")]
    assert len(found) == len([name for name in layers if not name.startswith(FLOATING)])


def test_inputs_are_of_many_rates(pictures: Path) -> None:
    files = sorted(pictures.iterdir())
    inputs = list(calibration.seen(files))
    assert all(each.shape == (7, 60 + i, each.shape[2]) for i, each in enumerate(inputs))
    rates = [float(each[4].mean()) for each in inputs]
    assert max(rates) > 1.5 * min(rates)
    for one, other in zip(inputs, calibration.seen(files), strict=True):
        assert np.array_equal(one, other)


def test_what_cannot_be_measured_is_refused(tmp_path: Path, pictures: Path) -> None:
    path = tmp_path / "a.safetensors"
    torch_weights.save(path, build(OnDemandArchitecture(4, 16)), model_files.Card("a"))
    with pytest.raises(ModelError, match="cannot decode files"):
        calibration.calibrate(path, pictures)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no pictures"):
        calibration.calibrate(written(path, SMALL, 0), tmp_path / "none")


def test_errors_of_the_script_are_one_line(
    tmp_path: Path,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    script = importlib.import_module("calibrate")
    path = written(tmp_path / "a.safetensors", SMALL, 0)
    for arguments in ([tmp_path / "missing", pictures], [path, tmp_path / "missing"]):
        assert script.main(list(map(str, arguments))) == 1
        assert re.fullmatch(r"error: .*missing.*\n", capsys.readouterr().err)
    with pytest.raises(SystemExit):
        script.main([str(path), str(pictures), "--count", "0"])
    assert not ranges.beside(path).exists()
    assert script.main([str(path), str(pictures), "--count", "1"]) == 0
    assert ranges.read(path) is not None
