"""``xcodec bench links``: pictures over links that lose packets.

xcodec's packets are compared with files of other codecs that are cut into packets. For all parties
but SSDV the picture depends only on the number of packets that arrive. So each number is decoded
once, and the figures of all draws of a link are looked up.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

import xcodec
from xcodec.coding import packets
from xcodec.coding.ranges import Parameters
from xcodec.decoder import reading
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.measures.metrics import Figures, Meter
from xcodec.evaluation.peers import codecs, ssdv
from xcodec.evaluation.peers.rivals import Rival
from xcodec.evaluation.peers.xcodecs import GENERATOR, Variant, source_digest, weights_digest
from xcodec.evaluation.runs.channels import AUDIO, arrived, heard
from xcodec.evaluation.runs.measuring import Measuring, OwnCoding, PeerCoding, load
from xcodec.evaluation.runs.records import digest_of, mean
from xcodec.evaluation.runs.state import State, key
from xcodec.links import sending
from xcodec.types import RGB

PARITY_HEADER = 4
"""Bytes of a packet's header for a file with parity: picture, index, packets, packets needed."""
QUALITY_STRIDE = 3
"""Every third quality of the other codecs is tried."""
MAX_BEHIND = 4
"""A scale is given up after this many files in a row that another, or another setting of the codec,
beats with no more bytes."""
UNDECODED = 128
"""Grey level of a picture of which nothing can be decoded."""


@dataclass(frozen=True)
class LinksPlan:
    """What a run measures.

    state       : path of the state file
    budgets     : bytes of all packets of a picture
    packet_size : largest size of a packet in bytes
    planned     : losses that packets and parity are planned for
    losses      : of the links
    channels    : kinds of links
    audio       : levels of noise of a packet radio, a further kind of link
    seeds       : draws of each link
    rivals      : the other codecs
    ssdv        : whether SSDV is measured
    model       : name or path of the generator's weights
    encode      : further arguments of ``xcodec.encode`` and ``encode_packets``
    square      : side in pixels to which the pictures' middle squares are resized; None: whole
                  pictures
    weights     : folder of LPIPS' weights
    """

    state: Path
    budgets: tuple[int, ...]
    packet_size: int
    planned: tuple[float, ...]
    losses: tuple[float, ...]
    channels: tuple[str, ...]
    audio: tuple[float, ...]
    seeds: int
    rivals: tuple[Rival, ...]
    ssdv: bool
    model: str
    encode: dict[str, Any]
    square: int | None
    weights: Path | None


@dataclass(frozen=True)
class LinksTask:
    """A picture and a budget; ``place`` is the index of the picture in the run."""

    path: Path
    place: int
    budget: int
    plan: LinksPlan


@dataclass(frozen=True)
class Transmission:
    """What a party sends of a picture.

    packets : their number
    bytes   : of all packets
    figures : function of the packets that arrive, bool (packets,)
    """

    party: str
    packets: int
    bytes: int
    figures: Callable[[NDArray[np.bool_]], Figures]


def _by_count(figures: Sequence[Figures]) -> Callable[[NDArray[np.bool_]], Figures]:
    """Look figures up by the number of packets that arrive, 0 to all."""
    return lambda arrived: figures[int(arrived.sum())]


@dataclass(frozen=True)
class LinkResult:
    """The figures of a party's picture, averaged over the draws of a link.

    loss  : of the link; of AUDIO the share of this party's packets that was lost
    noise : its level, of AUDIO
    """

    party: str
    budget: int
    channel: str
    loss: float
    noise: float | None
    packets: int
    bytes: int
    figures: Figures


def measure(task: LinksTask) -> list[LinkResult]:
    """Carry out a task: all parties over all links."""
    plan = task.plan
    rgb = load(task.path, plan.square)
    with State(plan.state) as state:
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb, plan.weights))
        return [
            result
            for sent in _parties(place, state, Meter(rgb, plan.weights), rgb, task)
            for result in _over_links(sent, task)
        ]


