"""``xcodec bench speed``: time and memory of encoding and decoding, for xcodec and other codecs.

Files are optimised for the decoder that they are measured with.

Two tables: whole processes from start to exit, and codecs at several sizes. In the second one each
codec runs in a process of its own, which warms up, repeats, and reports its times and its peak
memory. Nothing else should run meanwhile.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np

from xcodec.choices import CODED
from xcodec.errors import XcodecError
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.xcodecs import CLASSICAL, GENERATOR
from xcodec.evaluation.runs.records import number, progress, table
from xcodec.evaluation.runs.schema import ProcessRow, SpeedFigures, SpeedRow
from xcodec.pictures import loading
from xcodec.types import RGB

CODED_FILE = f"picture{CODED}"
REFERENCE = "jpeg"
"""The codec whose times the ratios divide by."""
OWN_CLASSICAL, OWN_GENERATOR = f"xcodec {CLASSICAL}", f"xcodec {GENERATOR}"
OWN_CUDA = f"{OWN_GENERATOR}, GPU"
REPEATED = 5.0
"""Up to this many megapixels all runs are made; larger pictures are coded once."""
CROP = 256
"""Side in pixels of the crop that warms a codec up."""


class _Times(TypedDict):
    seconds: float | None
    fastest: float | None
    slowest: float | None


def commands(picture: Path, rate: float, model: str) -> dict[str, list[str]]:
    """Return the commands to time, by name, in the order in which they must run."""
    start = [sys.executable, "-m", "xcodec"]
    encode = [*start, "encode", str(picture), "-r", f"{rate}", "-f", "-q", "-o"]
    decode = [*start, "decode", CODED_FILE, "-f", "-q", "-o", "decoded.png", "--device", "cpu"]
    return {
        "help": [*start, "--help"],
        "encode, classical": [*encode, f"{CLASSICAL}{CODED}", "--decoder", CLASSICAL],
        "encode": [*encode, CODED_FILE],
        "decode, classical fill": [*decode, "--decoder", CLASSICAL],
        "decode, generator": [*decode, "--decoder", GENERATOR, "--model", model],
    }


def seconds(command: list[str], folder: Path, runs: int) -> list[float]:
    """Time the runs of a command in seconds, after a warm-up. Raises XcodecError if it fails."""
    taken = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        taken.append(time.perf_counter() - start)
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise XcodecError(said[-1].removeprefix("xcodec: "))
    return taken[1:]


def imports_torch(command: list[str], folder: Path) -> bool:
    """Return whether a command imports torch."""
    traced = [command[0], "-X", "importtime", *command[1:]]
    done = subprocess.run(traced, cwd=folder, capture_output=True, text=True, check=True)
    names = (line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines())
    return any(name == "torch" or name.startswith("torch.") for name in names)


def processes(picture: Path, rate: float, model: str, runs: int) -> list[ProcessRow]:
    """Time whole processes on a picture."""
    if os.sep in model:
        model = str(Path(model).resolve())
    rows: list[ProcessRow] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, command in progress(list(commands(picture.resolve(), rate, model).items())):
            taken = seconds(command, Path(folder), runs)
            torch = imports_torch(command, Path(folder))
            row = {"command": name, **_times(taken), "runs": taken, "torch": torch}
            rows.append(cast(ProcessRow, row))
    return rows


def coding(
    rgb: RGB, names: Sequence[str], megapixels: Sequence[float], rate: float, model: str, runs: int
) -> list[SpeedRow]:
    """Measure time and peak memory of xcodec and other codecs, at several sizes of a picture.

    names      : of the other codecs
    megapixels : the sizes
    """
    every = [OWN_CLASSICAL, OWN_GENERATOR, *([OWN_CUDA] if _has_gpu() else []), *names]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        todo = [(size, codec) for size in megapixels for codec in every]
        for size, codec in progress(todo):
            picture = Path(folder) / f"{size:g}.npy"
            if not picture.exists():
                np.save(picture, resized(rgb, size))
            rows += _in_process(picture, codec, size, rate, model, runs)
    for row, ratio in zip(rows, list(ratios(rows)), strict=True):
        row["ratio"] = ratio
    return rows


def resized(rgb: RGB, megapixels: float) -> RGB:
    """Cut a picture to a size, or extend it by its mirror images, which keeps the detail."""
    height, width = rgb.shape[:2]
    factor = math.sqrt(megapixels * 1e6 / (height * width))
    sides = [max(1, round(side * factor)) for side in (height, width)]
    more = [(0, max(0, side - have)) for side, have in zip(sides, (height, width), strict=True)]
    return np.ascontiguousarray(
        np.pad(rgb, [*more, (0, 0)], mode="symmetric")[: sides[0], : sides[1]]
    )


def ratios(rows: Sequence[SpeedRow]) -> Iterator[list[float] | None]:
    """Yield the time of each row relative to JPEG's: median, least and greatest."""
    jpeg = {(row["megapixels"], row["operation"]): row for row in rows if row["codec"] == REFERENCE}
    for row in rows:
        other = jpeg.get((row["megapixels"], row["operation"]))
        times, reference = _measured(row), _measured(other) if other else None
        if times is None or reference is None:
            yield None
        else:
            (middle, low, high), (by, low_by, high_by) = times, reference
            yield [middle / by, low / high_by, high / low_by]


