"""The byte layout of .xgp packets. docs/format.md, section 11, describes the same in prose.

version, model  1 byte: version 3 bits, model 5 bits
picture         2 bytes: low half of the CRC-32C of all that the packets of a picture share
index           1 byte
width, height   3 bytes: 12 bits each, less one
step            1 byte
scale, stages   2 bytes: scale 13 bits, stages less one 3 bits
colour          2 bytes: red 5 bits, green 6, blue 5
first range     varints: threshold, columns
shares          one share of each range, one after another, up to the checksum
checksum        4 bytes: CRC-32C of everything before, big-endian

A range is ``threshold * columns`` bytes of the stream. A Reed-Solomon code turns it into shares of
``columns`` bytes. Packet i carries share i, and any ``threshold`` shares restore the range. Each
range begins with the threshold and columns of the next one.

Source: Albanese, Bloemer, Edmonds, Luby and Sudan, "Priority Encoding Transmission", IEEE
Transactions on Information Theory, 1996.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import zfec

from xcodec.coding.primitives import CHECKSUM, Reader, checksum, varint
from xcodec.errors import FormatError, InputError, TruncatedError

VERSION = 1
MIN_SIZE, MAX_SIZE = 40, 4096
"""Limits on the size of a packet, in bytes."""
MAX_COUNT = 255
"""Largest number of packets of a picture."""
MAX_SIDE = 4096
"""Largest width and height of a picture, in pixels."""
SAMPLES_PER_PACKET_BYTE = 2048
"""Samples that a picture may have for each byte of a packet, in addition to mask.FREE_SAMPLES."""
HEADER = 10
"""Bytes before the colour."""
COLOUR = 2
"""Bytes of the colour."""
OVERHEAD = HEADER + COLOUR + CHECKSUM
"""Bytes of a packet besides the shares and the description of the first range."""
MAGIC = b"XGP"
"""First bytes of a bundle: packets in one file or pipe, each after its length as a varint."""


@dataclass(frozen=True)
class Parameters:
    """The parameters of a picture, which every packet repeats.

    width, height : in pixels
    model  : number of the model, as in a file
    step   : index for quantizer.step_of
    scale  : of the density, which is uniform
    stages : of the embedded stream, 1..8
    colour : mean of the picture, red 5 bits, green 6, blue 5
    """

    width: int
    height: int
    model: int
    step: int
    scale: int
    stages: int
    colour: int


@dataclass(frozen=True)
class Range:
    """A part of the stream.

    threshold : number of packets that restore it
    columns   : bytes of each share
    """

    threshold: int
    columns: int

    @property
    def size(self) -> int:
        """Its bytes, including the description of the next range."""
        return self.threshold * self.columns

    def described(self) -> bytes:
        """Return the description that the previous range begins with."""
        return varint(self.threshold) + varint(self.columns)


@dataclass(frozen=True)
class Packet:
    """A packet with a correct checksum.

    picture : identifies the picture: equal for all its packets
    index   : number of the packet, 0..254
    length  : bytes of the packet
    first   : the first range
    body    : the shares
    """

    parameters: Parameters
    picture: bytes
    index: int
    length: int
    first: Range
    body: bytes


def capacity(ranges: Sequence[Range]) -> int:
    """Return the bytes of the stream that fit into ranges."""
    described = sum(len(following.described()) for following in ranges[1:])
    return sum(each.size for each in ranges) - described


def write(
    parameters: Parameters, ranges: Sequence[Range], stream: bytes, count: int
) -> list[bytes]:
    """Return the packets of a stream, truncated or padded with zeros to the capacity of the ranges.

    ranges : with ascending thresholds of at most ``count``
    count  : number of packets, 1..MAX_COUNT

    Raises InputError if there are too many packets, or if they are too small or too large.
    """
    if not 1 <= count <= MAX_COUNT:
        raise InputError(f"{count} packets: a picture takes 1 to {MAX_COUNT}")
    stream = stream[: capacity(ranges)].ljust(capacity(ranges), b"\0")
    at = 0
    shares: list[list[bytes]] = [[] for _ in range(count)]
    for place, each in enumerate(ranges):
        data = ranges[place + 1].described() if place + 1 < len(ranges) else b""
        taken = each.size - len(data)
        data += stream[at : at + taken]
        at += taken
        blocks = [data[i * each.columns : (i + 1) * each.columns] for i in range(each.threshold)]
        coded = zfec.Encoder(each.threshold, count).encode(blocks)
        for share, block in zip(shares, coded, strict=True):
            share.append(bytes(block))
    common = _common(parameters) + ranges[0].described()
    picture = checksum(common + stream)[-2:]
    packets = []
    for index, share in enumerate(shares):
        head = common[:1] + picture + bytes([index]) + common[1:]
        packet = head + b"".join(share)
        packets.append(packet + checksum(packet))
    if not MIN_SIZE <= len(packets[0]) <= MAX_SIZE:
        raise InputError(f"packets have {MIN_SIZE} to {MAX_SIZE} bytes, not {len(packets[0])}")
    return packets


def _common(parameters: Parameters) -> bytes:
    """Return the header without picture and index, and the colour."""
    if max(parameters.width, parameters.height) > MAX_SIDE:
        raise InputError(f"pictures for packets are at most {MAX_SIDE} pixels wide and high")
    sides = (parameters.width - 1) << 12 | (parameters.height - 1)
    grid = parameters.scale << 3 | (parameters.stages - 1)
    return (
        bytes([VERSION << 5 | parameters.model])
        + sides.to_bytes(3, "big")
        + bytes([parameters.step])
        + struct.pack(">HH", grid, parameters.colour)
    )


def sound(data: bytes) -> bool:
    """Return whether the checksum of a packet is correct."""
    return len(data) > CHECKSUM and checksum(data[:-CHECKSUM]) == data[-CHECKSUM:]


def parse(data: bytes, limits: tuple[int, int]) -> Packet:
    """Parse a packet.

    limits : largest scale and largest step index, as for ``coding.header.read_header``

    Raises FormatError if it is not a packet, is damaged, or has an unsupported version.
    """
    if not MIN_SIZE <= len(data) <= MAX_SIZE:
        raise FormatError(f"not a packet: {len(data)} bytes")
    if not sound(data):
        raise FormatError("damaged: the packet's checksum does not match")
    if data[0] >> 5 != VERSION:
        raise FormatError(f"packet version {data[0] >> 5}: this release reads {VERSION} only")
    sides = int.from_bytes(data[4:7], "big")
    grid, colour = struct.unpack(">HH", data[8 : HEADER + COLOUR])
    parameters = Parameters(
        width=(sides >> 12) + 1,
        height=(sides & 4095) + 1,
        model=data[0] & 31,
        step=data[7],
        scale=grid >> 3,
        stages=(grid & 7) + 1,
        colour=colour,
    )
    if parameters.scale > limits[0] or parameters.step > limits[1]:
        raise FormatError("damaged: a field of the packet is out of range")
    reader = Reader(data[:-CHECKSUM])
    reader.take(HEADER + COLOUR)
    first = _read_range(reader, len(data), Range(1, 1))
    picture = data[:3] + data[4 : reader.at] + len(data).to_bytes(2, "big")
    body = data[reader.at : -CHECKSUM]
    return Packet(parameters, picture, data[3], len(data), first, body)


def _read_range(reader: Reader, left: int, before: Range) -> Range:
    """Read the description of a range.

    left   : bytes of shares that remain for it in a packet
    before : the previous range
    """
    threshold = reader.varint(MAX_COUNT, "a threshold")
    columns = reader.varint(left, "a range")
    if threshold < before.threshold or not columns:
        raise FormatError("damaged: a range is out of range")
    return Range(threshold, columns)


@dataclass(frozen=True)
class Joined:
    """The part of the stream that some packets of a picture restore.

    stream   : a prefix of the stream
    complete : whether it is all of the stream
    needed   : number of packets that would restore more, or, if complete, that restore all
    """

    stream: bytes
    complete: bool
    needed: int


def join(packets: Iterable[Packet]) -> Joined:
    """Restore a prefix of the stream from packets of one picture, at least one.

    Duplicates and the order do not matter. Raises FormatError if packets with correct checksums are
    inconsistent.
    """
    by_index = {packet.index: packet for packet in packets}
    indices = sorted(by_index)
    bodies = [by_index[index].body for index in indices]
    each, at, stream = by_index[indices[0]].first, 0, b""
    while True:
        if each.columns > len(bodies[0]) - at:
            raise FormatError("damaged: a range is longer than its packets")
        if each.threshold > len(indices):
            return Joined(stream, False, each.threshold)
        data = _decoded(each, indices, [body[at : at + each.columns] for body in bodies])
        at += each.columns
        if at == len(bodies[0]):
            return Joined(stream + data, True, each.threshold)
        reader = Reader(data)
        try:
            each = _read_range(reader, len(bodies[0]) - at, each)
        except TruncatedError as error:
            raise FormatError("damaged: a range does not describe the next one") from error
        stream += data[reader.at :]


def _decoded(each: Range, indices: list[int], shares: list[bytes]) -> bytes:
    """Return the bytes of a range from at least ``threshold`` shares."""
    k = each.threshold
    decoder = zfec.Decoder(k, MAX_COUNT + 1)
    return b"".join(bytes(block) for block in decoder.decode(shares[:k], indices[:k]))


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