def _over_links(sent: Transmission, task: LinksTask) -> Iterator[LinkResult]:
    plan, count = task.plan, sent.packets

    def result(
        channel: str, loss: float, noise: float | None, draws: list[NDArray[np.bool_]]
    ) -> LinkResult:
        drawn = [sent.figures(each) for each in draws]
        figures = {name: mean(each[name] for each in drawn) for name in metrics.ALWAYS}
        link = channel, loss, noise
        return LinkResult(sent.party, task.budget, *link, count, sent.bytes, figures)

    for channel, loss in product(plan.channels, plan.losses):
        seeds = range(plan.seeds if loss else 1)
        draws = [arrived(channel, loss, seed, task.place, count=count) for seed in seeds]
        yield result(channel, loss, None, draws)
    size = -(-sent.bytes // max(count, 1))
    for noise in plan.audio:
        draws = [heard(count, size, noise, seed, task.place) for seed in range(plan.seeds)]
        lost = 1 - float(np.mean(draws)) if count else 0.0
        yield result(AUDIO, lost, noise, draws)


def _parties(
    place: Measuring, state: State, meter: Meter, rgb: RGB, task: LinksTask
) -> Iterator[Transmission]:
    plan, budget = task.plan, task.budget
    if plan.ssdv:
        yield _ssdv(state, meter, [*place.named, place.versions(metrics.ALWAYS)], plan, budget)
    grey = meter.measure(np.full_like(rgb, UNDECODED), metrics.ALWAYS)
    for loss in plan.planned:
        yield _ours(place, state, meter, grey, budget, loss, plan)
    variant = Variant(model=plan.model, encode=plan.encode)
    whole = OwnCoding(variant, GENERATOR, ("size", budget))
    size = place.size(whole)
    figures = place.figures(whole, metrics.ALWAYS) if size else grey
    yield Transmission("plain .xgc, nothing lost", 0, size, _by_count((figures,)))
    for rival in plan.rivals:
        files = files_of(place, rival, budget)
        yield _whole(place, files, grey, rival.name, budget, plan)
        for loss in plan.planned:
            yield _with_parity(place, files, grey, rival.name, budget, loss, plan)


def _ours(
    place: Measuring,
    state: State,
    meter: Meter,
    grey: Figures,
    budget: int,
    loss: float,
    plan: LinksPlan,
) -> Transmission:
    """xcodec's packets."""
    options = {"packet_size": plan.packet_size, "max_bytes": budget, "loss": loss} | plan.encode
    named = [*place.named, source_digest("xcodec.links.sending"), plan.model, options]
    at = key("packets", *named)
    known = state.get(at)
    data = packets.unbundle(known) if known is not None else _packets(meter.original, plan, options)
    if known is None:
        state.put(at, packets.bundle(data))
    at = key("received", *named, weights_digest(plan.model), place.versions(metrics.ALWAYS))
    seen = state.get(at)
    if seen is not None:
        figures = json.loads(seen)
    else:
        figures = [grey, *_received(data, meter, plan.model)]
        state.put(at, json.dumps(figures).encode())
    party = f"xcodec, planned for {100 * loss:.0f} %"
    return Transmission(party, len(data), sum(map(len, data)), _by_count(figures))


def _packets(rgb: RGB, plan: LinksPlan, options: dict[str, Any]) -> list[bytes]:
    arguments = Variant(model=plan.model, encode=plan.encode).arguments
    return xcodec.encode_packets(rgb, **(options | arguments))


def _received(data: list[bytes], meter: Meter, model: str) -> Iterator[Figures]:
    """Figures of the picture from 1, 2, ... packets."""
    parsed = [packets.parse(each) for each in data]
    before: tuple[Parameters | None, bytes] | None = None
    figures: Figures = {}
    for count in range(1, len(data) + 1):
        restored = packets.restored(parsed[:count], reading.LIMITS)
        if (known := (restored.parameters, restored.stream)) != before:
            before = known
            options: dict[str, Any] = {"model": model, "device": "cpu", "original_size": True}
            picture = np.asarray(xcodec.decode_packets(data[:count], **options))
            # Too few packets for the parameters do not tell how large a picture was before it was
            # scaled down.
            picture = codecs.enlarge(picture, meter.original.shape)
            figures = meter.measure(picture, metrics.ALWAYS)
        yield figures


def _ssdv(
    state: State, meter: Meter, named: list[Any], plan: LinksPlan, budget: int
) -> Transmission:
    """SSDV at the scale and quality with the best PSNR without losses."""
    rgb = meter.original
    grey = np.full_like(rgb, UNDECODED)

    def figures(sent: ssdv.SsdvPicture, kept: NDArray[np.bool_], names: Sequence[str]) -> Figures:
        at = key("ssdv", *named, sent.name, plan.packet_size, kept.tolist(), list(names))
        known = state.get(at)
        if known is not None:
            return dict(json.loads(known))
        found = meter.measure(sent.paint(kept, rgb.shape, grey), names)
        state.put(at, json.dumps(found).encode())
        return found

    def whole(sent: ssdv.SsdvPicture) -> float:
        return figures(sent, np.ones(len(sent.packets), bool), ["psnr"])["psnr"] or 0.0

    best = max(ssdv.sizes(rgb, plan.packet_size, budget), key=whole, default=None)
    if best is None:
        return _nothing("ssdv", meter.measure(grey, metrics.ALWAYS))
    size = len(best.packets), sum(map(len, best.packets))
    return Transmission("ssdv", *size, lambda kept: figures(best, kept, metrics.ALWAYS))


def files_of(place: Measuring, rival: Rival, budget: int) -> list[tuple[int, float, PeerCoding]]:
    """The files of another codec within a budget, over settings, scales and qualities: the bytes
    that count, and PSNR."""
    found: list[tuple[int, float, PeerCoding]] = []
    for codec, scale in product(rival.settings, codecs.SCALES):
        behind = 0
        before = tuple(found)
        for quality in codec.qualities[::QUALITY_STRIDE]:
            peer = PeerCoding(codec, quality, scale, rival.part)
            size = place.size(peer)
            if not 0 < size <= budget:
                break  # Sizes grow with the quality, with few exceptions.
            psnr = place.figures(peer, ["psnr"])["psnr"]
            assert psnr is not None
            ahead = any(other <= size and better >= psnr for other, better, _ in before)
            found.append((size, psnr, peer))
            behind = behind + 1 if ahead else 0
            if behind == MAX_BEHIND:
                break  # Larger files at this scale are still worse.
    return found


def best_of(files: Sequence[tuple[int, float, PeerCoding]], budget: int) -> PeerCoding:
    """The file with the best PSNR within a budget."""
    fitting = [file for file in files if file[0] <= budget]
    return max(fitting, key=lambda file: (file[1], -file[0]))[2]


def _nothing(party: str, grey: Figures) -> Transmission:
    """What a codec sends whose smallest file is too large: the receiver sees grey."""
    return Transmission(party, 0, 0, _by_count((grey,)))


def _whole(
    place: Measuring,
    files: list[tuple[int, float, PeerCoding]],
    grey: Figures,
    name: str,
    budget: int,
    plan: LinksPlan,
) -> Transmission:
    """A file cut into packets, all of which are needed, so that they are counted without
    headers."""
    if not files:
        return _nothing(name, grey)
    peer = best_of(files, budget)
    size = place.size(peer)
    count = -(-size // plan.packet_size)
    table = _by_count((*[grey] * count, place.figures(peer, metrics.ALWAYS)))
    return Transmission(name, count, size, table)


def _with_parity(
    place: Measuring,
    files: list[tuple[int, float, PeerCoding]],
    grey: Figures,
    name: str,
    budget: int,
    loss: float,
    plan: LinksPlan,
) -> Transmission:
    """A file with Reed-Solomon parity. The number of packets, and how many of them are needed,
    maximise the mean PSNR at the planned loss."""
    party = f"{name} with parity, planned for {100 * loss:.0f} %"
    nothing = grey["psnr"] or 0.0
    ordered = sorted((size, psnr) for size, psnr, _ in files)
    sizes = np.array([size for size, _ in ordered])
    best_psnr = np.maximum.accumulate([psnr for _, psnr in ordered])
    tried = []
    for count, size in sending.shapes(plan.packet_size, None, budget):
        for needed in range(1, count + 1):
            room = needed * (size - PARITY_HEADER)
            fitting = int(np.searchsorted(sizes, room, side="right"))
            if not fitting:
                continue
            # Probability that at least ``needed`` of ``count`` packets arrive.
            chance = float(bdtrc(needed - 1, count, 1 - loss))
            gained = chance * (best_psnr[fitting - 1] - nothing)
            tried.append((gained, count, needed, room, size))
    if not tried:
        return _nothing(party, grey)
    _, count, needed, room, size = max(tried)
    peer = best_of(files, room)
    figures = place.figures(peer, metrics.ALWAYS)
    table = _by_count((*[grey] * needed, *[figures] * (count - needed + 1)))
    return Transmission(party, count, count * size, table)
