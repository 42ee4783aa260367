"""Every task with every network, and the paper's presets."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import torch
from PIL import Image

from tests.training.conftest import GAN, NETWORKS, ONDEMAND, SMALL, XGANS, jobs, tasked
from xcodec.errors import InputError, ModelError
from xcodec.pictures import loading
from xcodec.reconstruction import model_files, torch_weights
from xcodec.reconstruction.architecture import OnDemandArchitecture, Shape, XGansArchitecture
from xcodec.reconstruction.torch_weights import build
from xcodec.restoration.damage import DISTRIBUTIONS, TASKS
from xcodec.restoration.inputs import inputs
from xcodec.training import cache, dataset, trainer, unpacking, validation, vgg
from xcodec.training.judge import shares
from xcodec.training.learner import Learner
from xcodec.training.settings import LossSettings, TrainSettings, presets


@pytest.mark.parametrize("shape", NETWORKS, ids=lambda shape: shape.kind)
@pytest.mark.parametrize("task", TASKS)
def test_every_task_trains_every_network(settings: TrainSettings, task: str, shape: Shape) -> None:
    card = trainer.train(tasked(settings, task, shape, steps=2))
    network, kept = torch_weights.load(settings.weights)
    assert network.architecture == shape
    assert kept.settings["task"] == task
    assert len(card.history[-1]["psnr"]) == 5
    assert len(kept.settings["data_digest"]) == 16


@pytest.mark.parametrize("task", TASKS)
def test_examples_show_the_original_where_they_say_so(settings: TrainSettings, task: str) -> None:
    entries = [cache.opened(cache.encode(job)) for job in jobs(tasked(settings, task, XGANS))]
    batch = dataset.draw(entries, tasked(settings, task, XGANS), 0, range(6))
    known = np.broadcast_to(batch.known > 0, batch.targets.shape)
    np.testing.assert_array_equal(batch.conditions[known], batch.targets[known])
    assert (batch.conditions[~known] != batch.targets[~known]).mean() > 0.9


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_points_are_encoded_for_networks_that_start_from_a_fill(
    settings: TrainSettings, distribution: str
) -> None:
    settings = tasked(settings, "points", SMALL, distributions=(distribution,))
    job = jobs(settings)[0]
    assert isinstance(job.draw, cache.PointsDraw)
    entry = cache.opened(cache.encode(job))
    rgb, fill, known = np.split(entry.pixels[..., [0, 1, 2, 3, 4, 5, 7]], [3, 6], -1)
    assert np.abs(rgb.astype(int) - fill)[known[..., 0] == 1].max() <= 1
    assert known.mean() == pytest.approx(job.draw.percent / 100, rel=0.25)
    assert entry.step == 0


def test_noise_is_encoded_for_networks_that_start_from_a_fill(settings: TrainSettings) -> None:
    settings = tasked(settings, "color-noise", SMALL)
    entry = cache.opened(cache.encode(jobs(settings)[0]))
    pixels = np.array(entry.pixels)
    example = unpacking.example(entry)
    rgb, noisy, known = pixels[..., :3], pixels[..., 8:], pixels[..., 7] == 1
    np.testing.assert_array_equal(noisy[known], rgb[known])
    assert 0.05 <= known.mean() <= 0.25
    # What a user's damaged picture becomes, but for the rounding of what is kept on disk.
    seen = inputs(True, "color-noise", noisy, None)
    np.testing.assert_allclose(example.conditions, seen, atol=1.1 / 255)
    np.testing.assert_array_equal(dataset.picture_of(example.target), rgb)


def test_statistics_of_normalisation_are_averaged_as_weights_are(settings: TrainSettings) -> None:
    settings = tasked(settings, "points", XGANS, ema=0.5)
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    learner = Learner(settings, torch.device("cpu"))
    wanted = {key: value.clone() for key, value in learner.average.state_dict().items()}
    for step in range(4):
        learner.learn([dataset.draw(entries, settings, step, range(2))])
        keep = min(0.5, (step + 1) / (step + 11))
        for key, value in learner.generator.state_dict().items():
            wanted[key] = keep * wanted[key] + (1 - keep) * value
    means = [key for key in wanted if key.endswith("running_mean")]
    assert means
    average, last = learner.average.state_dict(), learner.generator.state_dict()
    for key in means:
        torch.testing.assert_close(average[key], wanted[key])
        assert (average[key] - last[key]).abs().max() > 0


def test_dropout_disturbs_training_alone_and_depends_on_the_step_alone(
    settings: TrainSettings,
) -> None:
    settings = settings.replaced(dropout=0.5, lr=1e-2)
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    first, second = (Learner(settings, torch.device("cpu")) for _ in range(2))
    for step in range(3):
        batch = dataset.draw(entries, settings, step, range(2))
        errors = [learner.learn([batch]).error for learner in (first, second)]
        assert errors[0] == errors[1]
    x = unpacking.seen(batch, torch.device("cpu"))[0]
    with torch.no_grad():
        for network, same in ((first.generator, False), (first.average, True)):
            assert torch.equal(network(x), network(x)) == same


def test_adversaries_learn_and_join_after_pretraining(settings: TrainSettings) -> None:
    losses = dataclasses.replace(GAN, pixel=1.0)
    settings = settings.replaced(losses=losses, pretrain=0.5, steps=4, rival_width=8)
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    learner = Learner(settings, torch.device("cpu"))
    assert learner.rivals is not None
    before = [weight.detach().clone() for weight in learner.rivals.parameters()]
    seen = []
    for step in range(4):
        outcome = learner.learn([dataset.draw(entries, settings, step, range(2))])
        seen.append("discriminators" in outcome.losses)
        if step == 1:
            after = list(learner.rivals.parameters())
            assert all(map(torch.equal, before, after))
    assert seen == [False, False, True, True]
    assert not all(map(torch.equal, before, learner.rivals.parameters()))
    summed = sum(v for k, v in outcome.losses.items() if k not in ("total", "discriminators"))
    assert outcome.losses["total"] == pytest.approx(summed, rel=1e-5)


def test_on_demand_gives_harder_bands_more(settings: TrainSettings) -> None:
    assert shares([10.0, 20.0, 20.0, 20.0, 20.0]) == pytest.approx([1 / 3] + [1 / 6] * 4)
    settings = tasked(settings, "points", ONDEMAND, on_demand=True, every=1, steps=2)
    trainer.train(settings)
    with safetensors.safe_open(settings.state, framework="pt") as file:
        account = file.metadata()["account"]
    psnr = torch_weights.load(settings.weights)[1].history
    assert '"bands": [0.' in account
    assert len(psnr[-1]["psnr"]) == 5


def test_bands_draw_the_levels_they_stand_for() -> None:
    rng = np.random.default_rng(0)
    levels = [dataset._level((1, 20), (0, 0, 1, 0, 0), rng) for _ in range(200)]
    assert min(levels) >= 8
    assert max(levels) <= 13
    assert dataset.band_levels((1, 20)) == [3, 7, 10, 14, 18]
    assert dataset.band_levels((128, 128)) == [128]


@pytest.mark.parametrize(("keep", "steps"), [("psnr", 0), ("perceptual", 2), ("last", 4)])
def test_what_is_kept(
    settings: TrainSettings, keep: str, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([(30.0, 0.5), (29.0, 0.3), (28.0, 0.4)])

    def validate(*_: object) -> validation.Scores:
        psnr, distance = next(found)
        return validation.Scores({"0.1": psnr}, {"0.1": 20.0}, distance)

    monkeypatch.setattr(validation, "validate", validate)
    monkeypatch.setattr("xcodec.training.criterion.vgg.load", lambda *_: TinyVgg())
    losses = LossSettings(perceptual=0.1)
    trainer.train(settings.replaced(keep=keep, every=2, losses=losses))
    assert torch_weights.load(settings.weights)[1].steps == steps


class TinyVgg(torch.nn.Module):
    """Takes VGG's place: its features are the pictures."""

    kind = vgg.KINDS[0]

    def forward(self, picture: torch.Tensor) -> list[torch.Tensor]:
        return [picture] * 5


