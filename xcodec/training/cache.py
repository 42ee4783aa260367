"""Training pictures as a decoder knows them, encoded in the background and kept on disk.

An entry is a uint8 array (height, width, 8) in a .npy file: original RGB, classical fill, its
deviation in 1/255, mask. Step and tone stand in the file's name:
<digest of the picture>-<version, rates, variant>_<step>_<tone>.npy. No torch here: the workers
never need it.
"""

import functools
import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec import codec, images
from xcodec.errors import InputError
from xcodec.reconstruction.interpolation import fill

CACHE_VERSION = 5
"""Goes up when the encoder changes so much that networks must be trained on its new files."""
LARGEST_SIDE = 768
"""Larger pictures are cut to a window of this side, another one in each variant."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm")


@dataclass(frozen=True)
class Draw:
    """How the encoder codes a picture.

    factor   : the step, as a multiple of the default at that rate
    block    : side of a density block in pixels; None for the default
    strength : how strongly edges draw samples; None for the default
    """

    rate: float
    factor: float
    density: str
    tone: str
    block: int | None = None
    strength: float | None = None


@dataclass(frozen=True)
class Job:
    """A picture to encode.

    stem : name of the entry, up to its step
    side : larger pictures are cut to a window of this side
    seed : where the window lies; None for the middle
    """

    picture: Path
    folder: Path
    stem: str
    draw: Draw
    side: int
    seed: int | None


@dataclass(frozen=True)
class Entry:
    """An encoded picture.

    pixels : uint8 (height, width, 8), mapped from disk: RGB, fill, deviation, mask
    step   : quantiser step of the finest luma level
    tone   : one of ``samples.TONES``
    """

    pixels: NDArray[np.uint8]
    step: float
    tone: str


def pictures(folder: Path) -> list[Path]:
    """The picture files under a folder, sorted; raises InputError where there are none."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not found:
        raise InputError(f"{folder}: no pictures in it")
    return found


