"""The generator in 8-bit integers: nearly OpenCV's picture, where the processor allows it."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from PIL import Image

from tests.reconstruction.test_generator import picture as drawn
from tests.reconstruction.test_onnx_gradient import SHAPES, taught, weights
from tests.reconstruction.test_opencv_painter import SMALL, check_shared, written
from xcodec import codec
from xcodec.errors import ModelError
from xcodec.reconstruction import (
    integer_painter,
    model_files,
    onnx_graph,
    onnx_integers,
    opencv_painter,
    ranges,
    runtime,
    torch_weights,
)
from xcodec.reconstruction.architecture import Architecture
from xcodec.reconstruction.generator import Generator
from xcodec.reconstruction.integer_painter import IntegerPainter
from xcodec.reconstruction.onnx_integers import FLOATING, Layer
from xcodec.reconstruction.opencv_painter import OpenCVPainter
from xcodec.reconstruction.painter import Painter
from xcodec.system import threads
from xcodec.system.processor import has_integer_dot_products
from xcodec.training import calibration

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture
def able() -> None:
    """Skip what cannot run here."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: xcodec[fast]")
    if not has_integer_dot_products():
        pytest.skip("this processor has no dot products of 8-bit integers")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Weights of a small generator, with ranges."""
    path = written(tmp_path / "a.safetensors", SMALL, 0)
    network, _ = torch_weights.load(path)
    inputs = [random_input(seed) for seed in range(4)]
    ranges.write(path, calibration.measured(network, inputs))
    return path


def random_input(seed: int, height: int = 48, width: int = 64) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-1, 1, (7, height, width)).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_model_computes_nearly_the_same(shape: Architecture) -> None:
    """By ONNX's definition of its operators, on any processor."""
    generator = taught(shape)
    known = calibration.measured(generator, [random_input(seed) for seed in range(4)])
    model = onnx.load_model_from_string(onnx_integers.model(shape, weights(generator), known))
    onnx.checker.check_model(model, full_check=True)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("QuantizeLinear") >= len(known)
    model.opset_import[0].version = 19  # What the reference implements; to us they are the same.
    plain = onnx.load_model_from_string(onnx_graph.model(shape, weights(generator)))
    x = np.random.default_rng(9).uniform(-1, 1, (1, 28, 16, 24)).astype(np.float32)
    found, expected = (ReferenceEvaluator(each).run(None, {"x": x})[0] for each in (model, plain))
    error = np.sqrt(np.mean(np.square(found - expected)) / np.mean(np.square(expected)))
    assert 0 < error < 0.03


def test_kernels_keep_the_integers_of_their_file() -> None:
    path = model_files.find("photo")
    card, found = model_files.read(path)
    known = ranges.read(path)
    assert known is not None
    assert isinstance(card.architecture, Architecture)
    model = onnx.load_model_from_string(onnx_integers.model(card.architecture, found, known))
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    whole = {name for name, value in constants.items() if value.dtype == np.int8 and value.ndim > 1}
    assert whole == {f"{key}.weight" for key in known}
    with model_files.opened(path) as (file, _):
        for name in whole:
            kept = file.get_tensor(name)
            same = np.abs(constants[name].astype(int)) == np.abs(kept.astype(int))
            assert same.all()


def test_it_paints_what_opencv_paints(able: None, path: Path) -> None:
    mine, theirs = integer_painter.painter((path,)), opencv_painter.painter((path,))
    assert isinstance(mine, IntegerPainter)
    assert integer_painter.painter((path,)) is mine
    for shape in ((1, 1), (1, 40), (17, 33), (64, 48), (130, 70)):
        samples, fill = drawn(*shape)
        found, expected = (each.window(samples, fill) for each in (mine, theirs))
        assert found.shape == (*shape, 3)
        most = np.abs(expected - fill.rgb.clip(0, 255)).max()
        assert most > 1
        assert 0 < np.abs(found - expected).max() < 0.1 * most


