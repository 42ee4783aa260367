"""The shape of a generator: what its weights' metadata must say to rebuild it. No torch here."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xcodec.errors import ModelError

SCALES = 4
"""Resolutions 1/2, 1/4, 1/8 and 1/16 of the picture."""
MULTIPLE = 1 << SCALES
"""Pictures are padded to a multiple of this many pixels."""
MAX_WIDTH = 1024
MAX_BLOCKS = 32


@dataclass(frozen=True)
class Architecture:
    """Widths and depths of the U-Net.

    widths : channels at 1/2, 1/4, 1/8 and 1/16 of the resolution, 1..1024 each
    down   : residual blocks on the way down at 1/2, 1/4 and 1/8, 0..32 each
    middle : residual blocks at 1/16, 0..32
    up     : residual blocks on the way up at 1/2, 1/4 and 1/8, 0..32 each

    Raises ModelError where a number is out of range.
    """

    widths: tuple[int, ...] = (48, 96, 144, 160)
    down: tuple[int, ...] = (1, 2, 2)
    middle: int = 3
    up: tuple[int, ...] = (2, 2, 2)

    def __post_init__(self) -> None:
        _check("widths", self.widths, SCALES, 1, MAX_WIDTH)
        _check("down", self.down, SCALES - 1, 0, MAX_BLOCKS)
        _check("middle", (self.middle,), 1, 0, MAX_BLOCKS)
        _check("up", self.up, SCALES - 1, 0, MAX_BLOCKS)

    def to_json(self) -> str:
        """The architecture as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Architecture":
        """The architecture in a line of JSON; raises ModelError where there is none."""
        try:
            fields: dict[str, Any] = json.loads(text)
            return cls.from_table(fields)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(f"not the architecture of a generator: {text[:80]!r}") from error

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> "Architecture":
        """The architecture in a table of JSON or TOML, where lists stand for tuples."""
        fields: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
        return cls(**fields)


def _check(name: str, numbers: Sequence[int], count: int, low: int, high: int) -> None:
    """Raise ModelError unless ``numbers`` are ``count`` integers in low..high."""
    whole = isinstance(numbers, tuple) and all(type(number) is int for number in numbers)
    if not whole or len(numbers) != count or not all(low <= n <= high for n in numbers):
        raise ModelError(f"{name} of a generator: {count} integers in {low}..{high}, not {numbers}")
