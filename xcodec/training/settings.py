"""What a training run can be told, and the presets that come with xcodec. No torch here."""

import dataclasses
import os
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from xcodec.errors import InputError, ModelError
from xcodec.reconstruction.architecture import MULTIPLE, Architecture

PRESETS = resources.files("xcodec.training") / "presets"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "xcodec" / "training"


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a training run; a preset gives those that make a model what it is.

    data             : folder of training pictures, searched with its subfolders
    val              : folder of validation pictures, of which those at odd positions in sorted
                       order (the 1st, 3rd, ...) choose the weights that are kept; without it,
                       2 % of the files in ``data``, by digest, are held out for that
    preset           : name of the preset, and of the model
    output           : weights to write; by default models/<preset>.safetensors
    overwrite        : replace an output that neither ``resume`` nor ``init`` continues
    checkpoint       : folder of the run's state; by default checkpoints/<name of the output>
    cache            : folder of encoded pictures, which later runs use again
    steps            : training steps of the run, at most
    time_limit       : minutes that the run may take, resumed or not; None for no limit
    batch, crop      : crops a step, and their side in pixels, a multiple of 16
    lr, warmup       : learning rate at its height, and the steps of its linear rise; it falls
                       along a cosine to a twentieth at the end of the run
    weight_decay     : of the convolutions' weights
    ema              : share that the averaged weights keep at each step, below 1
    clip             : largest norm of a gradient
    seed             : of weights, crops and the encoder's variety
    workers          : processes that encode pictures while training runs; 0 for a thread
    threads          : threads of torch; 0 for all cores but those of workers that still encode:
                       torch's threads wait for each other, and slow down badly if one is held up
    device           : auto, cpu, cuda or mps
    rates            : lowest and highest rate of the training pictures, drawn log-uniformly
    variants         : encodings of each picture
    ready            : encoded pictures to wait for before the first step
    resume           : continue the run whose state is in ``checkpoint``, if there is one;
                       its weights then come from there, not from ``init``
    init             : weights to start from; their steps, hours and history go on
    checkpoint_every : minutes between two states on disk
    validate_every   : minutes between two validations
    patience, gain   : stop when the best validation PSNR has gained less than ``gain`` dB in
                       ``patience`` minutes; None for never
    architecture     : of a generator that starts from nothing

    Raises InputError where a number is out of range.
    """

    data: Path
    val: Path | None = None
    preset: str = "photo"
    output: Path | None = None
    overwrite: bool = False
    checkpoint: Path | None = None
    cache: Path = field(default_factory=_cache)
    steps: int = 400_000
    time_limit: float | None = None
    batch: int = 8
    crop: int = 128
    lr: float = 4e-4
    warmup: int = 500
    weight_decay: float = 1e-4
    ema: float = 0.999
    clip: float = 1.0
    seed: int = 0
    workers: int = 1
    threads: int = 0
    device: str = "auto"
    rates: tuple[float, float] = (0.004, 0.3)
    variants: int = 4
    ready: int = 64
    resume: bool = False
    init: Path | None = None
    checkpoint_every: float = 5.0
    validate_every: float = 5.0
    patience: float | None = None
    gain: float = 0.05
    architecture: Architecture = field(default_factory=Architecture)

    def __post_init__(self) -> None:
        positive = ("steps", "batch", "crop", "lr", "clip", "variants", "ready")
        for name in (*positive, "checkpoint_every", "validate_every"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}: it must be above 0")
        for name in ("warmup", "weight_decay", "seed", "workers", "threads"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}: it must be 0 or more")
        for name in ("time_limit", "patience"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}: it must be above 0")
        if self.crop % MULTIPLE:
            raise InputError(f"crop is {self.crop}: it must be a multiple of {MULTIPLE}")
        if not 0 <= self.ema < 1:
            raise InputError(f"ema is {self.ema}: it must be in 0 .. 1, without 1")
        if len(self.rates) != 2 or not 0 < self.rates[0] <= self.rates[1] <= 1:
            raise InputError(f"rates are {self.rates}: two are needed, in 0 .. 1, lower first")

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> "TrainSettings":
        """The settings of a preset, with others put above them.

        name      : a preset that comes with xcodec, or a TOML file of one's own
        overrides : fields of this class; None leaves a field as it is

        Raises InputError where there is no such preset or no such setting.
        """
        own = name.endswith(".toml")
        source = Path(name) if own else PRESETS / f"{name}.toml"
        try:
            table = tomllib.loads(source.read_text("utf-8"))
        except OSError as error:
            there = ", ".join(presets())
            raise InputError(f"no preset {name!r}: a .toml file, or one of {there}") from error
        except ValueError as error:
            raise InputError(f"{name}: {error}") from error
        values = table | {key: value for key, value in overrides.items() if value is not None}
        values.setdefault("preset", Path(name).stem)
        if unknown := sorted(set(values) - {item.name for item in dataclasses.fields(cls)}):
            raise InputError(f"{name}: unknown settings: {', '.join(unknown)}")
        try:
            return cls(**{key: _typed(key, value) for key, value in values.items()})
        except (TypeError, ModelError) as error:
            raise InputError(f"{name}: {error}") from error

    @property
    def weights(self) -> Path:
        """The file of weights that the run writes."""
        return self.output or Path("models") / f"{self.preset}.safetensors"

    @property
    def state(self) -> Path:
        """The file of the run's state."""
        folder = self.checkpoint or Path("checkpoints") / self.weights.stem
        return folder / "state.safetensors"

    def public(self) -> dict[str, Any]:
        """The settings as plain values for a file's metadata, folders without their paths."""
        return {
            key: value.name if isinstance(value, Path) else value
            for key, value in dataclasses.asdict(self).items()
        }


def presets() -> list[str]:
    """The names of the presets that come with xcodec."""
    return sorted(
        file.name.removesuffix(".toml") for file in PRESETS.iterdir() if file.name.endswith(".toml")
    )


def _typed(key: str, value: Any) -> Any:
    """A setting as its field wants it: TOML knows no paths and no tuples."""
    if key in ("data", "val", "output", "checkpoint", "cache", "init"):
        return Path(value)
    if key == "rates":
        return tuple(value)
    if key == "architecture" and isinstance(value, dict):
        return Architecture.from_table(value)
    return value
