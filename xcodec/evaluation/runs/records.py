"""What all benchmarks share: work on pictures in processes, and the record of a run.

A record is JSON after ``schema.json`` of the package ``xcodec.evaluation``; docs/benchmarks.md
describes it.
"""

import hashlib
import itertools
import json
import math
import platform
import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import features

import xcodec
from xcodec.errors import InputError, ModelError, XcodecError
from xcodec.evaluation.measures.metrics import weight_files
from xcodec.evaluation.runs.schema import Machine, Record, RecordFigures
from xcodec.reconstruction import model_files
from xcodec.system import files
from xcodec.system.packages import require
from xcodec.system.processes import cores, workers

Item = TypeVar("Item")
Result = TypeVar("Result")

SCHEMA = 2
"""Version of the records' schema."""
RECORDED_PACKAGES = (
    "numpy",
    "scipy",
    "opencv-python-headless",
    "constriction",
    "onnxruntime",
    "torch",
    "scikit-image",
    "pytorch-msssim",
    "ssimulacra2",
    "dists-pytorch",
    "bjontegaard",
    "pillow",
    "pillow-jxl-plugin",
    "pillow-heif",
    "mozjpeg-lossless-optimization",
)
LIBRARIES = ("libjpeg_turbo", "jpg_2000", "webp", "avif")
"""Pillow's names of the libraries behind the other codecs."""
DIRTY = "-dirty"
"""End of the commit of a source tree with changes."""
PUBLISHED = "benchmarks/results"
"""Folder of published records in the source tree."""


def weights(
    models: Iterable[str], perceptual: Path | None, names: Iterable[str] = ("lpips",)
) -> dict[Path, str]:
    """Return the files of weights that a run uses, and their digests.

    models     : names or paths of generators
    perceptual : folder of the weights of LPIPS and DISTS, if they are measured
    names      : of the metrics

    Raises ModelError if a model has no weights, and InputError if two files have the same name, by
    which figures are told apart.
    """
    found = [path for name in names for path in weight_files(name, perceptual)]
    for model in models:
        found.append(model_files.find(model))
    for one, other in itertools.combinations(found, 2):
        if one.name == other.name and one.resolve() != other.resolve():
            raise InputError(f"{one} and {other}: weights need different names")
    return {path: digest(path) for path in found}


def each(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int | None = None
) -> list[Result]:
    """Apply ``work`` to every item, in order, with a progress bar if stderr is a terminal.

    jobs : processes, by default one per core. With more than one, each uses a single thread unless
           OMP_NUM_THREADS and similar variables are set

    Raises what ``work`` raises, and XcodecError if a process dies.
    """
    with workers(jobs or cores()) as pool:
        return list(progress(pool.map(work, items, ahead=len(items)), len(items)))


def progress(results: Iterable[Result], count: int | None = None) -> Iterable[Result]:
    """Pass results on, with a progress bar if stderr is a terminal."""
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
    figures: RecordFigures,
) -> Record:
    """Return the record of a run: what is needed to judge and repeat it, without any path.

    benchmark : "rd", "points", ...
    label     : what was measured, for readers, such as "kodak"
    command   : from ``command_line``
    weights   : from ``weights``, called before the run

    Raises ModelError if a file of weights changed during the run.
    """
    for path, before in weights.items():
        if digest(path) != before:
            raise ModelError(f"{path.name} changed during the run")
    made = {
        "schema": SCHEMA,
        "benchmark": benchmark,
        "label": label,
        "command": command,
        "versions": versions(),
        "machine": machine(),
        "pictures": _digests(pictures),
        "weights": {path.name: known for path, known in weights.items()},
        "figures": figures,
    }
    return cast(Record, made)


