"""Random crops of training pictures.

A crop depends only on the seed, the step and its place in the step. So a resumed run continues with
the crops that it would have had, and several processes can divide the crops of a step.
"""

import dataclasses
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.pictures import loading
from xcodec.pictures.modes import to_depth
from xcodec.reconstruction.conditions import to_network
from xcodec.reconstruction.torch_weights import channels
from xcodec.restoration import damage
from xcodec.restoration.inputs import inputs
from xcodec.training import cache, packs, stream
from xcodec.training.settings import CODEC, TrainSettings
from xcodec.training.variety import varied
from xcodec.types import RGB, Floats

HELD_OUT = 50
"""Without a folder of validation pictures, one file in this many is held out."""
PLAIN_PACE = 8
"""Pictures that each step adds if they are only decoded, in place of the setting ``pace``."""
BANDS = 5
"""Bands of damage, of equal width, lowest level first (Gao and Grauman 2017)."""


@dataclass(frozen=True)
class Example:
    """A picture and the input of a network for it.

    conditions : float32 (channels, height, width)
    target     : float32 (3, height, width), the original on the network's scale -1..1
    known      : float32 (1, height, width), 1 where a pixel is known
    """

    conditions: NDArray[np.float32]
    target: NDArray[np.float32]
    known: NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Examples for one step.

    conditions : float32 (batch, channels, crop, crop)
    targets    : float32 (batch, 3, crop, crop)
    known      : float32 (batch, 1, crop, crop)
    """

    conditions: NDArray[np.float32]
    targets: NDArray[np.float32]
    known: NDArray[np.float32]


@dataclass(frozen=True)
class Crops:
    """Crops of encoded pictures for one step; ``unpacking`` makes the network's input of them.

    pixels : uint8 (batch, crop, crop, planes), as in ``cache``
    steps  : float32 (batch,), quantiser steps in grey levels
    points : float32 (batch,), 1 if the samples of the picture are exact pixels (tone "point")
    """

    pixels: NDArray[np.uint8]
    steps: NDArray[np.float32]
    points: NDArray[np.float32]

    @classmethod
    def of(cls, pixels: Sequence[NDArray[np.uint8]], entries: Sequence[cache.Entry]) -> "Crops":
        """Crops of one size, each with the entry that it was cut from."""
        steps = np.array([entry.step for entry in entries], np.float32)
        points = np.array([entry.tone == "point" for entry in entries], np.float32)
        return cls(np.stack(pixels), steps, points)


def split(
    settings: TrainSettings, say: Callable[[str], object] = lambda _: None
) -> tuple[list[Path], list[Path]]:
    """Training pictures, and pictures that choose the weights.

    Those in packs are unpacked into the cache, those of a dataset are copied there, of which
    ``say`` is told.

    Raises InputError if there are no pictures, if there is one alone and no folder of validation
    pictures, or if a pack cannot be used.
    """
    folder = settings.source.data or stream.kept(settings, say)
    training = packs.pictures(folder, settings.files.cache)
    if settings.source.val is not None:
        return training, packs.pictures(settings.source.val, settings.files.cache)[0::2]
    if len(training) == 1:
        raise InputError(f"{folder}: one picture alone: name a folder of validation pictures")
    digests = {file: int(cache.digest(file), 16) for file in training}
    held_out = [file for file, digest in digests.items() if digest % HELD_OUT == 0]
    if len(held_out) in (0, len(training)):
        held_out = [min(training, key=digests.__getitem__)]
    return [file for file in training if file not in set(held_out)], held_out


def digest(pictures: Sequence[Path]) -> str:
    """The digest of a set of pictures, 16 hexadecimal digits; names do not count."""
    return sha256("".join(sorted(map(cache.digest, pictures))).encode()).hexdigest()[:16]


def jobs(pictures: Sequence[Path], settings: TrainSettings) -> Iterator[cache.Job]:
    """The pictures to encode for training, in order: each once before any of them twice, and no
    more than the last step may draw from."""
    return itertools.islice(_all_jobs(pictures, settings), reach(settings.run.steps, settings))


def reach(step: int, settings: TrainSettings) -> int:
    """How many of the jobs a step may draw from."""
    pace = settings.encoding.pace if settings.prepared else PLAIN_PACE
    return settings.encoding.ready + int(step * pace)


def _all_jobs(pictures: Sequence[Path], settings: TrainSettings) -> Iterator[cache.Job]:
    rng = random.Random(settings.run.seed)
    for number in range(settings.encoding.variants if settings.prepared else 1):
        for picture in rng.sample(list(pictures), len(pictures)):
            job = _job(picture, settings, number)
            side = settings.encoding.side
            if side != job.side:
                job = dataclasses.replace(job, stem=f"{job.stem}-{side}", side=side)
            if settings.encoding.vary and number % 2:
                stem = f"{job.stem}-varied-{settings.crops.crop}"
                job = dataclasses.replace(job, stem=stem, vary=settings.crops.crop)
            yield job


def _job(picture: Path, settings: TrainSettings, number: int) -> cache.Job:
    folder = settings.files.cache
    if settings.task == CODEC:
        return cache.variant(
            picture, folder, settings.encoding.rates, number, settings.encoding.usual
        )
    if not settings.prepared:
        return cache.plain(picture, folder)
    if settings.task == "points":
        return cache.points_variant(
            picture, folder, settings.span, settings.damage.distributions, number
        )
    return cache.noise_variant(picture, folder, settings.span, number)


def draw(
    entries: Sequence[cache.Entry],
    settings: TrainSettings,
    step: int,
    places: Sequence[int],
    bands: Sequence[float] = (),
    clutter: Sequence[Path] = (),
) -> Batch | Crops:
    """The crops at some places of a step, of random entries, turned or mirrored at random.

    bands   : share of each band of damage; without them all levels are equally likely
    clutter : pictures that colour blocks are cut from; without them, the entries
    """
    drawn = [_drawn(entries, settings, step, place) for place in places]
    if settings.prepared:
        return Crops.of([pixels for pixels, _, _ in drawn], [entry for _, entry, _ in drawn])
    crop, count = settings.crops.crop, len(places)
    conditions = np.empty((count, channels(settings.architecture), crop, crop), np.float32)
    targets = np.empty((count, 3, crop, crop), np.float32)
    known = np.empty((count, 1, crop, crop), np.float32)
    for i, (pixels, _, rng) in enumerate(drawn):
        level = _level(settings.span, bands, rng)
        patch = None
        if settings.task == "color-block":
            patch = _patch(entries, clutter, level, rng)
        example = damaged(pixels, settings, level, rng, patch)
        conditions[i], targets[i] = example.conditions, example.target
        known[i] = example.known
    return Batch(conditions, targets, known)


def _drawn(
    entries: Sequence[cache.Entry], settings: TrainSettings, step: int, place: int
) -> tuple[NDArray[np.uint8], cache.Entry, np.random.Generator]:
    """A crop, its entry, and the random numbers for its damage."""
    rng = np.random.default_rng([settings.run.seed, step, place])
    entry = entries[int(rng.integers(len(entries)))]
    pixels, crop = entry.pixels, settings.crops.crop
    if settings.encoding.vary and not settings.prepared and rng.random() < 0.5:
        pixels = varied(pixels, crop, rng)
    return _cut(pixels, crop, settings.crops.turns, rng), entry, rng


def damaged(
    rgb: RGB,
    settings: TrainSettings,
    level: int,
    rng: np.random.Generator,
    clutter: RGB | None = None,
    distribution: str | None = None,
) -> Example:
    """The example of a picture, uint8 (height, width, 3), damaged as the task says.

    level        : as in ``damage.corrupt``
    clutter      : the other picture, for colour blocks
    distribution : of points; without one, it is drawn from those of the settings
    """
    kind = distribution or str(rng.choice(settings.damage.distributions))
    done = damage.corrupt(rgb, settings.task, level, rng, distribution=kind, clutter=clutter)
    seen = inputs(settings.architecture.blends, settings.task, done.rgb, done.known)
    return Example(seen, to_network(np.moveaxis(rgb, -1, 0)), done.known[None].astype(np.float32))


def band_levels(span: tuple[int, int]) -> list[int]:
    """The level in the middle of each band, without repetitions.

    span : least and most damage
    """
    low, high = span
    middles = [round(low + (i + 0.5) * (high - low) / BANDS) for i in range(BANDS)]
    return sorted(set(middles))


def _level(span: tuple[int, int], bands: Sequence[float], rng: np.random.Generator) -> int:
    """A random level of damage, uniform within the band that is drawn, if there are bands."""
    low, high = span
    if not bands:
        return int(rng.integers(low, high + 1))
    band = rng.choice(BANDS, p=np.asarray(bands) / sum(bands))
    return round(low + (band + rng.random()) * (high - low) / BANDS)


def _cut(
    pixels: NDArray[np.uint8], crop: int, turns: bool, rng: np.random.Generator
) -> NDArray[np.uint8]:
    top, left = (int(rng.integers(side - crop + 1)) for side in pixels.shape[:2])
    cut = np.array(pixels[top : top + crop, left : left + crop])
    if turns and rng.random() < 0.5:
        cut = cut.swapaxes(0, 1)
    down = int(rng.choice((1, -1))) if turns else 1
    turned: NDArray[np.uint8] = cut[::down, :: int(rng.choice((1, -1)))]
    return turned


def _patch(
    entries: Sequence[cache.Entry], clutter: Sequence[Path], side: int, rng: np.random.Generator
) -> RGB:
    """A random picture that is large enough to cut a block from."""
    for _ in range(100):
        if clutter:
            rgb = loading.load(clutter[int(rng.integers(len(clutter)))]).rgb
        else:
            rgb = np.asarray(entries[int(rng.integers(len(entries)))].pixels[..., :3])
        if min(rgb.shape[:2]) >= side:
            return rgb
    raise InputError(f"no picture is large enough to cut a block of {side} pixels from")


def picture_of(example: Floats) -> RGB:
    """Planes (3, height, width) on the network's scale as uint8 (height, width, 3)."""
    return to_depth((np.moveaxis(example, 0, -1) + 1) * (255 / 2), 8)
