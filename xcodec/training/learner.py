"""What a training run changes: weights, their average, the optimiser, and the run's account."""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from xcodec import files
from xcodec.errors import InputError, ModelError
from xcodec.reconstruction import zoo
from xcodec.reconstruction.architecture import Shape
from xcodec.reconstruction.generator import Network
from xcodec.reconstruction.networks import build
from xcodec.reconstruction.paint import has_bf16
from xcodec.training.dataset import Batch
from xcodec.training.losses import crop_errors, gain
from xcodec.training.optimizer import Optimizer
from xcodec.training.settings import TrainSettings

LAST_LR = 0.05
"""The learning rate at the end of a run, as a share of its height."""


@dataclass
class Account:
    """How far a run is.

    step, seconds           : of this run, resumed or not
    before_steps, before_hours : of the runs whose weights it started from
    history                 : validations of all these runs, oldest first
    best                    : the history's entry of the weights that are kept
    """

    step: int = 0
    seconds: float = 0.0
    before_steps: int = 0
    before_hours: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None

    @property
    def steps(self) -> int:
        """Steps of all runs together."""
        return self.before_steps + self.step

    @property
    def hours(self) -> float:
        """Hours of all runs together."""
        return self.before_hours + self.seconds / 3600

    def progress(self, settings: TrainSettings) -> float:
        """Share of the run that is done, by steps or by time, whichever is further."""
        limit = math.inf if settings.time_limit is None else 60 * settings.time_limit
        return max(self.step / settings.steps, self.seconds / limit)


class Learner:
    """A generator that learns, and the average of its weights that is used afterwards."""

    def __init__(self, settings: TrainSettings, device: torch.device) -> None:
        """Start from nothing, or from the weights in ``settings.init``; raises ModelError."""
        self.settings = settings
        self.device = device
        self.account = Account()
        torch.manual_seed(settings.seed)
        if settings.init is None:
            generator: Network = build(settings.architecture)
        else:
            generator, card = zoo.load(settings.init)
            self.account = Account(0, 0.0, card.steps, card.hours, card.history)
        self._adopt(generator.train())

    def _adopt(self, generator: Network) -> None:
        self.generator = _placed(generator, self.device)
        self.average = _placed(build(generator.architecture), self.device).eval()
        self.average.load_state_dict(generator.state_dict())
        self.average.requires_grad_(False)
        half = self.device.type == "cpu" and has_bf16()
        half |= self.device.type == "cuda" and torch.cuda.is_bf16_supported()
        self.half = half
        self.optimizer = Optimizer(self.generator, self.settings.weight_decay, half)

    def learn(self, batch: Batch) -> tuple[float, float]:
        """One step on a batch: the loss, in grey levels, and the gain over the fill, in dB.

        Raises ModelError where the loss or its gradient is no number any more.
        """
        settings = self.settings
        x = torch.from_numpy(batch.conditions).to(self.device)
        target = torch.from_numpy(batch.targets).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            picture = self.generator(x)
        errors = crop_errors(picture, target)
        loss = errors.mean()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.generator.parameters(), settings.clip)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise ModelError(
                f"training diverged at step {self.account.step}: start again with a lower"
                f" learning rate than {settings.lr:g}; the best weights so far are kept"
            )
        self.optimizer.step(self._rate())
        self.account.step += 1
        self._follow()
        with torch.no_grad():
            won = gain(errors, crop_errors(x[:, :3], target))
        return loss.item() * 255 / 2, won

    def _rate(self) -> float:
        """Learning rate: a linear rise, then a cosine down to LAST_LR of its height."""
        settings, account = self.settings, self.account
        progress = min(account.progress(settings), 1.0)
        fall = LAST_LR + (1 - LAST_LR) * (1 + math.cos(math.pi * progress)) / 2
        return settings.lr * fall * min(1.0, (account.step + 1) / max(settings.warmup, 1))

    @torch.no_grad()
    def _follow(self) -> None:
        """Let the average follow the weights; young averages follow faster."""
        step = self.account.step
        keep = min(self.settings.ema, step / (step + 10))
        averages: list[Tensor] = list(self.average.parameters())
        weights: list[Tensor] = list(self.generator.parameters())
        torch._foreach_lerp_(averages, weights, 1 - keep)

    def save(self, path: Path) -> None:
        """Write the run's state, atomically; raises InputError where that fails."""
        tensors = {f"weights.{k}": v for k, v in self.generator.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        tensors |= {f"moved.{key}": value for key, value in self.optimizer.state().items()}
        texts = {
            "architecture": self.generator.architecture.to_json(),
            "account": json.dumps(asdict(self.account)),
        }
        plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(path, safetensors.torch.save(plain, texts), overwrite=True)

    def restore(self, path: Path) -> None:
        """Go on from a run's state; raises InputError where the file is none."""
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                texts = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            generator = build(Shape.from_json(texts.get("architecture", "")))
            account = Account(**json.loads(texts.get("account", "")))
            generator.load_state_dict(_part(tensors, "weights"))
            self._adopt(generator)
            self.average.load_state_dict(_part(tensors, "average"))
        except (OSError, safetensors.SafetensorError, RuntimeError, ValueError, TypeError) as error:
            raise InputError(f"{path}: not the state of a training run") from error
        self.account = account
        self.optimizer.restore(_part(tensors, "moved"))


def _placed(generator: Network, device: torch.device) -> Network:
    placed: Network = generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors whose key begins with a name and a dot, under the rest of their keys."""
    return {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}
