"""What packets carry: parameters and a stream, in ranges that are protected one by one.
docs/format.md, section 11, describes the same in prose.

A range is ``threshold * columns`` bytes. A Reed-Solomon code turns it into shares of ``columns``
bytes. Packet i carries share i, and any ``threshold`` shares restore the range. The first range
begins with the parameters of the picture:

model           1 byte; 128 more if original follows
step            1 byte
scale, stages   2 bytes: scale 13 bits, stages less one 3 bits
colour          2 bytes: red 5 bits, green 6, blue 5
original        see ``coding.original``; only if the picture was made smaller

Each range, after that, begins with the threshold and columns of the next one, as varints. The rest
of the ranges is the stream.

Source: Albanese, Bloemer, Edmonds, Luby and Sudan, "Priority Encoding Transmission", IEEE
Transactions on Information Theory, 1996.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import zfec

from xcodec.coding.original import Size, read_original, write_original
from xcodec.coding.primitives import Reader, varint
from xcodec.errors import FormatError, InputError, TruncatedError

MAX_COUNT = 255
"""Largest number of packets of a picture."""
MAX_MODEL = 7
"""Largest number of a model, as in a file."""
PARAMETERS = 6
"""Bytes of the parameters, with which the first range begins, up to the size of the original."""
_ORIGINAL = 128
"""Flag in the byte of the model."""


@dataclass(frozen=True)
class Parameters:
    """What the first range says of a picture.

    model  : number of the model, as in a file
    step   : index for quantizer.step_of
    scale  : of the density, which is uniform
    stages : of the embedded stream, 1..8
    colour : mean of the picture, red 5 bits, green 6, blue 5
    original : width and height of the picture that it was made of; None: as large as it
    """

    model: int
    step: int
    scale: int
    stages: int
    colour: int
    original: Size | None = None

    def written(self, size: Size) -> bytes:
        """Return the bytes that the first range begins with.

        size : width and height of the picture
        """
        grid = self.scale << 3 | (self.stages - 1)
        before = b"" if self.original is None else write_original(size, self.original)
        model = self.model | (_ORIGINAL if before else 0)
        return struct.pack(">BBHH", model, self.step, grid, self.colour) + before


@dataclass(frozen=True)
class Range:
    """A part of what packets carry.

    threshold : number of packets that restore it
    columns   : bytes of each share
    """

    threshold: int
    columns: int

    @property
    def size(self) -> int:
        """Its bytes, including the parameters and the description of the next range."""
        return self.threshold * self.columns

    def described(self) -> bytes:
        """Return the description that the previous range holds."""
        return varint(self.threshold) + varint(self.columns)


def parameters_size(size: Size, original: Size | None) -> int:
    """Return the bytes of the parameters of a picture.

    size     : width and height of the picture
    original : those of a larger one that it was made of
    """
    return PARAMETERS + (0 if original is None else len(write_original(size, original)))


def capacity(ranges: Sequence[Range], parameters: int = PARAMETERS) -> int:
    """Return the bytes of the stream that fit into ranges.

    parameters : bytes of the parameters
    """
    described = sum(len(following.described()) for following in ranges[1:])
    return sum(each.size for each in ranges) - described - parameters


def contents(parameters: bytes, ranges: Sequence[Range], stream: bytes) -> list[bytes]:
    """Return the bytes of each range: parameters, descriptions, and the stream, truncated or padded
    with zeros to the capacity of the ranges.

    Raises InputError if a range is too small.
    """
    room = capacity(ranges, len(parameters))
    stream = stream[: max(room, 0)].ljust(room, b"\0")
    at, found = 0, []
    for place, each in enumerate(ranges):
        begun = parameters if place == 0 else b""
        if place + 1 < len(ranges):
            begun += ranges[place + 1].described()
        taken = each.size - len(begun)
        if taken < 0:
            raise InputError(f"a range of {each.size} bytes is too small for what it begins with")
        found.append(begun + stream[at : at + taken])
        at += taken
    return found


def shares(ranges: Sequence[Range], data: Sequence[bytes], count: int) -> list[bytes]:
    """Return the shares of each of ``count`` packets, one of each range.

    data : the bytes of each range
    """
    every = [b""] * count
    for each, content in zip(ranges, data, strict=True):
        found = _shares(each, content, range(count))
        every = [share + found[index] for index, share in enumerate(every)]
    return every


def checked(each: Range, left: int, before: Range) -> Range:
    """Return a range as it was described.

    left   : bytes of shares that remain for it in a packet
    before : the previous range

    Raises FormatError if there can be no such range.
    """
    if each.threshold < before.threshold or not 1 <= each.columns <= left:
        raise FormatError("damaged: a range is out of range")
    return each


@dataclass(frozen=True)
class Restored:
    """What some packets of a picture carry.

    width, height : of the picture, in pixels
    parameters    : None if there are too few packets for the first range
    ranges        : those that are known
    contents      : their bytes
    stream        : a prefix of the stream
    complete      : whether it is all of the stream
    needed        : number of packets that would restore more, or, if complete, that restore all
    """

    width: int
    height: int
    parameters: Parameters | None
    ranges: tuple[Range, ...]
    contents: tuple[bytes, ...]
    stream: bytes
    complete: bool
    needed: int


def restored(
    size: Size, first: Range, bodies: Mapping[int, bytes], limits: tuple[int, int]
) -> Restored:
    """Restore what some packets of a picture carry.

    size   : width and height of the picture
    first  : the first range
    bodies : shares of each packet, by its index; all have the same length, at least
             ``first.columns``
    limits : largest scale and largest step index, as for ``coding.header.read_header``

    Raises FormatError if the bytes contradict each other.
    """
    indices = sorted(bodies)
    length = len(bodies[indices[0]])
    each, at, stream = first, 0, b""
    ranges: list[Range] = []
    contents: list[bytes] = []
    parameters: Parameters | None = None
    complete = False
    while each.threshold <= len(indices) and not complete:
        data = _decoded(each, indices, [bodies[i][at : at + each.columns] for i in indices])
        ranges.append(each)
        contents.append(data)
        at += each.columns
        reader, complete = Reader(data), at == length
        try:
            parameters = parameters or _read_parameters(reader, size, limits)
            each = each if complete else _read_range(reader, length - at, each)
        except TruncatedError as error:
            raise FormatError("damaged: a range is too short for what it begins with") from error
        stream += data[reader.at :]
    return Restored(
        *size, parameters, tuple(ranges), tuple(contents), stream, complete, each.threshold
    )


def agree(known: Restored, bodies: Mapping[int, bytes]) -> bool:
    """Return whether all packets carry shares of the ranges that some of them restore.

    A range tells only if there are more packets than restore it.

    bodies : as for ``restored``
    """
    at = 0
    for each, content in zip(known.ranges, known.contents, strict=True):
        if len(bodies) > each.threshold:
            shares = _shares(each, content, sorted(bodies))
            if any(bodies[i][at : at + each.columns] != share for i, share in shares.items()):
                return False
        at += each.columns
    return True


def more_shares(known: Restored, indices: Sequence[int]) -> list[bytes]:
    """Return the shares of packets with these indices, one of each range.

    known : complete
    """
    every = dict.fromkeys(indices, b"")
    for each, content in zip(known.ranges, known.contents, strict=True):
        for index, share in _shares(each, content, indices).items():
            every[index] += share
    return [every[index] for index in indices]


def _shares(each: Range, content: bytes, indices: Sequence[int]) -> dict[int, bytes]:
    """The shares of a range with these indices."""
    blocks = [content[i * each.columns : (i + 1) * each.columns] for i in range(each.threshold)]
    coded = zfec.Encoder(each.threshold, MAX_COUNT + 1).encode(blocks, list(indices))
    return {index: bytes(block) for index, block in zip(indices, coded, strict=True)}


def _read_parameters(reader: Reader, size: Size, limits: tuple[int, int]) -> Parameters:
    """Read the parameters at the beginning of the first range.

    size, limits : as for ``restored``
    """
    model, step, grid, colour = struct.unpack(">BBHH", reader.take(PARAMETERS))
    before = read_original(reader, size) if model & _ORIGINAL else None
    model &= ~_ORIGINAL
    if model > MAX_MODEL or grid >> 3 > limits[0] or step > limits[1]:
        raise FormatError("damaged: a parameter of the packets is out of range")
    return Parameters(model, step, grid >> 3, (grid & 7) + 1, colour, before)


def _read_range(reader: Reader, left: int, before: Range) -> Range:
    """Read the description of a range; ``left`` and ``before`` as for ``checked``."""
    threshold = reader.varint(MAX_COUNT, "a threshold")
    columns = reader.varint(left, "a range")
    return checked(Range(threshold, columns), left, before)


def _decoded(each: Range, indices: list[int], shares: list[bytes]) -> bytes:
    """Return the bytes of a range from at least ``threshold`` shares."""
    k = each.threshold
    decoder = zfec.Decoder(k, MAX_COUNT + 1)
    return b"".join(bytes(block) for block in decoder.decode(shares[:k], indices[:k]))
