"""Sending packets at the pace of a link, and answering what receivers lack."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from xcodec.errors import InputError, LinkError
from xcodec.links import requests
from xcodec.links.arrivals import Arrival
from xcodec.links.outbox import Outbox
from xcodec.links.pacing import Pacer
from xcodec.links.transports import Transport

REQUESTS = 8
"""Requests for more packets of a picture that a receiver sends at most."""

Airtime = Callable[[int], float]
"""Seconds on air of a packet of so many bytes."""


@dataclass(frozen=True)
class Progress:
    """How far a delivery is.

    index    : of the packet that went out
    sent     : packets that went out, of ``total``
    seconds  : about how long the rest takes
    """

    index: int
    sent: int
    total: int
    seconds: float


def deliver(
    outbox: Outbox, indices: Sequence[int], link: Transport, pacer: Pacer, airtime: Airtime
) -> Iterator[Progress]:
    """Send packets; yield after each, when it is noted as sent.

    indices : of the packets, in this order

    Raises LinkError if the link fails.
    """
    times = [airtime(len(outbox.data[index])) for index in indices]
    for place, index in enumerate(indices):
        pacer.wait(times[place])
        link.send(outbox.data[index])
        outbox.note(index, times[place])
        rest = times[place + 1 :]
        yield Progress(index, place + 1, len(indices), pacer.remaining(rest))


def serve(
    outbox: Outbox, link: Transport, pacer: Pacer, airtime: Airtime, wait: float
) -> Iterator[Progress]:
    """Answer requests for more packets until the picture has arrived, or nobody can ask any longer;
    yield after each packet.

    wait : seconds without a request after which nobody is served any longer

    Raises LinkError if the link fails.
    """
    last = time.monotonic()
    while (left := last + wait - time.monotonic()) > 0:
        try:
            message = link.receive(left)
        except EOFError:
            return
        asked = None if message is None else requests.parse(message.data)
        if asked is None or asked.picture != outbox.picture:
            continue
        if not asked.lacking:
            return
        last = time.monotonic()
        yield from deliver(outbox, _lacking(outbox, asked.lacking), link, pacer, airtime)
        last = time.monotonic()


def _lacking(outbox: Outbox, count: int) -> list[int]:
    """Indices of packets that a receiver has not got yet, if there can be more; else of all."""
    try:
        return outbox.more(count)
    except InputError:
        return sorted(outbox.data)[:count]


def ask(arrival: Arrival, link: Transport, now: float, quiet: float) -> None:
    """Tell the sender how many packets a picture lacks, or, once, that it has arrived.

    now   : in seconds, of the clock of ``arrival.asked_at``
    quiet : seconds without a packet after which it is asked for; twice as many each time
    """
    if arrival.file or not 0 <= arrival.requests < REQUESTS:
        return
    complete = arrival.complete
    if not complete and now - arrival.asked_at < quiet * 2**arrival.requests:
        return
    lacking = 0 if complete else max(arrival.needed - arrival.have, 1)
    packet = next(iter(arrival.packets.values()))[1]
    if arrival.last is not None:
        link.answer_to(arrival.last)
    with suppress(LinkError):  # It is asked again later.
        link.send(requests.Request(packet.picture[1:3], max(arrival.packets), lacking).written())
    arrival.requests = -1 if complete else arrival.requests + 1
    arrival.asked_at = now