def test_photos_lose_next_to_nothing(able: None, picture: Path) -> None:
    original = np.asarray(Image.open(picture).convert("RGB"), np.float64)
    data = codec.encode(Image.open(picture), 0.05)
    for name in ("photo", "face"):
        painter = integer_painter.painter((model_files.find(name),))
        assert painter is not None
        assert isinstance(runtime.generator(name, "cpu", 1 << 30), IntegerPainter)
        found = codec.decode(data, model=name, device="cpu")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(integer_painter, "has_integer_dot_products", lambda: False)
            assert isinstance(runtime.generator(name, "cpu", 1000), OpenCVPainter)
            expected = codec.decode(data, model=name, device="cpu")
        errors = [np.mean((np.asarray(each) - original) ** 2) for each in (found, expected)]
        assert errors[0] != errors[1]
        assert abs(10 * np.log10(errors[0] / errors[1])) < 0.03


def test_fine_files_are_painted_in_float32(
    able: None, small: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.3 grey levels would be most of their error."""
    used = []

    def generator(*arguments: Any) -> Painter:
        used.append(painters(*arguments))
        return used[-1]

    painters = runtime.generator
    monkeypatch.setattr(runtime, "generator", generator)
    flat = np.full((64, 64, 3), (200, 40, 90), np.uint8)
    cases: list[tuple[NDArray[np.uint8], dict[str, Any], type[Painter]]] = [
        (small, {"rate": 0.2}, IntegerPainter),
        (small, {"rate": 0.2, "step": 1.0}, OpenCVPainter),
        (small, {"rate": 0.2, "lossless_samples": True, "tone": "point"}, OpenCVPainter),
        (flat, {"max_bytes": 200}, OpenCVPainter),
    ]
    for rgb, options, kind in cases:
        codec.decode(codec.encode(rgb, **options), model="photo", device="cpu")
        assert isinstance(used[-1], kind), options


def test_windows_are_nearly_those_of_the_whole(able: None, path: Path) -> None:
    """What a pixel at a distance adds is next to nothing, but may change how a value is rounded."""
    painter = integer_painter.painter((path,))
    assert painter is not None
    samples, fill = drawn(96, 160)
    whole = painter.window(samples, fill)
    part = painter.window(samples, fill, slice(0, 96), slice(0, 128))
    assert np.abs(part[:, :64] - whole[:, :64]).max() < 0.02 * np.abs(whole - fill.rgb).max()


def test_threads_may_share_it(able: None, path: Path) -> None:
    painter = integer_painter.painter((path,))
    assert painter is not None
    check_shared(painter)


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    threads.count.cache_clear()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    yield
    threads.count.cache_clear()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_paints(able: None, two_threads: None) -> None:
    path = model_files.find("photo")
    card, found = model_files.read(path)
    assert isinstance(card.architecture, Architecture)
    painter = IntegerPainter(card.architecture, found, ranges.read(path) or {})
    samples, fill = drawn(128, 128)
    expected = painter.window(samples, fill)
    child = os.fork()
    if not child:
        signal.alarm(30)
        same = np.array_equal(painter.window(samples, fill), expected)
        painter.stop()  # Waits for the threads to end: they must be the child's own.
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(painter.window(samples, fill), expected)


def test_without_what_it_needs_there_is_none(
    able: None, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenCV paints then, without a word."""
    name = str(path)
    assert isinstance(runtime.generator(name, "auto", 1000), IntegerPainter | OpenCVPainter)
    with monkeypatch.context() as patch:
        patch.setattr(integer_painter, "has_integer_dot_products", lambda: False)
        assert isinstance(runtime.generator(name, "cpu", 1000), OpenCVPainter)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "onnxruntime", None)
        assert isinstance(runtime.generator(name, "cpu", 1000), OpenCVPainter)
        # It is installed, and cannot be imported.
        patch.setattr(integer_painter.importlib.util, "find_spec", lambda name: name)
        integer_painter._painter.cache_clear()
        assert isinstance(runtime.generator(name, "cpu", 1000), OpenCVPainter)
    integer_painter._painter.cache_clear()
    written(path.with_name("a-real.safetensors"), SMALL, 1)
    assert isinstance(runtime.generator(name, "cpu", 1000, 0.5), OpenCVPainter)
    assert isinstance(runtime.generator(name, "cpu", 1000), IntegerPainter)
    written(path, SMALL, 2)  # The ranges are those of other weights now.
    assert isinstance(runtime.generator(name, "cpu", 1000), OpenCVPainter)
    ranges.beside(path).unlink()
    assert isinstance(runtime.generator(name, "cpu", 1000), OpenCVPainter)


