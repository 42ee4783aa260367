"""The scripts in benchmarks/, as tests run them."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from click.testing import CliRunner

import xcodec
from xcodec.evaluation.runs import records

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Dataclasses look up their module there.
    spec.loader.exec_module(module)
    return module


def run(name: str, *arguments: object) -> tuple[dict[str, Any], str]:
    """The record that a script writes, and its output."""
    folder = Path(str(arguments[0])).parent
    output = folder / "results" / "run.json"
    command = [*map(str, arguments), "-o", str(output)]
    done = CliRunner().invoke(script(name).main, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    text = output.read_text()
    assert str(folder) not in text
    record = json.loads(text)
    assert record["schema"] == records.SCHEMA
    assert record["benchmark"] == name
    assert record["machine"]["cores"] >= 1
    assert record["versions"]["xcodec"] == xcodec.__version__
    return record, done.output


def failed(name: str, *arguments: object) -> str:
    """What a script says on standard error as it ends with an error."""
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr
