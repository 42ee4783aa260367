"""Files with the ranges of a network's values, beside its weights. No torch here."""

import json
import math
from pathlib import Path

from xcodec.errors import ModelError
from xcodec.reconstruction import model_files
from xcodec.reconstruction.onnx_integers import Layer, Ranges
from xcodec.system import files

SUFFIX = ".ranges.json"
"""In place of that of the weights."""


def beside(weights: Path) -> Path:
    """The file of the ranges of a file of weights."""
    return weights.with_name(weights.name.removesuffix(model_files.SUFFIX) + SUFFIX)


def read(weights: Path) -> Ranges | None:
    """The ranges of a network; None if there are none, or those of other weights.

    Raises ModelError if the file of ranges is damaged, InputError if it cannot be read.
    """
    path = beside(weights)
    if not path.is_file():
        return None
    text = files.read(path)
    try:
        table = json.loads(text)
        if table["weights"] != model_files.digest(weights):
            return None
        return {
            key: Layer((_finite(a), _finite(b)), (_finite(c), _finite(d)))
            for key, (a, b, c, d) in table["ranges"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path}: damaged ranges") from error


def write(weights: Path, ranges: Ranges) -> Path:
    """Write the ranges of a network beside its weights, over older ones; returns the file.

    Raises InputError if that fails, ModelError if there are no weights.
    """
    rows = {key: (*layer.inputs, *layer.outputs) for key, layer in ranges.items()}
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
    digest = json.dumps(model_files.digest(weights))
    text = f'{{"weights": {digest},\n "ranges": {{\n{lines}\n}}}}\n'
    files.write_atomic(beside(weights), text.encode(), overwrite=True)
    return beside(weights)


def _finite(value: float) -> float:
    """A number; raises ValueError if it is not finite."""
    if not math.isfinite(value):
        raise ValueError("not finite")
    return float(value)
