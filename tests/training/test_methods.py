"""Every task with every network; runs that repeat bit for bit; the paper's presets."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import torch

from tests.training.conftest import SMALL, smooth
from xcodec import images
from xcodec.corruption import DISTRIBUTIONS, TASKS
from xcodec.errors import InputError, ModelError
from xcodec.reconstruction import zoo
from xcodec.reconstruction.architecture import OnDemandArchitecture, Shape, XGansArchitecture
from xcodec.training import cache, dataset, trainer, validation, vgg
from xcodec.training.judge import shares
from xcodec.training.learner import Learner
from xcodec.training.settings import LossSettings, TrainSettings, presets

XGANS = XGansArchitecture(width=8, blocks=2, dropout=0.0)
ONDEMAND = OnDemandArchitecture(width=8, side=32)
NETWORKS = (SMALL, XGANS, ONDEMAND)
LEVELS = {"points": (5, 20), "color-noise": (85, 95), "white-block": (8, 16)} | {
    "color-block": (8, 16)
}
GAN = LossSettings(pixel=0.0, adversarial=1.0, matching=10.0, point=10.0)


def tasked(settings: TrainSettings, task: str, shape: Shape, **more: Any) -> TrainSettings:
    return dataclasses.replace(
        settings, task=task, architecture=shape, levels=LEVELS[task], turns=False, **more
    )


def state(path: Path) -> dict[str, torch.Tensor]:
    with safetensors.safe_open(path, framework="pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def same(one: Path, other: Path) -> None:
    mine, its = state(one), state(other)
    assert mine.keys() == its.keys()
    for key, value in mine.items():
        assert torch.equal(value, its[key]), key


@pytest.mark.parametrize("shape", NETWORKS, ids=lambda shape: shape.kind)
@pytest.mark.parametrize("task", TASKS)
def test_every_task_trains_every_network(settings: TrainSettings, task: str, shape: Shape) -> None:
    card = trainer.train(tasked(settings, task, shape, steps=2))
    network, kept = zoo.load(settings.weights)
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


def jobs(settings: TrainSettings) -> list[cache.Job]:
    settings.cache.mkdir(exist_ok=True)
    return list(dataset.jobs(cache.pictures(settings.data or Path()), settings))


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


def test_what_a_crop_is_follows_from_seed_step_and_place(settings: TrainSettings) -> None:
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    whole = dataset.draw(entries, settings, 7, range(4))
    part = dataset.draw(entries, settings, 7, range(2, 4))
    np.testing.assert_array_equal(whole.conditions[2:], part.conditions)
    other = dataset.draw(entries, settings, 8, range(4))
    assert not np.array_equal(whole.conditions, other.conditions)


def test_crops_do_not_depend_on_how_fast_pictures_are_encoded(settings: TrainSettings) -> None:
    settings = dataclasses.replace(settings, ready=2, pace=0.5)
    found = []
    for workers in (0, 1):
        fresh = dataclasses.replace(settings, cache=settings.cache / str(workers))
        fresh.cache.mkdir(parents=True)
        filler = cache.Filler(jobs(fresh), 32, workers)
        batches = dataset.Batches(filler, fresh, 0)
        found.append([batches.next()[0].conditions for _ in range(10)])
        batches.close()
        filler.close()
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("shape", [SMALL, XGansArchitecture(width=8, blocks=2)], ids=str)
def test_a_run_killed_and_resumed_ends_with_the_same_weights(
    settings: TrainSettings, tmp_path: Path, shape: Shape
) -> None:
    """With adversaries, dropout and Adam's moments, all of which a state must hold."""
    settings = tasked(settings, "points", shape, losses=GAN, steps=9, every=3, optimizer="adam")
    settings = dataclasses.replace(settings, rival_width=8)
    left_alone = dataclasses.replace(
        settings,
        output=tmp_path / "alone.safetensors",
        checkpoint=tmp_path / "alone",
        accumulate=2,
    )
    trainer.train(left_alone)
    killed = dataclasses.replace(settings, accumulate=2)
    learn = Learner.learn

    def killed_at_five(self: Learner, batches: Any) -> Any:
        if self.account.step == 5:
            raise KeyboardInterrupt
        return learn(self, batches)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "learn", killed_at_five)
        with pytest.raises(KeyboardInterrupt):
            trainer.train(killed)
    trainer.train(dataclasses.replace(killed, resume=True))
    same(killed.state, left_alone.state)
    same(killed.weights, left_alone.weights)


