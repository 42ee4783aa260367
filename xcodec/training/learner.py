"""The state of a training run: weights, their average, the optimisers and the counters."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from xcodec.errors import InputError, ModelError
from xcodec.reconstruction import model_files, torch_weights
from xcodec.reconstruction.architecture import Shape
from xcodec.reconstruction.generator import Block, Network
from xcodec.reconstruction.torch_weights import build, channels
from xcodec.system import files
from xcodec.system.processor import has_bf16
from xcodec.training.criterion import Criterion
from xcodec.training.dataset import Batch, Crops
from xcodec.training.discriminators import Discriminators
from xcodec.training.losses import crop_errors, gain
from xcodec.training.optimizer import Optimizer, Plain
from xcodec.training.parallel import World
from xcodec.training.settings import CODEC, TrainSettings
from xcodec.training.unpacking import seen

LAST_LR = 0.05
"""Learning rate at the end of a run, as a fraction of the peak."""


@dataclass
class Account:
    """Counters and history of a run.

    step, seconds              : steps and time of this run, including its resumed parts
    before_steps, before_hours : of the earlier runs whose weights it started from
    history                    : validations of all these runs, oldest first
    best                       : entry of the history for the weights that are kept
    bands                      : shares of the bands of damage, with ``on_demand``
    """

    step: int = 0
    seconds: float = 0.0
    before_steps: int = 0
    before_hours: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    bands: list[float] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Steps of all runs."""
        return self.before_steps + self.step

    @property
    def hours(self) -> float:
        """Hours of all runs."""
        return self.before_hours + self.seconds / 3600

    def progress(self, settings: TrainSettings) -> float:
        """Fraction of the run that is done, by steps or by time, whichever is larger."""
        run = settings.run
        limit = math.inf if run.time_limit is None else 60 * run.time_limit
        return max(self.step / run.steps, self.seconds / limit)


@dataclass(frozen=True)
class Outcome:
    """Losses and errors of a step.

    losses : each times its weight, their "total", and from their start "discriminators"
    error  : mean of the crops' root-mean-square errors, in grey levels
    gain   : improvement in PSNR over the first three planes of the conditions, in dB
    """

    losses: dict[str, float]
    error: float
    gain: float


