"""Training pictures as a network's user knows them: what is made of each, and kept on disk.

An entry is a uint8 array (height, width, 8) in a .npy file: original RGB, classical fill, its
deviation in 1/255, mask; or (height, width, 11), with the damaged RGB behind them; or (height,
width, 3), RGB alone, where damage is drawn afresh for each crop. Step and tone stand in its name:
<digest of the picture>-<version, rates, variant>_<step>_<tone>.npy. No torch here: the workers
never need it.
"""

import functools
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xcodec.encoder.analysis import quantised
from xcodec.errors import InputError
from xcodec.pictures import loading
from xcodec.reconstruction.classical import fill
from xcodec.restoration import damage
from xcodec.restoration.fills import fill_known
from xcodec.restoration.noise import fill_noise
from xcodec.training.variety import varied
from xcodec.types import RGB, Fill

CACHE_VERSION = 7
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
class PointsDraw:
    """Plain pixels as samples: percent and distribution of ``corruption.points``."""

    percent: int
    distribution: str


@dataclass(frozen=True)
class NoiseDraw:
    """Some percent of the pixels random colours, as ``corruption.color_noise`` makes them."""

    percent: int


@dataclass(frozen=True)
class Job:
    """A picture to encode.

    stem : name of the entry, up to its step
    draw : how; None keeps RGB alone
    side : larger pictures are cut to a window of this side
    seed : where the window lies, and points; None for the middle
    vary : the least side of the picture once it is ``variety.varied``; 0 leaves it as it is
    """

    picture: Path
    folder: Path
    stem: str
    draw: Draw | PointsDraw | NoiseDraw | None
    side: int
    seed: int | None
    vary: int = 0


@dataclass(frozen=True)
class Entry:
    """An encoded picture.

    step   : quantiser step of the finest luma level
    tone   : one of ``samples.TONES``
    """

    path: Path
    step: float
    tone: str

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """uint8 (height, width, planes), mapped from disk: planes as the module says."""
        # Opened each time: thousands of mapped files would be too many open ones.
        pixels: NDArray[np.uint8] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return pixels


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


def variant(
    picture: Path, folder: Path, rates: tuple[float, float], number: int, usual: bool = False
) -> Job:
    """The job of encoding a picture in one of its variants: the same each time it is asked.

    usual : as the encoder does unasked, or nearly so
    """
    key = digest(picture)
    rng = np.random.default_rng([int(key, 16), number])
    rate = float(np.exp(rng.uniform(*np.log(rates))))
    if usual:
        draw = Draw(
            rate,
            factor=float(2 ** rng.uniform(-0.6, 0.25)),
            density="sobel",
            strength=float(rng.uniform(0.5, 0.9)) if rng.random() < 0.3 else None,
            tone="least-squares",
        )
    else:
        draw = Draw(
            rate,
            factor=float(2 ** _octaves(rng)),
            density="sobel" if rng.random() < 0.8 else "uniform",
            strength=float(rng.uniform(0.3, 1.0)),
            block=int(rng.choice([16, 32, 32, 64])),
            tone="least-squares" if rng.random() < 0.9 else "point",
        )
    kind = "usual-" if usual else ""
    stem = f"{key}-v{CACHE_VERSION}-{kind}{rates[0]:g}-{rates[1]:g}-{number}"
    return Job(picture, folder, stem, draw, LARGEST_SIDE, int(rng.integers(1 << 32)))


def points_variant(
    picture: Path,
    folder: Path,
    levels: tuple[int, int],
    distributions: tuple[str, ...],
    number: int,
) -> Job:
    """The job of a picture's classical fill from points: the same each time it is asked.

    levels : least and most percent of the pixels that are points, drawn log-uniformly
    """
    key = digest(picture)
    rng = np.random.default_rng([int(key, 16), number])
    distribution = str(rng.choice(distributions))
    low, high = levels
    draw = PointsDraw(round(low * (high / low) ** rng.random()), distribution)
    kinds = "+".join(distributions)
    stem = f"{key}-v{CACHE_VERSION}-log-points-{kinds}-{low}-{high}-{number}"
    return Job(picture, folder, stem, draw, LARGEST_SIDE, int(rng.integers(1 << 32)))


