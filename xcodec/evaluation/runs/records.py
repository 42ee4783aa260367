"""What every benchmark shares: work on pictures in processes, and the record of a run.

A record is JSON of one schema (``schema.json`` beside this module, told in docs/benchmarks.md).
"""

import hashlib
import json
import math
import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import features

import xcodec
from xcodec.system import files
from xcodec.errors import InputError, ModelError, XcodecError
from xcodec.evaluation.measures import lpips
from xcodec.system.processes import workers
from xcodec.reconstruction import model_files

Item = TypeVar("Item")
Result = TypeVar("Result")

SCHEMA = 2
"""Version of the records' schema."""
PACKAGES = (
    "numpy",
    "scipy",
    "opencv-python-headless",
    "constriction",
    "torch",
    "scikit-image",
    "pytorch-msssim",
    "ssimulacra2",
    "bjontegaard",
    "pillow",
    "pillow-jxl-plugin",
    "pillow-heif",
    "mozjpeg-lossless-optimization",
)
PEERS = ("libjpeg_turbo", "jpg_2000", "webp", "avif")
"""Pillow's names of the libraries behind the peers."""


def weights(models: Iterable[str], perceptual: Path | None) -> dict[Path, str]:
    """The files of weights that take part, and their digests: generators', and LPIPS'.

    models     : names or files of the generators
    perceptual : folder of LPIPS' weights, if they are used

    Raises ModelError where a model has no weights.
    """
    found = [perceptual / lpips.BACKBONE, perceptual / lpips.HEADS] if perceptual else []
    for model in models:
        found.append(model_files.find(model))
    return {path: digest(path) for path in found}


def each(work: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> list[Result]:
    """Work done on every item, in order, with progress on stderr where that is a terminal.

    jobs : processes; with more than one, each keeps to one thread unless OMP_NUM_THREADS and the
           like say otherwise

    Raises what ``work`` raises, and XcodecError where a process dies.
    """
    with workers(jobs) as pool:
        return list(progress(pool.map(work, items), len(items)))


def progress(results: Iterable[Result], count: int | None = None) -> Iterable[Result]:
    """Results as they come, with a bar on stderr where that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(results, "", count, console=console, disable=not console.is_terminal)


def record(
    benchmark: str,
    label: str,
    command: str,
    pictures: Iterable[Path],
    weights: dict[Path, str],
    figures: dict[str, Any],
) -> dict[str, Any]:
    """All that a reader needs to judge a run and to repeat it; nothing of it names a folder.

    benchmark : "rd", "points", ...
    label     : what was measured, for a reader: "kodak"
    command   : from ``command_line``
    weights   : from ``weights``, asked before the run

    Raises ModelError where a file of weights changed since.
    """
    for path, before in weights.items():
        if digest(path) != before:
            raise ModelError(f"{path.name} changed during the run")
    return {
        "schema": SCHEMA,
        "benchmark": benchmark,
        "label": label,
        "command": command,
        "versions": versions(),
        "machine": machine(),
        "pictures": {path.name: digest(path) for path in pictures},
        "weights": {path.name: known for path, known in weights.items()},
        "figures": figures,
    }


def save(path: Path, record: dict[str, Any], overwrite: bool = False) -> None:
    """Write a record, atomically: six digits a number, null for infinity, columns on one line.

    Raises InputError where that fails, or where it isn't a record.
    """
    plain = _plain(record)
    check(plain, path)
    text = json.dumps(plain, indent=1, allow_nan=False)
    flat = re.sub(r"\[\n[^][{}\"]*\]", lambda found: " ".join(found.group().split()), text)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomic(path, (flat + "\n").encode(), overwrite)


def load(path: Path) -> dict[str, Any]:
    """The record in a file. Raises InputError where it isn't one of this schema."""
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a record of xcodec bench") from error
    check(record, path)
    return dict(record)


def check(record: Any, path: Path) -> None:
    """Raise InputError, which names a file, unless a record follows the schema."""
    version = record.get("schema") if isinstance(record, dict) else None
    if version != SCHEMA:
        known = f"of schema {version}, not {SCHEMA}" if version else "no record of xcodec bench"
        raise InputError(f"{path}: {known}")
    try:
        import jsonschema
    except ImportError as error:
        raise XcodecError("records need jsonschema: pip install jsonschema") from error
    schema = json.loads(resources.files("xcodec.evaluation").joinpath("schema.json").read_text())
    try:
        jsonschema.validate(record, schema)
    except jsonschema.ValidationError as error:
        where = "/".join(map(str, error.absolute_path)) or "the record"
        raise InputError(f"{path}: {where}: {error.message[:200]}") from error


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table whose columns line up; all but the first column are right-aligned."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        [
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in [cells[0], rule, *cells[1:]]
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None, digits: int) -> str:
    """A figure as a table shows it: a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def mean(values: Iterable[float | None]) -> float | None:
    """The mean, or None where there is nothing or a value is missing."""
    known = list(values)
    present = [value for value in known if value is not None]
    return float(np.mean(present)) if present and len(present) == len(known) else None


def command_line(program: str, arguments: Sequence[str]) -> str:
    """The command as a reader would repeat it, with names in place of paths.

    program : "xcodec bench rd"
    """
    names = (re.sub(r"(?<![^=])[^=]*/(?=[^/])", "", text.rstrip("/")) for text in arguments)
    return " ".join([program, *names])


def versions() -> dict[str, str]:
    """Versions of xcodec, of the packages below it and of the libraries behind the peers."""
    found = {"xcodec": xcodec.__version__, "python": platform.python_version()}
    if commit := _commit():
        found["commit"] = commit
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    known = {name: features.version(name) for name in PEERS if features.check(name)}
    return found | {name: version for name, version in known.items() if version}


def machine() -> dict[str, Any]:
    """What class of machine this is: model of the processor, cores, system."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # Not Linux, or a processor that doesn't say.
    usable = getattr(os, "sched_getaffinity", None)
    cores = len(usable(0)) if usable else os.cpu_count()
    return {
        "processor": model,
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
    }


def digest(path: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256; raises XcodecError if unreadable."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise XcodecError(f"{path}: {error.strerror}") from error


def digest_of(pixels: NDArray[Any]) -> str:
    """The digest of a picture's, or a mask's, pixels and shape."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()[:32]


def _commit() -> str | None:
    """The commit of the source tree, "-dirty" where files differ from it; None outside of one."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _plain(value: Any) -> Any:
    """What JSON can hold of a value."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
