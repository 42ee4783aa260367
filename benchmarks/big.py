"""Large pictures and many pictures: time, memory of all processes, visibility of seams.

python benchmarks/big.py pictures --megapixels 4 100     # needs psutil and scikit-image
python benchmarks/big.py budgets --megapixels 12 48 100
python benchmarks/big.py many --files 2000
python benchmarks/big.py seams --photos FOLDER           # its files at even positions

Each command writes its part of benchmarks/results/big.json; docs/large.md,
docs/research/large-budgets.md and docs/research/seams.md show them.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image
from skimage import data as samples

import xcodec
from xcodec.evaluation.measures.metrics import psnr
from xcodec.evaluation.runs import options, records
from xcodec.evaluation.runs.measuring import load
from xcodec.pictures.modes import to_depth
from xcodec.system import files
from xcodec.system.processes import cores
from xcodec.types import RGB

RECORD = Path(__file__).parent / "results" / "big.json"
NOISE = 4.0
"""Standard deviation of the noise, in grey levels."""
PERIOD = 461
"""Side, in pixels, of the part of the photo that is repeated: a prime, so that it never aligns with
tiles."""
RATE = "0.02"
GOALS = {
    12: ("--bytes 340", "--bytes 2000", "--bytes 40000", "--bpp 0.02", "--psnr 24"),
    48: ("--bytes 2000", "--bytes 20000"),
    100: ("--bytes 2000",),
}
"""Goals of ``budgets`` by megapixels; the picture keeps its pixels."""
LEAST_RATE = 0.001
"""The lowest rate that ``-r`` takes."""


def picture(megapixels: float) -> RGB:
    """A photo, repeated and mirrored, with noise; the aspect ratio is 4:3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(megapixels * 1e6 / height)
    # Mirroring avoids edges between the repetitions.
    photo = np.asarray(samples.astronaut())[:PERIOD, :PERIOD]
    pair = np.concatenate([photo, photo[:, ::-1]], 1)
    four = np.concatenate([pair, pair[::-1]])
    rng = np.random.default_rng(0)
    out = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, 512):
        rows = four[np.arange(top, min(top + 512, height)) % (2 * PERIOD)]
        strip = np.tile(rows, (1, -(-width // (2 * PERIOD)), 1))[:, :width].astype(np.float32)
        noisy = strip + NOISE * rng.standard_normal(strip.shape, np.float32)
        out[top : top + len(rows)] = to_depth(noisy, 8)
    return out


def memory(process: psutil.Process) -> int:
    """Bytes of memory of a process and its children (PSS: shared memory counts in proportion)."""
    total = 0
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.Error):
            total += each.memory_full_info().pss
    return total


def measured(*arguments: object, cwd: Path) -> dict[str, Any]:
    """Run xcodec; return its wall time, processor time and peak memory, children included."""
    before = os.times()
    start = time.perf_counter()
    command = [sys.executable, "-m", "xcodec", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)
    peak = [0]

    def watch() -> None:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak[0] = max(peak[0], memory(root))
            except psutil.Error:
                return
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    if process.wait():
        raise SystemExit(f"failed: {' '.join(command)}")
    watcher.join()
    wall, after = time.perf_counter() - start, os.times()
    processor = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return {"seconds": wall, "processor_seconds": processor, "megabytes": peak[0] / 1e6}


Pair = tuple[RGB, RGB]
"""A decoded picture and its original."""


def steps(picture: RGB, axis: int) -> NDArray[np.float64]:
    """Sum of absolute differences between each row (axis 0) or column (axis 1) and the next."""
    rows = np.moveaxis(picture, axis, 0)
    pairs = itertools.pairwise(rows)
    return np.array([np.abs(np.subtract(b, a, dtype=np.int16)).sum() for a, b in pairs])


def seam(pairs: Iterable[Pair], side: int) -> float:
    """Ratio of differences of neighbours across the borders of tiles and elsewhere.

    Both are mean absolute differences, relative to those of the originals at the same places; 1
    means that borders are invisible.

    side : of a tile, in pixels
    """
    sums = np.zeros((2, 2))
    for pair in pairs:
        for axis, length in enumerate(pair[0].shape[:2]):
            before = np.arange(1, length)
            border = (before % side == 0) & (before < side * max(1, (length + side // 2) // side))
            each = np.array([steps(picture, axis) for picture in pair])
            sums += [each[:, ~border].sum(1), each[:, border].sum(1)]
    elsewhere, across = sums[:, 0] / sums[:, 1]
    return float(across / elsewhere)


def seams(folder: Path, rate: float) -> dict[str, Any]:
    """``seam`` and PSNR of photos, encoded in one piece and in tiles of 128 pixels."""
    found: dict[str, Any] = {"rate": rate}
    photos = [load(path) for path in options.pictures(folder, "even")]
    for name, tile in (("one piece", 0), ("tiles", 128)):
        coded = [xcodec.encode(photo, rate, tile=tile) for photo in photos]
        found[name] = {"bytes": sum(map(len, coded))}
        for decoder in ("classical", "generator"):
            decoded = [np.asarray(xcodec.decode(data, decoder=decoder)) for data in coded]
            pairs = list(zip(decoded, photos, strict=True))
            mean = float(np.mean([psnr(photo, picture) for picture, photo in pairs]))
            found[name][decoder] = {"ratio": seam(pairs, 128), "psnr": mean}
    return found


def pictures(
    sizes: list[float], effort: int, generator: bool, jobs: int
) -> Iterator[dict[str, Any]]:
    """Yield a row for each size: first without the generator, then with it, if wanted."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            original = picture(size)
            height, width = original.shape[:2]
            row: dict[str, Any] = {"megapixels": height * width / 1e6, "effort": effort}
            Image.fromarray(original).save(folder / "in.jpg", quality=92)
            del original
            row["encode"] = measured(
                "encode", "in.jpg", "-o", "x.xgc", "-r", RATE, "-e", effort, "-j", jobs, cwd=folder
            )
            row["bytes"] = (folder / "x.xgc").stat().st_size
            print(json.dumps(row), flush=True)
            classical = ("--decoder", "classical", "-j", jobs)
            row["decode"] = measured("decode", "x.xgc", "-o", "a.jpg", *classical, cwd=folder)
            Image.MAX_IMAGE_PIXELS = None
            decoded, original = (np.asarray(Image.open(folder / f"{n}.jpg")) for n in ("a", "in"))
            row["seam"] = seam([(decoded, original)], 1024)
            del decoded, original
            place = f"{width // 2},{height // 2},512,512"
            for decoder in ("classical", "generator"):
                row[f"region_{decoder}"] = measured(
                    *("decode", "x.xgc", "-o", f"{decoder}.png", "--decoder", decoder),
                    *("-j", jobs, "--region", place),
                    cwd=folder,
                )
            row["downsample_8"] = measured(
                "decode", "x.xgc", "-o", "d.png", *classical, "--downsample", 8, cwd=folder
            )
            yield row
            if generator:
                row["decode_generator"] = measured(
                    "decode", "x.xgc", "-o", "g.jpg", "-j", jobs, cwd=folder
                )
                yield row


def budgets(size: float, effort: int, jobs: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a row for each goal: what it takes to meet it, and what ``-r`` takes at its rate."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        original = picture(size)
        area = original.shape[0] * original.shape[1]
        Image.fromarray(original).save(folder / "in.jpg", quality=92)
        del original
        common = ("encode", "in.jpg", "-o", "x.xgc", "-f", "-e", effort, "-j", jobs)
        by_rate: dict[float, dict[str, Any]] = {}
        for goal in GOALS[round(size)]:
            row = measured(*common, *goal.split(), "--max-side", 0, cwd=folder)
            found = xcodec.info((folder / "x.xgc").read_bytes())
            row |= {"bytes": found.bytes, "samples": found.samples, "tiles": found.tiles}
            rate = max(float(f"{found.samples / area:.2g}"), LEAST_RATE)
            if rate not in by_rate:
                by_rate[rate] = measured(*common, "-r", rate, cwd=folder)
            ratio = row["processor_seconds"] / by_rate[rate]["processor_seconds"]
            yield goal, row | {"rate": rate, "by_rate": by_rate[rate], "ratio": ratio}


def many(count: int, jobs: int) -> dict[str, Any]:
    """Encode ``count`` parts of a large picture, each 256x256, at effort 0."""
    whole = picture(count * 256 * 256 / 1e6)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        wide = whole.shape[1] // 256
        for i in range(count):
            top, left = i // wide * 256 % (whole.shape[0] - 255), i % wide * 256
            part = Image.fromarray(whole[top : top + 256, left : left + 256])
            part.save(folder / "in" / f"{i:05}.png", compress_level=1)
        result = measured("encode", "in", "-o", "out", "-e", 0, "-j", jobs, cwd=folder)
        assert len(list((folder / "out").glob("*.xgc"))) == count
    return {"files": count, **result, "pictures_a_second": count / result["seconds"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["pictures", "budgets", "many", "seams"])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[4, 100])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--effort", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=cores())
    parser.add_argument("--no-generator", action="store_true")
    args = parser.parse_args()
    if min(*args.megapixels, args.files, args.jobs) <= 0:
        parser.error("megapixels, files and jobs are above 0")
    if args.what == "seams" and args.photos is None:
        parser.error("seams needs --photos, a folder")
    if args.what == "budgets" and (unknown := {round(s) for s in args.megapixels} - GOALS.keys()):
        parser.error(
            f"no goals for {min(unknown)} megapixels: there are {', '.join(map(str, GOALS))}"
        )
    if args.what == "many":
        note("many", many(args.files, args.jobs), args.jobs)
        return
    if args.what == "budgets":
        for size in args.megapixels:
            for goal, row in budgets(size, args.effort, args.jobs):
                note(f"{size:.0f} megapixels, {goal}", row, args.jobs)
        return
    if args.what == "seams":
        for rate in (0.02, 0.05, 0.1):
            note(f"seams at {rate}", seams(args.photos, rate), 1)
        return
    for row in pictures(args.megapixels, args.effort, not args.no_generator, args.jobs):
        note(f"{row['megapixels']:.0f} megapixels, effort {args.effort}", row, args.jobs)


def note(key: str, found: dict[str, Any], jobs: int) -> None:
    """Write a part of the record."""
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    measured_with = {
        "versions": {"xcodec": xcodec.__version__, "commit": records.commit()},
        "machine": records.machine(),
        "jobs": jobs,
        "load_at_end": os.getloadavg()[0],
    }
    record[key] = found | measured_with
    data = (json.dumps(record, indent=1) + "\n").encode()
    files.write_atomic(RECORD, data, overwrite=True)


if __name__ == "__main__":
    try:
        main()
    except xcodec.XcodecError as error:
        raise SystemExit(f"big.py: {error}") from None