def noise_variant(picture: Path, folder: Path, levels: tuple[int, int], number: int) -> Job:
    """The job of a picture under colour noise: the same each time it is asked.

    levels : least and most percent of the pixels that are noise
    """
    key = digest(picture)
    rng = np.random.default_rng([int(key, 16), number])
    draw = NoiseDraw(int(rng.integers(levels[0], levels[1] + 1)))
    stem = f"{key}-v{CACHE_VERSION}-noise-{levels[0]}-{levels[1]}-{number}"
    return Job(picture, folder, stem, draw, LARGEST_SIDE, int(rng.integers(1 << 32)))


def plain(picture: Path, folder: Path) -> Job:
    """The job of keeping a picture's RGB."""
    key = digest(picture)
    return Job(picture, folder, f"{key}-v{CACHE_VERSION}-rgb", None, LARGEST_SIDE, None)


def _octaves(rng: np.random.Generator) -> float:
    """A step in octaves from the default: half of the draws near it, half anywhere down to -3.5.

    Users ask for fine steps too, and a network that never saw them gains nothing there.
    """
    return float(rng.uniform(-1, 1) if rng.random() < 0.5 else rng.uniform(-3.5, 1))


def encode(job: Job) -> Path:
    """Make a picture's entry, write it and give its path; raises XcodecError."""
    rgb = loading.load(job.picture).rgb
    if job.vary:
        rgb = varied(rgb, job.vary, np.random.default_rng(job.seed))
    rng = None if job.seed is None else np.random.default_rng(job.seed)
    starts = [
        room // 2 if rng is None else int(rng.integers(room + 1))
        for room in (max(length - job.side, 0) for length in rgb.shape[:2])
    ]
    rgb = rgb[starts[0] : starts[0] + job.side, starts[1] : starts[1] + job.side]
    step, tone = 0.0, "point"
    if isinstance(job.draw, Draw):
        draw = job.draw
        samples = quantised(
            rgb,
            draw.rate,
            step_scale=draw.factor,
            density=draw.density,
            strength=draw.strength,
            tone=draw.tone,
            block=draw.block,
        )
        step, tone = samples.step, samples.tone
        mask = np.zeros(rgb.shape[:2], np.bool_)
        mask[samples.points.rows, samples.points.cols] = True
        pixels = _stacked(rgb, fill(samples), mask)
    elif isinstance(job.draw, PointsDraw):
        rng = rng or np.random.default_rng(0)
        mask = damage.points(rgb, job.draw.percent, rng, job.draw.distribution).known
        pixels = _stacked(rgb, fill_known(rgb, mask), mask)
    elif isinstance(job.draw, NoiseDraw):
        done = damage.color_noise(rgb, job.draw.percent, rng or np.random.default_rng(0))
        stacked = _stacked(rgb, fill_noise(done.rgb), done.known)
        pixels = np.concatenate([stacked, done.rgb], 2)
    else:
        pixels = rgb
    path = job.folder / f"{job.stem}_{step:.4f}_{tone}.npy"
    temporary = path.with_suffix(f".{os.getpid()}.part")
    with open(temporary, "wb") as file:
        np.save(file, pixels)
    temporary.replace(path)
    return path


def _stacked(rgb: RGB, filled: Fill, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    pixels = np.empty((*mask.shape, 8), np.uint8)
    pixels[..., :3] = rgb
    pixels[..., 3:6] = np.clip(np.rint(filled.rgb), 0, 255)
    pixels[..., 6] = np.rint(np.clip(filled.deviation, 0, 1) * 255)
    pixels[..., 7] = mask
    return pixels


def opened(path: Path) -> Entry:
    """The entry in a file, which is read when it is used."""
    _, step, tone = path.stem.split("_")
    return Entry(path, float(step), tone)


def kept(folder: Path) -> dict[str, Path]:
    """The entries in a folder, which is made if need be, by the stem of their jobs."""
    folder.mkdir(parents=True, exist_ok=True)
    return {path.stem.split("_")[0]: path for path in folder.glob("*.npy")}
