"""Training: it learns, resumes where it was, keeps the best weights, and stops when told."""

import dataclasses
import json
import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.conftest import GAN, ONDEMAND, SMALL, XGANS
from xcodec.errors import InputError, ModelError
from xcodec.reconstruction import torch_weights
from xcodec.reconstruction.architecture import Architecture
from xcodec.reconstruction.conditions import from_network, stack
from xcodec.reconstruction.model_files import Card
from xcodec.reconstruction.torch_weights import build
from xcodec.training import cache, dataset, trainer, unpacking, validation
from xcodec.training import filler as filling
from xcodec.training.filler import Filler
from xcodec.training.learner import Learner, Outcome
from xcodec.training.losses import PixelLoss, crop_errors
from xcodec.training.settings import TrainSettings, presets


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps that are taken, as they are taken."""
    steps: list[int] = []
    learn = Learner.learn

    def noted(self: Learner, batches: list[dataset.Batch]) -> Outcome:
        steps.append(self.account.step)
        return learn(self, batches)

    monkeypatch.setattr(Learner, "learn", noted)
    return steps


def test_a_batch_can_be_learned_by_heart(settings: TrainSettings) -> None:
    settings = settings.replaced(lr=6e-3)
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    batch = dataset.draw(entries, settings, 0, range(2))
    learner = Learner(settings, torch.device("cpu"))
    first = learner.learn([batch])
    assert first.gain == pytest.approx(0, abs=1e-6)  # It starts from the fill.
    for _ in range(119):
        last = learner.learn([batch])
    assert last.gain > 1.0
    assert last.error < first.error


def test_a_teacher_is_learned_instead_of_the_original(
    settings: TrainSettings, tmp_path: Path
) -> None:
    """One that paints all darker and knows nothing of the original."""
    teacher = build(SMALL)
    with torch.no_grad():
        teacher.head.bias.fill_(-0.2)  # type: ignore[union-attr, operator]
    path = tmp_path / "dark.safetensors"
    torch_weights.save(path, teacher, Card("dark", SMALL))
    settings = settings.replaced(lr=6e-3, teacher=str(path))
    assert settings.public()["teacher"] == "dark.safetensors"
    batch = dataset.draw([cache.opened(cache.encode(jobs(settings)[0]))], settings, 0, range(2))
    learner = Learner(settings, torch.device("cpu"))
    for _ in range(60):
        learner.learn([batch])
    x, original, _ = unpacking.seen(batch, torch.device("cpu"))
    with torch.no_grad():
        shift = (learner.generator(x) - x[:, :3]).mean()
    assert shift == pytest.approx(-0.2, abs=0.05)
    assert abs((original - x[:, :3]).mean()) < 0.02


def test_a_teacher_must_see_what_is_seen(settings: TrainSettings, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    torch_weights.save(path, build(XGANS), Card("other", XGANS))
    with pytest.raises(ModelError, match="other input planes"):
        Learner(settings.replaced(teacher=str(path)), torch.device("cpu"))


def jobs(settings: TrainSettings) -> list[cache.Job]:
    settings.files.cache.mkdir(exist_ok=True)
    return list(dataset.jobs(cache.pictures(settings.source.data or Path()), settings))


def test_a_run_writes_weights_history_and_state(settings: TrainSettings) -> None:
    card = trainer.train(settings)
    assert card.steps == 4
    generator, kept = torch_weights.load(settings.weights)
    assert generator.architecture == SMALL
    assert kept.best is not None
    assert set(kept.best["psnr"]) == {"0.01", "0.02", "0.05", "0.1"}
    assert kept.best["mean"] == max(entry["mean"] for entry in card.history)
    assert card.history[0]["psnr"] == card.history[0]["fill"]  # Before the first step.
    assert json.loads(settings.weights.with_suffix(".history.json").read_text()) == card.history
    assert kept.settings["crop"] == 32
    assert kept.settings["data"] == "data"  # No paths of the machine that trained it.
    assert settings.state.exists()


def test_a_run_resumes_where_it_was(settings: TrainSettings, learned: list[int]) -> None:
    first = trainer.train(settings)
    longer = settings.replaced(steps=6, resume=True)
    second = trainer.train(longer)
    assert learned == [0, 1, 2, 3, 4, 5]
    assert second.steps == 6
    assert second.hours > first.hours
    assert second.history[: len(first.history)] == first.history


def test_the_state_holds_all_that_the_next_step_needs(settings: TrainSettings) -> None:
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    one = Learner(settings, torch.device("cpu"))
    for step in range(3):
        one.learn([dataset.draw(entries, settings, step, range(2))])
    one.save(settings.state)
    other = Learner(settings.replaced(seed=5), torch.device("cpu"))
    other.restore(settings.state)
    batch = dataset.draw(entries, settings, 3, range(2))
    assert one.learn([batch]) == other.learn([batch])
    for mine, its in ((one.generator, other.generator), (one.average, other.average)):
        for key, value in mine.state_dict().items():
            torch.testing.assert_close(its.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"optimizer": "adam"}, "of a run with the optimizer muon"),
        ({"architecture": ONDEMAND, "task": "white-block", "levels": (8, 16)}, "another network"),
        ({"losses": GAN}, "of a run without discriminators"),
    ],
    ids=str,
)
def test_a_run_is_not_resumed_in_another_way(
    settings: TrainSettings, changed: dict[str, Any], problem: str
) -> None:
    Learner(settings, torch.device("cpu")).save(settings.state)
    other = Learner(settings.replaced(**changed), torch.device("cpu"))
    with pytest.raises(InputError, match=rf"state\.safetensors: .*{problem}"):
        other.restore(settings.state)


def test_files_that_cannot_be_written_end_a_run_before_it_begins(
    settings: TrainSettings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for name in ("output", "checkpoint", "cache"):
        place = tmp_path / "file" / "x.safetensors"
        with pytest.raises(InputError, match=r"/file(/x\.safetensors)?: "):
            trainer.train(settings.replaced(**{name: place}))


def test_init_starts_a_new_schedule_and_goes_on_counting(
    settings: TrainSettings, learned: list[int]
) -> None:
    first = trainer.train(settings)
    second = trainer.train(settings.replaced(init=settings.weights))
    assert learned == [0, 1, 2, 3, 0, 1, 2, 3]
    kept = next(e for e in first.history if e == first.best)
    assert second.steps == kept["steps"] + 4
    assert second.history[0] == first.history[0]


def test_figures_of_another_task_do_not_go_on(settings: TrainSettings) -> None:
    first = trainer.train(settings)
    points = settings.replaced(init=settings.weights, task="points")
    account = Learner(points, torch.device("cpu")).account
    assert len(first.history) > 0
    assert account.history == []


def test_sigint_ends_a_run_with_a_state_to_resume_from(
    settings: TrainSettings, learned: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = Learner.learn

    def interrupted(self: Learner, batches: list[dataset.Batch]) -> Outcome:
        if self.account.step == 2:
            signal.raise_signal(signal.SIGINT)
        return learn(self, batches)

    before = signal.getsignal(signal.SIGINT)
    endless = settings.replaced(steps=100_000)
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "learn", interrupted)
        assert trainer.train(endless).steps == 3  # The step in hand is finished.
    assert signal.getsignal(signal.SIGINT) is before
    trainer.train(settings.replaced(steps=4, resume=True))
    assert learned == [0, 1, 2, 3]


def test_sigint_before_the_first_step_ends_a_run_at_once(
    settings: TrainSettings, learned: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = validation.prepare

    def interrupted(*arguments: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return prepare(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(validation, "prepare", interrupted)
        with pytest.raises(KeyboardInterrupt):
            trainer.train(settings)
    assert not settings.weights.exists()
    assert trainer.train(settings.replaced(resume=True)).steps == 4
    assert learned == [0, 1, 2, 3]


def test_time_limit_and_patience_end_a_run(settings: TrainSettings) -> None:
    endless = settings.replaced(steps=10**9, validate_every=1e-6)
    assert trainer.train(endless.replaced(time_limit=0.02)).hours * 60 >= 0.02
    bored = endless.replaced(patience=0.01, gain=50.0, overwrite=True)
    assert trainer.train(bored).steps > 0


def test_divergence_is_an_error_and_keeps_the_best(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = PixelLoss.__call__

    def spoilt(*args: object) -> torch.Tensor:
        return call(*args) * torch.nan  # type: ignore[arg-type]

    monkeypatch.setattr(PixelLoss, "__call__", spoilt)
    with pytest.raises(ModelError, match="diverged at step 0"):
        trainer.train(settings)
    generator, _ = torch_weights.load(settings.weights)
    assert all(weight.isfinite().all() for weight in generator.parameters())


def test_weights_are_not_overwritten_unasked(settings: TrainSettings) -> None:
    settings.weights.parent.mkdir()
    settings.weights.write_bytes(b"precious")
    with pytest.raises(InputError, match="exists already"):
        trainer.train(settings)
    assert settings.weights.read_bytes() == b"precious"


def test_weights_of_a_run_without_its_state_are_not_replaced(settings: TrainSettings) -> None:
    """The folder is another one, or gone."""
    first = settings.replaced(resume=True)
    trainer.train(first)  # Neither weights nor state: it starts.
    files = settings.weights, settings.weights.with_suffix(".history.json")
    kept = [file.read_bytes() for file in files]
    other = first.replaced(checkpoint=settings.state.parent / "other")
    with pytest.raises(InputError, match=r"other/state\.safetensors: there is no state to resume"):
        trainer.train(other)
    assert [file.read_bytes() for file in files] == kept
    assert trainer.train(other.replaced(overwrite=True)).steps == 4
    assert trainer.train(other.replaced(steps=5)).steps == 5


@pytest.mark.parametrize("moment", ["validation.validate", "learner.Learner.learn"])
def test_a_run_killed_before_its_first_step_can_be_resumed(
    settings: TrainSettings, learned: list[int], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Also one that goes on from other weights, whose history is kept."""
    first = trainer.train(settings).history
    begun = settings.replaced(init=settings.weights, output=settings.weights.with_name("b"))

    def killed(*_: object) -> Outcome:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"xcodec.training.{moment}", killed)
        with pytest.raises(KeyboardInterrupt):
            trainer.train(begun)
    assert begun.weights.exists() == (moment == "learner.Learner.learn")
    learned.clear()
    second = trainer.train(begun.replaced(init=None, resume=True))
    assert learned == [0, 1, 2, 3]
    assert second.history[: len(first)] == first
    start, end = second.history[len(first) :]
    assert end["steps"] - start["steps"] == 4


