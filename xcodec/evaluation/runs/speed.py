"""``xcodec bench speed``: seconds and memory of coding and decoding, beside the peers.

Three tables: whole processes from start to exit; encoding and decoding at one size; growth over
sizes. For the last two every codec works in a process of its own, which warms up, repeats, and
reports its times and its peak memory. Let nothing else run.
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
from typing import Any

import numpy as np

from xcodec.pictures import loading
from xcodec.errors import XcodecError
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.runs.records import number, progress, table
from xcodec.types import RGB

FILE = "picture.xgc"
AGAINST = "jpeg"
"""The codec that ratios are taken to."""
CLASSICAL, GENERATOR, CUDA = "xcodec classical", "xcodec generator", "xcodec generator, GPU"
REPEATED = 5.0
"""Megapixels up to which every run is made; beyond, one run after the warm-up of a small crop."""
Row = dict[str, Any]


def commands(picture: Path, rate: float, model: str) -> dict[str, list[str]]:
    """Whole processes by name, in the order in which they must run."""
    start = [sys.executable, "-m", "xcodec"]
    decode = [*start, "decode", FILE, "-f", "-q", "-o", "decoded.png", "--device", "cpu"]
    return {
        "help": [*start, "--help"],
        "encode": [*start, "encode", str(picture), "-r", f"{rate}", "-f", "-q", "-o", FILE],
        "decode, classical fill": [*decode, "--decoder", "classical"],
        "decode, generator": [*decode, "--decoder", "generator", "--model", model],
    }


def seconds(command: list[str], folder: Path, runs: int) -> list[float]:
    """Seconds of each run of a command, after a warm-up; raises XcodecError where it fails."""
    taken = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        taken.append(time.perf_counter() - start)
        if done.returncode:
            raise XcodecError(done.stderr.strip() or f"exit code {done.returncode}")
    return taken[1:]


def imports_torch(command: list[str], folder: Path) -> bool:
    """Whether a command imports torch."""
    traced = [command[0], "-X", "importtime", *command[1:]]
    done = subprocess.run(traced, cwd=folder, capture_output=True, text=True, check=True)
    names = (line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines())
    return any(name == "torch" or name.startswith("torch.") for name in names)


def processes(picture: Path, rate: float, model: str, runs: int) -> list[Row]:
    """Times of whole processes on a picture."""
    if os.sep in model:
        model = str(Path(model).resolve())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, command in progress(list(commands(picture.resolve(), rate, model).items())):
            taken = seconds(command, Path(folder), runs)
            torch = imports_torch(command, Path(folder))
            rows.append({"command": name, **_spread(taken), "runs": taken, "torch": torch})
    return rows


def coding(
    rgb: RGB, names: Sequence[str], megapixels: Sequence[float], rate: float, model: str, runs: int
) -> list[Row]:
    """Times and peak memory of codecs, each in its own process, at sizes of a picture.

    names : of peers
    """
    codecs = [CLASSICAL, GENERATOR, *([CUDA] if _has_gpu() else []), *names]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        todo = [(size, codec) for size in megapixels for codec in codecs]
        for size, codec in progress(todo):
            picture = Path(folder) / f"{size:g}.npy"
            if not picture.exists():
                np.save(picture, resized(rgb, size))
            rows += _in_process(picture, codec, size, rate, model, runs)
    return [row | {"ratio": ratio} for row, ratio in zip(rows, ratios(rows), strict=True)]


def resized(rgb: RGB, megapixels: float) -> RGB:
    """A picture of a size: cut, or continued by its mirror images, so that detail stays."""
    height, width = rgb.shape[:2]
    factor = math.sqrt(megapixels * 1e6 / (height * width))
    sides = [max(1, round(side * factor)) for side in (height, width)]
    more = [(0, max(0, side - have)) for side, have in zip(sides, (height, width), strict=True)]
    return np.ascontiguousarray(
        np.pad(rgb, [*more, (0, 0)], mode="symmetric")[: sides[0], : sides[1]]
    )


def ratios(rows: Sequence[Row]) -> Iterator[list[float] | None]:
    """Seconds of each row over those of JPEG for the same: median, least and greatest."""
    jpeg = {(row["megapixels"], row["operation"]): row for row in rows if row["codec"] == AGAINST}
    for row in rows:
        other = jpeg.get((row["megapixels"], row["operation"]))
        if other is None or row["seconds"] is None:
            yield None
        else:
            yield [
                row["seconds"] / other["seconds"],
                row["fastest"] / other["slowest"],
                row["slowest"] / other["fastest"],
            ]


def _in_process(
    picture: Path, codec: str, size: float, rate: float, model: str, runs: int
) -> list[Row]:
    """The two rows of a codec at a size; without times where it fails, with the reason."""
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
        {"codec": codec, "operation": operation, "megapixels": size}
        | _spread(found[operation])
        | {"speed": size / statistics.median(found[operation]) if found[operation] else None}
        | {name: found.get(name) for name in ("peak", "grown", "bytes")}
        | {"failed": reason, "runs": found[operation]}
        for operation in ("encode", "decode")
    ]


def _spread(taken: Sequence[float]) -> dict[str, float | None]:
    if not taken:
        return {"seconds": None, "fastest": None, "slowest": None}
    return {"seconds": statistics.median(taken), "fastest": min(taken), "slowest": max(taken)}


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def shown(figures: dict[str, Any]) -> str:
    """The tables of a run."""
    rows = [
        [
            row["codec"],
            row["operation"],
            f"{row['megapixels']:g}",
            number(row["seconds"], 3),
            number(row["speed"], 2),
            "–" if row["ratio"] is None else "{:.1f} ({:.1f} to {:.1f})".format(*row["ratio"]),
            *("–" if row[n] is None else f"{row[n] / 2**20:.0f}" for n in ("peak", "grown")),
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
        + [f"{row[name]:.2f}" for name in ("seconds", "fastest", "slowest")]
        + ["imported" if row["torch"] else "no"]
        for row in figures["processes"]
    ]
    parts = [table(["process", "seconds", "fastest", "slowest", "torch"], starts)]
    return "\n\n".join([*parts, *([table(header, rows)] if rows else [])])


def work(picture: Path, codec: str, rate: float, model: str, runs: int) -> dict[str, Any]:
    """What a process of its own measures: times, peak memory, what of it came after the warm-up
    on a crop, and the file's size.
    """
    import resource

    import xcodec

    rgb = np.load(picture)
    crop = np.ascontiguousarray(rgb[:256, :256])
    if codec.startswith("xcodec"):
        decoder = "classical" if codec == CLASSICAL else "generator"
        options = {"decoder": decoder, "model": model, "device": "cuda" if codec == CUDA else "cpu"}
        options["max_pixels"] = rgb.size

        def encode(rgb: RGB) -> bytes:
            return xcodec.encode(rgb, rate)

        def decode(data: bytes) -> object:
            return xcodec.decode(data, **options)  # type: ignore[arg-type]
    else:
        (peer,) = codecs.codecs([codec])

        def encode(rgb: RGB) -> bytes:
            return peer.encode(rgb, peer.low[0])

        decode = peer.decode
    decode(encode(crop))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: dict[str, Any] = {"encode": [], "decode": []}
    for _ in range(runs):
        start = time.perf_counter()
        data = encode(rgb)
        middle = time.perf_counter()
        decode(data)
        found["encode"].append(middle - start)
        found["decode"].append(time.perf_counter() - middle)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return found | {"peak": peak, "grown": peak - before * unit, "bytes": len(data)}


def load(picture: Path) -> RGB:
    """The picture that is measured."""
    return loading.load(picture).rgb


if __name__ == "__main__":
    path, name, asked, weights, count = sys.argv[1:]
    try:
        answer = work(Path(path), name, float(asked), weights, int(count))
    except (XcodecError, MemoryError) as error:
        raise SystemExit(str(error) or "not enough memory") from None
    sys.stdout.write(json.dumps(answer))
