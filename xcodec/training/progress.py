"""Progress of a training run: a live bar on a terminal, otherwise a line every minute."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

SMOOTHING = 0.99
"""Decay of the moving averages for each step."""
LINE_EVERY = 60.0
"""Seconds between two lines without a terminal."""


class Monitor:
    """Moving averages over about a hundred steps, shown on standard error."""

    def __init__(self, silent: bool = False) -> None:
        """silent : show nothing: for all processes of a run but the first"""
        self._silent = silent
        self._console = Console(stderr=True, soft_wrap=True)
        self._live = self._console.is_terminal and not silent
        self._bar = Progress(
            BarColumn(8),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            disable=not self._live,
        )
        self._task = self._bar.add_task("starting", total=1.0)
        self._error = self._gain = self._weight = 0.0
        self._mark: tuple[float, int, float, float] | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line."""
        if self._silent:
            return
        if self._live:
            self._console.print(text, highlight=False, markup=False)
        else:
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
            sys.stderr.flush()

    def step(self, step: int, error: float, gain: float, progress: float, waited: float) -> None:
        """Add a step to the averages.

        error    : mean root-mean-square error of the crops, in grey levels
        gain     : improvement in PSNR over the network's input, dB
        progress : fraction of the run that is done, 0..1
        waited   : total seconds that the run has waited for data
        """
        self._error = SMOOTHING * self._error + (1 - SMOOTHING) * error
        self._gain = SMOOTHING * self._gain + (1 - SMOOTHING) * gain
        self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
        now = time.monotonic()
        if self._mark is None:
            self._mark = now, step, waited, progress
            return
        then, first, waited_then, progress_then = self._mark
        passed = now - then
        if passed < (1.0 if self._live else LINE_EVERY):
            return
        speed = (step - first) / passed
        left = (1 - progress) * passed / max(progress - progress_then, 1e-12)
        text = (
            f"step {step} error {self._error / self._weight:.2f}"
            f" {self._gain / self._weight:+.2f} dB {speed:.1f}/s"
            f" {100 * (waited - waited_then) / passed:.0f} % waiting {_clock(left)} left"
        )
        self._mark = now, step, waited, progress
        if self._live:
            self._bar.update(self._task, completed=progress, description=text)
        else:
            self.say(text)


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