def test_encoded_pictures_are_kept_for_later_runs(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer.train(settings)
    monkeypatch.setattr(cache, "quantised", None)  # Nothing can be encoded any more.
    again = settings.replaced(overwrite=True)
    assert trainer.train(again).steps == 4


def test_no_part_of_an_entry_stays_behind(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: BinaryIO, _: object) -> None:
        file.write(b"begun")
        raise OSError(28, "No space left on device")

    every = jobs(settings)
    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        cache.encode(every[0])
    assert list(settings.files.cache.iterdir()) == []


def test_what_only_has_the_name_of_a_picture_is_none(tmp_path: Path) -> None:
    (tmp_path / "album.png").mkdir()
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    with pytest.raises(InputError, match="there are no pictures in it"):
        cache.pictures(tmp_path)


def test_workers_never_load_torch() -> None:
    modules = "xcodec.training.filler, xcodec.training.cache, xcodec.training.settings"
    line = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_killed_worker_is_no_hang(settings: TrainSettings) -> None:
    settings.files.cache.mkdir()
    six = jobs(settings)
    filler = Filler([dataclasses.replace(six[0], picture=Path("/proc/self/mem"))], 32, 1)
    (worker,) = multiprocessing.active_children()
    worker.kill()
    with pytest.raises(InputError, match="no picture can be trained on"):
        filler.first(1)
    filler.close()


def kill_workers() -> None:
    for worker in multiprocessing.active_children():
        worker.kill()


def test_a_killed_worker_is_replaced(settings: TrainSettings) -> None:
    said: list[str] = []
    filler = Filler(jobs(settings), 32, 1, said.append)
    kill_workers()
    try:
        filler.first(6)
    finally:
        filler.close()
    assert (len(filler.entries), filler.skipped) == (6, 0)
    assert said == ["a worker that encodes pictures was lost, and is started again"]


@pytest.mark.parametrize(("restarts", "skipped", "told"), [(0, 0, 1), (10, 1, 2)])
def test_workers_are_not_replaced_for_ever(
    settings: TrainSettings,
    monkeypatch: pytest.MonkeyPatch,
    restarts: int,
    skipped: int,
    told: int,
) -> None:
    """Neither in all nor for one picture."""
    monkeypatch.setattr(filling, "RESTARTS", restarts)
    said: list[str] = []
    filler = Filler(jobs(settings)[:1], 32, 1, said.append)
    while filler.encoding:
        kill_workers()
        time.sleep(0.01)
    filler.close()
    assert (len(filler.entries), filler.skipped, len(said)) == (0, skipped, told)
    assert ("no more pictures are encoded" in said[-1]) == (not skipped)


def test_worker_processes_encode(settings: TrainSettings) -> None:
    settings.files.cache.mkdir()
    filler = Filler(jobs(settings), 32, 1)
    try:
        filler.first(6)
    finally:
        filler.close()
    assert (len(filler.entries), filler.skipped) == (6, 0)


def test_pictures_that_cannot_be_used_are_skipped(settings: TrainSettings) -> None:
    (Path(settings.source.data or "") / "text.png").write_text("no picture")
    Image.new("RGB", (20, 200)).save(Path(settings.source.data or "") / "thin.png")
    settings = settings.replaced(ready=100)
    filler = Filler(jobs(settings), 32, 0)
    try:
        filler.first(100)
    finally:
        filler.close()
    assert (len(filler.entries), filler.skipped) == (6, 2)
    thin = [job for job in jobs(settings) if job.picture.name == "thin.png"]
    filler = Filler(thin, 32, 0)
    with pytest.raises(InputError, match="smaller than"):
        filler.first(1)
    filler.close()


def test_an_entry_is_what_the_decoder_gets(settings: TrainSettings) -> None:
    job = dataclasses.replace(jobs(settings)[0], draw=cache.Draw(0.05, 1.0, "sobel", "point"))
    entry = cache.opened(cache.encode(job))
    original = np.asarray(Image.open(job.picture))
    np.testing.assert_array_equal(entry.pixels[..., :3], original)
    assert entry.tone == "point"
    assert entry.step > 0
    assert entry.pixels[..., 7].sum() == pytest.approx(0.05 * original[..., 0].size, rel=0.02)
    assert not entry.pixels[..., 6][entry.pixels[..., 7] == 1].any()  # Certain on the samples.


def test_a_network_learns_from_what_a_decoder_shows_it(settings: TrainSettings) -> None:
    for entry in [cache.opened(cache.encode(job)) for job in jobs(settings)[:4]]:
        found = unpacking.example(entry)
        pixels = np.array(entry.pixels)
        deviation = pixels[..., 6].astype(np.float32) / 255
        shown = stack(pixels[..., 3:6], deviation, pixels[..., 7], entry.step, entry.tone)
        np.testing.assert_allclose(found.conditions, shown, atol=1e-6)
        np.testing.assert_array_equal(dataset.picture_of(found.target), pixels[..., :3])
        np.testing.assert_array_equal(found.known[0], pixels[..., 7])


def test_crops_keep_targets_and_conditions_together(settings: TrainSettings) -> None:
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    crops = dataset.draw(entries, settings, 1, range(8))
    batch = unpacking.seen(crops, torch.device("cpu"))
    assert batch.conditions.shape == (8, 7, 32, 32)
    assert batch.target.shape == (8, 3, 32, 32)
    error = from_network(batch.target.numpy()) - from_network(batch.conditions[:, :3].numpy())
    assert np.sqrt(np.mean(error**2)) < 40  # Were one of them turned, it would be 90.


def test_a_fiftieth_of_the_files_is_held_out_without_val(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = settings.replaced(val=None)
    names = cache.pictures(settings.source.data or Path())
    numbers = {file: f"{i:x}" for i, file in enumerate(names)}
    monkeypatch.setattr(cache, "digest", numbers.__getitem__)
    assert dataset.split(alone) == (names[1:], names[:1])
    assert dataset.split(settings)[1] == cache.pictures(settings.source.val or Path())[0::2]


def test_scores_of_the_fill_are_those_of_rounded_pictures(settings: TrainSettings) -> None:
    settings.files.cache.mkdir()
    entries = validation.prepare(cache.pictures(settings.source.data or Path())[:2], settings)
    learner = Learner(settings, torch.device("cpu"))
    scores = validation.validate(learner.average, entries, learner.device)
    assert scores.psnr == scores.fill
    assert scores.psnr["0.1"] > scores.psnr["0.01"]


def test_loss_is_the_mean_error_of_crops_in_grey_levels() -> None:
    target = torch.zeros(2, 3, 4, 4)
    off = torch.stack([torch.full((3, 4, 4), 0.1), torch.full((3, 4, 4), -0.3)])
    torch.testing.assert_close(
        crop_errors(off, target), torch.tensor([0.1, 0.3]), rtol=1e-3, atol=0
    )
    exact = target.clone().requires_grad_()
    crop_errors(exact, target).mean().backward()  # A flat picture divides nothing by zero.
    assert exact.grad is not None
    assert exact.grad.isfinite().all()


def test_presets_and_overrides() -> None:
    assert "photo" in presets()
    settings = TrainSettings.from_preset("photo", data="pictures", batch=3, val=None)
    assert settings.source.data == Path("pictures")
    assert settings.crops.batch == 3
    assert settings.preset == "photo"
    assert settings.architecture == Architecture()
    assert settings.weights == Path("models/photo.safetensors")


@pytest.mark.parametrize(
    "overrides", [{"batch": 0}, {"crop": 100}, {"ema": 1.0}, {"rates": (0.5, 0.1)}, {"colour": 1}]
)
def test_impossible_settings_are_refused(overrides: dict[str, object]) -> None:
    with pytest.raises(InputError):
        TrainSettings.from_preset("photo", data="pictures", **overrides)


def test_unknown_presets_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of face, face-real"):
        TrainSettings.from_preset("oil", data="pictures")
    with pytest.raises(InputError, match="no pictures"):
        cache.pictures(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        cache.pictures(tmp_path / "absent")
