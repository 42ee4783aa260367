"""A second decoder, written from docs/format.md in plain integers: bytes to points and symbols.

It shares two data files with the package (the blue-noise tile and the tables) and no code. It is
slow and simple: neighbours are found by looking at every point.
"""

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import numpy as np
import zstandard
from numpy.typing import NDArray

from tests.reference_values import Reader

PACKAGE = Path(__file__).parent.parent / "xcodec"
TABLES = json.loads((PACKAGE / "coding" / "tables.json").read_text())
TILE = (PACKAGE / "sampling" / "blue_noise.npy").read_bytes()[128:]
MASKS = "blue", "random", "explicit"
NUMBERED = (  # From 1: width and height.
    "64x64 128x128 192x192 256x256 320x320 384x384 512x512 1024x1024 320x256 160x120 256x192 "
    "320x240 640x480 800x600 1024x768 120x160 192x256 240x320 480x640 600x800 768x1024 384x256 "
    "768x512 640x360 1280x720 1920x1080 256x384 512x768 360x640 720x1280 1080x1920"
)
SIZES = [tuple(map(int, size.split("x"))) for size in NUMBERED.split()]
WORD = (1 << 64) - 1


class DamagedError(Exception):
    """The bytes are no file of version 5."""


@dataclass(frozen=True)
class File:
    """fields, sections : of the header; points : (row, column) in coding order, with symbols"""

    fields: dict[str, int]
    sections: dict[int, bytes]
    points: list[tuple[int, int]]
    symbols: list[list[int]]


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def crc16(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc ^ 0xFFFF


class Bytes:
    """Bytes from front to back."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, count: int) -> bytes:
        if len(self.rest) < count:
            raise DamagedError("cut short")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


class RangeDecoder:
    """64-bit range decoder over 32-bit big-endian words; zeros follow the last byte."""

    def __init__(self, data: bytes) -> None:
        self.words = Bytes(data + bytes(-len(data) % 4))
        self.lower, self.range = 0, WORD
        self.point = self.word() << 32 | self.word()

    def word(self) -> int:
        return int.from_bytes(self.words.take(4), "big") if self.words.rest else 0

    def symbol(self, cumulative: list[int]) -> int:
        """The next symbol; symbol i has the share cumulative[i] .. cumulative[i + 1] of 2**24."""
        scale = self.range >> 24
        quantile = (self.point - self.lower & WORD) // scale
        if quantile >> 24:
            raise DamagedError("beyond the last symbol")
        symbol = next(i for i, right in enumerate(cumulative[1:]) if quantile < right)
        self.lower = self.lower + scale * cumulative[symbol] & WORD
        self.range = scale * (cumulative[symbol + 1] - cumulative[symbol])
        if self.range < 1 << 32:
            self.lower = self.lower << 32 & WORD
            self.range <<= 32
            self.point = (self.point << 32 & WORD) | self.word()
        return symbol

    def of_table(self, frequencies: list[int]) -> int:
        """The next symbol; frequencies sum to 2**15."""
        return self.symbol(cumulate(frequencies))

    def bits(self, width: int) -> int:
        """The next number of ``width`` plain bits."""
        scale = self.range >> 24
        quantile = (self.point - self.lower & WORD) // scale
        if quantile >> 24:
            raise DamagedError("beyond the last symbol")
        each = 1 << 24 - width
        value = quantile // each
        self.lower = self.lower + scale * each * value & WORD
        self.range = scale * each
        if self.range < 1 << 32:
            self.lower = self.lower << 32 & WORD
            self.range <<= 32
            self.point = (self.point << 32 & WORD) | self.word()
        return value


class RangeEncoder:
    """The decoder's other half, over one long integer, so that carries take care of themselves."""

    def __init__(self) -> None:
        self.lower, self.range, self.words = 0, WORD, 0

    def symbol(self, symbol: int, cumulative: list[int]) -> None:
        scale = self.range >> 24
        self.lower += scale * cumulative[symbol]
        self.range = scale * (cumulative[symbol + 1] - cumulative[symbol])
        if self.range < 1 << 32:
            self.lower, self.range, self.words = self.lower << 32, self.range << 32, self.words + 1

    def bits(self, value: int, width: int) -> None:
        each = 1 << 24 - width
        self.symbol(value, [each * i for i in range((1 << width) + 1)])

    def finish(self) -> bytes:
        """The shortest bytes whose number, zeros following, lies in the final interval."""
        for spare in range(64, -1, -8):
            shortest = -(-self.lower >> spare)
            if shortest << spare < self.lower + self.range:
                break
        return shortest.to_bytes(4 * (self.words + 2) - spare // 8, "big").rstrip(b"\0")


def cumulate(frequencies: Iterable[int]) -> list[int]:
    """24-bit cumulative probabilities of a table that sums to 2**15."""
    table = list(frequencies)
    sums = [sum(table[:i]) for i in range(len(table))]
    return [(s * ((1 << 24) - len(table)) >> 15) + i for i, s in enumerate(sums)] + [1 << 24]


def rank(row: int, col: int) -> int:
    at = 2 * (row % 128 * 128 + col % 128)
    y, x = row // 128 % 16, col // 128 % 16
    bayer = 0
    for bit in range(4):  # The lowest bits of the tile's place weigh most.
        a, b = y >> bit & 1, x >> bit & 1
        bayer = bayer << 2 | (a ^ b) << 1 | a
    return int.from_bytes(TILE[at : at + 2], "little") << 8 | bayer


def random_threshold(row: int, col: int, seed: int) -> int:
    x = (row << 32 | col) + (seed + 1) * 0x9E3779B97F4A7C15 & WORD
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & WORD
    x = (x ^ x >> 27) * 0x94D049BB133111EB & WORD
    return (x ^ x >> 31) >> 42


def threshold(exponent: int, scale: int) -> int:
    octave, step = divmod(scale, 128)
    mantissa = 1 << 16 * 128 + step
    for _ in range(7):
        mantissa = isqrt(mantissa)
    shift = exponent + octave - 32
    return min(mantissa << shift if shift >= 0 else mantissa >> -shift, 1 << 22)


def in_order(positions: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    return sorted(positions, key=lambda at: (rank(*at), at))


@dataclass(frozen=True)
class Level:
    """start, end : of its points; depth : octave; nearest : per point (d2, index), nearest first"""

    start: int
    end: int
    depth: int
    nearest: list[list[tuple[int, int]]]


def levels(points: list[tuple[int, int]]) -> list[Level]:
    """Levels of points in coding order."""
    places = [place(rank(*point)) for point in points]
    found = []
    sites = np.array(points, np.int64).reshape(-1, 2)
    for which in sorted(set(places)):
        start, count = places.index(which), places.count(which)
        nearest = [closest(sites[:start] - site) for site in sites[start : start + count]]
        found.append(Level(start, start + count, which[0], nearest))
    return found


def closest(offsets: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The sixteen shortest of them, ties going to the first: squared lengths and places."""
    count = len(offsets)
    keys = (offsets * offsets).sum(1) * count + np.arange(count)
    least = np.partition(keys, 15)[:16] if count > 16 else keys
    return [divmod(key, count) for key in sorted(least.tolist())]


def place(value: int) -> tuple[int, int]:
    """Octave and quarter of it that a rank falls into."""
    depth = max(0, value.bit_length() - 9)
    octave = 1 << depth + 8
    part = next(p for p in range(4) if value < octave + octave * (p + 1) // 4)
    return depth, 0 if depth == 0 else part


def sorted_into_bins(
    symbols: list[list[int]],
    tree: list[Level],
    number: int,
    plane: int,
    kind: str,
    finest: int | None = None,
) -> dict[int, list[int]]:
    """The points of one level by the bin of their symbols in one plane."""
    model, level = TABLES[kind], tree[number]
    clip = model["clip"]

    def size(index: int, of: int) -> int:
        return min(abs(symbols[index][of]), clip)

    means = [0, 0, 0]
    if number:
        above = range(tree[max(0, number - 4)].start, level.start)
        for of in range(len(symbols[0])):
            means[of] = 16 * sum(size(i, of) for i in above) // len(above)
    octaves = min((tree[-1].depth if finest is None else finest) - level.depth, 6)
    bins: dict[int, list[int]] = {}
    for index in range(level.start, level.end):
        nearest = level.nearest[index - level.start][:8]
        known = [size(i, plane) for _, i in nearest]
        known += known[-1:] * (8 - len(known)) if known else [0] * 8
        known += means + [size(index, p) if p < plane else 0 for p in range(2)]
        known += [int(number == 0), octaves, 1]
        units = [max(0, dot(row, known)) >> 8 for row in model["hidden"][plane]]
        guess = dot(model["output"][plane], units)
        which = sum(cut <= guess for cut in model["thresholds"][plane])
        bins.setdefault(which, []).append(index)
    return bins


def read_plane(
    coder: RangeDecoder,
    symbols: list[list[int]],
    tree: list[Level],
    number: int,
    plane: int,
    kind: str,
    finest: int | None = None,
) -> None:
    """The symbols of one level and plane; ``symbols`` holds zeros where none was read yet."""
    model, level = TABLES[kind], tree[number]
    bins = sorted_into_bins(symbols, tree, number, plane, kind, finest)
    tokens = {}
    for which in sorted(bins):
        cumulative = cumulate(model["frequencies"][plane][which])
        for index in bins[which]:
            tokens[index] = coder.symbol(cumulative)
    for index in range(level.start, level.end):
        token = tokens[index]
        if token:
            width = max(0, token - 11)
            rest = coder.bits(width + 1)
            magnitude = (token if token < 12 else (1 << width) + 10) + (rest >> 1)
            symbols[index][plane] = -magnitude if rest & 1 else magnitude


def dot(one: list[int], other: list[int]) -> int:
    return sum(a * b for a, b in zip(one, other, strict=True))


def restore(differences: list[list[int]], tree: list[Level]) -> list[list[int]]:
    """Integer values (planes per point) from their residuals."""
    planes = len(differences[0])
    # stages[p] : residuals before plane p served to predict the later ones.
    stages = [[list(d) for d in differences] for _ in range(planes)]
    for level in tree[1:]:
        for index, nearest in enumerate(level.nearest, level.start):
            for lead in reversed(range(planes - 1)):
                known, here = stages[lead], list(stages[lead + 1][index])
                nearest = nearest[:8]
                alone = sum(known[i][lead] ** 2 for _, i in nearest)
                scale = alone + alone // 2 + 300
                for plane in range(lead + 1, planes):
                    together = sum(known[i][lead] * known[i][plane] for _, i in nearest)
                    moved = (2 * together * here[lead] + scale) // (2 * scale)
                    here[plane] += max(-255, min(255, moved))
                known[index] = here
    values = stages[0]
    for level in tree[1:]:
        for index, nearest in enumerate(level.nearest, level.start):
            nearest = nearest[:8]
            weights = [(1 << 40) // d2 for d2, _ in nearest]
            total = sum(weights)
            for plane in range(planes):
                near = zip(weights, nearest, strict=True)
                weighed = sum(w * values[i][plane] for w, (_, i) in near)
                values[index][plane] += (2 * weighed + total) // (2 * total)
    return values


def read_grid(
    coder: RangeDecoder, high: int, wide: int, kind: str, limit: int
) -> dict[tuple[int, int], int]:
    places = in_order((row, col) for row in range(high) for col in range(wide))
    tree = levels(places)
    differences = [[0] for _ in places]
    for number in range(len(tree)):
        read_plane(coder, differences, tree, number, 0, kind)
    values = [value for (value,) in restore(differences, tree)]
    if min(values) < 0 or max(values) > limit:
        raise DamagedError("a value of a grid is out of range")
    return dict(zip(places, values, strict=True))


def read_mask(data: bytes, height: int, width: int) -> Iterator[tuple[int, int]]:
    if not data or data[0] > 2:
        raise DamagedError("the mask is coded in no known way")
    if data[0] == 0:
        bits = zstandard.ZstdDecompressor().decompress(data[1:])
        flat = [i for i in range(height * width) if bits[i // 8] >> 7 - i % 8 & 1]
    elif data[0] == 1:
        flat, position, gap = [], 0, 0
        for byte in zstandard.ZstdDecompressor().decompress(data[1:]):
            gap += byte
            if byte < 255:
                flat.append(position + gap)
                position, gap = position + gap + 1, 0
    else:
        flat = read_blocks(RangeDecoder(data[1:]), height, width)
    if flat and flat[-1] >= height * width:
        raise DamagedError("the mask is longer than the picture")
    return (divmod(i, width) for i in flat)


def read_blocks(coder: RangeDecoder, height: int, width: int) -> list[int]:
    high, wide = -(-height // 16), -(-width // 16)
    samples = read_grid(coder, high, wide, "counts", 256)
    pixels = {(y, x): min(16, height - 16 * y) * min(16, width - 16 * x) for y, x in samples}
    if any(samples[block] > pixels[block] for block in samples):
        raise DamagedError("a block of the mask holds more samples than pixels")
    flat = []
    for row, col in ((row, col) for row in range(16) for col in range(16)):
        groups: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for y in range(high):
            for x in range(wide):
                if 16 * y + row < height and 16 * x + col < width:
                    groups.setdefault((samples[y, x], pixels[y, x]), []).append((y, x))
        for left, area in sorted(groups):
            share = (left << 15) // area
            for y, x in groups[left, area]:
                mark = left == area
                if 0 < left < area:
                    mark = coder.symbol(cumulate([(1 << 15) - share, share])) == 1
                if mark:
                    flat.append((16 * y + row) * width + 16 * x + col)
                    samples[y, x] -= 1
                pixels[y, x] -= 1
    return sorted(flat)


def read(data: bytes) -> File:
    """Everything that a whole file says before floats begin."""
    size, crc = (2, crc16) if len(data) < 512 else (4, crc32c)
    content, end = data[:-size], int.from_bytes(data[-size:], "big")
    if len(data) in (512, 513) or crc(content) != end:
        raise DamagedError("the checksum does not match")
    head = Bytes(content)
    fields, flagged, layered = read_fields(head)
    sections = {}
    for _ in range(head.varint() if flagged else 0):
        kind, section = head.take(1)[0], head.take(head.varint())
        packed = zstandard.ZstdDecompressor().decompress if kind & 64 else bytes
        sections[kind & 63] = packed(section)
    layers = [head.rest]
    if layered:
        side = 128 * head.take(1)[0]
        if side:
            return read_tiles(fields, sections, content, head, side)
        index = [(head.varint(), head.take(4)) for _ in range(head.varint())]
        layers = [head.take(length) for length, _ in index]
        for layer, (_, check) in zip(layers, index, strict=True):
            if crc32c(layer) != int.from_bytes(check, "big"):
                raise DamagedError("the checksum of a layer does not match")
        if head.rest:
            raise DamagedError("bytes beyond the last layer")
    return read_payload(fields, sections, layers, (0, 0, fields["height"], fields["width"]))


def read_fields(head: Bytes) -> tuple[dict[str, int], int, int]:
    """The fields of a header, and whether sections and an index follow."""
    if head.take(1) != b"\xb5":
        raise DamagedError("no file of version 5")
    bits = int.from_bytes(head.take(2), "big")
    flagged = layered = 0
    if bits < 1 << 15:
        bits = bits << 16 | int.from_bytes(head.take(2), "big")
        fields = {"mask": 0, "tone": 0, "lossless": 0, "grey": 0}
        block = bits >> 26 & 7
        fields |= {"model": bits >> 30, "uniform": bits >> 29 & 1}
        fields["block"] = 64 if block == 5 else side_of(block)
        read_size(head, bits >> 21 & 31, fields)
        fields |= {"scale": bits >> 8 & 8191, "step": bits & 255}
        if block == 5:
            read_original(head, fields)
    else:
        fields = {"mask": bits >> 13 & 3, "tone": bits >> 11 & 3, "lossless": bits >> 10 & 1}
        fields |= {"uniform": bits >> 9 & 1, "grey": bits >> 8 & 1}
        flagged, layered = bits >> 7 & 1, bits >> 6 & 1
        fields |= {"model": bits >> 3 & 7, "block": side_of(bits & 7)}
        size = head.take(1)[0]
        read_size(head, size & 31, fields)
        if MASKS[fields["mask"]] != "explicit":
            fields["scale"] = head.varint()
        if MASKS[fields["mask"]] == "random":
            fields["seed"] = head.varint()
        if not fields["lossless"]:
            fields["step"] = head.take(1)[0]
        if size & 32:
            read_original(head, fields)
        plain = not any(fields[name] for name in ("mask", "tone", "lossless", "grey"))
        plain = plain and (size < 32 or fields["block"] == 64)
        if plain and not flagged and not layered and fields["model"] < 2:
            raise DamagedError("the header could be short")
    return fields, flagged, layered


def side_of(number: int) -> int:
    if number > 4:
        raise DamagedError("no side of a block")
    return 8 << number


def read_size(head: Bytes, number: int, fields: dict[str, int]) -> None:
    if number:
        fields["width"], fields["height"] = SIZES[number - 1]
        return
    fields["width"], fields["height"] = head.varint() + 1, head.varint() + 1
    if (fields["width"], fields["height"]) in SIZES:
        raise DamagedError("the size has a number")


def read_original(head: Bytes, fields: dict[str, int]) -> None:
    """The size of the picture that was made smaller."""
    wide = fields["width"] >= fields["height"]
    names = ("width", "height") if wide else ("height", "width")
    long, short = (fields[name] for name in names)
    number = head.varint()
    if not number:
        raise DamagedError("an original that is not larger")
    longer = long + (number >> 1)
    shorter = (2 * longer * short + long) // (2 * long)
    if number & 1:
        code = head.varint()
        if not code:
            raise DamagedError("a difference of nothing")
        shorter += (code + 1) // 2 if code & 1 else -(code // 2)
    for name, length in zip(names, (longer, shorter), strict=True):
        if not 1 <= length <= 1 << 20:
            raise DamagedError("the original's size is out of range")
        fields[f"original_{name}"] = length


def read_alpha(section: bytes, height: int, width: int) -> list[list[int]] | File:
    """Alpha 0..255 by row where it is exact, else the grey file that holds its samples."""
    kind, body = section[0], section[1:]
    if kind > 3:
        raise DamagedError("the alpha is coded in no known way")
    if kind > 1:
        whole = b"\xb5" + body
        if len(whole) < 510:
            return read(whole + crc16(whole).to_bytes(2, "big"))
        return read(whole + crc32c(whole).to_bytes(4, "big"))
    rows = [[0] * width for _ in range(height)]
    if kind == 0:
        for row, col in read_mask(body, height, width):
            rows[row][col] = 255
    else:
        plane = zstandard.ZstdDecompressor().decompress(body)
        rows = [list(plane[row * width : (row + 1) * width]) for row in range(height)]
    for above, here in itertools.pairwise(rows):
        here[:] = [(a ^ b) if kind == 0 else a + b & 255 for a, b in zip(above, here, strict=True)]
    return rows


def read_tiles(
    fields: dict[str, int], sections: dict[int, bytes], content: bytes, head: Bytes, side: int
) -> File:
    count, finest = head.varint(), head.take(1)[0]
    high, wide = (max(1, (fields[way] + side // 2) // side) for way in ("height", "width"))
    index = []
    for _ in range(count * high * wide):
        length = head.varint()
        index.append((length, head.take(4) if length else bytes(4)))
    front = content[: len(content) - len(head.rest)]
    if crc32c(front) != int.from_bytes(head.take(4), "big"):
        raise DamagedError("the checksum of the index does not match")
    pieces = [head.take(length) for length, _ in index]
    for piece, (_, check) in zip(pieces, index, strict=True):
        if crc32c(piece) != int.from_bytes(check, "big"):
            raise DamagedError("the checksum of a piece does not match")
    whole = File(fields, sections, [], [])
    for row in range(high):
        for col in range(wide):
            top, left = row * side, col * side
            height = side if row < high - 1 else fields["height"] - top
            width = side if col < wide - 1 else fields["width"] - left
            layers = pieces[row * wide + col :: high * wide]
            tile = read_payload(fields, sections, layers, (top, left, height, width), finest)
            whole.points.extend(tile.points)
            whole.symbols.extend(tile.symbols)
    return whole


def read_payload(
    fields: dict[str, int],
    sections: dict[int, bytes],
    layers: list[bytes],
    box: tuple[int, int, int, int],
    finest: int | None = None,
) -> File:
    """A picture, or a tile of one: its top, left, height and width in pixels."""
    block, mask = fields["block"], MASKS[fields["mask"]]
    top, left, height, width = box
    if mask == "explicit":
        front = Bytes(layers[0])
        marks: Iterable[tuple[int, int]] = []
        if finest is None or layers[0]:
            marks = read_mask(front.take(front.varint()), height, width)
        points = in_order((top + row, left + col) for row, col in marks)
        coder = RangeDecoder(front.rest)
    else:
        coder = RangeDecoder(layers[0])
        high, wide = -(-height // block), -(-width // block)
        exponents = {(row, col): 0 for row in range(high) for col in range(wide)}
        if not fields["uniform"]:
            exponents = read_grid(coder, high, wide, "density", 15)
        limits = {at: threshold(e, fields["scale"]) for at, e in exponents.items()}
        points = in_order(
            (row, col)
            for row in range(top, top + height)
            for col in range(left, left + width)
            if (rank(row, col) if mask == "blue" else random_threshold(row, col, fields["seed"]))
            < limits[(row - top) // block, (col - left) // block]
        )
    if not points and finest is None:
        raise DamagedError("the file holds no sample")
    tree = levels(points)
    octaves = sorted({level.depth for level in tree})
    planes = 1 if fields["grey"] else 3
    symbols = [[0] * planes for _ in points]
    last = tree[-1].depth if finest is None and tree else finest or 0
    reader = Reader(points, tree, fields.get("step", 0), planes, last)
    layer = 0
    for number, level in enumerate(tree):
        # Octaves are counted as they come, or by their depth where tiles must agree.
        above = len(octaves) - 1 - octaves.index(level.depth)
        if finest is not None:
            above = finest - level.depth
        own = max(0, len(layers) - 1 - above)
        if own > layer:
            layer, coder = own, RangeDecoder(layers[own])
        for plane in range(planes):
            if fields["lossless"]:
                read_plane(coder, symbols, tree, number, plane, "pixels", finest)
            else:
                reader.read_plane(coder, symbols, number, plane)
    return File(fields, sections, points, symbols)
