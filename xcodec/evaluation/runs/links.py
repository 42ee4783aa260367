"""Pictures over links that lose packets: xcodec's packets beside files that are cut into packets.

What a picture looks like depends for every party on how many packets arrived alone, so each is
decoded once for each number that makes a difference, and the links are drawn from a table.
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
from xcodec.links import sending
from xcodec.decoder import reading
from xcodec.coding import packets
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import codecs, ssdv
from xcodec.evaluation.runs import rd
from xcodec.evaluation.runs.channels import arrived
from xcodec.evaluation.runs.measuring import Measuring, Own, Peer
from xcodec.evaluation.measures.metrics import Figures, Meter
from xcodec.evaluation.runs.records import digest_of, mean
from xcodec.evaluation.runs.state import State, key
from xcodec.evaluation.peers.xcodecs import Variant, source_digest, weights_digest
from xcodec.types import RGB

HEADER = 4
"""Bytes that a file's packet needs at least: picture, index, number of packets, number needed."""
EVERY = 3
"""Of the peers' qualities, every so many are tried."""
BEHIND = 4
"""Files in a row that a finer scale beats with no more bytes: then this scale is done."""
GREY = 128


@dataclass(frozen=True)
class Plan:
    """What is measured.

    budgets     : bytes of all packets together
    packet_size : bytes of a packet at most
    planned     : losses that packets and parity are planned for
    losses      : that the links have
    rivals      : names of peers
    ssdv        : whether SSDV is one
    seeds       : draws of each link
    """

    state: Path
    budgets: tuple[int, ...]
    packet_size: int
    planned: tuple[float, ...]
    losses: tuple[float, ...]
    channels: tuple[str, ...]
    seeds: int
    rivals: tuple[str, ...]
    ssdv: bool
    model: str
    encode: dict[str, Any]
    square: int | None
    weights: Path | None


@dataclass(frozen=True)
class Task:
    """A picture at a budget; ``place`` is its own among those of the run."""

    path: Path
    place: int
    budget: int
    plan: Plan


@dataclass(frozen=True)
class Sent:
    """What a party sent of a picture.

    packets : their number
    figures : of the picture, by which of the packets arrive, (packets,) bool
    """

    party: str
    packets: int
    bytes: int
    figures: Callable[[NDArray[np.bool_]], Figures]


def _by_count(figures: Sequence[Figures]) -> Callable[[NDArray[np.bool_]], Figures]:
    """Figures of a picture that depend on the number of packets alone: 0 .. packets."""
    return lambda arrived: figures[int(arrived.sum())]


@dataclass(frozen=True)
class Cell:
    """The mean figures of a party's picture over the draws of a link."""

    party: str
    budget: int
    channel: str
    loss: float
    packets: int
    bytes: int
    figures: Figures


def measure(task: Task) -> list[Cell]:
    """All that is measured of a picture at a budget."""
    plan = task.plan
    rgb = rd.load(task.path, plan.square)
    state = State(plan.state)
    try:
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb, plan.weights))
        return [
            cell
            for sent in _parties(place, state, Meter(rgb, plan.weights), rgb, task)
            for cell in _drawn(sent, task)
        ]
    finally:
        state.close()


def _drawn(sent: Sent, task: Task) -> Iterator[Cell]:
    """A party over all links."""
    plan = task.plan
    for channel, loss in product(plan.channels, plan.losses):
        draws = [
            sent.figures(arrived(channel, loss, seed, task.place)[: sent.packets])
            for seed in range(plan.seeds if loss else 1)
        ]
        figures = {name: mean(each[name] for each in draws) for name in metrics.ALWAYS}
        size = sent.packets, sent.bytes
        yield Cell(sent.party, task.budget, channel, loss, *size, figures)


