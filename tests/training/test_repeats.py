"""Runs that repeat bit for bit, resumed, in parts, or on two processes."""

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import torch

from tests.training.conftest import GAN, SMALL, jobs, smooth, tasked
from xcodec.reconstruction.architecture import Shape, XGansArchitecture
from xcodec.training import cache, dataset, learner, trainer
from xcodec.training.batches import Batches
from xcodec.training.filler import Filler
from xcodec.training.learner import Learner
from xcodec.training.settings import TrainSettings


def state(path: Path) -> dict[str, torch.Tensor]:
    with safetensors.safe_open(path, framework="pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def same(one: Path, other: Path) -> None:
    mine, its = state(one), state(other)
    assert mine.keys() == its.keys()
    for key, value in mine.items():
        assert torch.equal(value, its[key]), key


def test_what_a_crop_is_follows_from_seed_step_and_place(settings: TrainSettings) -> None:
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    whole = dataset.draw(entries, settings, 7, range(4))
    part = dataset.draw(entries, settings, 7, range(2, 4))
    np.testing.assert_array_equal(whole.pixels[2:], part.pixels)
    other = dataset.draw(entries, settings, 8, range(4))
    assert not np.array_equal(whole.pixels, other.pixels)


@pytest.mark.parametrize("seed", [0, 2**24 - 1, 2**24, 2**70])
def test_a_seed_may_be_any_whole_number(settings: TrainSettings, seed: int) -> None:
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    one, other = (Learner(settings.replaced(seed=seed), torch.device("cpu")) for _ in range(2))
    batch = dataset.draw(entries, settings.replaced(seed=seed), 0, range(2))
    assert one.learn([batch]) == other.learn([batch])
    if seed < 2**24:
        assert torch.initial_seed() == seed << 40  # Those of runs of before.


def test_what_no_step_draws_from_is_not_encoded(settings: TrainSettings) -> None:
    every = jobs(settings)
    assert jobs(settings.replaced(ready=2, pace=0.0)) == every[:2]
    assert jobs(settings.replaced(ready=2, pace=0.25, steps=5)) == every[:3]
    assert len(every) > 3


def test_crops_do_not_depend_on_how_fast_pictures_are_encoded(settings: TrainSettings) -> None:
    settings = settings.replaced(ready=2, pace=0.5)
    found = []
    for workers, drawers in ((0, 1), (1, 3)):
        fresh = settings.replaced(cache=settings.files.cache / str(workers))
        fresh.files.cache.mkdir(parents=True)
        filler = Filler(jobs(fresh), 32, workers)
        batches = Batches(filler, fresh, 0, drawers=drawers)
        found.append([batches.next()[0].pixels for _ in range(10)])
        batches.close()
        filler.close()
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("shape", [SMALL, XGansArchitecture(width=8, blocks=2)], ids=str)
def test_a_run_killed_and_resumed_ends_with_the_same_weights(
    settings: TrainSettings, tmp_path: Path, shape: Shape
) -> None:
    """With adversaries, dropout and Adam's moments, all of which a state must hold."""
    settings = tasked(settings, "points", shape, losses=GAN, steps=9, every=3, optimizer="adam")
    settings = settings.replaced(rival_width=8)
    left_alone = settings.replaced(
        output=tmp_path / "alone.safetensors",
        checkpoint=tmp_path / "alone",
        accumulate=2,
    )
    trainer.train(left_alone)
    killed = settings.replaced(accumulate=2)
    learn = Learner.learn

    def killed_at_five(self: Learner, batches: Any) -> Any:
        if self.account.step == 5:
            raise KeyboardInterrupt
        return learn(self, batches)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "learn", killed_at_five)
        with pytest.raises(KeyboardInterrupt):
            trainer.train(killed)
    trainer.train(killed.replaced(resume=True))
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
    seed = int(os.environ.get("XCODEC_TEST_SEED") or secrets.randbits(32))
    print(f"XCODEC_TEST_SEED={seed} repeats the moments")  # noqa: T201
    rng = np.random.default_rng(seed)
    for _ in range(3):
        process = subprocess.Popen(command("killed"), stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(4, 15))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command("killed"), check=True, capture_output=True)
    same(tmp_path / "killed/state.safetensors", tmp_path / "alone/state.safetensors")
    same(tmp_path / "killed.safetensors", tmp_path / "alone.safetensors")


def test_accumulated_batches_are_one_large_batch(settings: TrainSettings) -> None:
    settings = settings.replaced(optimizer="sgd", schedule="constant", clip=1e9)
    entries = [cache.opened(cache.encode(job)) for job in jobs(settings)]
    one, many = (Learner(settings, torch.device("cpu")) for _ in range(2))
    one.learn([dataset.draw(entries, settings, 0, range(4))])
    many.learn([dataset.draw(entries, settings, 0, range(i, i + 2)) for i in (0, 2)])
    for mine, its in zip(one.generator.parameters(), many.generator.parameters(), strict=True):
        torch.testing.assert_close(mine, its)


TWO = """
import dataclasses, pickle, sys
from pathlib import Path
from xcodec.training import learner, trainer
learner.has_bf16 = lambda: False
settings = pickle.loads(Path(sys.argv[1]).read_bytes())
trainer.train(settings)
"""


@pytest.mark.parametrize(
    "launcher", ["accelerate", pytest.param("torchrun", marks=pytest.mark.long)]
)
def test_two_processes_are_one_with_the_double_batch(
    settings: TrainSettings, tmp_path: Path, launcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float32: bf16, where a processor has it, rounds a thousand times as coarsely."""
    pytest.importorskip("accelerate")
    monkeypatch.setattr(learner, "has_bf16", lambda: False)
    import pickle

    settings = settings.replaced(
        optimizer="sgd", steps=3, lr=0.1, warmup=0, clip=1e9, ema=0.0, every=3
    )
    script = tmp_path / "two.py"
    script.write_text(TWO)
    double = settings.replaced(batch=4, output=tmp_path / "one.safetensors")
    trainer.train(double.replaced(checkpoint=tmp_path / "one"))
    (tmp_path / "settings").write_bytes(pickle.dumps(settings))
    # accelerate calls several processes on one machine multi_gpu; without cards they use gloo.
    start = {
        "accelerate": "accelerate.commands.launch --multi_gpu --num_machines 1 --num_processes 2"
        " --main_process_port 0",
        "torchrun": "torch.distributed.run --nproc-per-node 2 --standalone",
    }
    line = [*start[launcher].split(), str(script), str(tmp_path / "settings")]
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