def test_weights_that_do_not_fit_are_refused(able: None, path: Path) -> None:
    known = ranges.read(path)
    torch_weights.save(path, Generator(replace(SMALL, widths=(4, 4, 8, 9))), model_files.Card("a"))
    found = model_files.read(path)[1]
    with pytest.raises(ModelError, match="is \\(9,"):
        IntegerPainter(SMALL, found, known or {})


def test_encoders_never_ask_for_it(monkeypatch: pytest.MonkeyPatch, picture: Path) -> None:
    """Files must not depend on what is installed."""
    monkeypatch.setattr(integer_painter, "painter", lambda paths: pytest.fail("was asked for"))
    image = Image.open(picture).resize((96, 64))
    for options in ({"rate": 0.03}, {"max_bytes": 200}, {"rate": 0.03, "effort": 5}):
        codec.decode_samples(codec.encode(image, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["[]", "{", '{"ranges": {}}', "not json"])
def test_damaged_ranges_are_named(path: Path, text: str) -> None:
    table = json.loads(ranges.beside(path).read_text())
    key = next(iter(table["ranges"]))
    for row in ([1, 2, 3], [1, 2, 3, "4"], [1, 2, 3, float("inf")], None):
        ranges.beside(path).write_text(json.dumps(table | {"ranges": {key: row}}))
        with pytest.raises(ModelError, match=r"a\.ranges\.json: damaged ranges"):
            ranges.read(path)
    ranges.beside(path).write_text(text)
    with pytest.raises(ModelError, match=r"a\.ranges\.json: damaged ranges"):
        ranges.read(path)


def test_ranges_return(path: Path) -> None:
    known = {"middle.0.first": Layer((-1.5, 2.0), (0.0, 1e-9)), "head": Layer((0, 0), (-3, 0))}
    file = ranges.write(path, known)
    assert file == path.with_name("a.ranges.json")
    assert ranges.read(path) == known
    file.unlink()
    assert ranges.read(path) is None


@pytest.mark.parametrize("file", sorted(MODELS.glob("*.ranges.json")), ids=lambda file: file.name)
def test_shipped_ranges_are_those_of_the_shipped_weights(file: Path) -> None:
    """Else: python scripts/calibrate.py WEIGHTS PICTURES."""
    weights = file.with_name(file.name.removesuffix(ranges.SUFFIX) + model_files.SUFFIX)
    known = ranges.read(weights)
    assert known is not None
    layers = {
        name.removesuffix(".weight")
        for name in model_files.read(weights)[1]
        if name.endswith(".weight") and not name.startswith(FLOATING)
    }
    assert set(known) == layers
    assert all(low < 0 < high for each in known.values() for low, high in (each.inputs,))


def test_the_generators_have_ranges() -> None:
    found = {file.name.removesuffix(ranges.SUFFIX) for file in MODELS.glob("*.ranges.json")}
    assert found == {"photo", "photo-real", "face", "face-real"}


def test_measured_ranges_hold_all_values() -> None:
    generator = taught(SHAPES[0])
    inputs = [random_input(seed) for seed in range(3)]
    seen: dict[str, list[torch.Tensor]] = {}
    layers = {key: layer for key, layer in generator.named_modules() if key == "middle.1.second"}
    ((key, layer),) = layers.items()
    layer.register_forward_hook(
        lambda _, given, y: seen.setdefault(key, []).extend((given[0].clone(), y.clone()))
    )
    found = calibration.measured(generator, inputs)
    assert not [name for name in found if name.startswith(FLOATING)]
    for ends, values in (
        (found[key].inputs, seen[key][::2]),
        (found[key].outputs, seen[key][1::2]),
    ):
        low, high = (float(end) for end in torch.aminmax(torch.cat(values)))
        assert ends == pytest.approx((low, high), rel=0.006)
