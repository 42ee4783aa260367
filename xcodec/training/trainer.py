"""A training run, from the first crop to the best weights."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType

import torch

from xcodec.errors import InputError
from xcodec.reconstruction import model_files
from xcodec.reconstruction.torch_painter import choose
from xcodec.training import board, dataset, parallel, validation
from xcodec.training.batches import Batches
from xcodec.training.board import Board
from xcodec.training.filler import Filler
from xcodec.training.judge import Judge
from xcodec.training.learner import Learner
from xcodec.training.progress import Monitor
from xcodec.training.settings import TrainSettings

DRAWERS = 4
"""Threads that draw crops for a graphics card; beside a processor that learns, one is enough."""


def train(settings: TrainSettings) -> model_files.Card:
    """Train a network and write its best weights, by validation, to ``settings.weights``.

    Ctrl-C or SIGTERM ends the run after the step in hand and leaves a state to resume from.
    Gives back the card of the run: its best weights' is in their file. Raises InputError where
    the settings or the data can't be used, ModelError where training diverges or weights miss.
    """
    _check(settings)
    world = parallel.world(settings.device)
    with ExitStack() as stack:
        monitor = stack.enter_context(Monitor(silent=not world.first))
        interrupted = stack.enter_context(_interruption())
        learner = Learner(settings, world.device or choose(settings.device), world)
        resumed = settings.resume and settings.state.exists()
        _same_for_all(learner, resumed, f"{settings.state}: not on all machines of the run")
        if resumed:
            learner.restore(settings.state)
            account = learner.account
            monitor.say(f"resuming at step {account.step}, {account.hours:.2f} h")
        training, choosing = dataset.split(settings)
        filler = stack.enter_context(
            closing(Filler(dataset.jobs(training, settings), settings.crop, settings.workers))
        )
        monitor.say(f"{len(training)} pictures train, {len(choosing)} validate; encoding the first")
        digest = dataset.digest(training)
        _same_for_all(learner, int(digest[:5], 16), "the machines of the run have other pictures")
        facts: dict[str, str | int] = {
            "data_digest": digest,
            "data_pictures": len(training),
        }
        if learner.criterion.network is not None:
            facts["perceptual_network"] = learner.criterion.network
            monitor.say(f"perceptual loss: {learner.criterion.network}")
        folder = _board(settings) if world.first else None
        events = stack.enter_context(closing(Board(folder, learner.account.steps)))
        examples = validation.prepare(choosing, settings) if world.first else {}
        judge = Judge(learner, examples, monitor, events, facts)
        filler.first(settings.ready)
        place = learner.account.step, learner.account.bands, world.rank, world.size
        drawers = 1 if learner.device.type == "cpu" else min(_cores(), DRAWERS)
        drawn = Batches(filler, settings, *place, drawers)
        batches = stack.enter_context(closing(drawn))
        _run(learner, batches, filler, judge, monitor, events, interrupted)
        monitor.say(f"{len(filler.entries)} encoded pictures, {filler.skipped} skipped")
        if filler.skipped:
            monitor.say(f"the last was skipped because of {filler.problem}")
        if interrupted.is_set():
            monitor.say("interrupted: resume goes on from here")
    return judge.card()


def _run(
    learner: Learner,
    batches: Batches,
    filler: Filler,
    judge: Judge,
    monitor: Monitor,
    events: Board,
    interrupted: threading.Event,
) -> None:
    """Learn, save and validate until the run is over or interrupted."""
    settings, account, world = learner.settings, learner.account, learner.world
    if world.first and (not account.history or (settings.init and not account.step)):
        judge()
    base = time.monotonic() - account.seconds
    saved = validated = account.seconds
    while True:
        stop = interrupted.is_set() or judge.patience_lost()
        # Clocks, and what only the first process measures, must be the same for all.
        account.seconds, stopped, *account.bands = world.agreed(
            [account.seconds, stop, *account.bands], learner.device
        )
        if stopped or account.progress(settings) >= 1:
            break
        batches.use(account.bands, account.step)
        _set_threads(settings.threads or _cores() - filler.encoding * settings.workers)
        rate = learner.rate(settings.lr)
        outcome = learner.learn(batches.next())
        account.seconds = time.monotonic() - base
        progress = account.progress(settings)
        monitor.step(account.steps, outcome.error, outcome.gain, progress, batches.waited)
        curves = {f"loss/{name}": value for name, value in outcome.losses.items()}
        curves |= {"error": outcome.error, "gain": outcome.gain, "learning rate": rate}
        events.curves(account.steps, curves | {"waited seconds": batches.waited})
        if not world.first:
            continue
        now = account.seconds
        if settings.every is not None:
            due = account.step % settings.every == 0
            if due:
                judge()
            keep = due
        else:
            if now - validated >= 60 * settings.validate_every:
                judge()
                validated = now
            keep = now - saved >= 60 * settings.checkpoint_every
        if keep:
            learner.save(settings.state)
            saved = now
    if world.first:
        repeats = settings.every is not None and account.step % settings.every == 0
        if not interrupted.is_set() and not (repeats and account.step):
            judge()
        learner.save(settings.state)


def _same_for_all(learner: Learner, number: int, problem: str) -> None:
    """Raise InputError where a number below 2^24 isn't the first process's."""
    if learner.world.agreed([number], learner.device) != [number]:
        raise InputError(problem)


def _board(settings: TrainSettings) -> Path | None:
    """The folder of TensorBoard's events, if any."""
    if settings.board is not None:
        return settings.board
    return settings.state.parent / "board" if board.available() else None


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
