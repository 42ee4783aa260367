"""The crops of the steps to come, drawn by threads while the network learns."""

import itertools
import queue
import threading
import time
from collections.abc import Sequence

from xcodec.training import cache
from xcodec.training.dataset import Batch, Crops, draw
from xcodec.training.filler import Filler
from xcodec.training.settings import TrainSettings

READY_BATCHES = 4
PLAIN_PACE = 8
"""Pictures a step where they are only decoded, instead of the setting for encoded ones."""
Ready = queue.Queue[list[Batch | Crops] | Exception]
"""What a drawing thread has ready: the batches of its steps, or why there are none."""


class Batches:
    """The batches of a process, step by step, drawn by threads of their own.

    bands  : as in ``draw``
    waited : seconds that ``next`` has waited, all together
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
        """drawers : threads that draw; a graphics card learns faster than one of them draws."""
        self.waited = 0.0
        self.bands = tuple(bands)
        self._filler = filler
        self._settings = settings
        self._clutter = cache.pictures(settings.clutter) if settings.clutter else []
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
        """The next step's batches, one for each part of its gradient; raises what drawing did."""
        start = time.monotonic()
        batches = next(self._turns).get()
        self.waited += time.monotonic() - start
        if isinstance(batches, Exception):
            raise batches
        return batches

    def use(self, bands: Sequence[float], step: int) -> None:
        """Draw the levels of damage by other shares, from a step on."""
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
        """Draw a thread's share of the steps, from the first of them on."""
        settings = self._settings
        pace = settings.pace if settings.prepared else PLAIN_PACE
        while not self._closed.is_set():
            batches: list[Batch | Crops] | Exception
            try:
                entries = self._filler.first(settings.ready + int(step * pace))
                batches = [
                    draw(entries, settings, step, self._places(part), self.bands, self._clutter)
                    for part in range(settings.accumulate)
                ]
            except Exception as error:
                batches = error
            ready.put(batches)
            step += self._drawers

    def _places(self, part: int) -> range:
        """The places of this process's crops in a part of a step."""
        first = (part * self._size + self._rank) * self._settings.batch
        return range(first, first + self._settings.batch)
