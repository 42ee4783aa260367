"""Encoding for links that lose packets: every packet that arrives improves the picture.

A picture becomes one embedded stream. Reed-Solomon codes protect its parts, the coarse ones more
strongly. Only the number of packets that arrive matters, not which ones.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xcodec.coding import embedded, packets
from xcodec.coding.header import MODELS
from xcodec.coding.ranges import MAX_COUNT, Parameters, capacity, parameters_size
from xcodec.encoder import reduction
from xcodec.encoder.candidates import Candidate
from xcodec.encoder.rates import Goal
from xcodec.encoder.request import Request, request_of
from xcodec.encoder.search import Search
from xcodec.errors import InputError
from xcodec.links import prefixes, protection
from xcodec.links.embedding import Embedded, colour_of, embed
from xcodec.links.protection import Protection
from xcodec.options import MAX_RATE, EncodeOptions
from xcodec.pictures import modes
from xcodec.pictures.modes import Picture
from xcodec.system import checks
from xcodec.types import RGB, EncodeKeywords

OPTIONS = ("max_bytes", "max_side", "model", "effort")
"""The fields of EncodeOptions that apply to packets."""
LOSS = 0.1
"""Default of the expected fraction of lost packets."""
STAGES = (1, 2, 3)
"""Numbers of stages that are tried."""
LARGEST_DROP = 0.55
"""Largest PSNR drop in dB at zero loss that headers and protection may cause when planning for
LOSS; scaled by (loss / LOSS) ** DROP_GROWTH (docs/research/packet-prices.md)."""
DROP_GROWTH = 2.0
"""Exponent by which that drop grows with the planned loss (docs/research/packet-planner.md)."""
LEAST_PROTECTION_DROP = 0.18
"""PSNR drop in dB that protection may always cause, however much headers take: about what
LARGEST_DROP left to it with packets of version 1 of 226 bytes
(docs/research/packet-planner.md)."""
DECIBELS_PER_OCTAVE = 3.0
"""Approximate gain in dB from twice the bytes: converts the bytes of headers to a PSNR drop."""
COUNT_FACTORS = (1.0, 1.5, 2.0, 3.0)
"""Numbers of packets that are tried for a byte budget, relative to the smallest possible one."""
PARITY_FACTOR = 1.4
"""Initial guess of the fraction of the bytes that protection takes, relative to the loss."""
LEAST_STREAM = 0.3
"""Smallest fraction of the bytes that the initial guess leaves for the stream."""
QUICK_EFFORT = 1
"""Effort of the first, wide search."""
RATE_FACTORS = (1.0, 2**-0.5, 2**0.5)
"""Rates that are tried, relative to the best one of a plain file (docs/research/speed.md)."""
FINALISTS = 3
"""Combinations of stages and numbers of packets whose protection is optimised in full: the best by
estimate."""
CLOSE_TO_FLOOR = 0.5
"""A file within this many dB of the floor counts as limited by it."""
FILE_OVERHEAD = 7
"""Initial guess of the bytes of a file beside its stream."""


def encode_packets(
    image: Image.Image | NDArray[np.uint8],
    packet_size: int = 200,
    packets: int | None = None,
    *,
    loss: float = LOSS,
    **options: Unpack[EncodeKeywords],
) -> list[bytes]:
    """Encode a picture as packets. Any subset of them decodes to a picture.

    image       : Pillow image, or uint8 (height, width[, 3]); alpha and metadata are dropped
    packet_size : largest size of a packet in bytes, 40 to 4,096
    packets     : largest number of packets, 1 to 255, protection included
    loss        : expected fraction of lost packets, 0 to 0.9
    options     : fields of ``EncodeOptions``: max_bytes, the size of all packets together, which is
                  required without ``packets``; max_side; model; effort (8 and 9 are the same as 7)

    Raises InputError if an argument is out of range or no packets can meet the limits, and
    ConflictError (an InputError) for other options.
    """
    return packets_of(image, packet_size, packets, loss, EncodeOptions.from_keywords({**options}))


def packets_of(
    image: Picture | Image.Image | NDArray[np.uint8],
    packet_size: int,
    packets: int | None,
    loss: float,
    options: EncodeOptions,
) -> list[bytes]:
    """``encode_packets`` for an ``EncodeOptions`` object."""
    options.only(OPTIONS, "packets")
    picture = image if isinstance(image, Picture) else modes.picture_of(image)
    tried = shapes(packet_size, packets, options.max_bytes)
    picture, _ = reduction.reduced(picture, options, budget_of(tried))
    rgb = picture.rgb
    if picture.alpha is not None:
        warnings.warn("packets carry no transparency: the picture becomes opaque", stacklevel=3)
    checks.real("loss", loss, 0, 0.9)
    colour = colour_of(rgb)
    luma, orange, green = map(float, prefixes.ycocg_of(colour))
    # Lookahead gains little here and costs up to 1.4 dB when more is lost than planned
    # (docs/research/packet-prices.md).
    asked = replace(options, max_bytes=None, density="uniform", decoder="classical")
    request = request_of(asked, origin=(luma, orange, green), original=picture.original)
    best = _best(rgb, request, tried, loss)
    return _written(best, colour, options.model, picture.original)


def shapes(size: int, count: int | None, total: int | None) -> list[tuple[int, int]]:
    """Numbers of packets to try, each with the largest size of a packet in bytes.

    size  : largest size of a packet in bytes
    count : largest number of packets
    total : largest size of all packets together in bytes

    Raises OptionError if an argument is out of range, and InputError if neither ``count`` nor
    ``total`` is given.
    """
    low, high = packets.MIN_SIZE, packets.MAX_SIZE
    checks.whole("packet_size", size, low, high)
    checks.whole("packets", count, 1, MAX_COUNT)
    checks.whole("max_bytes", total, low)
    if total is None:
        if count is None:
            raise InputError("packets need a number of packets, a byte budget, or both")
        return [(count, size)]
    most = min(total // low, MAX_COUNT if count is None else count)
    fewest = min(-(-total // size), most)
    counts = {min(round(fewest * share), most) for share in COUNT_FACTORS}
    return sorted((each, min(total // each, size)) for each in counts)


def budget_of(shapes: list[tuple[int, int]]) -> int:
    """The most bytes that packets of these numbers and sizes have together."""
    return max(count * size for count, size in shapes)


@dataclass(frozen=True)
class _Choice:
    """A stream and its protection.

    shape : number of packets, and largest size of a packet in bytes
    """

    file: Candidate
    stream: Embedded
    protection: Protection
    shape: tuple[int, int]


def _best(rgb: RGB, request: Request, shapes: list[tuple[int, int]], loss: float) -> _Choice:
    """The stream and protection with the best expected quality over the losses.

    Rates, stages and numbers of packets are compared at a low effort. The stream is then encoded
    again with full effort, for the bytes that protection leaves.
    """
    quick = replace(request, effort=min(request.effort, QUICK_EFFORT))
    total = budget_of(shapes)
    plain = _plain(rgb, quick, total)
    begun = parameters_size((rgb.shape[1], rgb.shape[0]), request.original)
    room = max(count * _columns(rgb.shape, size) for count, size in shapes) - begun
    floor = _floor(plain, room / total, loss)
    size = Goal(max_bytes=int(room * max(1 - PARITY_FACTOR * loss, LEAST_STREAM)) + FILE_OVERHEAD)
    search = Search(rgb, size, plain.step)
    best = first = None
    for factor in RATE_FACTORS:
        if factor > 1 and best is not first:
            break  # A lower rate was better.
        rate = max(plain.request.rate * factor, 1 / (rgb.shape[0] * rgb.shape[1]))
        other = replace(quick, rate=min(rate, MAX_RATE))
        file = search.finished(plain, quick.effort) if factor == 1 else search.at(other)
        if file is not None and prefixes.decibels(file.error) < floor:
            file = search.toward(_at_floor(floor)).finished(file, quick.effort)
        choice = None if file is None else _protected(file, STAGES, shapes, loss, floor)
        if choice is not None and (
            best is None or choice.protection.quality > best.protection.quality
        ):
            best = choice
        first = first or best
    best = best or _protected(plain, STAGES, shapes, loss, floor)
    around = len(best.file.data) - len(best.stream.stream)
    goals = [Goal(max_bytes=capacity(best.protection.ranges, begun) + around)]
    if prefixes.decibels(best.file.error) < floor + CLOSE_TO_FLOOR:
        # With full effort, fewer bytes may reach the floor, which leaves more for protection.
        goals.append(_at_floor(floor))
    tried = [best]
    for goal in goals:
        file = search.toward(goal).finished(best.file, request.effort)
        tried.append(_protected(file, [best.stream.stages], [best.shape], loss, floor))
    return max(tried, key=lambda choice: choice.protection.quality)


def _columns(shape: tuple[int, ...], size: int) -> int:
    """Bytes for shares in packets of at most ``size`` bytes.

    shape : height and width of the picture in pixels, and perhaps more
    """
    return size - packets.overhead(shape[1], shape[0], size)


def _plain(rgb: RGB, request: Request, size: int) -> Candidate:
    """A plain file of at most ``size`` bytes; the limit is doubled until a file fits."""
    found = None
    while found is None:
        found = Search(rgb, Goal(max_bytes=size)).over_densities(request)
        size *= 2
    return found


def _floor(plain: Candidate, room: float, loss: float) -> float:
    """PSNR in dB that the picture should reach at zero loss.

    room : fraction of the bytes that is left beside headers
    """
    # Streams have contexts of magnitudes: the same symbols take more bytes than in a file.
    stream, _ = embedded.write(plain.symbols, plain.draft.tree, 1)
    longer = np.log2(max(len(stream) / max(len(plain.data) - FILE_OVERHEAD, 1), 1.0))
    headers = DECIBELS_PER_OCTAVE * np.log2(1 / room)
    price = max(LARGEST_DROP, headers + LEAST_PROTECTION_DROP) * (loss / LOSS) ** DROP_GROWTH
    return float(prefixes.decibels(plain.error) - price - DECIBELS_PER_OCTAVE * longer)


def _at_floor(floor: float) -> Goal:
    """A PSNR goal that is measured like the floor and the quality of prefixes."""
    return Goal(psnr=floor, decoded=False)


def _protected(
    file: Candidate,
    stages: Sequence[int],
    shapes: list[tuple[int, int]],
    loss: float,
    floor: float,
) -> _Choice:
    """A file's symbols with the best stages, number of packets and ranges."""
    points = file.draft.points
    begun = parameters_size((points.width, points.height), file.request.original)
    tried: list[tuple[float, int, Embedded, tuple[int, int], tuple[Any, ...]]] = []
    for number in stages:
        stream = embed(file.draft, file.symbols, file.step, number, begun)
        for count, size in shapes:
            aim = protection.aim_for(count, loss, floor)
            ask = stream.curve, aim, _columns((points.height, points.width), size)
            tried.append((protection.estimate(*ask), len(tried), stream, (count, size), ask))
    choices = [
        _Choice(file, stream, protection.choose(*ask), shape)
        for _, _, stream, shape, ask in sorted(tried, reverse=True)[:FINALISTS]
    ]
    return max(choices, key=lambda choice: choice.protection.quality)


def _written(
    choice: _Choice, colour: int, model: str, original: tuple[int, int] | None
) -> list[bytes]:
    """The packets of a choice."""
    points, density = choice.file.draft.points, choice.file.draft.density
    assert density is not None
    parameters = Parameters(
        model=MODELS.index(model),
        step=choice.file.step,
        scale=density.scale,
        stages=choice.stream.stages,
        colour=colour,
        original=original,
    )
    return packets.write(
        (points.width, points.height),
        parameters,
        choice.protection.ranges,
        choice.stream.stream,
        choice.shape[0],
    )
