"""What a training run can be told, and the presets that come with xcodec. No torch here."""

import dataclasses
import os
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from xcodec.errors import InputError, ModelError
from xcodec.reconstruction.architecture import MULTIPLE, Architecture, OnDemandArchitecture, Shape
from xcodec.restoration.damage import DISTRIBUTIONS, LEVELS, TASKS

PRESETS = resources.files("xcodec.training") / "presets"
CODEC = "codec"
"""The task of painting what the encoder sends; the others are ``corruption.TASKS``."""
CHOICES = {
    "task": (CODEC, *TASKS),
    "optimizer": ("muon", "adam", "sgd"),
    "schedule": ("cosine", "constant"),
    "keep": ("psnr", "perceptual", "last"),
}
PATHS = ("data", "val", "output", "checkpoint", "cache", "init", "clutter", "features", "board")
TUPLES = ("rates", "levels", "distributions")
ON_DEMAND_HOLES = (16, 128)
"""Sides of the white blocks that On-Demand Learning trains on: its bands need easier ones too."""


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "xcodec" / "training"


@dataclass(frozen=True)
class LossSettings:
    """Weights of the losses (``training.losses``), 0 for none, and their forms.

    pixel, pixel_kind      : distance from the original: rms, l1 or mse
    adversarial, aggregate : equation 2: against the best discriminator (max) or all (mean)
    matching               : equation 3, feature matching
    perceptual             : equation 5, VGG
    network                : name of the VGG, as in ``vgg.KINDS``; None for the best that is there
    point, point_norm      : equation 6, corresponding points: l2, l1 or none
    """

    pixel: float = 1.0
    pixel_kind: str = "rms"
    adversarial: float = 0.0
    aggregate: str = "max"
    matching: float = 0.0
    perceptual: float = 0.0
    network: str | None = None
    point: float = 0.0
    point_norm: str = "l2"

    def __post_init__(self) -> None:
        weights = {name: getattr(self, name) for name in self.names()}
        if any(weight < 0 for weight in weights.values()):
            raise InputError(f"weights of losses must be 0 or more, not {weights}")
        if not (self.pixel or self.perceptual or self.adversarial):
            raise InputError("no loss is left that a network could learn from")

    @staticmethod
    def names() -> tuple[str, ...]:
        """The losses that have a weight."""
        return "pixel", "adversarial", "matching", "perceptual", "point"


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a training run; a preset gives those that make a model what it is.

    data             : folder of training pictures, searched with its subfolders
    dataset          : instead of it, what the datasets library reads; see ``training.stream``
    pictures         : most pictures to take of a dataset
    val              : folder of validation pictures, of which those at odd positions in sorted
                       order (the 1st, 3rd, ...) choose the weights that are kept; without it,
                       2 % of the files in ``data``, by digest, are held out for that
    preset           : name of the preset, and of the model
    task             : codec, or the damage to undo: one of ``corruption.TASKS``
    levels           : least and most damage, as in ``corruption.corrupt``; None: the paper's
    distributions    : where points lie, each crop one of them
    clutter          : folder of pictures that fill colour blocks; without it, the training ones
    turns            : whether crops are turned and flipped any way; otherwise mirrored only
    on_demand        : draw levels by five bands, the harder ones (by validation) more often
    output           : weights to write; by default models/<preset>.safetensors, with the task
                       between where it isn't codec
    overwrite        : replace an output that neither ``resume`` nor ``init`` continues
    checkpoint       : folder of the run's state; by default checkpoints/<name of the output>
    board            : folder of TensorBoard's events; by default in the checkpoint's, where
                       tensorboard is installed
    cache            : folder of encoded pictures, which later runs use again
    features         : folder of VGG's weights; otherwise $XCODEC_WEIGHTS, torch's hub cache
    steps            : training steps of the run, at most
    time_limit       : minutes that the run may take, resumed or not; None for no limit
    batch, crop      : crops a step, and their side in pixels, a multiple of 16
    accumulate       : batches whose gradients are added up for a step
    optimizer        : muon (kernels; AdamW for the rest), adam (betas 0.5, 0.999) or sgd
    lr, warmup       : learning rate at its height, and the steps of its linear rise
    schedule         : cosine: it falls to a twentieth at the end of the run; or constant
    rival_lr         : the discriminators' learning rate; None: the same
    rival_width      : filters of the discriminators' first convolution
    pretrain         : share of the run before the adversarial losses join
    weight_decay     : of the convolutions' weights
    ema              : share that the averaged weights keep at each step, below 1
    clip             : largest norm of a gradient
    seed             : of weights, crops and the encoder's variety
    workers          : processes that encode pictures while training runs; 0 for a thread
    threads          : threads of torch; 0 for all cores but those of workers that still encode:
                       torch's threads wait for each other, and slow down badly if one is held up
    device           : auto, cpu, cuda or mps
    usual            : whether pictures are encoded as they would be unasked, steps and densities
                       near the defaults, rather than in every way that users may ask for
    rates            : lowest and highest rate of the training pictures, drawn log-uniformly
    variants         : encodings of each picture
    vary             : whether every other one is of it at another size, angle and in other colours
    ready, pace      : encoded pictures to wait for before the first step, and more of them a step
    resume           : continue the run whose state is in ``checkpoint``, if there is one;
                       its weights then come from there, not from ``init``
    init             : weights to start from; their steps, hours and history go on
    teacher          : model or file of weights whose pictures are learned instead of the originals
    checkpoint_every : minutes between two states on disk
    validate_every   : minutes between two validations
    every            : steps between both instead: then a run can be repeated bit for bit
    keep             : which weights: best psnr, best perceptual distance, or the last
    patience, gain   : stop when the best validation has gained less than ``gain`` dB in
                       ``patience`` minutes; None for never
    architecture     : of a network that starts from nothing
    losses           : what is made small

    Raises InputError where a number is out of range.
    """

    data: Path | None = None
    dataset: str | None = None
    pictures: int = 10_000
    val: Path | None = None
    preset: str = "photo"
    task: str = CODEC
    levels: tuple[int, int] | None = None
    distributions: tuple[str, ...] = ("random", "sobel")
    clutter: Path | None = None
    turns: bool = True
    on_demand: bool = False
    output: Path | None = None
    overwrite: bool = False
    checkpoint: Path | None = None
    board: Path | None = None
    cache: Path = field(default_factory=_cache)
    features: Path | None = None
    steps: int = 400_000
    time_limit: float | None = None
    batch: int = 8
    crop: int = 128
    accumulate: int = 1
    optimizer: str = "muon"
    lr: float = 4e-4
    warmup: int = 500
    schedule: str = "cosine"
    rival_lr: float | None = None
    rival_width: int = 64
    pretrain: float = 0.0
    weight_decay: float = 1e-4
    ema: float = 0.999
    clip: float = 1.0
    seed: int = 0
    workers: int = 1
    threads: int = 0
    device: str = "auto"
    usual: bool = False
    rates: tuple[float, float] = (0.004, 0.3)
    variants: int = 4
    vary: bool = False
    ready: int = 64
    pace: float = 0.25
    resume: bool = False
    init: Path | None = None
    teacher: str | None = None
    checkpoint_every: float = 5.0
    validate_every: float = 5.0
    every: int | None = None
    keep: str = "psnr"
    patience: float | None = None
    gain: float = 0.05
    architecture: Shape = field(default_factory=Architecture)
    losses: LossSettings = field(default_factory=LossSettings)

    def __post_init__(self) -> None:
        positive = (
            "steps",
            "batch",
            "crop",
            "lr",
            "clip",
            "variants",
            "ready",
            "accumulate",
            "rival_width",
        )
        for name in (*positive, "checkpoint_every", "validate_every", "pictures"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}: it must be above 0")
        for name in ("warmup", "weight_decay", "seed", "workers", "threads", "pace"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}: it must be 0 or more")
        for name in ("time_limit", "patience", "every", "rival_lr"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}: it must be above 0")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                there = ", ".join(choices)
                raise InputError(f"{name} is {getattr(self, name)!r}; it is one of {there}")
        if self.crop % MULTIPLE:
            raise InputError(f"crop is {self.crop}: it must be a multiple of {MULTIPLE}")
        if not 0 <= self.ema < 1 or not 0 <= self.pretrain <= 1:
            raise InputError("ema lies in 0 .. 1, without 1, and pretrain in 0 .. 1")
        if len(self.rates) != 2 or not 0 < self.rates[0] <= self.rates[1] <= 1:
            raise InputError(f"rates are {self.rates}: two are needed, in 0 .. 1, lower first")
        if self.levels is not None and (
            len(self.levels) != 2 or not 0 < self.levels[0] <= self.levels[1]
        ):
            raise InputError(f"levels are {self.levels}: two are needed, lower first")
        if not self.distributions or set(self.distributions) - set(DISTRIBUTIONS):
            raise InputError(f"distributions are some of {', '.join(DISTRIBUTIONS)}")
        self._check_together()

    def _check_together(self) -> None:
        """Raise InputError where settings don't go together."""
        if (self.data is None) == (self.dataset is None):
            raise InputError("a folder of pictures or a dataset to learn from: one of them")
        if self.task == CODEC and not self.architecture.blends:
            raise InputError(f"{self.preset} starts from no fill: it needs a task to restore")
        if self.task.endswith("block") and self.span[1] > self.crop:
            raise InputError(f"a block of {self.span[1]} pixels needs a crop of as many at least")
        if self.keep == "perceptual" and not self.losses.perceptual:
            raise InputError("to keep the perceptually best, the perceptual loss must count")
        if self.vary and (self.variants < 2 or not self.prepared):
            raise InputError("vary needs a task that encodes each picture twice at least")
        side = getattr(self.architecture, "side", self.crop)
        if side != self.crop:
            raise InputError(f"this network takes crops of {side} pixels, not of {self.crop}")

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> "TrainSettings":
        """The settings of a preset, with others put above them.

        name      : a preset that comes with xcodec, or a TOML file of one's own
        overrides : fields of this class, and ``losses``: {field: value}; None leaves a field as
                    it is

        Raises InputError where there is no such preset or no such setting.
        """
        values = _table(name)
        losses = values.pop("losses", {}) | (overrides.pop("losses", None) or {})
        values |= {key: value for key, value in overrides.items() if value is not None}
        values.setdefault("preset", Path(name).stem)
        if unknown := sorted(set(values) - {item.name for item in dataclasses.fields(cls)}):
            raise InputError(f"{name}: unknown settings: {', '.join(unknown)}")
        try:
            typed = {key: _typed(key, value) for key, value in values.items()}
            shape = typed.get("architecture")
            if isinstance(shape, OnDemandArchitecture) and "crop" in typed:
                typed["architecture"] = dataclasses.replace(shape, side=typed["crop"])
            return cls(**typed, losses=LossSettings(**losses))
        except (TypeError, ModelError) as error:
            raise InputError(f"{name}: {error}") from error

    @property
    def span(self) -> tuple[int, int]:
        """Least and most damage."""
        if self.levels is not None:
            return self.levels
        holes = self.on_demand and self.task == "white-block"
        return ON_DEMAND_HOLES if holes else LEVELS.get(self.task, (0, 0))

    @property
    def adversarial(self) -> bool:
        """Whether discriminators take part."""
        return self.losses.adversarial > 0 or self.losses.matching > 0

    @property
    def prepared(self) -> bool:
        """Whether pictures are encoded before they are cut, rather than damaged afterwards."""
        filled = self.task in ("points", "color-noise") and self.architecture.blends
        return self.task == CODEC or filled

    @property
    def weights(self) -> Path:
        """The file of weights that the run writes."""
        name = self.preset if self.task == CODEC else f"{self.preset}-{self.task}"
        return self.output or Path("models") / f"{name}.safetensors"

    @property
    def state(self) -> Path:
        """The file of the run's state."""
        folder = self.checkpoint or Path("checkpoints") / self.weights.stem
        return folder / "state.safetensors"

    def public(self) -> dict[str, Any]:
        """The settings as plain values for a file's metadata, folders without their paths."""
        values = dataclasses.asdict(self)
        teacher = None if self.teacher is None else Path(self.teacher)
        return {
            key: value.name if isinstance(value, Path) else value
            for key, value in (values | {"teacher": teacher}).items()
        }


def presets() -> list[str]:
    """The names of the presets that come with xcodec."""
    return sorted(
        file.name.removesuffix(".toml") for file in PRESETS.iterdir() if file.name.endswith(".toml")
    )


def _table(name: str) -> dict[str, Any]:
    """The table of a preset, above that of the preset which it names as its base."""
    own = name.endswith(".toml")
    source = Path(name) if own else PRESETS / f"{name}.toml"
    try:
        table = tomllib.loads(source.read_text("utf-8"))
    except OSError as error:
        there = ", ".join(presets())
        raise InputError(f"no preset {name!r}: a .toml file, or one of {there}") from error
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error
    base = table.pop("base", None)
    if base is None:
        return table
    if base == name or not isinstance(base, str):
        raise InputError(f"{name}: no base {base!r}")
    below = _table(base)
    losses = below.get("losses", {}) | table.get("losses", {})
    return below | table | {"losses": losses}


def _typed(key: str, value: Any) -> Any:
    """A setting as its field wants it: TOML knows no paths and no tuples."""
    if key in PATHS:
        return Path(value)
    if key in TUPLES:
        return tuple(value)
    if key == "architecture" and isinstance(value, dict):
        return Shape.from_table(value)
    return value
