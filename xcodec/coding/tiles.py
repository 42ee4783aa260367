"""How a picture is cut into tiles: integers, and part of the format."""

from dataclasses import dataclass

UNIT = 128
"""Tiles begin at multiples of this many pixels, where blue-noise tiles and density blocks do."""
MAX_SIDE = 255 * UNIT


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def area(self) -> int:
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, margin: int, within: "Box") -> "Box":
        """This box with a margin on all sides, as far as ``within`` reaches."""
        top, left = max(self.top - margin, within.top), max(self.left - margin, within.left)
        bottom = min(self.bottom + margin, within.bottom)
        right = min(self.right + margin, within.right)
        return Box(top, left, bottom - top, right - left)


@dataclass(frozen=True)
class Grid:
    """Tiles of a picture, in row order.

    side : of a tile in pixels, a multiple of UNIT; the last of a row or column is between half as
           long and one and a half times as long, or all there is
    """

    height: int
    width: int
    side: int

    @property
    def whole(self) -> Box:
        return Box(0, 0, self.height, self.width)

    @property
    def high(self) -> int:
        """Rows of tiles."""
        return self._count(self.height)

    @property
    def wide(self) -> int:
        """Tiles in a row."""
        return self._count(self.width)

    def __len__(self) -> int:
        return self.high * self.wide

    def box(self, number: int) -> Box:
        """The pixels of a tile."""
        row, col = divmod(number, self.wide)
        top, left = row * self.side, col * self.side
        height = self.side if row < self.high - 1 else self.height - top
        width = self.side if col < self.wide - 1 else self.width - left
        return Box(top, left, height, width)

    def touching(self, box: Box) -> list[int]:
        """The tiles that hold pixels of a box, which isn't empty."""
        rows = range(self._of(box.top, self.high), self._of(box.bottom - 1, self.high) + 1)
        cols = range(self._of(box.left, self.wide), self._of(box.right - 1, self.wide) + 1)
        return [row * self.wide + col for row in rows for col in cols]

    def _count(self, length: int) -> int:
        return max(1, (length + self.side // 2) // self.side)

    def _of(self, place: int, count: int) -> int:
        return min(place // self.side, count - 1)
