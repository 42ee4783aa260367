"""Encoded training pictures on disk. No torch here: workers do not need it.

An entry is a .npy file of uint8, (height, width, planes), with one of these sets of planes:

8  : original RGB, RGB of the classical fill, its deviation in 1/255, mask of the samples (0 or 1)
11 : these, then RGB of the damaged picture
3  : RGB alone, if every crop is damaged afresh

Its name holds step and tone: <digest of the picture>-<version, rates, variant>_<step>_<tone>.npy.

The slow part of making an entry is encoding. It is left out where the picture lies beside its .xgc
file, which ``coded`` made for the same job: pictures from packs do (``packs``).
"""

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xcodec.choices import CODED, PICTURES
from xcodec.coding import quantizer
from xcodec.decoder import reading
from xcodec.encoder import search
from xcodec.encoder.analysis import quantised
from xcodec.encoder.request import request_of
from xcodec.errors import InputError
from xcodec.options import LARGEST_STEP, EncodeOptions
from xcodec.pictures import loading
from xcodec.pictures.cropping import middle, random_part
from xcodec.pictures.modes import to_depth
from xcodec.reconstruction.classical import fill
from xcodec.restoration import damage
from xcodec.restoration.fills import fill_known
from xcodec.restoration.noise import fill_noise
from xcodec.system import files
from xcodec.training.groups import LARGEST_SIDE
from xcodec.training.variety import varied
from xcodec.types import MAX_PIXELS, RGB, Fill, Samples

CACHE_VERSION = 8
"""Increased when the encoder changes so much that networks must learn from new files."""


@dataclass(frozen=True)
class Draw:
    """Options of the encoder for one picture.

    rate     : samples per pixel
    factor   : quantiser step as a multiple of the default at that rate
    density  : "sobel" or "uniform"
    tone     : one of ``choices.TONES``
    block    : side of a density block in pixels; None: the default
    strength : how strongly edges attract samples; None: the default
    """

    rate: float
    factor: float
    density: str
    tone: str
    block: int | None = None
    strength: float | None = None

    def options(self) -> EncodeOptions:
        """The encoder's options for this."""
        step = quantizer.step_of(quantizer.default_index(self.rate)) * self.factor
        return EncodeOptions(
            rate=self.rate,
            step=min(max(step, quantizer.SMALLEST_STEP), LARGEST_STEP),
            density=self.density,
            strength=None if self.density == "uniform" else self.strength,
            tone=self.tone,
            block=self.block,
        )


@dataclass(frozen=True)
class PointsDraw:
    """Known pixels as samples: percent and distribution as in ``damage.points``."""

    percent: int
    distribution: str


@dataclass(frozen=True)
class NoiseDraw:
    """Colour noise: percent as in ``damage.color_noise``."""

    percent: int


@dataclass(frozen=True)
class Job:
    """A picture to encode.

    stem : name of the entry, up to its step
    draw : how to encode or damage it; None: keep RGB alone
    side : larger pictures are cut to a square of this side
    seed : of the square's place and of the damage; None: the middle
    vary : ``smallest`` of ``variety.varied``; 0: do not vary the picture
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

    step : quantiser step of the finest luma level, grey levels
    tone : one of ``choices.TONES``
    """

    path: Path
    step: float
    tone: str

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """uint8 (height, width, planes), mapped from disk; planes as in the module's docstring."""
        # Opened each time: thousands of open files would be too many.
        pixels: NDArray[np.uint8] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return pixels


