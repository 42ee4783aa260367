"""Pictures over links that lose packets: any packet that arrives makes the picture better.

A picture becomes one embedded stream; each part of it is protected by a Reed-Solomon code, the
coarse ones more. Which packets arrive does not matter, only how many.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xcodec import codec, images, modes, prefixes, protection, reading
from xcodec.analysis import DEFAULT_EFFORT, Request
from xcodec.coding import container, embedded, packets
from xcodec.coding.lifting import Lifting, hierarchy
from xcodec.coding.packets import OVERHEAD, Joined, Packet, Parameters, Range
from xcodec.errors import FormatError, InputError, LimitError
from xcodec.protection import Plan
from xcodec.samples import Density, Samples
from xcodec.sampling.mask import points_from_density
from xcodec.search import Candidate, Goal, Search

LOSS = 0.1
"""Share of the packets that is planned to be lost."""
BLOCK = 128
"""Of the uniform density: any would do."""
STAGES = (1, 2, 3)
"""Stages of the stream that are tried."""
PRICE = 0.23
"""Octaves of bytes that protection and headers may take where LOSS is planned for; it grows with
the square of the loss."""
SHARES = (1.0, 1.5, 2.0, 3.0)
"""Numbers of packets that are tried where the bytes are given, relative to the fewest."""
BEGINNING = 0.7
"""Share of the bytes that is first taken to be the stream's, the rest being protection."""
QUICK = 1
"""Effort of the first, wide search."""
NEAR = (1.0, 2**-0.5, 2**0.5)
"""Rates that are tried, relative to what suits a plain file."""
FILE = 16
"""Bytes of a file around its stream, about."""
DESCRIBED = 2
"""Bytes that describe the first range, about."""


def encode_packets(
    image: Image.Image | NDArray[np.uint8],
    packet_size: int = 200,
    packets: int | None = None,
    *,
    size: int | None = None,
    loss: float = LOSS,
    model: str = "photo",
    effort: int = DEFAULT_EFFORT,
) -> list[bytes]:
    """The packets of a picture, of which any subset gives a picture.

    image       : Pillow image, or uint8 (height, width[, 3]), sides up to 4,096 pixels; alpha and
                  metadata are left out
    packet_size : most bytes of a packet, 40 to 4,096
    packets     : how many there may be, 1 to 255, protection included
    size        : most bytes of all packets together; at least one of the two is needed
    loss        : share of the packets that is planned to be lost, 0 to 0.9
    model       : the weights that the decoder is to use, one of ``container.MODELS``
    effort      : 0 (fastest) to 7: how hard to look for the best picture

    Raises InputError where these cannot be met.
    """
    picture = modes.picture_of(image)
    rgb = picture.rgb
    if picture.alpha is not None:
        warnings.warn("packets carry no transparency: all of the picture is seen", stacklevel=2)
    if not 0 <= loss <= 0.9:
        raise InputError(f"loss is {loss:g}; it lies in 0..0.9")
    colour = prefixes.colour_of(rgb)
    request = Request(
        density="uniform",
        model=model,
        effort=effort,
        origin=tuple(map(float, prefixes.ycocg_of(colour))),  # type: ignore[arg-type]
    )
    best = _best(rgb, request, shapes(packet_size, packets, size), loss)
    return _written(best, colour, model)


