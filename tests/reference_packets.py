"""A second reader of packets, written from docs/format.md in plain integers; it shares no code with
the package. The Reed-Solomon code is polynomial interpolation over GF(256)."""

from tests.reference import Bytes, DamagedError, crc32c

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
    """The fields of a picture, and the prefix of its stream that packets give."""
    shares: dict[int, Bytes] = {}
    for packet in packets:
        if crc32c(packet[:-4]).to_bytes(4, "big") != packet[-4:]:
            raise DamagedError("checksum")
        shares[packet[3]] = Bytes(packet[12:-4])
    head = packets[0]
    sides, grid = int.from_bytes(head[4:7], "big"), int.from_bytes(head[8:10], "big")
    fields = {
        "version": head[0] >> 5,
        "model": head[0] & 31,
        "width": (sides >> 12) + 1,
        "height": (sides & 0xFFF) + 1,
        "step": head[7],
        "scale": grid >> 3,
        "stages": (grid & 7) + 1,
        "colour": int.from_bytes(head[10:12], "big"),
    }
    for share in shares.values():
        threshold, columns = share.varint(), share.varint()
    stream = b""
    while len(shares) >= threshold:
        known = sorted((index, share.take(columns)) for index, share in shares.items())[:threshold]
        data = Bytes(
            bytes(
                at([(POINTS[index], piece[column]) for index, piece in known], POINTS[part])
                for part in range(threshold)
                for column in range(columns)
            )
        )
        if not next(iter(shares.values())).rest:
            return fields, stream + data.rest
        threshold, columns = data.varint(), data.varint()
        stream += data.rest
    return fields, stream
