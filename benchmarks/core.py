"""What a plain installation takes, and what it can do without the extras.

python benchmarks/core.py [PYTHON ...]

Builds the wheel, installs it, without extras, into an environment of its own, and measures there:
disk space by package, processor time before a command reads a picture, packages that a command
loads, and each command's answer without torch. Does the same with other interpreters, such as
python3.13, but for the times. Needs the network or a cache of pip. Writes
benchmarks/results/core.json; docs/install.md describes the results.
"""

import argparse
import json
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from xcodec.evaluation.runs import records
from xcodec.system import files

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "benchmarks" / "results" / "core.json"
RUNS = 15
MEGABYTE = 1 << 20

STARTS = {
    "python": ["-c", "pass"],
    "import xcodec": ["-c", "import xcodec"],
    "xcodec --help": ["-m", "xcodec", "--help"],
    "xcodec encode": ["-m", "xcodec", "encode", "missing.png"],
    "xcodec decode": ["-m", "xcodec", "decode", "missing.xgc"],
}
"""Commands that end where they would read a picture."""
COMMANDS = {
    "encode": ["encode", "photo.png", "--bytes", "340"],
    "encode --effort 8": ["encode", "photo.png", "--effort", "8", "-o", "8.xgc"],
    "encode --packets": ["encode", "photo.png", "--packet-size", "200", "--packets", "5"],
    "decode": ["decode", "photo.xgc", "-f"],
    "decode --decoder classical": ["decode", "photo.xgc", "-f", "--decoder", "classical"],
    "decode --device cuda": ["decode", "photo.xgc", "-f", "--device", "cuda"],
    "decode packets": ["decode", "photo.packets", "-o", "received.png"],
    "info": ["info", "photo.xgc"],
    "compare": ["compare", "photo.png", "-o", "compared.html"],
    "truncate": ["truncate", "photo.xgc", "--bytes", "200", "-o", "cut.xgc"],
    "corrupt": ["corrupt", "photo.png", "--task", "points", "--percent", "10"],
    "restore": ["restore", "photo-points.png", "--task", "points", "--model", "photo"],
    "train": ["train", "--data", "."],
    "bench rd": ["bench", "rd", ".", "--rates", "0.02", "--peers", "jpeg", "--metrics", "psnr"],
}
"""A run of each command, in this order: later ones use what earlier ones write."""
LOADED = """
import sys
from importlib.metadata import packages_distributions
from xcodec.__main__ import main
assert main(sys.argv[1:]) == 0
known = packages_distributions()
tops = {name.partition(".")[0] for name in sys.modules}
print(*sorted({known[top][0] for top in tops if top in known} - {"xcodec"}))
"""


def run(python: Path, line: list[str], folder: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([python, *line], cwd=folder, capture_output=True, text=True)


def built(folder: str) -> Path:
    """Build the wheel; returns its path."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*pip, str(ROOT)], check=True)
    (wheel,) = Path(folder).glob("xcodec-*.whl")
    return wheel


def installed(wheel: Path, interpreter: str, folder: str) -> Path:
    """Install the wheel into a new environment of an interpreter; returns that of the
    environment."""
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
    python = Path(folder) / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), str(wheel)], check=True)
    return python


def sizes(python: Path) -> dict[str, float]:
    """Megabytes (2^20 bytes) on disk by package, the largest first."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, ["-c", code], ".").stdout.strip())
    found: dict[str, float] = {}
    for path in packages.iterdir():
        every = path.rglob("*") if path.is_dir() else [path]
        taken = sum(each.lstat().st_blocks * 512 for each in every) / MEGABYTE
        name = path.name.partition(".")[0].partition("-")[0].removeprefix("_")
        name = {"opencv_python_headless": "cv2", "pillow": "PIL"}.get(name, name)
        found[name] = found.get(name, 0.0) + taken
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def processor_time(python: Path, line: list[str], folder: str) -> float:
    """Median seconds of processor time of a process, after a first one that fills caches."""
    taken = []
    for _ in range(RUNS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(python, line, folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(taken[1:])


def answer(python: Path, line: list[str], folder: str) -> str:
    """ "works", or the last line of the error."""
    done = run(python, ["-m", "xcodec", *line], folder)
    if done.returncode == 0:
        return "works"
    return (done.stderr.splitlines() or [f"exit code {done.returncode}"])[-1]


def photo(path: Path) -> None:
    """A smooth picture of 320x240 pixels with edges."""
    y, x = np.mgrid[0:240, 0:320]
    rgb = np.stack([x * 0.8, y, 127 + 100 * np.sin((x + y) / 30)], -1)
    rgb[60:150, 90:200] = 255 - rgb[60:150, 90:200]
    Image.fromarray(rgb.astype(np.uint8)).save(path)


def answers(python: Path, folder: str) -> dict[str, str]:
    """Each command's answer, in a folder in which they leave their files."""
    photo(Path(folder) / "photo.png")
    return {name: answer(python, line, folder) for name, line in COMMANDS.items()}


def tried(wheel: Path, interpreter: str) -> dict[str, Any]:
    """What an installation by another interpreter takes and answers."""
    with tempfile.TemporaryDirectory() as environment, tempfile.TemporaryDirectory() as folder:
        python = installed(wheel, interpreter, environment)
        version = run(python, ["-c", "import platform; print(platform.python_version())"], folder)
        return {
            "python": version.stdout.strip(),
            "megabytes_in_all": round(sum(sizes(python).values()), 1),
            "answers": answers(python, folder),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what an installation takes.")
    parser.add_argument("interpreters", nargs="*", metavar="PYTHON", help="others to install with")
    interpreters = parser.parse_args().interpreters
    for name in interpreters:
        if shutil.which(name) is None:
            parser.error(f"{name}: no such program")
    record: dict[str, Any] = {
        "benchmark": "core",
        "date": date.today().isoformat(),
        "commit": records.commit(),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    with (
        tempfile.TemporaryDirectory() as wheels,
        tempfile.TemporaryDirectory() as environment,
        tempfile.TemporaryDirectory() as folder,
    ):
        wheel = built(wheels)
        record["wheel_megabytes"] = round(wheel.stat().st_size / MEGABYTE, 1)
        python = installed(wheel, sys.executable, environment)
        found = sizes(python)
        record["megabytes"] = {name: round(size, 1) for name, size in found.items() if size >= 1}
        record["megabytes_in_all"] = round(sum(found.values()), 1)
        record["seconds"] = {
            name: round(processor_time(python, line, folder), 3) for name, line in STARTS.items()
        }
        record["answers"] = answers(python, folder)
        record["loaded"] = {
            name: run(python, ["-c", LOADED, *COMMANDS[name], "-f", "-q"], folder).stdout.split()
            for name in ("encode", "decode")
        }
        record["others"] = [tried(wheel, each) for each in interpreters]
    data = (json.dumps(record, indent=1) + "\n").encode()
    files.write_atomic(RECORD, data, overwrite=True)
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
