"""Random crops of encoded pictures, made ready by a thread while the network learns."""

import queue
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.reconstruction.generator import CHANNELS, stack, to_network
from xcodec.training import cache
from xcodec.training.settings import TrainSettings

READY_BATCHES = 4
HELD_OUT = 50
"""One file in this many validates where there is no folder of validation pictures."""


@dataclass(frozen=True)
class Batch:
    """Crops for one step.

    conditions : float32 (batch, 7, crop, crop), what the generator sees
    targets    : float32 (batch, 3, crop, crop), the original on the network's scale
    """

    conditions: NDArray[np.float32]
    targets: NDArray[np.float32]


def split(settings: TrainSettings) -> tuple[list[Path], list[Path]]:
    """Pictures that train, and pictures that choose the weights; raises InputError."""
    training = cache.pictures(settings.data)
    if settings.val is not None:
        return training, cache.pictures(settings.val)[0::2]
    held_out = [file for file in training if int(cache.digest(file), 16) % HELD_OUT == 0]
    if not held_out or len(held_out) == len(training):
        raise InputError(f"{settings.data}: too few pictures to hold some out: name others to val")
    return [file for file in training if file not in set(held_out)], held_out


def jobs(pictures: Sequence[Path], settings: TrainSettings) -> Iterator[cache.Job]:
    """What is to be encoded for training, in order: each picture once before any one twice."""
    rng = random.Random(settings.seed)
    for number in range(settings.variants):
        for picture in rng.sample(list(pictures), len(pictures)):
            yield cache.variant(picture, settings.cache, settings.rates, number)


def draw(entries: Sequence[cache.Entry], batch: int, crop: int, rng: np.random.Generator) -> Batch:
    """Random crops, turned and mirrored at random, of random entries."""
    conditions = np.empty((batch, CHANNELS, crop, crop), np.float32)
    targets = np.empty((batch, 3, crop, crop), np.float32)
    for i in range(batch):
        entry = entries[int(rng.integers(len(entries)))]
        top, left = (int(rng.integers(side - crop + 1)) for side in entry.pixels.shape[:2])
        pixels = np.array(entry.pixels[top : top + crop, left : left + crop])
        if rng.random() < 0.5:
            pixels = pixels.swapaxes(0, 1)
        pixels = pixels[:: rng.choice((1, -1)), :: rng.choice((1, -1))]
        targets[i], conditions[i] = arrays(pixels, entry)
    return Batch(conditions, targets)


def arrays(
    pixels: NDArray[np.uint8], entry: cache.Entry
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Target (3, height, width) and conditions (7, height, width) of pixels of an entry."""
    target = to_network(np.moveaxis(pixels[..., :3], -1, 0))
    deviation = pixels[..., 6].astype(np.float32) / 255
    return target, stack(pixels[..., 3:6], deviation, pixels[..., 7], entry.step, entry.tone)


class Batches:
    """Batches without end, drawn by a thread of their own.

    waited : seconds that ``next`` has waited, all together
    """

    def __init__(
        self, entries: Sequence[cache.Entry], settings: TrainSettings, seed: Sequence[int]
    ) -> None:
        self.waited = 0.0
        self._entries = entries  # It may grow meanwhile.
        self._settings = settings
        self._rng = np.random.default_rng(seed)
        self._ready: queue.Queue[Batch | Exception] = queue.Queue(READY_BATCHES)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._fill, daemon=True)
        self._thread.start()

    def next(self) -> Batch:
        """The next batch; raises what drawing it raised."""
        start = time.monotonic()
        batch = self._ready.get()
        self.waited += time.monotonic() - start
        if isinstance(batch, Exception):
            raise batch
        return batch

    def close(self) -> None:
        """Stop drawing."""
        self._closed.set()
        while not self._ready.empty():
            self._ready.get_nowait()
        self._thread.join()

    def _fill(self) -> None:
        while not self._closed.is_set():
            batch: Batch | Exception
            try:
                batch = draw(self._entries, self._settings.batch, self._settings.crop, self._rng)
            except Exception as error:
                batch = error
            self._ready.put(batch)