def _measured(row: SpeedRow) -> tuple[float, float, float] | None:
    """The median, least and greatest time of a row, unless the codec failed."""
    seconds, fastest, slowest = row["seconds"], row["fastest"], row["slowest"]
    if seconds is None or fastest is None or slowest is None:
        return None
    return seconds, fastest, slowest


def _in_process(
    picture: Path, codec: str, size: float, rate: float, model: str, runs: int
) -> list[SpeedRow]:
    """The two rows of a codec at a size; if it fails, with the error instead of times."""
    times = runs if size <= REPEATED else 1
    command = [sys.executable, "-m", "xcodec.evaluation.runs.speed", str(picture), codec]
    command += [str(rate), model, str(times)]
    done = subprocess.run(command, capture_output=True, text=True)
    reason = None
    found: dict[str, Any] = {"encode": [], "decode": []}
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"signal {-done.returncode}"])[-1]
    else:
        found = json.loads(done.stdout)
    return [
        cast(
            SpeedRow,
            {"codec": codec, "operation": operation, "megapixels": size}
            | _times(found[operation])
            | {"speed": size / statistics.median(found[operation]) if found[operation] else None}
            | {name: found.get(name) for name in ("peak", "grown", "bytes")}
            | {"failed": reason, "runs": found[operation], "ratio": None},
        )
        for operation in ("encode", "decode")
    ]


def _times(taken: Sequence[float]) -> _Times:
    if not taken:
        return {"seconds": None, "fastest": None, "slowest": None}
    return {"seconds": statistics.median(taken), "fastest": min(taken), "slowest": max(taken)}


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def tables(figures: SpeedFigures) -> str:
    """Format the tables of a run."""
    rows = [
        [
            row["codec"],
            row["operation"],
            f"{row['megapixels']:g}",
            number(row["seconds"], 3),
            number(row["speed"], 2),
            "–" if row["ratio"] is None else "{:.1f} ({:.1f} to {:.1f})".format(*row["ratio"]),
            *("–" if n is None else f"{n / 2**20:.0f}" for n in (row["peak"], row["grown"])),
            number(row["bytes"], 0),
        ]
        for row in figures["rows"]
    ]
    header = [
        "codec",
        "operation",
        "MP",
        "seconds",
        "MP/s",
        "times JPEG's",
        "peak MiB",
        "grown",
        "bytes",
    ]
    starts = [
        [row["command"]]
        + [f"{taken:.2f}" for taken in (row["seconds"], row["fastest"], row["slowest"])]
        + ["imported" if row["torch"] else "no"]
        for row in figures["processes"]
    ]
    parts = [table(["process", "seconds", "fastest", "slowest", "torch"], starts)]
    return "\n\n".join([*parts, *([table(header, rows)] if rows else [])])


def work(picture: Path, codec: str, rate: float, model: str, runs: int) -> dict[str, Any]:
    """Measure a codec in this process: times, file size, peak memory, and its growth since the
    warm-up; both are None on Windows."""
    import xcodec

    rgb = np.load(picture)
    crop = np.ascontiguousarray(rgb[:CROP, :CROP])
    if codec.startswith("xcodec"):
        options: dict[str, Any] = {"decoder": CLASSICAL}
        if codec != OWN_CLASSICAL:
            options = {"decoder": GENERATOR, "model": model}
        options["device"] = "cuda" if codec == OWN_CUDA else "cpu"
        options["max_pixels"] = rgb.size

        def encode(rgb: RGB) -> bytes:
            return xcodec.encode(rgb, rate, decoder=options["decoder"])

        def decode(data: bytes) -> object:
            return xcodec.decode(data, **options)
    else:
        (peer,) = codecs.codecs([codec])

        def encode(rgb: RGB) -> bytes:
            data = peer.encode(rgb, peer.low[0])
            if not data:
                raise XcodecError(f"{peer.title} takes no picture of these sides")
            return data

        decode = peer.decode
    decode(encode(crop))
    before = _peak()
    found: dict[str, Any] = {"encode": [], "decode": []}
    for _ in range(runs):
        start = time.perf_counter()
        data = encode(rgb)
        middle = time.perf_counter()
        decode(data)
        found["encode"].append(middle - start)
        found["decode"].append(time.perf_counter() - middle)
    peak = _peak()
    grown = None if peak is None or before is None else peak - before
    return found | {"peak": peak, "grown": grown, "bytes": len(data)}


def _peak() -> int | None:
    """Peak memory of this process in bytes; None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def load(picture: Path) -> RGB:
    """Load the picture to measure."""
    return loading.load(picture).rgb


if __name__ == "__main__":
    path, name, asked, weights, count = sys.argv[1:]
    try:
        answer = work(Path(path), name, float(asked), weights, int(count))
    except (XcodecError, MemoryError) as error:
        raise SystemExit(str(error) or "not enough memory") from None
    sys.stdout.write(json.dumps(answer))
