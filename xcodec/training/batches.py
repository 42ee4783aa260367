"""Batches of crops, drawn by background threads while the network learns."""

import itertools
import queue
import threading
import time
from collections.abc import Sequence

from xcodec.training import packs
from xcodec.training.dataset import Batch, Crops, draw, reach
from xcodec.training.filler import Filler
from xcodec.training.settings import TrainSettings

READY_BATCHES = 4
"""Steps that each thread draws ahead."""
Ready = queue.Queue[list[Batch | Crops] | Exception]
"""What a thread has drawn: the batches of its steps, or the error that stopped it."""


class Batches:
    """The batches of one process, step by step.

    bands  : as in ``draw``
    waited : total seconds that ``next`` has waited
    """

    def __init__(
        self,
        filler: Filler,
        settings: TrainSettings,
        step: int,
        bands: Sequence[float] = (),
        rank: int = 0,
        size: int = 1,
        drawers: int = 1,
    ) -> None:
        """Start drawing at a step.

        rank, size : this process and the number of processes
        drawers    : threads that draw; a GPU learns faster than one thread draws
        """
        self.waited = 0.0
        self.bands = tuple(bands)
        self._filler = filler
        self._settings = settings
        clutter, kept = settings.damage.clutter, settings.files.cache
        self._clutter = packs.pictures(clutter, kept) if clutter else []
        self._rank, self._size = rank, size
        self._drawers = drawers
        self._start(step)

    def _start(self, step: int) -> None:
        self._closed = threading.Event()
        self._ready: list[Ready] = [queue.Queue(READY_BATCHES) for _ in range(self._drawers)]
        self._turns = itertools.cycle(self._ready)
        self._threads = [
            threading.Thread(target=self._fill, args=(step + i, ready), daemon=True)
            for i, ready in enumerate(self._ready)
        ]
        for thread in self._threads:
            thread.start()

    def next(self) -> list[Batch | Crops]:
        """The batches of the next step, one for each part of its gradient.

        Raises the error that stopped drawing, if any.
        """
        start = time.monotonic()
        batches = next(self._turns).get()
        self.waited += time.monotonic() - start
        if isinstance(batches, Exception):
            raise batches
        return batches

    def use(self, bands: Sequence[float], step: int) -> None:
        """Draw levels of damage with other shares of the bands, from ``step`` on."""
        if tuple(bands) != self.bands:
            self.close()
            self.bands = tuple(bands)
            self._start(step)

    def close(self) -> None:
        """Stop drawing."""
        self._closed.set()
        for ready, thread in zip(self._ready, self._threads, strict=True):
            while not ready.empty():
                ready.get_nowait()
            thread.join()

    def _fill(self, step: int, ready: Ready) -> None:
        """Draw every n-th step, of n threads, from ``step`` on."""
        settings = self._settings
        while not self._closed.is_set():
            batches: list[Batch | Crops] | Exception
            try:
                entries = self._filler.first(reach(step, settings))
                batches = [
                    draw(entries, settings, step, self._places(part), self.bands, self._clutter)
                    for part in range(settings.crops.accumulate)
                ]
            except Exception as error:
                batches = error
            ready.put(batches)
            step += self._drawers

    def _places(self, part: int) -> range:
        """The places of the crops of this process within a step, for one part of the step."""
        first = (part * self._size + self._rank) * self._settings.crops.batch
        return range(first, first + self._settings.crops.batch)
