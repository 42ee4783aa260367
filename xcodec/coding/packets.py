"""The byte layout of .xgp packets. docs/format.md, section 11, describes the same in prose.

version, size   1 byte: version 3 bits, place of width and height in header.SIZES, from 1, or 0
picture         2 bytes: low half of the CRC-32C of all that the packets of a picture share
index           1 byte
width, height   3 bytes: 12 bits each, less one; only if they are not in SIZES
first range     threshold 1 byte; columns 1 byte in packets of up to NARROW bytes, else 2
shares          one share of each range, one after another, up to the checksum
checksum        of everything before: ``primitives.ending``, as at the end of a file

The ranges, and the parameters of the picture in them, are those of ``coding.ranges``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xcodec.coding import ranges
from xcodec.coding.header import SIZES
from xcodec.coding.primitives import (
    CHECKSUM,
    SHORT,
    SHORT_CHECKSUM,
    Reader,
    checksum,
    content_size,
    ending,
    ending_size,
    varint,
)
from xcodec.coding.ranges import MAX_COUNT, Parameters, Range, Restored, checked
from xcodec.errors import FormatError, InputError

VERSION = 4
LONG_CHECKSUM_VERSION = 1
"""The version before: its packets have a CRC-32C, whatever their size."""
MIN_SIZE, MAX_SIZE = 40, 4096
"""Limits on the size of a packet, in bytes."""
MAX_SIDE = 4096
"""Largest width and height of a picture, in pixels."""
SAMPLES_PER_PACKET_BYTE = 2048
"""Samples that a picture may have for each byte of a packet, in addition to mask.FREE_SAMPLES."""
NARROW = 256
"""Packets of up to this many bytes say the columns of the first range in one byte."""
START, SIDES = 4, 3
"""Bytes of version, size, picture and index; of width and height."""
MAGIC = b"XGP"
"""First bytes of a bundle: packets in one file or pipe, each after its length as a varint."""


@dataclass(frozen=True)
class Packet:
    """A packet with a correct checksum.

    width, height : of the picture, in pixels
    picture       : identifies the picture: equal for all its packets
    index         : number of the packet, 0..254
    length        : bytes of the packet
    first         : the first range
    body          : the shares
    """

    width: int
    height: int
    picture: bytes
    index: int
    length: int
    first: Range
    body: bytes


def overhead(width: int, height: int, length: int) -> int:
    """Return how many bytes of packets of at most ``length`` bytes cannot be shares.

    width, height : of the picture, in pixels
    """
    # There are no packets of 512 and 513 bytes, as there are no files.
    content = max(length - CHECKSUM, min(length - SHORT_CHECKSUM, SHORT - 1))
    sides = 0 if (width, height) in SIZES else SIDES
    return length - content + START + sides + 1 + _columns_size(length)


def _columns_size(length: int) -> int:
    """Bytes that say the columns of the first range, in a packet of ``length`` bytes."""
    return 1 if length <= NARROW else 2


def write(
    size: tuple[int, int],
    parameters: Parameters,
    plan: Sequence[Range],
    stream: bytes,
    count: int,
) -> list[bytes]:
    """Return the packets of a stream, truncated or padded with zeros to the capacity of the ranges.

    size   : width and height of the picture, in pixels
    plan   : the ranges, with ascending thresholds of at most ``count``; each holds the description
             of the next one, the first the parameters as well
    count  : number of packets, 1..MAX_COUNT

    Raises InputError if the picture is too large, if there are too many packets, or if they or
    their ranges are too small or too large.
    """
    if not 1 <= count <= MAX_COUNT:
        raise InputError(f"{count} packets: a picture takes 1 to {MAX_COUNT}")
    if max(size) > MAX_SIDE:
        raise InputError(f"pictures for packets are at most {MAX_SIDE} pixels wide and high")
    place = SIZES.index(size) + 1 if size in SIZES else 0
    shared, beside = sum(each.columns for each in plan), START + (0 if place else SIDES) + 1
    narrow = shared + beside + 1 + SHORT_CHECKSUM <= NARROW
    content = shared + beside + (1 if narrow else 2)
    length = content + ending_size(content)
    if not MIN_SIZE <= length <= MAX_SIZE:
        raise InputError(f"packets have {MIN_SIZE} to {MAX_SIZE} bytes, not {length}")
    contents = ranges.contents(parameters.written(size), plan, stream)
    start = bytes([VERSION << 5 | place])
    sides = b"" if place else ((size[0] - 1) << 12 | (size[1] - 1)).to_bytes(SIDES, "big")
    columns = plan[0].columns.to_bytes(_columns_size(length), "big")
    rest = sides + bytes([plan[0].threshold]) + columns
    picture = checksum(start + rest + b"".join(contents))[-2:]
    packets = []
    for index, body in enumerate(ranges.shares(plan, contents, count)):
        packet = start + picture + bytes([index]) + rest + body
        packets.append(packet + ending(packet))
    return packets


def sound(data: bytes) -> bool:
    """Return whether the checksum of a packet is correct, also if it has an older version."""
    end = content_size(len(data))
    if data[:1] and data[0] >> 5 == LONG_CHECKSUM_VERSION:
        end = max(len(data) - CHECKSUM, 0)
        return checksum(data[:end]) == data[end:]
    return end > 0 and ending(data[:end]) == data[end:]


def parse(data: bytes) -> Packet:
    """Parse a packet.

    Raises FormatError if it is not a packet, is damaged, or has an unsupported version.
    """
    if not MIN_SIZE <= len(data) <= MAX_SIZE:
        raise FormatError(f"not a packet: {len(data)} bytes")
    if not sound(data):
        raise FormatError("damaged: the packet's checksum does not match")
    if data[0] >> 5 != VERSION:
        raise FormatError(f"packet version {data[0] >> 5}: this release reads {VERSION} only")
    reader = Reader(data[: content_size(len(data))])
    reader.take(START)
    if place := data[0] & 31:
        width, height = SIZES[place - 1]
    else:
        sides = int.from_bytes(reader.take(SIDES), "big")
        width, height = (sides >> 12) + 1, (sides & 4095) + 1
        if (width, height) in SIZES:
            raise FormatError("damaged: a header that is longer than necessary")
    threshold = reader.byte()
    columns = int.from_bytes(reader.take(_columns_size(len(data))), "big")
    body = data[reader.at : content_size(len(data))]
    first = checked(Range(threshold, columns), len(body), Range(1, 1))
    picture = data[:3] + data[START : reader.at] + len(data).to_bytes(2, "big")
    return Packet(width, height, picture, data[3], len(data), first, body)


def restored(packets: Iterable[Packet], limits: tuple[int, int]) -> Restored:
    """Restore parameters and a prefix of the stream from packets of one picture, at least one.

    limits : largest scale and largest step index, as for ``coding.header.read_header``

    Duplicates and the order do not matter. Raises FormatError if packets with correct checksums are
    inconsistent.
    """
    every = list(packets)
    one = every[0]
    return ranges.restored((one.width, one.height), one.first, _bodies(every), limits)


def _bodies(packets: Iterable[Packet]) -> dict[int, bytes]:
    """The shares of packets by their indices."""
    return {packet.index: packet.body for packet in packets}


def agreed(packets: Sequence[Packet], limits: tuple[int, int]) -> Restored | None:
    """What packets of the same header restore; None if they do not belong together.

    limits : as for ``restored``

    Different pictures have the same header once in 65,536, and damaged packets a right checksum.
    """
    try:
        known = restored(packets, limits)
    except FormatError:
        return None
    return known if ranges.agree(known, _bodies(packets)) else None


def further(packets: Sequence[bytes], count: int, limits: tuple[int, int]) -> list[bytes]:
    """Return more packets of a picture, with shares that none of these has.

    packets : enough for the whole picture
    count   : as many, or fewer if the picture has MAX_COUNT then
    limits  : as for ``restored``

    Raises FormatError if packets are damaged, and InputError if they are too few, or are already as
    many as there can be.
    """
    every, data = [parse(packet) for packet in packets], packets[0]
    known = restored(every, limits)
    if not known.complete:
        raise InputError(f"{known.needed} packets of the picture are needed to make more")
    first = max(packet.index for packet in every) + 1
    indices = range(first, min(first + count, MAX_COUNT))
    if not indices:
        raise InputError(f"a picture has at most {MAX_COUNT} packets")
    found = []
    for index, body in zip(indices, ranges.more_shares(known, indices), strict=True):
        start = (
            data[:3] + bytes([index]) + data[START : content_size(len(data)) - len(every[0].body)]
        )
        found.append(start + body + ending(start + body))
    return found


def bundle(packets: Iterable[bytes]) -> bytes:
    """Return packets as one file."""
    return MAGIC + b"".join(varint(len(packet)) + packet for packet in packets)


def unbundle(data: bytes) -> list[bytes]:
    """Return the packets of a bundle, without checking them; incomplete ones are left out."""
    reader = Reader(data)
    reader.take(len(MAGIC))
    packets: list[bytes] = []
    while reader.at < len(data):
        try:
            packets.append(reader.take(reader.varint(MAX_SIZE, "the length of a packet")))
        except FormatError:
            break
    return packets