def prepare(path: Path | None) -> None:
    """Make the folder of a record that may replace another one; None: there is no record.

    Raises InputError, before a long run, if the record could not be written.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.check_target(path, overwrite=True)


def save(path: Path, record: Record, overwrite: bool = False) -> None:
    """Write a record by ``files.write``: numbers with six digits, null for infinity, one line a
    column.

    Raises InputError if that fails, or if the record does not follow the schema.
    """
    plain = _plain(record)
    check(plain, path)
    text = json.dumps(plain, indent=1, allow_nan=False)
    flat = re.sub(r"\[\n[^][{}\"]*\]", lambda found: " ".join(found.group().split()), text)
    files.write(path, (flat + "\n").encode(), overwrite)


def load(path: Path) -> Record:
    """Read a record. Raises InputError if that fails, or if it does not follow the schema."""
    data = files.read(path)
    try:
        record = json.loads(data)
    except ValueError as error:
        raise InputError(f"{path}: not a record of xcodec bench") from error
    check(record, path)
    return cast(Record, record)


def check(record: Any, path: Path) -> None:
    """Raise InputError, which names the file, unless a record follows the schema."""
    version = record.get("schema") if isinstance(record, dict) else None
    if version != SCHEMA:
        reason = f"schema {version}, not {SCHEMA}" if version else "not a record of xcodec bench"
        raise InputError(f"{path}: {reason}")
    jsonschema = require("jsonschema", "bench")
    schema = json.loads(
        resources.files("xcodec.evaluation").joinpath("schema.json").read_text(encoding="utf-8")
    )
    try:
        jsonschema.validate(record, schema)
    except jsonschema.ValidationError as error:
        where = "/".join(map(str, error.absolute_path)) or "the record"
        raise InputError(f"{path}: {where}: {error.message[:200]}") from error


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a Markdown table; all columns but the first are right-aligned."""
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


def so_many(count: int) -> str:
    """Say how many pictures there are."""
    return f"{count} picture" if count == 1 else f"{count} pictures"


def number(value: float | None, digits: int) -> str:
    """Format a figure for a table; None is a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean, or None if there are no values or one is missing."""
    known = list(values)
    present = [value for value in known if value is not None]
    return float(np.mean(present)) if present and len(present) == len(known) else None


def command_line(program: str, arguments: Sequence[str]) -> str:
    """Return the command line with file names instead of paths, also within lists.

    program : "xcodec bench rd"
    """
    names = (re.sub(r"(?<![^=,])[^=,]*/(?=[^/])", "", text.rstrip("/")) for text in arguments)
    return f"{program} {shlex.join(names)}"


def versions() -> dict[str, str]:
    """Versions of xcodec, of packages and of the libraries behind the other codecs."""
    found = {"xcodec": xcodec.__version__, "python": platform.python_version()}
    if source := commit():
        found["commit"] = source
    for package in RECORDED_PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    known = {name: features.version(name) for name in LIBRARIES if features.check(name)}
    return found | {name: version for name, version in known.items() if version}


def commit() -> str | None:
    """The commit of the source tree; None outside its repository.

    It ends with DIRTY after changes, but for those of records, which runs write one by one.
    """

    own = Path(__file__)

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=own.parent, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", own.name)  # An installed xcodec may lie in another one.
        changed = git("status", "--porcelain", "-uno", ":/", f":(top,exclude){PUBLISHED}")
        return git("rev-parse", "--short", "HEAD") + (DIRTY if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def machine() -> Machine:
    """Describe this computer: model of the processor, usable cores, system."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # Not Linux, or a processor without a model name.
    return {
        "processor": model,
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def digest(path: Path) -> str:
    """Return the digest of a file (``files.digest``). Raises XcodecError if it is unreadable."""
    try:
        return files.digest(path)
    except OSError as error:
        raise XcodecError(f"{path}: {error.strerror}") from error


def rounded(value: float) -> float:
    """Return a number with as many digits as records have."""
    return float(f"{value:.6g}")


def _digests(paths: Iterable[Path]) -> dict[str, str]:
    """Digests by name; pictures of the same name, from several folders, are numbered."""
    found: dict[str, str] = {}
    for path in paths:
        same = (f"{path.stem} ({number}){path.suffix}" for number in itertools.count(2))
        name = next(name for name in itertools.chain([path.name], same) if name not in found)
        found[name] = digest(path)
    return found


def digest_of(pixels: NDArray[Any]) -> str:
    """Return the digest of the pixels and the shape of a picture or a mask."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return rounded(value) if math.isfinite(value) else None
    return value
