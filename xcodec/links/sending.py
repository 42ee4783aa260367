"""The sender's side of links that lose packets: every packet that arrives improves the picture.

A picture becomes one embedded stream. Each part of it is protected by a Reed-Solomon code, the
coarse parts more strongly. Which packets arrive does not matter, only how many.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xcodec.coding import packets
from xcodec.coding.header import MODELS
from xcodec.coding.packets import OVERHEAD, Parameters, Range
from xcodec.encoder.request import Request, request_of
from xcodec.encoder.search import Candidate, Goal, Search
from xcodec.errors import InputError
from xcodec.links import prefixes, protection
from xcodec.links.embedding import Embedded, colour_of, embed
from xcodec.links.protection import DESCRIPTION, Plan
from xcodec.options import MAX_RATE, EncodeKeywords, EncodeOptions
from xcodec.pictures import modes
from xcodec.pictures.modes import Picture
from xcodec.types import RGB

OPTIONS = ("max_bytes", "model", "effort")
"""The fields of EncodeOptions that packets have."""
LOSS = 0.1
"""Share of the packets that is planned to be lost."""
STAGES = (1, 2, 3)
"""Stages of the stream that are tried."""
PRICE = 0.55
"""dB that headers and protection may take together from a picture that loses nothing, where LOSS is
planned for; it grows with the square of the loss."""
LEAST = 0.1
"""dB that protection may take however much headers do."""
OCTAVE = 3.0
"""dB that twice the bytes are worth, about."""
SHARES = (1.0, 1.5, 2.0, 3.0)
"""Numbers of packets that are tried where the bytes are given, relative to the fewest."""
PARITY = 1.4
"""Share of the bytes that is first taken to be protection, relative to the loss."""
STREAM = 0.3
"""Share of the bytes that is first taken to be the stream's at least."""
QUICK = 1
"""Effort of the first, wide search."""
NEAR = (1.0, 2**-0.5, 2**0.5)
"""Rates that are tried, relative to what suits a plain file."""
CLOSE = 3
"""Of stages and numbers of packets, the best by estimate, that are looked at closely."""
CLOSE_TO_FLOOR = 0.5
"""dB above the floor up to which it is what limits a file."""
FILE = 16
"""Bytes of a file around its stream, at first."""


def encode_packets(
    image: Image.Image | NDArray[np.uint8],
    packet_size: int = 200,
    packets: int | None = None,
    *,
    loss: float = LOSS,
    **options: Unpack[EncodeKeywords],
) -> list[bytes]:
    """Encode a picture as packets, of which any subset decodes to a picture.

    image       : Pillow image, or uint8 (height, width[, 3]), sides up to 4,096 pixels; alpha and
                  metadata are left out
    packet_size : largest size of a packet in bytes, 40 to 4,096
    packets     : largest number of packets, 1 to 255, protection included
    loss        : expected fraction of lost packets, 0 to 0.9
    options     : of ``EncodeOptions``: max_bytes, of all packets together, which is needed without
                  ``packets``; model; effort, of which 8 and 9 are the same as 7

    Raises InputError where these cannot be met, ConflictError (an InputError) for other options.
    """
    return packets_of(image, packet_size, packets, loss, EncodeOptions.of({**options}))


