"""A training run, from encoding the pictures to the file of weights."""

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
from xcodec.system import files
from xcodec.system.processes import cores
from xcodec.training import board, cache, dataset, parallel, validation
from xcodec.training.batches import Batches
from xcodec.training.board import Board
from xcodec.training.filler import Filler
from xcodec.training.judge import Judge
from xcodec.training.learner import Learner
from xcodec.training.progress import Monitor
from xcodec.training.settings import TrainSettings

DRAWERS = 4
"""Threads that draw crops for a GPU; one is enough for training on a processor."""


def train(settings: TrainSettings) -> model_files.Card:
    """Train a network and write the weights with the best validation to ``settings.weights``.

    Ctrl-C or SIGTERM ends the run after the current step; its state can be resumed. While pictures
    are prepared for the first step, they act as usual. Returns the card of the whole run; that of
    the best weights is in their file.

    Raises InputError if the settings or the pictures cannot be used, ModelError if training
    diverges or weights are missing, DependencyError if a package of the extra "train" is missing.
    """
    _check(settings)
    _check_places(settings)
    world = parallel.world(settings.run.device)
    with ExitStack() as stack:
        monitor = stack.enter_context(Monitor(silent=not world.first))
        learner = Learner(settings, world.device or choose(settings.run.device), world)
        resumed = settings.files.resume and settings.state.exists()
        _same_for_all(learner, resumed, f"{settings.state}: not on all machines of the run")
        if resumed:
            learner.restore(settings.state)
            account = learner.account
            monitor.say(f"resuming at step {account.step}, {account.hours:.2f} h")
        training, choosing = dataset.split(settings, monitor.say)
        jobs = list(dataset.jobs(training, settings))
        filler = Filler(jobs, settings.crops.crop, settings.run.workers, monitor.say)
        stack.enter_context(closing(filler))
        monitor.say(f"{len(training)} pictures train, {len(choosing)} validate; encoding the first")
        if carried := sum(cache.beside(job).exists() for job in jobs):
            monitor.say(f"{carried} of {len(jobs)} encodings came in packs; the others are made")
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
        filler.first(settings.encoding.ready)
        place = learner.account.step, learner.account.bands, world.rank, world.size
        drawers = 1 if learner.device.type == "cpu" else min(cores(), DRAWERS)
        drawn = Batches(filler, settings, *place, drawers)
        batches = stack.enter_context(closing(drawn))
        interrupted = stack.enter_context(_interruption())  # Before, there is nothing to save.
        _run(learner, batches, filler, judge, monitor, events, interrupted)
        monitor.say(f"{len(filler.entries)} encoded pictures, {filler.skipped} skipped")
        if filler.skipped:
            monitor.say(f"the last was skipped because of {filler.problem}")
        if interrupted.is_set():
            monitor.say("interrupted: --resume continues from here")
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
    """Learn, save and validate until the run ends or is interrupted."""
    settings, account, world = learner.settings, learner.account, learner.world
    if world.first and account.best is None:
        # Before the first weights are written: wherever a run is killed, --resume finds its state.
        learner.save(settings.state)
        judge()
    base = time.monotonic() - account.seconds
    saved = validated = account.seconds
    while True:
        stop = interrupted.is_set() or judge.patience_lost()
        # All processes must agree on the time and on what only the first one measures.
        account.seconds, stopped, *account.bands = world.agreed(
            [account.seconds, stop, *account.bands], learner.device
        )
        if stopped or account.progress(settings) >= 1:
            break
        batches.use(account.bands, account.step)
        _set_threads(settings.run.threads or cores() - filler.encoding * settings.run.workers)
        rate = learner.rate(settings.optimisation.lr)
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
        if settings.run.every is not None:
            due = account.step % settings.run.every == 0
            if due:
                judge()
            keep = due
        else:
            if now - validated >= 60 * settings.validation.validate_every:
                judge()
                validated = now
            keep = now - saved >= 60 * settings.run.checkpoint_every
        if keep:
            learner.save(settings.state)
            saved = now
    if world.first:
        repeats = settings.run.every is not None and account.step % settings.run.every == 0
        if not interrupted.is_set() and not (repeats and account.step):
            judge()
        learner.save(settings.state)


def _same_for_all(learner: Learner, number: int, problem: str) -> None:
    """Raise InputError unless a number, below 2 ** 24, is the same on all processes."""
    if learner.world.agreed([number], learner.device) != [number]:
        raise InputError(problem)


def _board(settings: TrainSettings) -> Path | None:
    """The folder of TensorBoard's events; None: write none."""
    if settings.files.board is not None:
        return settings.files.board
    return settings.state.parent / "board" if board.available() else None


def _set_threads(count: int) -> None:
    """Set the number of torch's threads, at least one."""
    if torch.get_num_threads() != max(count, 1):
        torch.set_num_threads(max(count, 1))


def _check(settings: TrainSettings) -> None:
    """Raise InputError if the run would overwrite weights that it does not continue."""
    path, kept = settings.weights, settings.files
    continued = kept.resume and settings.state.exists()
    continued |= kept.init is not None and kept.init.resolve() == path.resolve()
    if not path.exists() or continued or kept.overwrite:
        return
    if kept.resume:
        raise InputError(
            f"{settings.state}: there is no state to resume, but {path} exists already:"
            " --checkpoint names the folder of the state, --init starts from the weights, -f"
            " overwrites them"
        )
    raise InputError(
        f"{path}: exists already; --resume or --init continue from it, -f overwrites it"
    )


def _check_places(settings: TrainSettings) -> None:
    """Make the folders of the run's files.

    Raises InputError if a file could not be written: now, not after the pictures are encoded.
    """
    for folder in (settings.weights.parent, settings.state.parent, settings.files.cache):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: {str(error.strerror).lower()}") from error
    for path in (settings.weights, settings.state):
        files.check_target(path, overwrite=True)


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one acts as usual."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # Only the main thread can handle signals.
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
