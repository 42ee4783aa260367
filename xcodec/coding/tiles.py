"""How a picture is cut into tiles: integer arithmetic, and part of the format."""

from dataclasses import dataclass

UNIT = 128
"""Tiles begin at multiples of this many pixels, as blue-noise tiles and density blocks do."""
MAX_SIDE = 255 * UNIT
"""Largest side of a tile, in pixels."""


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
        """Its rows and columns, to index an array with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, margin: int, within: "Box") -> "Box":
        """Return this box with a margin on all sides, clipped to ``within``."""
        top, left = max(self.top - margin, within.top), max(self.left - margin, within.left)
        bottom = min(self.bottom + margin, within.bottom)
        right = min(self.right + margin, within.right)
        return Box(top, left, bottom - top, right - left)


@dataclass(frozen=True)
class TileGrid:
    """The tiles of a picture, in row order.

    height, width : of the picture, in pixels
    side          : of a tile, in pixels, a multiple of UNIT; the last tile of a row or column has
                    between half and one and a half times this side, or all of a smaller picture
    """

    height: int
    width: int
    side: int

    @property
    def whole(self) -> Box:
        """The whole picture."""
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
        """Return the pixels of a tile."""
        row, col = divmod(number, self.wide)
        top, left = row * self.side, col * self.side
        height = self.side if row < self.high - 1 else self.height - top
        width = self.side if col < self.wide - 1 else self.width - left
        return Box(top, left, height, width)

    def touching(self, box: Box) -> list[int]:
        """Return the numbers of the tiles that share pixels with a box, which is not empty."""
        first = self._tile_at(box.top, self.high), self._tile_at(box.left, self.wide)
        last = self._tile_at(box.bottom - 1, self.high), self._tile_at(box.right - 1, self.wide)
        rows, cols = range(first[0], last[0] + 1), range(first[1], last[1] + 1)
        return [row * self.wide + col for row in rows for col in cols]

    def _count(self, length: int) -> int:
        return max(1, (length + self.side // 2) // self.side)

    def _tile_at(self, place: int, count: int) -> int:
        return min(place // self.side, count - 1)
