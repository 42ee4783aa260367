"""The groups that the settings of a training run come in. No torch here.

Every group checks its own ranges when it is made and raises InputError. ``settings.TrainSettings``
holds one of each and checks what must fit together.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xcodec.choices import AGGREGATES, DEVICES, DISTRIBUTIONS, LOSSES, POINT_NORMS
from xcodec.errors import InputError
from xcodec.reconstruction.architecture import MULTIPLE
from xcodec.system import folders

LARGEST_SIDE = 768
"""Default limit on the sides of encoded pictures, in pixels."""
KEEPS = ("psnr", "perceptual", "last")
OPTIMIZERS = ("muon", "adam", "sgd")
PIXEL_KINDS = ("rms", "l1", "mse")
SCHEDULES = ("cosine", "constant")


def _cache() -> Path:
    return folders.cache() / "training"


@dataclass(frozen=True)
class SourceSettings:
    """Where the pictures come from: a folder or a dataset, not both.

    data     : folder of training pictures, or of packs of them, with its subfolders
    dataset  : name of a dataset that the datasets library reads; see ``training.stream``
    pictures : at most this many pictures of the dataset, 1 or more
    val      : folder of validation pictures, or of packs of them. Those at odd positions in sorted
               order (1st, 3rd, ...) choose the weights that are kept. Without a folder, about 2 %
               of the training files, chosen by their digests, are held out
    """

    data: Path | None = None
    dataset: str | None = None
    pictures: int = 10_000
    val: Path | None = None

    def __post_init__(self) -> None:
        _above_zero(self, "pictures")
        if (self.data is None) == (self.dataset is None):
            raise InputError("name either a folder of pictures or a dataset to learn from")


@dataclass(frozen=True)
class DamageSettings:
    """The damage that a restoration task undoes; without effect if the task is codec.

    levels        : least and most damage, in the units of ``damage.corrupt``, above 0; None: those
                    of the paper
    distributions : of points, some of ``choices.DISTRIBUTIONS``; one is drawn for each crop
    clutter       : folder of pictures that colour blocks are cut from; None: the training pictures
    on_demand     : draw levels from five bands, those with a lower validation PSNR more often
                    (Gao and Grauman 2017)
    """

    levels: tuple[int, int] | None = None
    distributions: tuple[str, ...] = ("random", "sobel")
    clutter: Path | None = None
    on_demand: bool = False

    def __post_init__(self) -> None:
        levels = self.levels
        if levels is not None and (len(levels) != 2 or not 0 < levels[0] <= levels[1]):
            raise InputError(f"levels is {levels}: it must be two numbers above 0, lower first")
        if not self.distributions or set(self.distributions) - set(DISTRIBUTIONS):
            raise InputError(f"distributions must be some of {', '.join(DISTRIBUTIONS)}")


@dataclass(frozen=True)
class EncodingSettings:
    """How training pictures are encoded, and how many of them a step may draw from.

    rates       : lowest and highest sampling rate, in 0..1 without 0; drawn log-uniformly
    usual       : encode with steps and densities near the encoder's defaults instead of the full
                  range of its options
    side        : larger pictures are cut to a square of this side, at another place for each
                  variant
    variants    : encodings of each picture, 1 or more
    vary        : encode every other variant at another size, angle and in other colours
                  (``training.variety``), which needs 2 variants or more; where pictures are
                  damaged as they are drawn, vary half of what is drawn
    ready, pace : encoded pictures that the first step waits for, 1 or more, and pictures that each
                  further step adds, 0 or more
    """

    rates: tuple[float, float] = (0.004, 0.3)
    usual: bool = False
    side: int = LARGEST_SIDE
    variants: int = 4
    vary: bool = False
    ready: int = 64
    pace: float = 0.25

    def __post_init__(self) -> None:
        _above_zero(self, "side", "variants", "ready")
        _not_negative(self, "pace")
        if len(self.rates) != 2 or not 0 < self.rates[0] <= self.rates[1] <= 1:
            raise InputError(
                f"rates is {self.rates}: it must be two numbers above 0 and up to 1, lower first"
            )


@dataclass(frozen=True)
class CropSettings:
    """The crops of a step.

    batch      : crops in a batch, 1 or more
    accumulate : batches whose gradients are added up for a step, 1 or more
    crop       : side of a crop in pixels, a multiple of 16
    turns      : turn and mirror crops in all eight ways; otherwise mirror left and right only
    """

    batch: int = 8
    accumulate: int = 1
    crop: int = 128
    turns: bool = True

    def __post_init__(self) -> None:
        _above_zero(self, "batch", "accumulate", "crop")
        if self.crop % MULTIPLE:
            raise InputError(f"crop is {self.crop}: it must be a multiple of {MULTIPLE}")


@dataclass(frozen=True)
class OptimisationSettings:
    """How gradients move the weights.

    optimizer    : muon (kernels; AdamW for the rest), adam (betas 0.5 and 0.999) or sgd
    lr           : peak learning rate, above 0
    warmup       : steps of the linear rise to it, 0 or more
    schedule     : cosine (falls to a twentieth by the end of the run) or constant
    weight_decay : of the kernels, 0 or more; muon only
    ema          : decay of the moving average of the weights, 0 <= ema < 1
    clip         : largest norm of the gradient, above 0
    dropout      : probability that a channel inside a residual block of the generator is left out
                   of a step, 0 <= dropout < 1
    """

    optimizer: str = "muon"
    lr: float = 4e-4
    warmup: int = 500
    schedule: str = "cosine"
    weight_decay: float = 1e-4
    ema: float = 0.999
    clip: float = 1.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _above_zero(self, "lr", "clip")
        _not_negative(self, "warmup", "weight_decay")
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        _below_one(self, "ema", "dropout")


@dataclass(frozen=True)
class AdversarySettings:
    """The discriminators; without effect unless an adversarial or matching loss has a weight.

    rival_lr    : their peak learning rate, above 0; None: that of the generator
    rival_width : channels of their first convolution, 1 or more
    pretrain    : fraction of the run before the adversarial losses start, 0..1
    """

    rival_lr: float | None = None
    rival_width: int = 64
    pretrain: float = 0.0

    def __post_init__(self) -> None:
        _above_zero(self, "rival_lr", "rival_width")
        if not 0 <= self.pretrain <= 1:
            raise InputError(f"pretrain is {self.pretrain}: it must be in 0..1")


@dataclass(frozen=True)
class LossSettings:
    """Weights of the losses (``training.losses``), 0 or more, and their forms.

    At least one of pixel, adversarial and perceptual must have a weight above 0.

    pixel, pixel_kind      : distance from the original: rms, l1 or mse
    adversarial, aggregate : equation 2, against the best discriminator (max) or all (mean)
    matching               : equation 3, feature matching
    perceptual             : equation 5, VGG features
    network                : name of the VGG, as in ``vgg.KINDS``; None: the best one found
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
        _not_negative(self, *LOSSES)
        check_choice("pixel_kind", self.pixel_kind, PIXEL_KINDS)
        check_choice("aggregate", self.aggregate, AGGREGATES)
        check_choice("point_norm", self.point_norm, POINT_NORMS)
        if not (self.pixel or self.perceptual or self.adversarial):
            raise InputError("a pixel, perceptual or adversarial loss must have a weight above 0")


