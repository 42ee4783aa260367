"""A training run, from the first crop to the best weights."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from types import FrameType

import torch

from xcodec import files
from xcodec.errors import InputError
from xcodec.reconstruction import zoo
from xcodec.reconstruction.paint import choose
from xcodec.training import cache, dataset, validation
from xcodec.training.learner import Learner
from xcodec.training.progress import Monitor
from xcodec.training.settings import TrainSettings


def train(settings: TrainSettings) -> zoo.Card:
    """Train a generator and write its best weights, by validation, to ``settings.weights``.

    Ctrl-C or SIGTERM ends the run after the step in hand and leaves a state to resume from.
    Gives back the card of the run: its best weights' is in their file. Raises InputError where
    the settings or the data can't be used, ModelError where training diverges.
    """
    _check(settings)
    with ExitStack() as stack:
        monitor = stack.enter_context(Monitor())
        interrupted = stack.enter_context(_interruption())
        learner = _learner(settings, monitor)
        training, choosing = dataset.split(settings)
        jobs = dataset.jobs(training, settings)
        filler = stack.enter_context(closing(cache.Filler(jobs, settings.crop, settings.workers)))
        monitor.say(f"{len(training)} pictures train, {len(choosing)} validate; encoding the first")
        judge = _Judge(learner, validation.prepare(choosing, settings.cache), monitor)
        filler.wait(settings.ready)
        seed = settings.seed, learner.account.step
        batches = stack.enter_context(closing(dataset.Batches(filler.entries, settings, seed)))
        _run(learner, batches, filler, judge, monitor, interrupted)
        monitor.say(f"{len(filler.entries)} encoded pictures, {filler.skipped} skipped")
        if filler.skipped:
            monitor.say(f"the last was skipped because of {filler.problem}")
        if interrupted.is_set():
            monitor.say("interrupted: resume goes on from here")
    return judge.card()


def _run(
    learner: Learner,
    batches: dataset.Batches,
    filler: cache.Filler,
    judge: "_Judge",
    monitor: Monitor,
    interrupted: threading.Event,
) -> None:
    """Learn, save and validate until the run is over or interrupted."""
    settings, account = learner.settings, learner.account
    if not account.history or (settings.init and not account.step):
        judge()
    base = time.monotonic() - account.seconds
    saved = validated = account.seconds
    while not interrupted.is_set() and not judge.patience_lost():
        progress = account.progress(settings)
        if progress >= 1:
            break
        _set_threads(settings.threads or _cores() - filler.encoding * settings.workers)
        loss, gain = learner.learn(batches.next())
        account.seconds = time.monotonic() - base
        monitor.step(account.steps, loss, gain, progress, batches.waited)
        if account.seconds - validated >= 60 * settings.validate_every:
            judge()
            validated = account.seconds
        if account.seconds - saved >= 60 * settings.checkpoint_every:
            learner.save(settings.state)
            saved = account.seconds
    if not interrupted.is_set():
        judge()
    learner.save(settings.state)


class _Judge:
    """Validates the averaged weights, keeps the best, and writes the history."""

    def __init__(
        self, learner: Learner, entries: dict[str, list[cache.Entry]], monitor: Monitor
    ) -> None:
        self._learner = learner
        self._entries = entries
        self._monitor = monitor

    def __call__(self) -> None:
        """Validate now."""
        learner, account = self._learner, self._learner.account
        path = learner.settings.weights
        scores = validation.validate(learner.average, self._entries, learner.device)
        entry = {
            "steps": account.steps,
            "hours": round(account.hours, 4),
            "mean": round(scores.mean, 4),
            "psnr": scores.psnr,
            "fill": scores.fill,
        }
        account.history.append(entry)
        better = account.best is None or scores.mean > account.best["mean"]
        if better:
            account.best = entry
            path.parent.mkdir(parents=True, exist_ok=True)
            zoo.save(path, learner.average, self.card())
        history = json.dumps(account.history, indent=1).encode() + b"\n"
        files.write_atomic(path.with_suffix(".history.json"), history, overwrite=True)
        rates = "  ".join(f"{rate}: {value:.2f}" for rate, value in scores.psnr.items())
        self._monitor.say(
            f"validation after {account.steps} steps, {account.hours:.2f} h: {scores.mean:.3f} dB"
            f" ({scores.mean - scores.fill_mean:+.3f} over the fill; {rates})"
            + (", the best" if better else "")
        )

    def card(self) -> zoo.Card:
        """The card of the weights as they are now."""
        learner, account = self._learner, self._learner.account
        return zoo.Card(
            name=learner.settings.weights.stem,
            architecture=learner.generator.architecture,
            settings=learner.settings.public(),
            steps=account.steps,
            hours=account.hours,
            history=list(account.history),
            best=account.best,
        )

    def patience_lost(self) -> bool:
        """Whether the best PSNR gained less than it should in the last minutes of patience."""
        settings, account = self._learner.settings, self._learner.account
        if settings.patience is None or account.seconds < 60 * settings.patience:
            return False
        start = account.hours - settings.patience / 60
        before = [entry["mean"] for entry in account.history if entry["hours"] <= start]
        after = [entry["mean"] for entry in account.history if entry["hours"] > start]
        return bool(before and after) and max(after) < max(before) + settings.gain


def _set_threads(count: int) -> None:
    """Let torch use so many threads, at least one."""
    if torch.get_num_threads() != max(count, 1):
        torch.set_num_threads(max(count, 1))


def _cores() -> int:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _check(settings: TrainSettings) -> None:
    """Raise InputError where the run would overwrite what it shouldn't."""
    path = settings.weights
    goes_on = settings.resume or (settings.init and settings.init.resolve() == path.resolve())
    if path.exists() and not (goes_on or settings.overwrite):
        raise InputError(f"{path}: exists already; resume or init go on from it, -f overwrites it")


def _learner(settings: TrainSettings, monitor: Monitor) -> Learner:
    """The learner at the start of the run, or where it was left."""
    learner = Learner(settings, choose(settings.device))
    if settings.resume and settings.state.exists():
        learner.restore(settings.state)
        monitor.say(f"resuming at step {learner.account.steps}, {learner.account.hours:.2f} h")
    return learner


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, once; the next one acts as ever."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # Only the main thread may handle signals.
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def handle(_number: int, _frame: FrameType | None) -> None:
        interrupted.set()
        for number in numbers:
            signal.signal(number, before[number])

    for number in numbers:
        signal.signal(number, handle)
    try:
        yield interrupted
    finally:
        for number in numbers:
            signal.signal(number, before[number])