@pytest.mark.long
def test_a_process_killed_at_a_random_moment_ends_with_the_same_weights(tmp_path: Path) -> None:
    smooth(tmp_path / "data", 12, 128)
    smooth(tmp_path / "val", 3, 128)

    def command(name: str) -> list[str]:
        line = "train --preset x-gans --task points --without perceptual --steps 40 --every 8"
        line += f" --crop 32 --threads 1 --workers 0 --device cpu --data {tmp_path / 'data'}"
        line += f" --val {tmp_path / 'val'} --cache {tmp_path / 'cache'} --resume"
        line += f" -o {tmp_path / name}.safetensors --checkpoint {tmp_path / name}"
        return [sys.executable, "-m", "xcodec", *line.split()]

    subprocess.run(command("alone"), check=True, capture_output=True)
    rng = np.random.default_rng()
    for _ in range(3):
        process = subprocess.Popen(command("killed"), stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(4, 15))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command("killed"), check=True, capture_output=True)
    same(tmp_path / "killed/state.safetensors", tmp_path / "alone/state.safetensors")
    same(tmp_path / "killed.safetensors", tmp_path / "alone.safetensors")


def test_accumulated_batches_are_one_large_batch(settings: TrainSettings) -> None:
    settings = dataclasses.replace(settings, optimizer="sgd", schedule="constant", clip=1e9)
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    one, many = (Learner(settings, torch.device("cpu")) for _ in range(2))
    one.learn([dataset.draw(entries, settings, 0, range(4))])
    many.learn([dataset.draw(entries, settings, 0, range(i, i + 2)) for i in (0, 2)])
    for mine, its in zip(one.generator.parameters(), many.generator.parameters(), strict=True):
        torch.testing.assert_close(mine, its)


def test_adversaries_learn_and_join_after_pretraining(settings: TrainSettings) -> None:
    losses = dataclasses.replace(GAN, pixel=1.0)
    settings = dataclasses.replace(settings, losses=losses, pretrain=0.5, steps=4, rival_width=8)
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
    psnr = zoo.load(settings.weights)[1].history
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
    trainer.train(dataclasses.replace(settings, keep=keep, every=2, losses=losses))
    assert zoo.load(settings.weights)[1].steps == steps


class TinyVgg(torch.nn.Module):
    """Takes VGG's place: its features are the pictures."""

    kind = vgg.KINDS[0]

    def forward(self, picture: torch.Tensor) -> list[torch.Tensor]:
        return [picture] * 5