@dataclass(frozen=True)
class FileSettings:
    """Files and folders that a run reads and writes.

    output     : weights to write; by default models/<preset>.safetensors, or
                 models/<preset>-<task>.safetensors for restoration tasks
    overwrite  : replace an existing output even if neither ``resume`` nor ``init`` continues it
    checkpoint : folder of the run's state; by default checkpoints/<name of the output>
    board      : folder of TensorBoard's events; by default beside the state, if TensorBoard is
                 installed
    cache      : folder of encoded pictures, shared between runs; by default "training" in the
                 user's cache folder
    features   : folder of VGG's weights, searched before XCODEC_WEIGHTS and torch's hub cache
    init       : weights to start from; their counts of steps and hours continue, and their history
                 too if the task is the same
    resume     : continue the run whose state is in ``checkpoint``; its weights then replace those
                 of ``init``. Without a state the run starts anew, if there is no output yet
    """

    output: Path | None = None
    overwrite: bool = False
    checkpoint: Path | None = None
    board: Path | None = None
    cache: Path = field(default_factory=_cache)
    features: Path | None = None
    init: Path | None = None
    resume: bool = False


@dataclass(frozen=True)
class RunSettings:
    """How long a run takes and what it runs on.

    steps            : steps of the run, 1 or more
    time_limit       : minutes after which the run ends, resumed or not, above 0; None: no limit
    seed             : of weights, crops, damage and encodings, 0 or more
    workers          : processes that encode pictures during training; 0: one thread instead
    threads          : torch's threads; 0: all cores but those of workers that still encode, since
                       one thread that waits for a core slows down all others
    device           : auto, cpu, cuda or mps
    checkpoint_every : minutes between two saved states, above 0
    every            : steps between two validations and saved states, instead of minutes; makes
                       runs repeatable bit for bit. None: by time
    """

    steps: int = 400_000
    time_limit: float | None = None
    seed: int = 0
    workers: int = 1
    threads: int = 0
    device: str = "auto"
    checkpoint_every: float = 5.0
    every: int | None = None

    def __post_init__(self) -> None:
        _above_zero(self, "steps", "time_limit", "checkpoint_every", "every")
        _not_negative(self, "seed", "workers", "threads")
        check_choice("device", self.device, DEVICES)


@dataclass(frozen=True)
class ValidationSettings:
    """When weights are validated, and which are kept.

    validate_every : minutes between two validations, above 0
    keep           : the weights with the best psnr, the best perceptual distance, or the last ones
    patience, gain : end the run when the best mean PSNR has improved by less than ``gain`` dB in
                     the last ``patience`` minutes, above 0; None: never
    """

    validate_every: float = 5.0
    keep: str = "psnr"
    patience: float | None = None
    gain: float = 0.05

    def __post_init__(self) -> None:
        _above_zero(self, "validate_every", "patience")
        check_choice("keep", self.keep, KEEPS)


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise InputError unless a setting is one of its choices."""
    if value not in choices:
        raise InputError(f"{name} is {value!r}: it must be one of {', '.join(choices)}")


def _above_zero(group: Any, *names: str) -> None:
    """Raise InputError unless settings of a group are above 0 or None."""
    for name in names:
        value = getattr(group, name)
        if value is not None and not (_is_number(value) and value > 0):
            raise InputError(f"{name} is {value!r}: it must be a number above 0")


def _below_one(group: Any, *names: str) -> None:
    """Raise InputError unless settings of a group are 0 or more, and below 1."""
    for name in names:
        value = getattr(group, name)
        if not (_is_number(value) and 0 <= value < 1):
            raise InputError(f"{name} is {value!r}: it must be 0 or more and below 1")


def _not_negative(group: Any, *names: str) -> None:
    """Raise InputError unless settings of a group are 0 or more."""
    for name in names:
        value = getattr(group, name)
        if not (_is_number(value) and value >= 0):
            raise InputError(f"{name} is {value!r}: it must be a number, 0 or more")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
