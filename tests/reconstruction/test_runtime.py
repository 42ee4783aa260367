"""OpenCV runs networks unless another runtime is faster; without torch, what can be done is."""

import subprocess
import sys
from pathlib import Path

import pytest

from xcodec.errors import DependencyError, ModelError
from xcodec.reconstruction import model_files, runtime, torch_weights
from xcodec.reconstruction.architecture import OnDemandArchitecture
from xcodec.reconstruction.opencv_painter import OpenCVPainter
from xcodec.reconstruction.torch_weights import build
from xcodec.system.packages import pip_command


def test_networks_that_see_no_fill_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    torch_weights.save(path, build(OnDemandArchitecture(4, 16)), model_files.Card("a"))
    with pytest.raises(ModelError, match="cannot decode files"):
        runtime.generator(str(path), "auto", 1000)


@pytest.mark.parametrize(
    ("device", "pixels", "card", "bf16", "torch", "opencv"),
    [
        ("cpu", 1000, True, True, True, True),
        ("auto", 1000, True, True, True, False),
        ("auto", 1000, False, True, True, True),
        ("cpu", runtime.WORTH_TORCH, False, True, True, False),
        ("cpu", runtime.WORTH_TORCH, False, False, True, True),
        ("cuda", 1000, True, True, True, False),
        ("cuda", 1000, True, True, False, False),
        ("auto", 1000, True, True, False, True),
        ("cpu", runtime.WORTH_TORCH, False, True, False, True),
        ("abacus", 1000, False, True, False, False),
    ],
)
def test_opencv_runs_what_torch_would_not_finish_first(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    pixels: int,
    card: bool,
    bf16: bool,
    torch: bool,
    opencv: bool,
) -> None:
    monkeypatch.setattr(runtime, "_has_card", lambda: card)
    monkeypatch.setattr(runtime, "has_bf16", lambda: bf16)
    monkeypatch.setattr(runtime, "_has_torch", lambda: torch)
    assert runtime.by_opencv(device, pixels) is opencv


@pytest.mark.parametrize(
    ("device", "card", "torch", "processor"),
    [
        ("cpu", True, True, True),
        ("auto", True, True, False),
        ("auto", True, False, True),
        ("auto", False, True, True),
        ("cuda", True, True, False),
        ("abacus", False, True, False),
    ],
)
def test_integers_are_for_processors(
    monkeypatch: pytest.MonkeyPatch, device: str, card: bool, torch: bool, processor: bool
) -> None:
    """Where networks run on one, it is asked first, for pictures of any size."""
    monkeypatch.setattr(runtime, "_has_card", lambda: card)
    monkeypatch.setattr(runtime, "_has_torch", lambda: torch)
    assert runtime.on_processor(device) is processor
    if device == "cpu":
        painter = object()
        monkeypatch.setattr(runtime.integer_painter, "painter", lambda paths: painter)
        for pixels in (1000, 2 * runtime.WORTH_TORCH):
            assert runtime.generator("photo", device, pixels) is painter


def test_a_network_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.integer_painter, "painter", lambda paths: None)
    found = runtime.generator("photo", "cpu", 1000)
    assert isinstance(found, OpenCVPainter)
    assert runtime.generator("photo", "cpu", 1000) is found


def test_without_torch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    torch_weights.save(path, build(OnDemandArchitecture(4, 16)), model_files.Card("a"))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(DependencyError, match=r"device 'cuda' needs torch.*'xcodec\[torch\]'"):
        runtime.generator("photo", "cuda", 1000)
    with pytest.raises(DependencyError, match=r"this network needs torch.*'xcodec\[torch\]'"):
        runtime.network(path, "auto", 256)


def without_torch(*line: str) -> subprocess.CompletedProcess[str]:
    """A command of xcodec where torch and onnx are not installed."""
    code = (
        "import sys; sys.modules |= dict.fromkeys(('torch', 'onnx')); "
        "from xcodec.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, *line]
    return subprocess.run(command, capture_output=True, text=True)


def test_commands_do_without_torch_what_they_can(tmp_path: Path, picture: Path) -> None:
    """Encoding, drawing by the generator and restoring need none; the rest names the extra."""
    coded, drawn = tmp_path / "a.xgc", tmp_path / "a.png"
    for line in (
        ["encode", str(picture), "-o", str(coded)],
        ["decode", str(coded), "-o", str(drawn)],
        ["corrupt", str(picture), "--task", "white-block", "--side", "40"],
        ["restore", str(picture.parent / "photo-white-block.png"), "--task", "white-block"],
    ):
        done = without_torch(*line)
        assert done.returncode == 0, done.stderr
    for line, what, extra in (
        (["encode", str(picture), "-f", "--effort", "8"], "effort 8", "torch"),
        (["decode", str(coded), "-f", "--device", "cuda"], "device 'cuda'", "torch"),
        (["train", "--data", str(tmp_path)], "training", "train"),
    ):
        done = without_torch(*line)
        assert done.returncode == 1
        error = f"{what} needs torch, which is not installed: {pip_command(extra)}"
        assert done.stderr.splitlines() == [f"xcodec: {error}"]
