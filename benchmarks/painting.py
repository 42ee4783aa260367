"""What painting in 8-bit integers saves in time, and costs in PSNR.

    python benchmarks/painting.py DIR [--rates 0.01,0.1 | --bytes 200,600 --square 256] [-o FILE]

Paints files of the pictures in DIR by OpenCV in float32 and by onnxruntime in 8-bit integers, in
turns on one thread, and prints by rate or budget the mean and the largest loss in dB, and the
median of the ratio of their processor time. Needs xcodec[fast].
"""

import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import click
import cv2
import numpy as np

import xcodec
from xcodec.__main__ import main as run
from xcodec.cli.bench import folder, only, output, positions, square
from xcodec.decoder import reading
from xcodec.errors import DependencyError, InputError
from xcodec.evaluation.measures.metrics import psnr
from xcodec.evaluation.runs import records
from xcodec.evaluation.runs.measuring import load
from xcodec.evaluation.runs.options import numbers, pictures, texts
from xcodec.pictures.modes import to_depth
from xcodec.reconstruction import integer_painter, model_files, opencv_painter
from xcodec.reconstruction.classical import fill
from xcodec.reconstruction.painter import Painter
from xcodec.types import MAX_PIXELS, RGB, Fill, Samples


def painted(painter: Painter, samples: Samples, filled: Fill) -> tuple[RGB, float]:
    """Return a picture, and the seconds of processor time that it took."""
    start = time.process_time()
    found = painter.window(samples, filled)
    return to_depth(found, 8), time.process_time() - start


def measured(
    painters: tuple[Painter, Painter], rgb: RGB, runs: int, **target: Any
) -> dict[str, Any]:
    """Return the PSNR of both painters in dB, and their times in seconds, of a file."""
    data = xcodec.encode(rgb, **target)
    samples = reading.single(data, MAX_PIXELS, partial=False).samples()
    filled = fill(samples)
    every = [[painted(each, samples, filled) for each in painters] for _ in range(runs)]
    quality = [psnr(rgb, picture) for picture, _ in every[0]]
    seconds = [statistics.median(turn[i][1] for turn in every) for i in (0, 1)]
    ratio = statistics.median(turn[1][1] / turn[0][1] for turn in every)
    return {"psnr": quality, "seconds": seconds, "ratio": ratio}


def summary(found: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """Return the means and the extremes of files of one rate or budget."""
    losses = [each["psnr"][0] - each["psnr"][1] for each in found]
    return {
        "psnr": float(np.mean([each["psnr"][0] for each in found])),
        "loss": float(np.mean(losses)),
        "most": max(losses),
        "worst": names[losses.index(max(losses))],
        "seconds": [float(np.mean([each["seconds"][i] for each in found])) for i in (0, 1)],
        "ratio": statistics.median(each["ratio"] for each in found),
        "pictures": losses,
    }


@click.command(help="Compare painting in 8-bit integers with float32, over the pictures in DIR.")
@folder
@positions
@only
@square
@click.option("--rates", default="", help="Of the samples.  [default: 0.01,0.02,0.05,0.1]")
@click.option("--bytes", "budgets", default="", help="Of the files.")
@click.option("--effort", default=4, show_default=True, help="Of the encoder.")
@click.option("--step", type=float, help="Of the quantiser, in grey levels, with --rates.")
@click.option("--models", default="photo", show_default=True, help="Names of generator weights.")
@click.option(
    "--runs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Paintings of each file, for the time.",
)
@click.option("--label", help="What was measured.  [default: the folder's name]")
@output
def main(
    folder: Path,
    models: str,
    label: str | None,
    output: Path | None,
    square: int | None,
    runs: int,
    **options: Any,
) -> None:
    """Measure, print the table and write the record."""
    records.prepare(output)
    cv2.setNumThreads(1)
    chosen = pictures(folder, options["positions"], numbers(options["only"], int))
    names = texts(models)
    if not names:
        raise InputError("there is no model to paint with")
    weights = records.weights(names, None, ())
    budgets = numbers(options["budgets"], int)
    rates = numbers(options["rates"], float) or (() if budgets else (0.01, 0.02, 0.05, 0.1))
    if options["step"] and not rates:
        raise InputError("--step is of files at --rates")
    targets: list[dict[str, Any]] = [{"rate": rate, "step": options["step"]} for rate in rates]
    targets += [{"max_bytes": size, "max_side": 0} for size in budgets]
    rows = []
    for name in names:
        path = model_files.find(name)
        quick = integer_painter.painter((path,))
        if quick is None:
            raise DependencyError(f"{name} can't be painted in 8-bit integers here")
        painters = opencv_painter.painter((path,)), quick
        for target in targets:
            found = [
                measured(painters, load(each, square), runs, effort=options["effort"], **target)
                for each in chosen
            ]
            place = {key: value for key, value in target.items() if value}
            rows.append({"model": name} | place | summary(found, [each.stem for each in chosen]))
    label = label or folder.resolve().name
    print(f"{label}: {records.so_many(len(chosen))}\n\n{shown(rows)}")
    if output:
        figures = {"square": square, "effort": options["effort"], "runs": runs, "rows": rows}
        command = records.command_line("python benchmarks/painting.py", sys.argv[1:])
        record = records.record("painting", label, command, chosen, weights, figures)
        records.save(output, record, overwrite=True)


def shown(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table."""
    head = ["model", "file", "PSNR, dB", "mean loss, dB", "largest", "float32, s", "8 bits, s"]
    lines = [
        [
            row["model"],
            f"{row['rate']:.1%}" if "rate" in row else f"{row['max_bytes']} bytes",
            f"{row['psnr']:.2f}",
            f"{row['loss']:.4f}",
            f"{row['most']:.4f} ({row['worst']})",
            *(f"{each:.3f}" for each in row["seconds"]),
            f"{row['ratio']:.2f}",
        ]
        for row in rows
    ]
    return records.table([*head, "ratio"], lines)


if __name__ == "__main__":
    sys.exit(run(command=main, name=Path(__file__).name))
