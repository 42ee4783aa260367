"""The settings of a training run, and the presets that come with xcodec. No torch here.

In Python, settings come in groups. Presets, command-line options and the metadata of weights name
each setting on its own, without its group: no two groups have a setting of the same name.
"""

import dataclasses
import tomllib
import types
import typing
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from xcodec.errors import InputError, ModelError
from xcodec.reconstruction.architecture import Architecture, OnDemandArchitecture, Shape
from xcodec.restoration.damage import LEVELS, TASKS
from xcodec.training.groups import (
    AdversarySettings,
    CropSettings,
    DamageSettings,
    EncodingSettings,
    FileSettings,
    LossSettings,
    OptimisationSettings,
    RunSettings,
    SourceSettings,
    ValidationSettings,
    check_choice,
)

PRESETS = resources.files("xcodec.training") / "presets"
CODEC = "codec"
"""The task of reconstructing what the encoder sends; the others are ``damage.TASKS``."""
GROUPS: dict[str, type[Any]] = {
    "source": SourceSettings,
    "damage": DamageSettings,
    "encoding": EncodingSettings,
    "crops": CropSettings,
    "optimisation": OptimisationSettings,
    "adversaries": AdversarySettings,
    "files": FileSettings,
    "run": RunSettings,
    "validation": ValidationSettings,
}
"""Groups of TrainSettings whose settings are named on their own in presets and metadata."""
_GROUP_OF = {
    item.name: group for group, kind in GROUPS.items() for item in dataclasses.fields(kind)
}
_WORDS = {bool: "true or false", int: "a whole number", float: "a number"}
ON_DEMAND_HOLES = (16, 128)
"""Sides of the white blocks that On-Demand Learning trains on: its bands need easier ones too."""


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a training run; a preset gives those that characterise a model.

    source       : where the pictures come from
    preset       : name of the preset, and of the model
    task         : codec, or the damage to undo: one of ``damage.TASKS``
    architecture : of a network that starts from random weights
    teacher      : name or file of a model whose pictures replace the originals as targets; None:
                   the originals
    losses       : weights and forms of the losses

    The other groups are described in their own classes (``training.groups``).

    Raises InputError if settings do not fit together.
    """

    source: SourceSettings
    preset: str = "photo"
    task: str = CODEC
    architecture: Shape = field(default_factory=Architecture)
    teacher: str | None = None
    losses: LossSettings = field(default_factory=LossSettings)
    damage: DamageSettings = field(default_factory=DamageSettings)
    encoding: EncodingSettings = field(default_factory=EncodingSettings)
    crops: CropSettings = field(default_factory=CropSettings)
    optimisation: OptimisationSettings = field(default_factory=OptimisationSettings)
    adversaries: AdversarySettings = field(default_factory=AdversarySettings)
    files: FileSettings = field(default_factory=FileSettings)
    run: RunSettings = field(default_factory=RunSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)

    def __post_init__(self) -> None:
        check_choice("task", self.task, (CODEC, *TASKS))
        crop, side = self.crops.crop, self.encoding.side
        if self.task == CODEC and not self.architecture.blends:
            raise InputError("this network starts from no fill: it needs a task to restore")
        if crop > side:
            raise InputError(f"crops of {crop} pixels are larger than the side: {side}")
        if self.task.endswith("block") and self.span[1] > crop:
            raise InputError(f"blocks of {self.span[1]} pixels need crops of at least that side")
        if self.validation.keep == "perceptual" and not self.losses.perceptual:
            raise InputError("keep is 'perceptual': the perceptual loss must have a weight above 0")
        if self.encoding.vary and self.prepared and self.encoding.variants < 2:
            raise InputError("vary needs pictures that are encoded at least twice: variants")
        taken = getattr(self.architecture, "side", crop)
        if taken != crop:
            raise InputError(f"this network takes crops of {taken} pixels, not of {crop}")

    @classmethod
    def of(cls, **values: Any) -> "TrainSettings":
        """Settings from values by the names of presets, without groups.

        values : fields of the groups or of this class; ``architecture`` and ``losses`` may be
                 tables of their fields

        Raises InputError for unknown names and for values out of range.
        """
        return cls(**_grouped({}, values))

    def replaced(self, **values: Any) -> "TrainSettings":
        """These settings with other values, named as for ``of``."""
        return dataclasses.replace(self, **_grouped(vars(self), values))

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> "TrainSettings":
        """The settings of a preset, with others in their place.

        name      : a preset that comes with xcodec, or the path of a TOML file
        overrides : values as for ``of``; ``losses`` may be a table of some of its fields. None
                    keeps the preset's value

        Raises InputError if the preset or a setting is unknown, or a value is out of range.
        """
        values = _table(name)
        losses = values.pop("losses") | (overrides.pop("losses", None) or {})
        values |= {key: value for key, value in overrides.items() if value is not None}
        values.setdefault("preset", Path(name).stem)
        shape = values.get("architecture")
        if isinstance(shape, dict) and shape.get("kind") == OnDemandArchitecture.kind:
            values["architecture"] = shape | ({"side": values["crop"]} if "crop" in values else {})
        try:
            return cls.of(**values, losses=losses)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error

    @property
    def span(self) -> tuple[int, int]:
        """Least and most damage."""
        if self.damage.levels is not None:
            return self.damage.levels
        holes = self.damage.on_demand and self.task == "white-block"
        return ON_DEMAND_HOLES if holes else LEVELS.get(self.task, (0, 0))

    @property
    def adversarial(self) -> bool:
        """Whether discriminators take part."""
        return self.losses.adversarial > 0 or self.losses.matching > 0

    @property
    def prepared(self) -> bool:
        """Whether pictures are encoded before crops are taken, not damaged afterwards."""
        filled = self.task in ("points", "color-noise") and self.architecture.blends
        return self.task == CODEC or filled

    @property
    def weights(self) -> Path:
        """The file of weights that the run writes."""
        name = self.preset if self.task == CODEC else f"{self.preset}-{self.task}"
        return self.files.output or Path("models") / f"{name}.safetensors"

    @property
    def state(self) -> Path:
        """The file of the run's state."""
        folder = self.files.checkpoint or Path("checkpoints") / self.weights.stem
        return folder / "state.safetensors"

    def public(self) -> dict[str, Any]:
        """The settings as plain values for a file's metadata, named as in presets.

        Files and folders are given without their paths.
        """
        values = dataclasses.asdict(self)
        for group in GROUPS:
            values |= values.pop(group)
        if self.teacher is not None:
            values["teacher"] = Path(self.teacher).name
        return {
            key: value.name if isinstance(value, Path) else value for key, value in values.items()
        }


