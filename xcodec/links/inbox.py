"""What a receiver has: packets of several pictures from several senders, kept apart and on disk.

Packets are told apart by sender and by what all packets of a picture have in common
(``coding.packets.Packet.picture``), and by whether their shares agree. Each is written at once, so
that nothing is lost however a receiver ends.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path

from xcodec.choices import CODED, PACKET
from xcodec.coding import header, packets
from xcodec.coding.packets import Packet
from xcodec.coding.ranges import Restored
from xcodec.decoder import reading
from xcodec.errors import FormatError
from xcodec.links import packet_files
from xcodec.links.arrivals import Arrival, odd_one, picture_of, without_one
from xcodec.links.transports import Message
from xcodec.system import files

FOLDER = ".packets"
"""Suffix of the folder with the packets of a picture."""
MOST = 1000
"""Pictures that are kept apart at a time; the oldest incomplete one is forgotten beyond."""
ALIKE = 16
"""Pictures of one header that are kept apart; the smallest is forgotten beyond. Comparing packets
with all of them takes time."""
LOOKED_AT = 512
"""Packets of one header of which the largest picture is looked for."""


class Inbox:
    """Pictures that arrive.

    damaged, repeated : numbers of messages without a sound packet, and of packets that were there
    """

    def __init__(self, folder: Path | None = None, resume: bool = False) -> None:
        """Keep what arrives in a folder, if any.

        resume : go on with the packets that an earlier receiver left there; otherwise pictures get
                 names that are free
        """
        self._folder, self._resume = folder, resume
        self._pictures: dict[tuple[str, bytes], list[Arrival]] = {}
        self._order: list[tuple[tuple[str, bytes], Arrival]] = []
        self._names: set[str] = set()
        self.damaged = self.repeated = 0
        if folder is not None and resume:
            self._read_again(folder)

    def __iter__(self) -> Iterator[Arrival]:
        """The pictures, in the order in which their first packets arrived."""
        return iter([arrival for _, arrival in self._order])

    def add(self, message: Message) -> list[Arrival]:
        """Take what a message holds: a packet, several, or a file.

        Returns the pictures that have got something new.
        """
        sender = re.sub(r"[^A-Za-z0-9.@!-]+", "-", message.sender).strip("-.")[:64]
        if _is_file(message.data):
            return self._add_file(sender, message.data)
        grown: dict[int, Arrival] = {}
        found = 0
        for data, packet in _parsed(message.data):
            found += 1
            arrival = self.put(data, packet, sender)
            if arrival is not None:
                arrival.last = message
                grown[id(arrival)] = arrival
        self.damaged += not found
        return list(grown.values())

    def put(self, data: bytes, packet: Packet, sender: str = "") -> Arrival | None:
        """Take a packet, its bytes and what they say; returns the picture that it is new to."""
        key = sender, packet.picture
        here = self._pictures.setdefault(key, [])
        if any(arrival.has(data, packet) for arrival in here):
            self.repeated += 1
            return None
        # First those that have so many packets that their shares tell.
        threshold = packet.first.threshold
        many = [each for each in here if each.have >= threshold]
        few = [each for each in here if each.have < threshold]
        for arrival in reversed([*few, *many]):
            if restored := arrival.agreed(packet):
                break
        else:
            restored = packets.agreed([packet], reading.LIMITS)
            if restored is None:
                self.damaged += 1  # Its checksum was right by chance.
                return None
            if len(here) == ALIKE:
                self._forget(key, min(here, key=lambda each: each.have))
            arrival = self._begun(key, packet.picture[1:3].hex())
        arrival.take(data, packet, restored)
        self._keep(arrival, packet.index, data)
        return self._sorted_out(here, arrival, threshold)

    def _sorted_out(self, here: list[Arrival], arrival: Arrival, threshold: int) -> Arrival:
        """Give a picture what was taken for another one of the same header before shares could
        tell; returns the picture that has the last packet then, or most of the others.

        threshold : number of packets beyond which shares tell
        """
        others = [other for other in here if other is not arrival]
        if arrival.have > threshold:
            for other in others:
                for index, (_, packet) in list(other.packets.items()):
                    if other.have > 1 and (restored := arrival.agreed(packet)):
                        self._move(index, other, arrival, restored)
            return arrival
        for other in others:
            odd = odd_one(arrival, other) if other.have <= threshold else None
            if odd is not None:
                alone, place = odd
                to = other if alone is arrival else arrival
                for index in [index for index in alone.packets if index != place]:
                    self._move(index, alone, to)
                return to
        return arrival

    def _move(
        self, index: int, source: Arrival, to: Arrival, restored: Restored | None = None
    ) -> None:
        """Give a packet of a picture to another one; ``restored`` as for ``Arrival.take``."""
        data, packet = source.packets[index]
        source.drop(index)
        to.take(data, packet, restored)
        self._keep(to, index, data)
        self._drop(source, index)

    def _add_file(self, sender: str, data: bytes) -> list[Arrival]:
        digest = sha256(data).digest()
        key = sender, digest
        if key in self._pictures:
            self.repeated += 1
            return []
        arrival = self._begun(key, digest[:2].hex())
        arrival.file = data
        if self._folder is not None:
            files.write_atomic(self._folder / (arrival.name + CODED), data, True)
        return [arrival]

    def _begun(self, key: tuple[str, bytes], label: str) -> Arrival:
        """A new picture of a sender."""
        stem = f"{key[0]}_{label}" if key[0] else label
        name, number = stem, 1
        while self._is_taken(name):
            number += 1
            name = f"{stem}-{number}"
        arrival = self._noted(key, Arrival(name, key[0]))
        if len(self._order) > MOST:
            incomplete = (each for each in self._order[:-1] if not each[1].complete)
            self._forget(*next(incomplete, self._order[0]))
        return arrival

    def _noted(self, key: tuple[str, bytes], arrival: Arrival) -> Arrival:
        """A picture, which is one of this inbox from now on."""
        self._names.add(arrival.name)
        self._pictures.setdefault(key, []).append(arrival)
        self._order.append((key, arrival))
        return arrival

    def _forget(self, key: tuple[str, bytes], arrival: Arrival) -> None:
        """Make room: what was written stays."""
        self._order.remove((key, arrival))
        self._pictures[key].remove(arrival)

    def _is_taken(self, name: str) -> bool:
        if name in self._names:
            return True
        if self._folder is None:
            return False
        return any((self._folder / (name + end)).exists() for end in (FOLDER, CODED, ".png"))

    def _keep(self, arrival: Arrival, index: int, data: bytes) -> None:
        if self._folder is not None:
            inside = self._folder / (arrival.name + FOLDER)
            inside.mkdir(exist_ok=True)
            files.write_atomic(inside / packet_files.named(index), data, True)

    def _drop(self, arrival: Arrival, index: int) -> None:
        if self._folder is not None:
            inside = self._folder / (arrival.name + FOLDER)
            (inside / packet_files.named(index)).unlink(missing_ok=True)

    def _read_again(self, folder: Path) -> None:
        """Go on with what an earlier receiver left."""
        for path in sorted(folder.glob("*" + CODED)):
            data, sender = packet_files.content(path), path.stem.rpartition("_")[0]
            if _is_file(data):
                self._noted((sender, sha256(data).digest()), Arrival(path.stem, sender, file=data))
        for inside in sorted(folder.glob("*" + FOLDER)):
            name = inside.name.removesuffix(FOLDER)
            for path in sorted(inside.glob("*" + PACKET)):
                for data, packet in _parsed(packet_files.content(path)):
                    key = name.rpartition("_")[0], packet.picture
                    here = self._pictures.get(key, [])
                    arrival = next((each for each in here if each.name == name), None)
                    arrival = arrival or self._noted(key, Arrival(name, key[0]))
                    arrival.take(data, packet)


def largest(alike: dict[bytes, Packet]) -> Arrival:
    """The picture to which most packets of one header belong: all of them as a rule, or all but
    one, whose checksum is right by chance.

    alike : what packets say, by their bytes; at least one
    """
    every = list(islice(alike.items(), LOOKED_AT))
    if picture := picture_of(every):
        return picture
    if found := without_one(every):
        return found[1]
    inbox = Inbox()
    for data, packet in every:
        inbox.put(data, packet)
    return max(inbox, key=lambda each: each.have)


def _is_file(data: bytes) -> bool:
    """Whether bytes are those of a .xgc file, undamaged."""
    return header.version_of(data[:3]) is not None and packets.sound(data)


def _parsed(data: bytes) -> Iterator[tuple[bytes, Packet]]:
    """The sound packets in a message or a file: their bytes, and what they say."""
    for each in packet_files.split(data):
        with suppress(FormatError):
            yield each, packets.parse(each)