def shapes(size: int, count: int | None, total: int | None) -> list[tuple[int, int]]:
    """Numbers and sizes of packets that come into question."""
    low, high = packets.MIN_SIZE, packets.MAX_SIZE
    if not low <= size <= high:
        raise InputError(f"packets have {low} to {high} bytes, not {size}")
    if count is not None and not 1 <= count <= packets.MAX_COUNT:
        raise InputError(f"{count} packets: a picture takes 1 to {packets.MAX_COUNT}")
    if total is None:
        if count is None:
            raise InputError("packets need their number, or the bytes of all of them together")
        return [(count, size)]
    if total < low:
        raise InputError(f"{total} bytes: a packet takes {low} at least")
    most = min(total // low, packets.MAX_COUNT if count is None else count)
    fewest = min(-(-total // size), most)
    counts = {min(round(fewest * share), most) for share in SHARES}
    return sorted((each, min(total // each, size)) for each in counts)


@dataclass(frozen=True)
class _Choice:
    """A stream with its protection.

    size : bytes of a packet at most
    """

    file: Candidate
    stream: prefixes.Embedded
    plan: Plan
    count: int
    size: int


def _best(rgb: images.RGB, request: Request, shapes: list[tuple[int, int]], loss: float) -> _Choice:
    """The stream and protection with the best picture on the mean over the losses.

    Rates, stages and numbers of packets are compared by quickly chosen symbols; then the stream is
    made for the bytes that protection leaves it, with all effort.
    """
    quick = replace(request, effort=min(request.effort, QUICK))
    aim = max(
        int(max(BEGINNING * count * (size - OVERHEAD - DESCRIBED), _least(count * size, loss)))
        for count, size in shapes
    )
    here, best = _first(rgb, quick, max(aim, 1)), None
    for factor in NEAR:
        if factor > 1 and best is not None and best.file is not here:
            break  # Fewer samples were better.
        file = (
            here if factor == 1 else _near(rgb, quick, here.request.rate * factor, aim, here.step)
        )
        choice = None if file is None else _protected(file, STAGES, shapes, loss)
        if choice is not None and (best is None or choice.plan.quality > best.plan.quality):
            best = choice
    assert best is not None
    held = packets.capacity(best.plan.ranges)
    file = _near(rgb, request, best.file.request.rate, held, best.file.step) or best.file
    return _protected(file, (best.stream.stages,), [(best.count, best.size)], loss)


def _first(rgb: images.RGB, request: Request, aim: int) -> Candidate:
    """A picture sampled and quantised for about ``aim`` bytes, at a rate that suits them."""
    found = None
    while found is None:
        found = Search(rgb, Goal(size=aim + FILE)).over_densities(request)
        aim *= 2
    return found


def _near(
    rgb: images.RGB, request: Request, rate: float, aim: int, step: int | None = None
) -> Candidate | None:
    """The picture at a rate, for about ``aim`` bytes; None where its samples alone take more."""
    rate = min(max(rate, 1 / (rgb.shape[0] * rgb.shape[1])), codec.MAX_RATE)
    return Search(rgb, Goal(size=aim + FILE), step).at(replace(request, rate=rate))


def _protected(
    file: Candidate, stages: Sequence[int], shapes: list[tuple[int, int]], loss: float
) -> _Choice:
    """A file's symbols with the stages, number of packets and ranges that suit them best."""
    assert file.symbols is not None
    tried: list[tuple[float, int, prefixes.Embedded, int, int, tuple[Any, ...]]] = []
    for number in stages:
        stream = prefixes.embed(file.draft, file.symbols, file.step, number)
        for count, size in shapes:
            ask = (
                stream.curve,
                protection.arrivals(count, loss),
                size - OVERHEAD - DESCRIBED,
                _least(count * size, loss),
            )
            tried.append((protection.estimate(*ask), len(tried), stream, count, size, ask))
    _, _, stream, count, size, ask = max(tried)
    return _Choice(file, stream, protection.choose(*ask), count, size)


def _least(total: int, loss: float) -> float:
    """Bytes that the stream must have of ``total``, so that a link that loses nothing does not pay
    too much for one that might."""
    return float(total * 2.0 ** (-PRICE * (loss / LOSS) ** 2))


def _written(choice: _Choice, colour: int, model: str) -> list[bytes]:
    """The packets."""
    points, density = choice.file.draft.points, choice.file.draft.density
    assert density is not None
    parameters = Parameters(
        width=points.width,
        height=points.height,
        model=container.MODELS.index(model),
        step=choice.file.step,
        scale=density.scale,
        stages=choice.stream.stages,
        colour=colour,
    )
    ranges = _fitted(choice.plan.ranges, choice.size)
    return packets.write(parameters, ranges, choice.stream.stream, choice.count)


def _fitted(ranges: Sequence[Range], size: int) -> list[Range]:
    """Ranges whose packets have ``size`` bytes at most, the description of the first included."""
    columns = sum(each.columns for each in ranges) + len(ranges[0].described())
    beyond = columns + OVERHEAD - size
    largest = max(ranges, key=lambda each: each.columns)
    return [
        replace(each, columns=each.columns - beyond) if each is largest and beyond > 0 else each
        for each in ranges
    ]


def is_packet(data: bytes) -> bool:
    """Whether bytes are a packet that is whole, and no file."""
    return packets.sound(data) and not data.startswith(container.MAGIC)


def needed(data: list[bytes]) -> int:
    """How many packets of a whole set give all that it holds."""
    return packets.join(packets.parse(each, reading.LIMITS) for each in data).needed


@dataclass(frozen=True)
class Received:
    """A picture as far as its packets have come.

    image    : Pillow image
    packets  : different packets of it that have come
    needed   : how many give a better picture; None where it is complete
    damaged  : packets that were dropped by their checksum
    strays   : packets of other pictures, left out
    """

    image: Image.Image
    packets: int
    needed: int | None
    damaged: int
    strays: int


def decode_packets(
    received: Iterable[bytes],
    *,
    decoder: str = "generator",
    model: str = "auto",
    device: str = "auto",
    max_pixels: int = images.MAX_PIXELS,
) -> Image.Image:
    """The best picture that packets allow, in any order, whichever of them arrived.

    received : bytes of packets; those that are damaged, and those of other pictures than the one
               with the most packets, are left out with a warning
    The rest is as in ``codec.decode``.

    Raises FormatError where no packet is whole, or what ``codec.decode`` raises.
    """
    collection = Collection()
    for data in received:
        collection.add(data)
    image = collection.paint(decoder, model, device, max_pixels).image
    if message := collection.left_out():
        warnings.warn(message, stacklevel=2)
    return image


class Collection:
    """Packets as they come in, and the picture that they give."""

    def __init__(self) -> None:
        self._pictures: dict[bytes, dict[int, Packet]] = {}
        self._damaged = 0
        self._error = FormatError("no packet at all")

    def add(self, data: bytes) -> bool:
        """Take a packet; whether it was whole and new."""
        try:
            packet = packets.parse(data, reading.LIMITS)
        except FormatError as error:
            self._damaged += 1
            self._error = error
            return False
        of_picture = self._pictures.setdefault(packet.picture, {})
        new = packet.index not in of_picture
        of_picture.setdefault(packet.index, packet)
        return new

    def left_out(self) -> str:
        """What was dropped, for people; empty where nothing was."""
        strays = sum(map(len, self._pictures.values())) - len(self._best())
        parts = [f"{self._damaged} damaged"] if self._damaged else []
        parts += [f"{strays} of other pictures"] if strays else []
        return f"packets left out: {', '.join(parts)}" if parts else ""

    def _best(self) -> dict[int, Packet]:
        """The packets of the picture that has the most."""
        return max(self._pictures.values(), key=len, default={})

    def joined(self) -> tuple[Parameters, Joined]:
        """What the packets so far say; raises FormatError where there is no whole packet."""
        here = self._best()
        if not here:
            raise self._error
        return next(iter(here.values())).parameters, packets.join(here.values())

    def paint(
        self,
        decoder: str = "generator",
        model: str = "auto",
        device: str = "auto",
        max_pixels: int = images.MAX_PIXELS,
    ) -> Received:
        """The picture so far; raises FormatError where there is no whole packet."""
        parameters, joined = self.joined()
        here = self._best()
        area = parameters.width * parameters.height
        if area > max_pixels:
            raise LimitError(
                f"{parameters.width}x{parameters.height} pixels are more than the limit of "
                f"{max_pixels}"
            )
        name = codec.model_name(parameters.model) if model == "auto" else model
        rgb = codec.painted(samples_in(parameters, joined.stream), decoder, name, device)
        return Received(
            images.to_image(rgb),
            len(here),
            None if joined.complete else joined.needed,
            self._damaged,
            sum(map(len, self._pictures.values())) - len(here),
        )


def samples_in(parameters: Parameters, stream: bytes) -> Samples:
    """The samples that a prefix of a picture's stream gives: at least its mean colour."""
    zeros = np.zeros((-(-parameters.height // BLOCK), -(-parameters.width // BLOCK)), np.int64)
    points = points_from_density(
        Density(zeros, BLOCK, parameters.scale), parameters.height, parameters.width
    )
    if not len(points):
        raise FormatError("damaged: the packets hold no sample")
    tree = hierarchy(points)
    known = embedded.read(stream, tree, len(points), parameters.stages)
    transform = Lifting(points, tree)
    return prefixes.samples_of(known, points, tree, transform, parameters.step, parameters.colour)