def _parties(place: Measuring, state: State, meter: Meter, rgb: RGB, task: Task) -> Iterator[Sent]:
    plan, budget = task.plan, task.budget
    if plan.ssdv:
        yield from _ssdv(state, meter, [*place.named, place.versions(metrics.ALWAYS)], plan, budget)
    grey = meter.measure(np.full_like(rgb, GREY), metrics.ALWAYS)
    for loss in plan.planned:
        yield _ours(place, state, meter, grey, budget, loss, plan)
    variant = Variant(model=plan.model, encode=plan.encode)
    whole = Own(variant, "generator", ("size", budget))
    figures = place.figures(whole, metrics.ALWAYS)
    yield Sent("plain .xgc, nothing lost", 0, place.size(whole), _by_count((figures,)))
    for name in plan.rivals:
        files = _files(place, name, budget)
        fewest = -(-budget // plan.packet_size)
        # Its packets need no header here: all of them are needed.
        peer = _best(files, budget)
        sent = place.figures(peer, metrics.ALWAYS)
        table = _by_count((*[grey] * fewest, sent))
        yield Sent(name, fewest, place.size(peer), table)
        for loss in plan.planned:
            yield _with_parity(place, files, grey, name, budget, loss, plan)


def _ours(
    place: Measuring,
    state: State,
    meter: Meter,
    grey: Figures,
    budget: int,
    loss: float,
    plan: Plan,
) -> Sent:
    """xcodec's packets, and the pictures that any numbers of them give."""
    options = {"packet_size": plan.packet_size, "size": budget, "loss": loss} | plan.encode
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
    return Sent(party, len(data), sum(map(len, data)), _by_count(figures))


def _packets(rgb: RGB, plan: Plan, options: dict[str, Any]) -> list[bytes]:
    return xcodec.encode_packets(rgb, model=plan.model, **options)


def _received(data: list[bytes], meter: Meter, model: str) -> Iterator[Figures]:
    """Figures of the picture from 1, 2, ... packets."""
    parsed = [packets.parse(each, reading.LIMITS) for each in data]
    before, figures = None, {}
    for count in range(1, len(data) + 1):
        stream = packets.join(parsed[:count]).stream
        if stream != before:
            before = stream
            picture = np.asarray(xcodec.decode_packets(data[:count], model=model, device="cpu"))
            figures = meter.measure(picture, metrics.ALWAYS)
        yield figures


def _ssdv(state: State, meter: Meter, named: list[Any], plan: Plan, budget: int) -> Iterator[Sent]:
    """SSDV at the scale and quality with the best PSNR where nothing is lost, if one fits."""
    rgb = meter.original
    grey = np.full_like(rgb, GREY)

    def figures(sent: ssdv.Sent, kept: NDArray[np.bool_], names: Sequence[str]) -> Figures:
        at = key("ssdv", *named, sent.name, plan.packet_size, kept.tolist(), list(names))
        known = state.get(at)
        if known is not None:
            return dict(json.loads(known))
        found = meter.measure(sent.paint(kept, rgb.shape, grey), names)
        state.put(at, json.dumps(found).encode())
        return found

    def whole(sent: ssdv.Sent) -> float:
        return figures(sent, np.ones(len(sent.packets), bool), ["psnr"])["psnr"] or 0.0

    best = max(ssdv.sizes(rgb, plan.packet_size, budget), key=whole, default=None)
    if best is not None:
        size = len(best.packets), sum(map(len, best.packets))
        yield Sent("ssdv", *size, lambda kept: figures(best, kept, metrics.ALWAYS))


def _files(place: Measuring, name: str, budget: int) -> list[tuple[int, float, Peer]]:
    """A peer's files within a budget, over scales and qualities: bytes, PSNR and what it is."""
    (codec_,) = codecs.codecs([name])
    found: list[tuple[int, float, Peer]] = []
    for scale in codecs.SCALES:
        behind = 0
        for quality in codec_.qualities[::EVERY]:
            peer = Peer(codec_, quality, scale)
            size = place.size(peer)
            if size > budget:
                break  # Sizes ascend with the quality, by and large.
            psnr = place.figures(peer, ["psnr"])["psnr"]
            assert psnr is not None
            ahead = any(
                other <= size and better >= psnr for other, better, by in found if by.scale < scale
            )
            found.append((size, psnr, peer))
            behind = behind + 1 if ahead else 0
            if behind == BEHIND:
                break  # Larger files at this scale fall back further still.
    return found


def _best(files: Sequence[tuple[int, float, Peer]], budget: int) -> Peer:
    """The file with the best PSNR within a budget."""
    fitting = [file for file in files if file[0] <= budget]
    return max(fitting, key=lambda file: (file[1], -file[0]))[2]


def _with_parity(
    place: Measuring,
    files: list[tuple[int, float, Peer]],
    grey: Figures,
    name: str,
    budget: int,
    loss: float,
    plan: Plan,
) -> Sent:
    """A file with Reed-Solomon parity: packets, and how many of them are needed, as they maximise
    the mean PSNR at the planned loss."""
    nothing = grey["psnr"] or 0.0
    ordered = sorted((size, psnr) for size, psnr, _ in files)
    sizes = np.array([size for size, _ in ordered])
    best_psnr = np.maximum.accumulate([psnr for _, psnr in ordered])
    tried = []
    for count, size in sending.shapes(plan.packet_size, None, budget):
        for needed in range(1, count + 1):
            room = needed * (size - HEADER)
            fitting = int(np.searchsorted(sizes, room, side="right"))
            if not fitting:
                continue
            # Chance that at least ``needed`` of ``count`` arrive.
            chance = float(bdtrc(needed - 1, count, 1 - loss))
            gained = chance * (best_psnr[fitting - 1] - nothing)
            tried.append((gained, count, needed, room, size))
    _, count, needed, room, size = max(tried)
    peer = _best(files, room)
    figures = place.figures(peer, metrics.ALWAYS)
    table = _by_count((*[grey] * needed, *[figures] * (count - needed + 1)))
    party = f"{name} with parity, planned for {100 * loss:.0f} %"
    return Sent(party, count, count * size, table)