def pictures(folder: Path) -> list[Path]:
    """The picture files in a folder and its subfolders, sorted; raises InputError without any."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    found = sorted(within(folder))
    if not found:
        raise InputError(f"{folder}: there are no pictures in it")
    return found


def within(folder: Path) -> Iterator[Path]:
    """The picture files in a folder and its subfolders, in any order."""
    names = (file for file in folder.rglob("*") if file.suffix.lower() in PICTURES)
    return filter(Path.is_file, names)  # No folders, and no links to what is gone.


@functools.lru_cache(maxsize=1 << 20)
def digest(picture: Path) -> str:
    """``files.digest`` of a picture, computed once."""
    return files.digest(picture)


def variant(
    picture: Path, folder: Path, rates: tuple[float, float], number: int, usual: bool = False
) -> Job:
    """The job of encoding a variant of a picture; the same for equal arguments.

    rates  : lowest and highest rate, drawn log-uniformly
    number : of the variant
    usual  : use options near the encoder's defaults
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
    """The job of filling a picture from points; the same for equal arguments.

    levels : least and most percent of the pixels that are points, drawn log-uniformly
    number : of the variant
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
    """The job of a picture under colour noise; the same for equal arguments.

    levels : least and most percent of the pixels that are noise
    number : of the variant
    """
    key = digest(picture)
    rng = np.random.default_rng([int(key, 16), number])
    draw = NoiseDraw(int(rng.integers(levels[0], levels[1] + 1)))
    stem = f"{key}-v{CACHE_VERSION}-noise-{levels[0]}-{levels[1]}-{number}"
    return Job(picture, folder, stem, draw, LARGEST_SIDE, int(rng.integers(1 << 32)))


def plain(picture: Path, folder: Path) -> Job:
    """The job of storing a picture's RGB alone."""
    key = digest(picture)
    return Job(picture, folder, f"{key}-v{CACHE_VERSION}-rgb", None, LARGEST_SIDE, None)


def _octaves(rng: np.random.Generator) -> float:
    """A random step in octaves from the default: half of them within -1..1, half within -3.5..1.

    Users also ask for fine steps, and a network that has not seen any gains nothing there
    (docs/research/generator-limits.md).
    """
    return float(rng.uniform(-1, 1) if rng.random() < 0.5 else rng.uniform(-3.5, 1))


def beside(job: Job) -> Path:
    """The .xgc file of a job, beside its picture, whether it is there or not."""
    return job.picture.with_name(job.stem + CODED)


def coded(job: Job) -> bytes:
    """The .xgc file of a job with a ``Draw``; ``encode`` reads it where it lies ``beside``.

    Raises XcodecError if the picture cannot be read or encoded.
    """
    assert isinstance(job.draw, Draw)
    return search.at_rate(_taken(job)[0], request_of(job.draw.options()))


def encode(job: Job) -> Path:
    """Write the entry of a job and return its path.

    Raises XcodecError if the picture cannot be read or encoded.
    """
    rgb, rng = _taken(job)
    step, tone = 0.0, "point"
    if isinstance(job.draw, Draw):
        samples = _samples(job, rgb)
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
    try:
        with open(temporary, "wb") as file:
            np.save(file, pixels)
        temporary.replace(path)
    except BaseException:  # The disk may be full.
        temporary.unlink(missing_ok=True)
        raise
    return path


def _taken(job: Job) -> tuple[RGB, np.random.Generator | None]:
    """What a job takes of its picture, and the random numbers that come after those of its place;
    None without a seed."""
    rgb = loading.load(job.picture).rgb
    if job.vary:
        rgb = varied(rgb, job.vary, np.random.default_rng(job.seed))
    if job.seed is None:
        return middle(rgb, job.side), None
    rng = np.random.default_rng(job.seed)
    return random_part(rgb, job.side, rng), rng


def _samples(job: Job, rgb: RGB) -> Samples:
    """The samples of a job's picture, read where it is encoded already."""
    assert isinstance(job.draw, Draw)
    file = beside(job)
    if not file.exists():
        return quantised(rgb, job.draw.options())
    samples = reading.single(file.read_bytes(), MAX_PIXELS, partial=False).samples()
    if (samples.points.height, samples.points.width) != rgb.shape[:2]:
        raise InputError(f"{file}: not of the picture beside it")
    return samples


def _stacked(rgb: RGB, filled: Fill, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    pixels = np.empty((*mask.shape, 8), np.uint8)
    pixels[..., :3] = rgb
    pixels[..., 3:6] = to_depth(filled.rgb, 8)
    pixels[..., 6] = np.rint(np.clip(filled.deviation, 0, 1) * 255)
    pixels[..., 7] = mask
    return pixels


def opened(path: Path) -> Entry:
    """The entry in a file; its pixels are read when they are used."""
    _, step, tone = path.stem.split("_")
    return Entry(path, float(step), tone)


def kept(folder: Path) -> dict[str, Path]:
    """The files of a folder's entries by the stems of their jobs; creates the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return {path.stem.split("_")[0]: path for path in folder.glob("*.npy")}