def presets() -> list[str]:
    """The names of the presets that come with xcodec."""
    return sorted(
        file.name.removesuffix(".toml") for file in PRESETS.iterdir() if file.name.endswith(".toml")
    )


def _table(name: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """The table of a preset on top of that of its base.

    above : the presets that it is a base of
    """
    own = name.endswith(".toml")
    source = Path(name) if own else PRESETS / f"{name}.toml"
    try:
        table = tomllib.loads(source.read_text("utf-8"))
    except OSError as error:
        there = ", ".join(presets())
        raise InputError(f"no preset {name!r}: name a .toml file or one of {there}") from error
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error
    losses = table.setdefault("losses", {})
    if not isinstance(losses, dict):
        raise InputError(f"{name}: losses is {losses!r}: it must be a table")
    base = table.pop("base", None)
    if base is None:
        return table
    above = (*above, name)
    if isinstance(base, str) and base.endswith(".toml"):
        base = str(Path(name).parent / base)  # Beside the file that names it.
    if not isinstance(base, str) or base in above:
        raise InputError(f"{name}: there is no base {base!r}")
    below = _table(base, above)
    return below | table | {"losses": below["losses"] | losses}


def _grouped(groups: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Fields of TrainSettings from values that are named without their groups.

    groups : the groups whose other settings are kept; those missing start from their defaults
    """
    own = {item.name for item in dataclasses.fields(TrainSettings)} - GROUPS.keys()
    if unknown := sorted(values.keys() - own - _GROUP_OF.keys()):
        raise InputError(f"unknown settings: {', '.join(unknown)}")
    fields = {key: _typed(TrainSettings, key, values[key]) for key in values.keys() & own}
    parts: dict[str, dict[str, Any]] = {} if groups else {"source": {}}
    try:
        for key in values.keys() - own:
            group = _GROUP_OF[key]
            parts.setdefault(group, {})[key] = _typed(GROUPS[group], key, values[key])
        for group, part in parts.items():
            old = groups.get(group)
            fields[group] = (
                GROUPS[group](**part) if old is None else dataclasses.replace(old, **part)
            )
        if isinstance(fields.get("architecture"), dict):
            fields["architecture"] = Shape.from_table(fields["architecture"])
        if isinstance(losses := fields.get("losses"), dict):
            known = {item.name for item in dataclasses.fields(LossSettings)}
            typed = {
                key: _typed(LossSettings, key, value) if key in known else value
                for key, value in losses.items()
            }
            fields["losses"] = LossSettings(**typed)
    except (TypeError, ModelError) as error:
        raise InputError(str(error)) from error
    return fields


def _typed(group: type[Any], key: str, value: Any) -> Any:
    """A setting in the type of its field: TOML has no paths and no tuples.

    Raises InputError if it is of another type.
    """
    kinds = typing.get_type_hints(group)[key]
    options = typing.get_args(kinds) if isinstance(kinds, types.UnionType) else (kinds,)
    if value is None and type(None) in options:
        return None
    if typing.get_origin(options[0]) is not tuple:
        return _of_kind(key, value, options[0])
    if not isinstance(value, list | tuple):
        raise InputError(f"{key} is {value!r}: it must be a list")
    return tuple(_of_kind(key, each, typing.get_args(options[0])[0]) for each in value)


def _of_kind(key: str, value: Any, kind: type[Any]) -> Any:
    """A value, or one of a list, in its type. Raises InputError if it is of another."""
    if kind in _WORDS:
        fits = isinstance(value, (int | float) if kind is float else kind)
        fits = fits and (kind is bool or not isinstance(value, bool))
        word = _WORDS[kind]
    elif kind in (str, Path):
        fits, word = isinstance(value, str | kind), "a text"
        value = Path(value) if fits and kind is Path else value
    else:
        fits, word = isinstance(value, dict | kind), "a table"
    if not fits:
        raise InputError(f"{key} is {value!r}: it must be {word}")
    return value
