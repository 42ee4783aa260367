"""The messages are those that the package onnx writes, and it accepts our graphs."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.reconstruction.test_onnx_gradient import SHAPES, taught, weights
from xcodec.reconstruction import onnx_format, onnx_gradient, onnx_graph


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"alpha": 0.1},
        {"pads": [0, 300, 1 << 40, 0], "strides": [1, 2]},
        {"axis": 127, "group": 128, "mode": "nearest"},
    ],
)
def test_nodes(attributes: dict[str, Any]) -> None:
    ours = onnx.NodeProto.FromString(onnx_format.node("Conv", ["x", "", "w"], "y", **attributes))
    assert ours == helper.make_node("Conv", ["x", "", "w"], ["y"], **attributes)


@pytest.mark.parametrize("shape", [(), (1,), (3, 0), (2, 3, 4), (300,)])
def test_constants(shape: tuple[int, ...]) -> None:
    value = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    ours = TensorProto.FromString(onnx_format.tensor("a name", value.T))
    assert ours.name == "a name"
    np.testing.assert_array_equal(numpy_helper.to_array(ours), value.T)


def test_inputs_and_outputs() -> None:
    ours = onnx.ValueInfoProto.FromString(onnx_format.images("x", 28))
    assert ours == helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 28, "h", "w"])


@pytest.mark.parametrize("graph", [onnx_graph, onnx_gradient])
def test_models(graph: Any) -> None:
    model = onnx.load_model_from_string(graph.model(SHAPES[0], weights(taught(SHAPES[0]))))
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == onnx_format.IR
    assert model.opset_import[0].version == onnx_format.OPSET
