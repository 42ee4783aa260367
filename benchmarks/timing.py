"""How long xcodec's commands take as whole processes, from start to exit.

    python benchmarks/timing.py PICTURE --label kodak -o RESULT.json

Each command runs once to warm up and then five times; the median counts. Let nothing else run.
Another run of each says whether it imported torch.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

import xcodec
from xcodec import images
from xcodec.evaluation import records

FILE = "picture.xgc"


def commands(picture: Path, rate: float, model: str) -> dict[str, list[str]]:
    """The commands by name, in the order in which they must run."""
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
            raise xcodec.XcodecError(done.stderr.strip() or f"exit code {done.returncode}")
    return taken[1:]


def imports_torch(command: list[str], folder: Path) -> bool:
    """Whether a command imports torch."""
    traced = [command[0], "-X", "importtime", *command[1:]]
    done = subprocess.run(traced, cwd=folder, capture_output=True, text=True, check=True)
    names = (line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines())
    return any(name == "torch" or name.startswith("torch.") for name in names)


@click.command(help="Seconds that xcodec's commands take on PICTURE, as whole processes.")
@click.argument("picture", type=click.Path(path_type=Path))
@click.option("--rate", default=0.02, show_default=True)
@click.option("--model", default="photo", show_default=True, help="Name or file of the generator.")
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True)
@click.option("--label", help="What was measured.  [default: the picture's name]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The JSON to write.")
def main(**options: Any) -> None:
    """Say in one line what went wrong, if something did."""
    try:
        run(**options)
    except xcodec.XcodecError as error:
        click.echo(f"timing: {error}", err=True)
        sys.exit(1)


def run(
    picture: Path, rate: float, model: str, runs: int, label: str | None, output: Path | None
) -> None:
    """Measure, print the table and write the record."""
    rgb = images.load(picture).rgb
    used = records.weights([model], None)
    if os.sep in model:
        model = str(Path(model).resolve())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, command in commands(picture.resolve(), rate, model).items():
            taken = seconds(command, Path(folder), runs)
            rows.append(
                {
                    "command": name,
                    "median": statistics.median(taken),
                    "runs": taken,
                    "torch": imports_torch(command, Path(folder)),
                }
            )
        size = (Path(folder) / FILE).stat().st_size
    header = ["command", "seconds", "fastest", "slowest", "torch"]
    lines = [
        [row["command"]]
        + [f"{value:.2f}" for value in (row["median"], min(row["runs"]), max(row["runs"]))]
        + ["imported" if row["torch"] else "no"]
        for row in rows
    ]
    height, width = rgb.shape[:2]
    print(f"{picture.name}, {width}x{height} pixels, rate {rate:g}: {size} bytes\n")
    print(records.table(header, lines))
    if output:
        figures = {"width": width, "height": height, "rate": rate, "bytes": size, "rows": rows}
        command = records.command_line("python benchmarks/timing.py", sys.argv[1:])
        record = records.record("timing", label or picture.name, command, [picture], used, figures)
        records.save(output, record, overwrite=True)


if __name__ == "__main__":
    main()