class Learner:
    """The network in training, the moving average of its weights, and the discriminators.

    The average is what validation measures and files of weights hold.
    """

    def __init__(
        self, settings: TrainSettings, device: torch.device, world: World | None = None
    ) -> None:
        """Start from random weights or from ``init``.

        Raises ModelError if weights are missing or do not fit the settings.
        """
        self.settings = settings
        self.device = device
        self.world = world or World()
        self.account = Account()
        self.criterion = Criterion(settings, device)
        self.teacher: Network | None = None
        if settings.teacher is not None:
            self.teacher = _placed(
                torch_weights.load(model_files.find(settings.teacher))[0], device
            ).eval()
            if channels(self.teacher.architecture) != channels(settings.architecture):
                raise ModelError(
                    f"{settings.teacher} can't teach a network with other input planes"
                )
        _seed(settings.run.seed)
        init = settings.files.init
        if init is None:
            generator: Network = build(settings.architecture)
        else:
            generator, card = torch_weights.load(init)
            if generator.architecture != settings.architecture:
                raise ModelError(f"{init}: not weights of the preset's architecture")
            # Scores of different tasks cannot be compared.
            same = card.settings.get("task", CODEC) == settings.task
            self.account = Account(0, 0.0, card.steps, card.hours, card.history if same else [])
        self.rivals: Discriminators | None = None
        if settings.adversarial:
            planes = channels(settings.architecture)
            self.rivals = Discriminators(planes, settings.adversaries.rival_width).to(device)
            self.rivals_optimizer = Plain(self.rivals, "adam")
        self._adopt(generator.train())

    def _adopt(self, generator: Network) -> None:
        chosen = self.settings.optimisation
        for module in generator.modules():
            if isinstance(module, Block):
                module.dropout = chosen.dropout
        self.generator = _placed(generator, self.device)
        self.average = _placed(build(generator.architecture), self.device).eval()
        self.average.load_state_dict(generator.state_dict())
        self.average.requires_grad_(False)
        half = self.device.type == "cpu" and has_bf16()
        half |= self.device.type == "cuda" and torch.cuda.is_bf16_supported()
        self.half = half
        self.optimizer: Optimizer | Plain = (
            Optimizer(self.generator, chosen.weight_decay, half)
            if chosen.optimizer == "muon"
            else Plain(self.generator, chosen.optimizer)
        )

    def learn(self, batches: Sequence[Batch | Crops]) -> Outcome:
        """Take one step along the mean gradient of the batches.

        Raises ModelError if a loss or a gradient is not finite.
        """
        optimisation, adversaries = self.settings.optimisation, self.settings.adversaries
        # Dropout depends on the step only, so that a resumed run repeats it.
        _seed((self.settings.run.seed << 40) + (self.account.step << 8) + self.world.rank)
        play = self.rivals is not None and self._progress() >= adversaries.pretrain
        found = [self._gather(batch, play, len(batches)) for batch in batches]
        outcome = Outcome(
            {name: _mean([one.losses[name] for one in found]) for name in found[0].losses},
            _mean([one.error for one in found]),
            _mean([one.gain for one in found]),
        )
        self._check_finite(outcome, self._gradients(self.generator, optimisation.clip))
        if play and self.rivals is not None:
            self._check_finite(outcome, self._gradients(self.rivals))
            self.rivals_optimizer.step(self.rate(adversaries.rival_lr or optimisation.lr))
        self.optimizer.step(self.rate(optimisation.lr))
        self.account.step += 1
        self._follow()
        return outcome

    def _gather(self, batch: Batch | Crops, play: bool, parts: int) -> Outcome:
        """Add the gradients of one batch, divided by the number of batches of a step."""
        x, target, known = seen(batch, self.device)
        more: dict[str, Tensor] = {}
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            if self.teacher is not None:
                with torch.no_grad():
                    target = self.teacher(x).float()
            picture = self.generator(x)
            if play and self.rivals is not None:
                real, painted = self.rivals(x, target), self.rivals(x, picture.detach())
                rivalry = self.criterion.adversarial.discriminators(real, painted)
                (rivalry / parts).backward()  # type: ignore[no-untyped-call]
                more["discriminators"] = rivalry
                self.rivals.requires_grad_(False)  # They do not learn from the generator's loss.
                losses = self.criterion(picture, target, known, real, self.rivals(x, picture))
                self.rivals.requires_grad_(True)
            else:
                losses = self.criterion(picture, target, known)
        total = torch.stack(list(losses.values())).sum()
        (total / parts).backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            errors = crop_errors(picture, target)
            won = gain(errors, crop_errors(x[:, :3], target))
            named = losses | more | {"total": total}
            values = {name: value.item() for name, value in named.items()}
        return Outcome(values, errors.mean().item() * 255 / 2, won)

    def _gradients(self, network: torch.nn.Module, clip: float = math.inf) -> Tensor:
        """Average the gradients over all processes and clip them; returns their norm."""
        weights = [weight for weight in network.parameters() if weight.grad is not None]
        self.world.average(weight.grad for weight in weights if weight.grad is not None)
        return torch.nn.utils.clip_grad_norm_(weights, clip)

    def _check_finite(self, outcome: Outcome, norm: Tensor) -> None:
        finite = torch.isfinite(norm) and all(map(math.isfinite, outcome.losses.values()))
        if not finite:
            lost = [name for name, loss in outcome.losses.items() if not math.isfinite(loss)]
            raise ModelError(
                f"training diverged at step {self.account.step} ({', '.join(lost) or 'gradient'}"
                f" is not finite): start again with a learning rate below"
                f" {self.settings.optimisation.lr:g}; the best weights so far are kept"
            )

    def _progress(self) -> float:
        return min(self.account.progress(self.settings), 1.0)

    def rate(self, height: float) -> float:
        """The current learning rate: a linear rise, then constant or a cosine down to LAST_LR.

        height : the peak
        """
        rise = min(1.0, (self.account.step + 1) / max(self.settings.optimisation.warmup, 1))
        if self.settings.optimisation.schedule == "constant":
            return height * rise
        fall = LAST_LR + (1 - LAST_LR) * (1 + math.cos(math.pi * self._progress())) / 2
        return height * fall * rise

    @torch.no_grad()
    def _follow(self) -> None:
        """Update the moving average of weights and of BatchNorm's statistics.

        Statistics of the last few crops alone would cost decibels. At the start the average follows
        faster.
        """
        step = self.account.step
        keep = min(self.settings.optimisation.ema, step / (step + 10))
        averages, weights = _floats(self.average), _floats(self.generator)
        torch._foreach_lerp_(averages, weights, 1 - keep)

    def save(self, path: Path) -> None:
        """Write the state of the run, atomically; raises InputError if that fails."""
        tensors = {f"weights.{k}": v for k, v in self.generator.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        tensors |= {f"moved.{key}": value for key, value in self.optimizer.state().items()}
        if self.rivals is not None:
            tensors |= {f"rivals.{k}": v for k, v in self.rivals.state_dict().items()}
            tensors |= {f"rivals_moved.{k}": v for k, v in self.rivals_optimizer.state().items()}
        texts = {
            "architecture": self.generator.architecture.to_json(),
            "account": json.dumps(asdict(self.account)),
            "optimizer": self.settings.optimisation.optimizer,
        }
        plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(path, safetensors.torch.save(plain, texts), overwrite=True)

    def restore(self, path: Path) -> None:
        """Continue from a saved state.

        Raises InputError if the file holds none, or that of a run with another network, another
        optimiser or without discriminators.
        """
        settings = self.settings
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                texts = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            shape = Shape.from_json(texts.get("architecture", ""))
            account = Account(**json.loads(texts.get("account", "")))
        except (OSError, safetensors.SafetensorError, ModelError, ValueError, TypeError) as error:
            raise InputError(f"{path}: not the state of a training run") from error
        optimizer = settings.optimisation.optimizer
        if shape != settings.architecture:
            raise InputError(f"{path}: of a run with another network than that of the settings")
        if texts.get("optimizer", optimizer) != optimizer:
            raise InputError(f"{path}: of a run with the optimizer {texts['optimizer']}")
        if self.rivals is not None and not _part(tensors, "rivals"):
            raise InputError(f"{path}: of a run without discriminators; --init starts from weights")
        try:
            generator = build(shape)
            generator.load_state_dict(_part(tensors, "weights"))
            self._adopt(generator.train())
            self.average.load_state_dict(_part(tensors, "average"))
            if self.rivals is not None:
                self.rivals.load_state_dict(_part(tensors, "rivals"))
                self.rivals_optimizer.restore(_part(tensors, "rivals_moved"))
        except (RuntimeError, ValueError, TypeError) as error:
            raise InputError(f"{path}: not the state of a training run") from error
        self.account = account
        self.optimizer.restore(_part(tensors, "moved"))


def _seed(number: int) -> None:
    """Seed torch's generators, by the lowest 64 bits of a number."""
    torch.manual_seed(number % 2**64)


def _floats(network: Network) -> list[Tensor]:
    """The weights and statistics of a network, without BatchNorm's counters."""
    every = (*network.parameters(), *network.buffers())
    return [value for value in every if value.is_floating_point()]


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def _placed(generator: Network, device: torch.device) -> Network:
    placed: Network = generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors whose keys start with a name and a dot, under the rest of their keys."""
    return {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}