def packets_of(
    image: Picture | Image.Image | NDArray[np.uint8],
    packet_size: int,
    packets: int | None,
    loss: float,
    options: EncodeOptions,
) -> list[bytes]:
    """``encode_packets`` with options that are made already."""
    options.only(OPTIONS, "packets")
    picture = image if isinstance(image, Picture) else modes.picture_of(image)
    rgb = picture.rgb
    if picture.alpha is not None:
        warnings.warn("packets carry no transparency: all of the picture is seen", stacklevel=3)
    if not 0 <= loss <= 0.9:
        raise InputError(f"loss is {loss:g}; it lies in 0..0.9")
    colour = colour_of(rgb)
    luma, orange, green = map(float, prefixes.ycocg_of(colour))
    # Lookahead brings little here, and costs 1 dB where more is lost than planned.
    asked = replace(options, max_bytes=None, density="uniform", decoder="classical")
    request = request_of(asked, origin=(luma, orange, green))
    best = _best(rgb, request, shapes(packet_size, packets, options.max_bytes), loss)
    return _written(best, colour, options.model)


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

    shape : number of packets, and bytes of a packet at most
    """

    file: Candidate
    stream: Embedded
    plan: Plan
    shape: tuple[int, int]


def _best(rgb: RGB, request: Request, shapes: list[tuple[int, int]], loss: float) -> _Choice:
    """The stream and protection with the best picture on the mean over the losses.

    Rates, stages and numbers of packets are compared by quickly chosen symbols; then the stream is
    made for the bytes that protection leaves it, with all effort.
    """
    quick = replace(request, effort=min(request.effort, QUICK))
    total = max(count * size for count, size in shapes)
    plain = _plain(rgb, quick, total)
    room = max(count * (size - OVERHEAD - DESCRIPTION) for count, size in shapes)
    floor = _floor(plain, room / total, loss)
    size = Goal(max_bytes=int(room * max(1 - PARITY * loss, STREAM)) + FILE)
    search = Search(rgb, size, plain.step)
    best = first = None
    for factor in NEAR:
        if factor > 1 and best is not first:
            break  # Fewer samples were better.
        rate = max(plain.request.rate * factor, 1 / (rgb.shape[0] * rgb.shape[1]))
        other = replace(quick, rate=min(rate, MAX_RATE))
        file = search.finished(plain, quick.effort) if factor == 1 else search.at(other)
        if file is not None and prefixes.decibels(file.error) < floor:
            file = search.toward(_at_floor(floor)).finished(file, quick.effort)
        choice = None if file is None else _protected(file, STAGES, shapes, loss, floor)
        if choice is not None and (best is None or choice.plan.quality > best.plan.quality):
            best = choice
        first = first or best
    best = best or _protected(plain, STAGES, shapes, loss, floor)
    around = len(best.file.data) - len(best.stream.stream)
    goals = [Goal(max_bytes=packets.capacity(best.plan.ranges) + around)]
    if prefixes.decibels(best.file.error) < floor + CLOSE_TO_FLOOR:
        # Full effort may also go into fewer bytes, which leaves more for protection.
        goals.append(_at_floor(floor))
    tried = [best]
    for goal in goals:
        if file := search.toward(goal).finished(best.file, request.effort):
            tried.append(_protected(file, [best.stream.stages], [best.shape], loss, floor))
    return max(tried, key=lambda choice: choice.plan.quality)


def _plain(rgb: RGB, request: Request, size: int) -> Candidate:
    """A plain file of about so many bytes, at a rate that suits them."""
    found = None
    while found is None:
        found = Search(rgb, Goal(max_bytes=size)).over_densities(request)
        size *= 2
    return found


def _floor(plain: Candidate, room: float, loss: float) -> float:
    """dB that a link that loses nothing is to give, so that it does not pay too much for one that
    might.

    room : share of the bytes that headers leave
    """
    headers = OCTAVE * np.log2(1 / room)
    price = max(PRICE, headers + LEAST) * (loss / LOSS) ** 2
    return float(prefixes.decibels(plain.error) - price)


def _at_floor(floor: float) -> Goal:
    """The goal of a PSNR that is counted like the floor and the quality of prefixes."""
    return Goal(psnr=floor, decoded=False)


def _protected(
    file: Candidate,
    stages: Sequence[int],
    shapes: list[tuple[int, int]],
    loss: float,
    floor: float,
) -> _Choice:
    """A file's symbols with the stages, number of packets and ranges that suit them best."""
    assert file.symbols is not None
    tried: list[tuple[float, int, Embedded, tuple[int, int], tuple[Any, ...]]] = []
    for number in stages:
        stream = embed(file.draft, file.symbols, file.step, number)
        for count, size in shapes:
            aim = protection.aim_for(count, loss, floor)
            ask = stream.curve, aim, size - OVERHEAD - DESCRIPTION
            tried.append((protection.estimate(*ask), len(tried), stream, (count, size), ask))
    choices = [
        _Choice(file, stream, protection.choose(*ask), shape)
        for _, _, stream, shape, ask in sorted(tried, reverse=True)[:CLOSE]
    ]
    return max(choices, key=lambda choice: choice.plan.quality)


def _written(choice: _Choice, colour: int, model: str) -> list[bytes]:
    """The packets."""
    points, density = choice.file.draft.points, choice.file.draft.density
    assert density is not None
    parameters = Parameters(
        width=points.width,
        height=points.height,
        model=MODELS.index(model),
        step=choice.file.step,
        scale=density.scale,
        stages=choice.stream.stages,
        colour=colour,
    )
    count, size = choice.shape
    return packets.write(parameters, _fitted(choice.plan.ranges, size), choice.stream.stream, count)


def _fitted(ranges: Sequence[Range], size: int) -> list[Range]:
    """Ranges whose packets have ``size`` bytes at most, the description of the first included."""
    columns = sum(each.columns for each in ranges) + len(ranges[0].described())
    beyond = columns + OVERHEAD - size
    largest = max(ranges, key=lambda each: each.columns)
    return [
        replace(each, columns=each.columns - beyond) if each is largest and beyond > 0 else each
        for each in ranges
    ]