@functools.lru_cache(maxsize=1 << 20)
def digest(picture: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256."""
    return sha256(picture.read_bytes()).hexdigest()[:16]


def variant(picture: Path, folder: Path, rates: tuple[float, float], number: int) -> Job:
    """The job of encoding a picture in one of its variants: the same each time it is asked."""
    key = digest(picture)
    rng = np.random.default_rng([int(key, 16), number])
    draw = Draw(
        rate=float(np.exp(rng.uniform(*np.log(rates)))),
        factor=float(2 ** _octaves(rng)),
        density="sobel" if rng.random() < 0.8 else "uniform",
        strength=float(rng.uniform(0.3, 1.0)),
        block=int(rng.choice([16, 32, 32, 64])),
        tone="least-squares" if rng.random() < 0.9 else "point",
    )
    stem = f"{key}-v{CACHE_VERSION}-{rates[0]:g}-{rates[1]:g}-{number}"
    return Job(picture, folder, stem, draw, LARGEST_SIDE, int(rng.integers(1 << 32)))


def _octaves(rng: np.random.Generator) -> float:
    """A step in octaves from the default: half of the draws near it, half anywhere down to -3.5.

    Users ask for fine steps too, and a network that never saw them gains nothing there.
    """
    return float(rng.uniform(-1, 1) if rng.random() < 0.5 else rng.uniform(-3.5, 1))


def encode(job: Job) -> Path:
    """Encode a picture, write its entry and give the entry's path; raises XcodecError."""
    rgb = images.load(job.picture).rgb
    rng = None if job.seed is None else np.random.default_rng(job.seed)
    starts = [
        room // 2 if rng is None else int(rng.integers(room + 1))
        for room in (max(length - job.side, 0) for length in rgb.shape[:2])
    ]
    rgb = rgb[starts[0] : starts[0] + job.side, starts[1] : starts[1] + job.side]
    draw = job.draw
    samples = codec.quantised(
        rgb,
        draw.rate,
        step_scale=draw.factor,
        density=draw.density,
        strength=draw.strength,
        tone=draw.tone,
        block=draw.block,
    )
    filled = fill(samples)
    pixels = np.empty((*rgb.shape[:2], 8), np.uint8)
    pixels[..., :3] = rgb
    pixels[..., 3:6] = np.clip(np.rint(filled.rgb), 0, 255)
    pixels[..., 6] = np.rint(np.clip(filled.deviation, 0, 1) * 255)
    pixels[..., 7] = 0
    pixels[samples.points.rows, samples.points.cols, 7] = 1
    path = job.folder / f"{job.stem}_{samples.step:.4f}_{samples.tone}.npy"
    temporary = path.with_suffix(f".{os.getpid()}.part")
    with open(temporary, "wb") as file:
        np.save(file, pixels)
    temporary.replace(path)
    return path


def opened(path: Path) -> Entry:
    """The entry in a file, mapped into memory, not read."""
    _, step, tone = path.stem.split("_")
    return Entry(np.load(path, mmap_mode="r", allow_pickle=False), float(step), tone)


def kept(folder: Path) -> dict[str, Path]:
    """The entries in a folder, which is made if need be, by the stem of their jobs."""
    folder.mkdir(parents=True, exist_ok=True)
    return {path.stem.split("_")[0]: path for path in folder.glob("*.npy")}


class Filler:
    """Encodes pictures in background processes; ``entries`` grows while it does.

    entries : what is encoded so far and not smaller than ``smallest`` on a side
    skipped : pictures that could not be coded, or were too small
    problem : why the last of them was skipped
    """

    def __init__(self, jobs: Iterable[Job], smallest: int, workers: int) -> None:
        self.entries: list[Entry] = []
        self.skipped = 0
        self.problem = ""
        self._smallest = smallest
        self._changed = threading.Condition()
        self._running = 0
        self._closed = False
        self._jobs = self._not_kept(jobs)
        self._pool: Executor
        with _one_thread_each():  # The processes start here and there, at the first jobs.
            if workers:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(workers, context, _start_worker)
            else:
                self._pool = ThreadPoolExecutor(1)
            for _ in range(max(workers, 1) + 1):
                self._submit()

    @property
    def encoding(self) -> bool:
        """Whether pictures are still being encoded."""
        return self._running > 0

    def wait(self, count: int) -> None:
        """Wait for ``count`` entries, or all there can be; raises InputError if that is none."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.entries) >= count or not self._running)
        if not self.entries:
            raise InputError(f"no picture can be trained on: {self.problem or 'none is there'}")

    def close(self) -> None:
        """Stop encoding."""
        with self._changed:
            self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _not_kept(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The jobs whose entries are not on disk; those that are become entries at once."""
        there: dict[Path, dict[str, Path]] = {}
        missing = []
        for job in jobs:
            if job.folder not in there:
                there[job.folder] = kept(job.folder)
            path = there[job.folder].get(job.stem)
            if path is None:
                missing.append(job)
            else:
                self._add(path)
        return iter(missing)

    def _submit(self) -> None:
        with self._changed:
            job = None if self._closed else next(self._jobs, None)
            if job is None:
                return
            try:
                future = self._pool.submit(encode, job)
            except RuntimeError as error:  # The pool is closed, or a worker was killed.
                self.problem = str(error)
                return
            self._running += 1
        future.add_done_callback(self._done)

    def _done(self, future: Future[Path]) -> None:
        try:
            if not future.cancelled():
                self._add(future.result())
        except Exception as error:  # One odd picture doesn't end a run of days.
            self.skipped += 1
            self.problem = f"{type(error).__name__}: {error}"
        self._submit()
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def _add(self, path: Path) -> None:
        entry = opened(path)
        if min(entry.pixels.shape[:2]) < self._smallest:
            self.skipped += 1
            self.problem = f"smaller than the crops of {self._smallest} pixels"
        else:
            self.entries.append(entry)


def _start_worker() -> None:
    """Prepare a worker: it ends with its parent, and leaves Ctrl-C to it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    with suppress(OSError):
        os.nice(5)
    parent: Any = multiprocessing.parent_process()

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that start meanwhile use one thread each in their numerical libraries."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