def test_curves_and_samples_go_to_tensorboard(settings: TrainSettings, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trainer.train(dataclasses.replace(settings, board=tmp_path / "board", steps=20))
    events = EventAccumulator(str(tmp_path / "board")).Reload()
    tags = events.Tags()
    assert {"loss/total", "loss/pixel", "learning rate", "gain"} <= set(tags["scalars"])
    assert "samples/0.02" in tags["images"]
    assert [event.step for event in events.Scalars("validation/mean")] == [0, 20]


def test_presets_are_the_papers() -> None:
    assert {"x-gans", "on-demand", "photo-real", "face-real", "restore-face"} <= set(presets())
    paper = TrainSettings.from_preset("x-gans", data="faces")
    assert (paper.lr, paper.batch, paper.steps, paper.crop) == (2e-4, 1, 100_000, 256)
    assert (paper.optimizer, paper.schedule, paper.ema) == ("adam", "constant", 0.0)
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


@pytest.mark.parametrize("name", ["restore-face", "restore-photo"])
@pytest.mark.parametrize("task", TASKS)
def test_restoring_models_fit_into_4_mb(name: str, task: str) -> None:
    settings = TrainSettings.from_preset(name, data="pictures", task=task)
    from xcodec.reconstruction.generator import parameters
    from xcodec.reconstruction.networks import build

    assert 2 * parameters(build(settings.architecture)) < 3_900_000
    assert settings.weights.name == f"{name}-{task}.safetensors"


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
        dataclasses.replace(settings, **more)


def test_losses_that_teach_nothing_are_refused() -> None:
    with pytest.raises(InputError):
        LossSettings(pixel=0.0)
    with pytest.raises(InputError):
        LossSettings(point=-1.0)


def test_init_of_another_network_is_refused(settings: TrainSettings) -> None:
    trainer.train(tasked(settings, "points", XGANS, steps=1))
    with pytest.raises(ModelError, match="architecture"):
        trainer.train(dataclasses.replace(settings, init=settings.weights))


def test_perceptual_loss_without_weights_is_one_clear_error(
    settings: TrainSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XCODEC_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="perceptual loss needs VGG"):
        trainer.train(dataclasses.replace(settings, losses=LossSettings(perceptual=1.0)))


def test_datasets_are_kept_and_trained_on(settings: TrainSettings, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    import pyarrow as pa
    import pyarrow.parquet

    rows = [
        {"image": {"bytes": file.read_bytes(), "path": None}}
        for file in cache.pictures(settings.data or Path())
    ]
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "shard.parquet")
    for name in (f"parquet:{tmp_path}/*.parquet", f"imagefolder:{settings.data}"):
        here = dataclasses.replace(
            settings, data=None, dataset=name, pictures=4, steps=1, overwrite=True
        )
        training, _ = dataset.split(here)
        assert len(training) == 4
        originals = [images.load(f).rgb for f in cache.pictures(settings.data or Path())]
        assert all(
            any(np.array_equal(images.load(file).rgb, o) for o in originals) for file in training
        )
        assert trainer.train(here).steps == 1


def test_a_dataset_that_is_none_is_one_clear_error(settings: TrainSettings, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    missing = dataclasses.replace(settings, data=None, dataset=f"parquet:{tmp_path}/none.parquet")
    with pytest.raises(InputError, match="cannot be read"):
        dataset.split(missing)


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("", 0))
        return str(listener.getsockname()[1])


TWO = """
import dataclasses, pickle, sys
from pathlib import Path
from xcodec.training import trainer
settings = pickle.loads(Path(sys.argv[1]).read_bytes())
trainer.train(settings)
"""


@pytest.mark.parametrize(
    "launcher", ["accelerate", pytest.param("torchrun", marks=pytest.mark.long)]
)
def test_two_processes_are_one_with_the_double_batch(
    settings: TrainSettings, tmp_path: Path, launcher: str
) -> None:
    pytest.importorskip("accelerate")
    import pickle

    settings = dataclasses.replace(
        settings, optimizer="sgd", steps=3, lr=0.1, warmup=0, clip=1e9, ema=0.0, every=3
    )
    script = tmp_path / "two.py"
    script.write_text(TWO)
    double = dataclasses.replace(settings, batch=4, output=tmp_path / "one.safetensors")
    trainer.train(dataclasses.replace(double, checkpoint=tmp_path / "one"))
    (tmp_path / "settings").write_bytes(pickle.dumps(settings))
    # accelerate calls several processes on one machine multi_gpu; without cards they use gloo.
    start = {
        "accelerate": "accelerate.commands.launch --multi_gpu --num_machines 1 --num_processes 2"
        " --main_process_port",
        "torchrun": "torch.distributed.run --nproc-per-node 2 --master-port",
    }
    line = [*start[launcher].split(), free_port(), str(script), str(tmp_path / "settings")]
    done = subprocess.run(
        [sys.executable, "-m", *line],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    mine, its = state(settings.state), state(tmp_path / "one" / "state.safetensors")
    fresh = Learner(settings, torch.device("cpu")).generator.state_dict()
    for key, value in fresh.items():
        moved = (its[f"weights.{key}"] - value).norm()
        assert (mine[f"weights.{key}"] - its[f"weights.{key}"]).norm() <= 1e-3 * moved + 1e-7, key
    head = "weights.head.weight"
    assert (its[head] - fresh["head.weight"]).norm() > 1e-2


@pytest.mark.parametrize("shape", NETWORKS, ids=lambda shape: shape.kind)
def test_a_batch_is_learned_by_heart(settings: TrainSettings, shape: Shape) -> None:
    """A small form of every network; the test below is the whole one."""
    settings = tasked(settings, "points", shape, optimizer="adam", lr=4e-3, steps=400)
    assert memorised(settings, 32, 300, 24.0) > 24.0


def memorised(settings: TrainSettings, crop: int, steps: int, enough: float) -> float:
    """The best PSNR on one batch that a network reaches in so many steps."""
    settings = dataclasses.replace(settings, crop=crop, schedule="constant")
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)[:2]]
    batch = dataset.draw(entries, settings, 0, range(2))
    learner = Learner(settings, torch.device("cpu"))
    best = 0.0
    for _ in range(steps):
        error = learner.learn([batch]).error
        best = max(best, 20 * np.log10(255 / error))
        if best > enough:
            break
    return best


@pytest.mark.long
@pytest.mark.parametrize("preset", ["photo", "restore-face", "x-gans", "on-demand"])
def test_every_preset_overfits_one_batch_above_30_db(
    settings: TrainSettings, preset: str, photo: np.ndarray[Any, Any]
) -> None:
    from PIL import Image

    for i in range(2):
        Image.fromarray(photo[i * 100 : i * 100 + 128, 100:228]).save(
            (settings.data or Path()) / f"{i:02}.png"
        )
    losses = {"adversarial": 0.0, "matching": 0.0, "perceptual": 0.0, "point": 0.0, "pixel": 1.0}
    task = None if preset == "photo" else "points"
    ready = TrainSettings.from_preset(
        preset, data=settings.data, cache=settings.cache, task=task, crop=64, losses=losses
    )
    shape = ready.architecture
    if isinstance(shape, XGansArchitecture):  # Dropout is there to keep it from this.
        shape = dataclasses.replace(shape, dropout=0.0)
    ready = dataclasses.replace(ready, architecture=shape, lr=1e-3, optimizer="adam", steps=10**6)
    assert memorised(ready, 64, 2000, 30.5) > 30.0


def test_validation_levels_are_the_bands(settings: TrainSettings) -> None:
    settings = tasked(settings, "color-noise", XGANS)
    examples = validation.prepare(cache.pictures(settings.data or Path()), settings)
    assert list(examples) == ["86", "88", "90", "92", "94"]
    again = validation.prepare(cache.pictures(settings.data or Path()), settings)
    np.testing.assert_array_equal(examples["90"][0].conditions, again["90"][0].conditions)