def test_curves_and_samples_go_to_tensorboard(settings: TrainSettings, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trainer.train(settings.replaced(board=tmp_path / "board", steps=20))
    events = EventAccumulator(str(tmp_path / "board")).Reload()
    tags = events.Tags()
    assert {"loss/total", "loss/pixel", "learning rate", "gain"} <= set(tags["scalars"])
    assert "samples/0.02" in tags["images"]
    assert [event.step for event in events.Scalars("validation/mean")] == [0, 20]


def test_points_are_drawn_log_uniformly(settings: TrainSettings) -> None:
    picture = cache.pictures(settings.source.data or Path())[0]
    drawn = [
        cache.points_variant(picture, settings.files.cache, (1, 20), ("random",), number).draw
        for number in range(2000)
    ]
    levels = [draw.percent for draw in drawn if isinstance(draw, cache.PointsDraw)]
    assert (min(levels), max(levels)) == (1, 20)
    # From 1 to 20 lie log2(20) = 4.3 doublings; a level is its logarithm's, rounded.
    share = np.mean(np.asarray(levels) <= 4)
    assert share == pytest.approx(np.log(4.5) / np.log(20), abs=0.04)


def test_presets_are_the_papers() -> None:
    assert {"x-gans", "on-demand", "photo-real", "face-real", "restore-face"} <= set(presets())
    paper = TrainSettings.from_preset("x-gans", data="faces")
    assert (paper.crops.batch, paper.crops.crop, paper.run.steps) == (1, 256, 100_000)
    how = paper.optimisation
    assert (how.optimizer, how.lr, how.schedule, how.ema) == ("adam", 2e-4, "constant", 0.0)
    assert paper.architecture == XGansArchitecture(64, 9, 0.5)
    assert paper.losses == LossSettings(0, "rms", 1, "max", 10, 10, None, 10, "l2")
    assert paper.weights == Path("models/x-gans-points.safetensors")
    gao = TrainSettings.from_preset("on-demand", data="faces", task="white-block", crop=128)
    assert gao.architecture == OnDemandArchitecture(64, 128)
    assert gao.losses == LossSettings(pixel_kind="mse")
    assert gao.span == (16, 128)
    ablation = TrainSettings.from_preset("x-gans", data="faces", losses={"matching": 0.0})
    assert ablation.losses.matching == 0
    assert ablation.losses.perceptual == 10


@pytest.mark.parametrize("name", ["restore-face", "restore-photo", "restore-block"])
def test_restoring_models_fit_into_4_mb(name: str, tmp_path: Path) -> None:
    settings = TrainSettings.from_preset(name, data="pictures", task="white-block", crop=256)
    torch_weights.save(tmp_path / "weights", build(settings.architecture), model_files.Card(name))
    assert (tmp_path / "weights").stat().st_size < 3_980_000


@pytest.mark.parametrize("name", ["restore-face", "restore-photo"])
@pytest.mark.parametrize("task", TASKS)
def test_restoring_models_are_named_by_their_task(name: str, task: str) -> None:
    settings = TrainSettings.from_preset(name, data="pictures", task=task)
    assert settings.weights.name == f"{name}-{task}.safetensors"


@pytest.mark.parametrize("name", ["restore-face", "restore-photo"])
def test_restoring_models_may_start_from_the_photo_model(name: str) -> None:
    photo = TrainSettings.from_preset("photo", data="pictures")
    settings = TrainSettings.from_preset(name, data="pictures", task="points")
    assert settings.architecture == photo.architecture


@pytest.mark.parametrize(
    "more",
    [
        {"dataset": "parquet:x"},
        {"data": None},
        {"task": "oil"},
        {"architecture": XGANS},
        {"task": "white-block"},
        {"task": "points", "levels": (9, 3)},
        {"task": "points", "distributions": ("grid",)},
        {"keep": "perceptual"},
        {"architecture": ONDEMAND, "task": "points", "crop": 64},
        {"pretrain": 2.0},
        {"optimizer": "oil"},
    ],
    ids=str,
)
def test_settings_that_do_not_go_together_are_refused(
    settings: TrainSettings, more: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        settings.replaced(**more)


def test_losses_that_teach_nothing_are_refused() -> None:
    with pytest.raises(InputError):
        LossSettings(pixel=0.0)
    with pytest.raises(InputError):
        LossSettings(point=-1.0)


def test_init_of_another_network_is_refused(settings: TrainSettings) -> None:
    trainer.train(tasked(settings, "points", XGANS, steps=1))
    with pytest.raises(ModelError, match="architecture"):
        trainer.train(settings.replaced(init=settings.weights))


def test_perceptual_loss_without_weights_is_one_clear_error(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XCODEC_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="perceptual loss needs VGG"):
        trainer.train(settings.replaced(losses=LossSettings(perceptual=1.0)))


def test_two_pictures_are_enough_to_hold_one_out(settings: TrainSettings) -> None:
    alone = settings.replaced(val=None)
    every = cache.pictures(settings.source.data or Path())
    for picture in every[:4]:
        picture.unlink()
    for _ in range(2):
        training, held_out = dataset.split(alone)
        assert len(training) == len(held_out) == 1
        assert {*training, *held_out} == {*every[4:]}
    every[4].unlink()
    with pytest.raises(InputError, match="name a folder of validation pictures"):
        dataset.split(alone)


def test_datasets_are_kept_and_trained_on(settings: TrainSettings, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    import pyarrow as pa
    import pyarrow.parquet

    rows = [
        {"image": {"bytes": file.read_bytes(), "path": None}}
        for file in cache.pictures(settings.source.data or Path())
    ]
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "shard.parquet")
    for name in (f"parquet:{tmp_path}/*.parquet", f"imagefolder:{settings.source.data}"):
        here = settings.replaced(data=None, dataset=name, pictures=4, steps=1, overwrite=True)
        training, _ = dataset.split(here)
        assert len(training) == 4
        originals = [loading.load(f).rgb for f in cache.pictures(settings.source.data or Path())]
        assert all(
            any(np.array_equal(loading.load(file).rgb, o) for o in originals) for file in training
        )
        assert trainer.train(here).steps == 1


def test_pictures_of_datasets_are_read_as_those_of_folders(
    settings: TrainSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deep ones are not clipped, damaged ones are left out, and names may be relative."""
    pytest.importorskip("datasets")
    for name in ("one", "other"):
        folder = tmp_path / name / "pictures"
        shutil.copytree(settings.source.data or Path(), folder)
        grey = np.full((80, 80), 257 * len(name), np.uint16)
        Image.fromarray(grey).save(folder / "deep.png")
        whole = (folder / "00.png").read_bytes()
        (folder / "00.png").write_bytes(whole[: len(whole) // 2])
        monkeypatch.chdir(folder.parent)
        here = settings.replaced(data=None, dataset="imagefolder:pictures")
        said: list[str] = []
        training, _ = dataset.split(here, said.append)
        levels = {float(loading.load(file).rgb.mean()) for file in training}
        assert (len(training), len(name) in levels) == (6, True)
        assert "up to 10000 pictures" in said[0]


def test_a_dataset_that_is_none_is_one_clear_error(settings: TrainSettings, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    missing = settings.replaced(data=None, dataset=f"parquet:{tmp_path}/none.parquet")
    with pytest.raises(InputError, match="cannot be read"):
        dataset.split(missing)


@pytest.mark.parametrize("shape", NETWORKS, ids=lambda shape: shape.kind)
def test_a_batch_is_learned_by_heart(settings: TrainSettings, shape: Shape) -> None:
    """A small form of every network; the test below takes the whole ones."""
    settings = tasked(settings, "points", shape, optimizer="adam", lr=4e-3, batch=1)
    first, best = memorised(settings, 150, 35.0)
    assert best > 30.0
    assert best > first + 3.0  # The U-Net starts from the fill, which is good already.


def memorised(settings: TrainSettings, steps: int, enough: float) -> tuple[float, float]:
    """PSNR on one batch at first, and the best in so many steps, without what dropout takes."""
    settings = settings.replaced(schedule="constant", warmup=20)
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)[:2]]
    batch = dataset.draw(entries, settings, 0, range(settings.crops.batch))
    learner = Learner(settings, torch.device("cpu"))
    found = []
    while len(found) < steps and max(found, default=0.0) < max(
        enough, found[0] + 5 if found else 0
    ):
        found.append(20 * np.log10(255 / learner.learn([batch]).error))
    return found[0], max(found)


@pytest.mark.long
@pytest.mark.parametrize("preset", ["photo", "restore-face", "x-gans", "on-demand"])
def test_every_preset_overfits_one_batch_above_30_db(
    settings: TrainSettings, preset: str, photo: np.ndarray[Any, Any]
) -> None:
    """Crops of 64x64 of a photo with fine fur; without adversaries, whose game has no goal."""
    for file in cache.pictures(settings.source.data or Path()):
        Image.fromarray(photo[60:188, 120:248]).save(file)
    losses = {"adversarial": 0.0, "matching": 0.0, "perceptual": 0.0, "point": 0.0, "pixel": 1.0}
    task = None if preset == "photo" else "points"
    ready = TrainSettings.from_preset(
        preset,
        data=settings.source.data,
        cache=settings.files.cache,
        task=task,
        crop=64,
        batch=1,
        losses=losses,
    )
    shape = ready.architecture
    if isinstance(shape, XGansArchitecture):  # Dropout is there to keep it from this.
        shape = dataclasses.replace(shape, dropout=0.0)
    ready = ready.replaced(architecture=shape, lr=1e-3, optimizer="adam", steps=10**6)
    first, best = memorised(ready, 1000, 30.5)
    print(f"{preset}: {first:.2f} dB, {best:.2f} dB")  # noqa: T201
    assert best > 30.0


def test_validation_levels_are_the_bands(settings: TrainSettings) -> None:
    settings = tasked(settings, "color-noise", XGANS)
    examples = validation.prepare(cache.pictures(settings.source.data or Path()), settings)
    assert list(examples) == ["86", "88", "90", "92", "94"]
    again = validation.prepare(cache.pictures(settings.source.data or Path()), settings)
    np.testing.assert_array_equal(examples["90"][0].conditions, again["90"][0].conditions)
