"""A picture that arrives, and which packets are its own.

Until a picture has more packets than a part of its stream needs, its shares do not tell whether a
packet of the same header belongs to it: packets are sorted again when they do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xcodec.coding import packets
from xcodec.coding.packets import Packet
from xcodec.coding.ranges import Restored
from xcodec.decoder import reading
from xcodec.links.transports import Message

SORTED = 64
"""Packets of one header among which one of another picture is looked for."""


@dataclass
class Arrival:
    """A picture that arrives.

    name    : of its files, without suffix
    sender  : as the link names it, with "-" for what file names may not hold; "" if unknown
    packets : by index; bytes and what they say
    file    : the bytes of a file that arrived whole; b"" for packets
    last    : the last message that brought something
    requests : how often more packets were asked for
    asked_at : when they were last, or when the last packet came
    known   : what the packets restore, if that was asked before
    """

    name: str
    sender: str
    packets: dict[int, tuple[bytes, Packet]] = field(default_factory=dict)
    file: bytes = b""
    last: Message | None = None
    requests: int = 0
    asked_at: float = 0.0
    known: Restored | None = None

    @property
    def restored(self) -> Restored:
        """What the packets restore. Raises FormatError if they contradict each other."""
        if self.known is None:
            known = [packet for _, packet in self.packets.values()]
            self.known = packets.restored(known, reading.LIMITS)
        return self.known

    @property
    def have(self) -> int:
        """Number of different packets that arrived; 1 for a file."""
        return 1 if self.file else len(self.packets)

    @property
    def needed(self) -> int:
        """Number of packets that would give a better picture, or that gave the whole one."""
        return 1 if self.file else self.restored.needed

    @property
    def complete(self) -> bool:
        """Whether the whole picture arrived."""
        return bool(self.file) or self.restored.complete

    def text(self) -> str:
        """Return the progress as a line of text."""
        if self.file:
            return f"complete, {len(self.file)} bytes"
        return progress(self.have, None if self.complete else self.needed)

    @property
    def data(self) -> list[bytes]:
        """Bytes of the packets, in the order of their indices."""
        return [self.packets[index][0] for index in sorted(self.packets)]

    def take(self, data: bytes, packet: Packet, restored: Restored | None = None) -> None:
        """Add a packet.

        restored : what it restores with the others, if known
        """
        self.packets[packet.index] = data, packet
        self.known = restored

    def drop(self, index: int) -> None:
        """Remove a packet."""
        del self.packets[index]
        self.known = None

    def has(self, data: bytes, packet: Packet) -> bool:
        """Whether this very packet arrived before."""
        return packet.index in self.packets and self.packets[packet.index][0] == data

    def agreed(self, packet: Packet) -> Restored | None:
        """What a packet restores with the others; None if it is not of this picture, as far as its
        shares tell."""
        if packet.index in self.packets:
            return None
        others = [known for _, known in self.packets.values()]
        return packets.agreed([*others, packet], reading.LIMITS)


def progress(have: int, needed: int | None) -> str:
    """Return as text how far a picture is.

    have   : number of its packets that arrived
    needed : number that would give a better picture; None: it is complete
    """
    count = f"{have} packet{'s' if have != 1 else ''}"
    return f"complete, from {count}" if needed is None else f"from {count}; better with {needed}"


def picture_of(every: Sequence[tuple[bytes, Packet]]) -> Arrival | None:
    """The picture to which all packets belong; None if they are of several."""
    picture = Arrival("", "", {packet.index: (data, packet) for data, packet in every})
    if len(picture.packets) < len(every):
        return None
    picture.known = packets.agreed([packet for _, packet in every], reading.LIMITS)
    return None if picture.known is None else picture


def without_one(every: Sequence[tuple[bytes, Packet]]) -> tuple[int, Arrival] | None:
    """The first packet without which the others are of one picture, by its place, and that picture;
    None if there is no such packet."""
    for odd in range(len(every)):
        if picture := picture_of([*every[:odd], *every[odd + 1 :]]):
            return odd, picture
    return None


def odd_one(one: Arrival, other: Arrival) -> tuple[Arrival, int] | None:
    """The only packet without which those of two pictures of the same header are of one, if there
    is such: a picture that has few takes one of another for its own."""
    every = [*one.packets.values(), *other.packets.values()]
    tell = every[0][1].first.threshold + 1
    found = without_one(every) if tell < len(every) <= SORTED else None
    if found is None:
        return None
    odd, _ = found
    return one if odd < len(one.packets) else other, every[odd][1].index
