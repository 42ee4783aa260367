"""The byte layout of .xgp packets, and nothing else. docs/format.md says the same in prose.

version, model  1 byte: version 3 bits, model 5 bits
picture         2 bytes: low half of the CRC-32C of what all packets of a picture share
index           1 byte
width, height   3 bytes: 12 bits each, less one
step            1 byte
scale, stages   2 bytes: scale 13 bits, stages less one 3 bits
colour          2 bytes: red 5 bits, green 6, blue 5
first range     varints: threshold, columns
shares          a share of each range, end to end, up to the checksum
checksum        4 bytes: CRC-32C of everything before, big-endian

A range is ``threshold * columns`` bytes of one stream; packet i carries share i of a Reed-Solomon
code, ``columns`` bytes, and any ``threshold`` of the shares give the range back. Each range begins
with the threshold and columns of the next. This is priority encoding transmission (Albanese,
Bloemer, Edmonds, Luby, Sudan, 1996).
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import zfec

from xcodec.coding.primitives import Reader, checksum, varint
from xcodec.errors import FormatError, InputError, TruncatedError

VERSION = 1
MIN_SIZE, MAX_SIZE = 40, 4096
"""Bytes of a packet."""
MAX_COUNT = 255
"""Packets of a picture."""
MAX_SIDE = 4096
"""Pixels."""
SAMPLES_A_BYTE = 2048
"""Samples that a picture may have for each byte of a packet, besides mask.FREE_SAMPLES."""
HEADER = 10
COLOUR = 2
CHECKSUM = 4
OVERHEAD = HEADER + COLOUR + CHECKSUM
"""Bytes of a packet that are no share and do not describe the first range."""
MAGIC = b"XGP"
"""Begins a bundle: packets, each after its length as a varint, in one file or pipe."""


@dataclass(frozen=True)
class Parameters:
    """What every packet says of its picture.

    model  : number of the model, as in a file
    step   : index of the quantiser's step
    scale  : of the density, which is uniform
    stages : of the embedded stream
    colour : the picture's mean, red 5 bits, green 6, blue 5
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

    threshold : how many packets give it back
    columns   : bytes of it in each packet
    """

    threshold: int
    columns: int

    @property
    def size(self) -> int:
        """Bytes that it holds, the description of the next range included."""
        return self.threshold * self.columns

    def described(self) -> bytes:
        """As it stands at the start of the range before."""
        return varint(self.threshold) + varint(self.columns)


@dataclass(frozen=True)
class Packet:
    """One packet that has passed its checksum.

    picture : everything that packets of one picture have in common: equal means the same picture
    length  : bytes of the packet
    first   : the first range
    body    : its shares
    """

    parameters: Parameters
    picture: bytes
    index: int
    length: int
    first: Range
    body: bytes


def columns_of(size: int, first: Range) -> int:
    """Bytes of shares in a packet of ``size`` bytes."""
    return size - OVERHEAD - len(first.described())


def capacity(ranges: Sequence[Range]) -> int:
    """Bytes of the stream that ranges hold."""
    described = sum(len(following.described()) for following in ranges[1:])
    return sum(each.size for each in ranges) - described


def write(
    parameters: Parameters, ranges: Sequence[Range], stream: bytes, count: int
) -> list[bytes]:
    """The packets of a stream, which is cut or continued with zeros to what the ranges hold.

    ranges : thresholds ascending, at most ``count``; together the columns of a packet

    Raises InputError where there are too many packets or they are too small or too large.
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
    """The header without picture and index, and the colour."""
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
    """Whether the checksum of a packet is right."""
    return len(data) > CHECKSUM and checksum(data[:-CHECKSUM]) == data[-CHECKSUM:]


def parse(data: bytes, limits: tuple[int, int]) -> Packet:
    """A packet from its bytes.

    limits : largest scale and largest step index, as for ``coding.header.read_header``

    Raises FormatError where it is none, is damaged, or of a version unknown here.
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
    """A range's description; ``left`` : bytes of shares that a packet has for it at most."""
    threshold = reader.varint(MAX_COUNT, "a threshold")
    columns = reader.varint(left, "a range")
    if threshold < before.threshold or not columns:
        raise FormatError("damaged: a range is out of range")
    return Range(threshold, columns)


@dataclass(frozen=True)
class Joined:
    """What packets of one picture give together.

    stream   : a prefix of its stream
    complete : whether it is all that was sent
    needed   : how many packets give more; where complete, how many gave this
    """

    stream: bytes
    complete: bool
    needed: int


def join(packets: Iterable[Packet]) -> Joined:
    """The prefix that packets of one picture give; duplicates count once.

    Raises FormatError where packets with right checksums contradict themselves.
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
    """The bytes of a range from at least as many shares as its threshold."""
    k = each.threshold
    decoder = zfec.Decoder(k, MAX_COUNT + 1)
    return b"".join(bytes(block) for block in decoder.decode(shares[:k], indices[:k]))


def bundle(packets: Iterable[bytes]) -> bytes:
    """Packets in one file or pipe."""
    return MAGIC + b"".join(varint(len(packet)) + packet for packet in packets)


def unbundle(data: bytes) -> list[bytes]:
    """The packets of a bundle, unchecked; of one that was cut, those that are whole."""
    reader = Reader(data)
    reader.take(len(MAGIC))
    packets: list[bytes] = []
    while reader.at < len(data):
        try:
            packets.append(reader.take(reader.varint(MAX_SIZE, "the length of a packet")))
        except FormatError:
            break
    return packets
