"""Architectures of networks, as the metadata of weights hold them. No torch here.

There are three kinds: the default generator (``Architecture``, a U-Net), the
paper's (``XGansArchitecture``) and the baseline (``OnDemandArchitecture``).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from xcodec.errors import ModelError

Weights = dict[str, NDArray[np.float32]]
"""Weights of a network, by the names of torch's state dict."""

SCALES = 4
"""Resolutions of the U-Net: 1/2, 1/4, 1/8 and 1/16 of the picture."""
MULTIPLE = 1 << SCALES
"""Side of a pixel at the coarsest resolution, in pixels of the picture, or in squares of them."""
SLOPE = 0.1
"""Slope of the U-Net's leaky rectifiers below zero."""
MAX_SCALE = 4
MAX_WIDTH = 1024
MAX_BLOCKS = 32
"""Largest scale, width and number of blocks: a damaged file must not take all memory."""


class Shape:
    """Base of the architectures: they are written and read as tables with their ``kind``.

    kind   : name of the kind in tables; a table without one is that of a U-Net
    blends : whether the network's input is the classical fill; otherwise it is the damaged picture,
             white where a pixel is unknown
    """

    kind: ClassVar[str]
    blends: ClassVar[bool] = False

    def require_fill(self) -> None:
        """Raise ModelError for a network that does not start from the classical fill."""
        if not self.blends:
            raise ModelError(f"{self.kind} restores damaged pictures only, it cannot decode files")

    def to_json(self) -> str:
        """The architecture as one line of JSON."""
        return json.dumps({"kind": self.kind} | asdict(self))  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The architecture in a line of JSON; raises ModelError if it holds none of this class."""
        try:
            fields: dict[str, Any] = json.loads(text)
            return cls.from_table(fields)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(f"not the architecture of a network: {text[:80]!r}") from error

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Self:
        """The architecture in a table of JSON or TOML.

        Raises ModelError for an unknown kind, TypeError for unknown fields.
        """
        fields: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
        kind = fields.pop("kind", Architecture.kind)
        known: dict[str, type[Shape]] = {shape.kind: shape for shape in Shape.__subclasses__()}
        if kind not in known or not issubclass(known[kind], cls):
            raise ModelError(f"unknown kind of network: {kind!r:.40}")
        return cast(Self, known[kind](**fields))


@dataclass(frozen=True)
class Architecture(Shape):
    """Widths and depths of the U-Net; docs/research/architectures.md compares the defaults
    with others.

    widths : channels at 1/2, 1/4, 1/8 and 1/16 of the resolution, 1..1024 each
    down   : residual blocks on the way down at 1/2, 1/4 and 1/8, 0..32 each
    middle : residual blocks at 1/16, 0..32
    up     : residual blocks on the way up at 1/2, 1/4 and 1/8, 0..32 each
    scale  : side in pixels of squares, 1..4: the network sees their means and adds one residual to
             each; resolutions are relative to the squares

    Raises ModelError if a number is out of range.
    """

    kind: ClassVar[str] = "u-net"
    blends: ClassVar[bool] = True

    widths: tuple[int, ...] = (48, 96, 144, 160)
    down: tuple[int, ...] = (1, 2, 2)
    middle: int = 3
    up: tuple[int, ...] = (2, 2, 2)
    scale: int = 1

    def __post_init__(self) -> None:
        _check("widths", self.widths, SCALES, 1, MAX_WIDTH)
        _check("down", self.down, SCALES - 1, 0, MAX_BLOCKS)
        _check("middle", (self.middle,), 1, 0, MAX_BLOCKS)
        _check("up", self.up, SCALES - 1, 0, MAX_BLOCKS)
        _check("scale", (self.scale,), 1, 1, MAX_SCALE)

    @property
    def multiple(self) -> int:
        """Pictures are padded to a multiple of this many pixels."""
        return MULTIPLE * self.scale


@dataclass(frozen=True)
class XGansArchitecture(Shape):
    """The paper's generator (section 3.3) with the widths of Johnson et al. (2016).

    width   : channels at full resolution, 1..256; twice that at 1/2, four times at 1/4
    blocks  : residual blocks at 1/4, 0..32
    dropout : probability in the residual blocks during training, 0..1 without 1

    Raises ModelError if a number is out of range.
    """

    kind: ClassVar[str] = "x-gans"

    width: int = 64
    blocks: int = 9
    dropout: float = 0.5

    def __post_init__(self) -> None:
        _check("width", (self.width,), 1, 1, MAX_WIDTH // 4)
        _check("blocks", (self.blocks,), 1, 0, MAX_BLOCKS)
        _check_share("dropout", self.dropout)


@dataclass(frozen=True)
class OnDemandArchitecture(Shape):
    """The encoder-decoder of Gao and Grauman (2017), for pictures of one size.

    width : channels of the first convolution, 1..128; each of the next three has twice as many
    side  : height and width of the pictures, a multiple of 16 up to 512; fixed, since the middle
            layer is fully connected

    Raises ModelError if a number is out of range.
    """

    kind: ClassVar[str] = "on-demand"

    width: int = 64
    side: int = 256

    def __post_init__(self) -> None:
        _check("width", (self.width,), 1, 1, MAX_WIDTH // 8)
        _check("side", (self.side,), 1, MULTIPLE, 512)
        if self.side % MULTIPLE:
            raise ModelError(f"side of a network must be a multiple of {MULTIPLE}, not {self.side}")


def _check(name: str, numbers: Sequence[int], count: int, low: int, high: int) -> None:
    """Raise ModelError unless ``numbers`` are ``count`` integers in low..high."""
    whole = isinstance(numbers, tuple) and all(type(number) is int for number in numbers)
    if not whole or len(numbers) != count or not all(low <= n <= high for n in numbers):
        raise ModelError(
            f"{name} of a network must be {count} integers in {low}..{high}, not {numbers}"
        )


def _check_share(name: str, share: float) -> None:
    """Raise ModelError unless a number lies in 0..1, without 1."""
    if type(share) not in (int, float) or not 0 <= share < 1:
        raise ModelError(f"{name} of a network must be in 0..1, without 1, not {share!r:.40}")
