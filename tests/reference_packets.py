"""A second reader of packets, written from docs/format.md in plain integers; it shares no code with
the package. The Reed-Solomon code is polynomial interpolation over GF(256)."""

from tests.reference import (
    SIZES,
    TABLES,
    Bytes,
    DamagedError,
    Level,
    RangeDecoder,
    crc16,
    crc32c,
    cumulate,
    in_order,
    levels,
    rank,
    read_original,
    read_plane,
    sorted_into_bins,
    threshold,
)

POWERS = [1]
for _ in range(254):
    POWERS.append(POWERS[-1] << 1 ^ (0x11D if POWERS[-1] & 128 else 0))
LOGARITHMS = {value: power for power, value in enumerate(POWERS)}
POINTS = [0, *POWERS]
"""The abscissa of share i."""


def times(a: int, b: int) -> int:
    return POWERS[(LOGARITHMS[a] + LOGARITHMS[b]) % 255] if a and b else 0


def over(a: int, b: int) -> int:
    return POWERS[(LOGARITHMS[a] - LOGARITHMS[b]) % 255] if a else 0


def at(known: list[tuple[int, int]], x: int) -> int:
    """The value at x of the polynomial of least degree through known points."""
    total = 0
    for a, value in known:
        for b, _ in known:
            if b != a:
                value = times(value, over(x ^ b, a ^ b))
        total ^= value
    return total


def join(packets: list[bytes]) -> tuple[dict[str, int], bytes]:
    """The fields of a picture, as far as they are known, and the prefix of its stream that packets
    give."""
    shares: dict[int, Bytes] = {}
    for packet in packets:
        size, crc = (2, crc16) if len(packet) < 512 else (4, crc32c)
        if crc(packet[:-size]).to_bytes(size, "big") != packet[-size:]:
            raise DamagedError("checksum")
        share = Bytes(packet[4:-size])
        fields = {"version": packet[0] >> 5}
        if packet[0] & 31:
            fields["width"], fields["height"] = SIZES[(packet[0] & 31) - 1]
        else:
            sides = int.from_bytes(share.take(3), "big")
            fields |= {"width": (sides >> 12) + 1, "height": (sides & 0xFFF) + 1}
        threshold = share.take(1)[0]
        columns = int.from_bytes(share.take(1 if len(packet) <= 256 else 2), "big")
        shares[packet[3]] = share
    stream, first = b"", True
    while len(shares) >= threshold:
        known = sorted((index, share.take(columns)) for index, share in shares.items())[:threshold]
        data = Bytes(
            bytes(
                at([(POINTS[index], piece[column]) for index, piece in known], POINTS[part])
                for part in range(threshold)
                for column in range(columns)
            )
        )
        if first:
            fields |= read_parameters(data.take(6))
            if fields["model"] & 128:
                fields["model"] &= 127
                read_original(data, fields)
        first = False
        if not next(iter(shares.values())).rest:
            return fields, stream + data.rest
        threshold, columns = data.varint(), data.varint()
        stream += data.rest
    return fields, stream


def read_parameters(data: bytes) -> dict[str, int]:
    grid = int.from_bytes(data[2:4], "big")
    return {
        "model": data[0],
        "step": data[1],
        "scale": grid >> 3,
        "stages": (grid & 7) + 1,
        "colour": int.from_bytes(data[4:6], "big"),
    }


def read_symbols(
    fields: dict[str, int], stream: bytes
) -> tuple[list[tuple[int, int]], list[list[int]]]:
    """Points and symbols of a stream that is all there."""
    limit = threshold(0, fields["scale"])
    every = ((row, col) for row in range(fields["height"]) for col in range(fields["width"]))
    points = in_order(point for point in every if rank(*point) < limit)
    tree = levels(points)
    depths = sorted({level.depth for level in tree})
    coder = RangeDecoder(stream)
    symbols = [[0, 0, 0] for _ in points]
    before: set[int] = set()
    for left in reversed(range(fields["stages"])):
        there = set(depths[: max(1, len(depths) - left)])
        finer = [[0, 0, 0] for _ in points]
        for number, level in enumerate(tree):
            for plane in range(3):
                if level.depth in before:
                    refine(coder, finer, symbols, tree, number, plane)
                elif level.depth in there:
                    read_plane(coder, finer, tree, number, plane, "coefficients")
        symbols, before = finer, there
    return points, symbols


def refine(
    coder: RangeDecoder,
    finer: list[list[int]],
    known: list[list[int]],
    tree: list[Level],
    number: int,
    plane: int,
) -> None:
    """One more bit of each magnitude of a level and plane."""
    sorted_bins = sorted_into_bins(finer, tree, number, plane, "coefficients")
    bins = {index: which for which, indices in sorted_bins.items() for index in indices}
    fresh = []
    for index in range(tree[number].start, tree[number].end):
        size = abs(known[index][plane])
        chance = 1 << 14
        if 2 * size < 12:
            table = TABLES["coefficients"]["frequencies"][plane][bins[index]]
            zero, one = table[2 * size], table[2 * size + 1]
            chance = min((1 << 15) - 1, max(1, (one << 15) // (zero + one)))
        bit = coder.symbol(cumulate([(1 << 15) - chance, chance]))
        finer[index][plane] = (2 * size + bit) * (-1 if known[index][plane] < 0 else 1)
        if bit and not size:
            fresh.append(index)
    for index in fresh:
        if coder.bits(1):
            finer[index][plane] *= -1
