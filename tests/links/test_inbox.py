"""What a receiver keeps: pictures are never mixed, and nothing that arrived is lost."""

import random
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from xcodec.coding import packets
from xcodec.coding.primitives import ending
from xcodec.coding.ranges import Parameters, Range
from xcodec.decoder import reading
from xcodec.errors import InputError
from xcodec.links import outbox, requests
from xcodec.links.inbox import Inbox
from xcodec.links.outbox import Outbox
from xcodec.links.transports import Message


@pytest.fixture(scope="module")
def made(small: NDArray[np.uint8]) -> list[list[bytes]]:
    """The packets of three pictures, of the same size and number."""
    pictures = small, small[::-1], np.ascontiguousarray(small[:, ::-1])
    return [xcodec.encode_packets(each, 90, 12, loss=0.3, effort=0) for each in pictures]


def under_one_number() -> list[list[bytes]]:
    """The packets of two pictures with the same header, as happens once in 65,536."""
    parameters = Parameters(0, 100, 4376, 3, 0xABCD)
    ranges = [Range(2, 13), Range(3, 20), Range(5, 11), Range(8, 9)]
    streams = (random.Random(seed).randbytes(1000) for seed in (1, 2))
    one, other = (packets.write((256, 192), parameters, ranges, s, 12) for s in streams)
    again = [one[0][:3] + each[3:-2] for each in other]
    return [one, [each + ending(each) for each in again]]


def flipped(data: bytes, rng: random.Random) -> bytes:
    bits = bytearray(data)
    for bit in rng.sample(range(8 * len(bits)), rng.randint(1, 3)):
        bits[bit // 8] ^= 1 << bit % 8
    return bytes(bits)


def test_two_senders_in_any_order(made: list[list[bytes]]) -> None:
    """Interleaved, duplicated, 20 % lost, with bit errors: 2,000 random orders."""
    senders = {"AB1CD-1": made[0], "AB1CD-2": made[1]}
    enough = packets.restored(map(packets.parse, made[0]), reading.LIMITS).needed
    complete = 0
    for seed in range(2000):
        rng = random.Random(seed)
        sent = [
            Message(packet, sender)
            for sender, data in senders.items()
            for packet in data
            for _ in range(rng.choice((1, 1, 2)))
            if rng.random() >= 0.2
        ]
        sent += [
            Message(flipped(rng.choice(data), rng), sender)
            for sender, data in senders.items()
            for _ in range(2)
        ]
        rng.shuffle(sent)
        inbox = Inbox()
        for message in sent:
            inbox.add(message)
        for arrival in inbox:
            assert set(arrival.data) <= set(senders[arrival.sender])
            arrived = {message.data for message in sent if message.sender == arrival.sender}
            assert set(arrival.data) == arrived & set(senders[arrival.sender])
            if arrival.have >= enough:
                assert arrival.complete
                complete += 1
        assert inbox.damaged == 4
    assert complete > 3000


def test_two_pictures_under_one_number_are_told_apart() -> None:
    """Even from one sender: shares that do not agree are another picture's."""
    one, other = under_one_number()
    assert packets.parse(one[0]).picture == packets.parse(other[0]).picture
    threshold = packets.parse(one[0]).first.threshold
    both = 0
    for seed in range(200):
        sent = [*one, *other]
        random.Random(seed).shuffle(sent)
        inbox = Inbox()
        for packet in sent:
            inbox.add(Message(packet))
        for arrival in inbox:
            if arrival.have > threshold:
                assert set(arrival.data) <= set(one) or set(arrival.data) <= set(other)
        both += sum(arrival.complete for arrival in inbox) == 2
    assert both > 190


def test_packets_are_kept_at_once_and_found_again(made: list[list[bytes]], tmp_path: Path) -> None:
    first = Inbox(tmp_path)
    for packet in made[0][:4]:
        (arrival,) = first.add(Message(packet, "10.0.0.7:9000"))
        inside = tmp_path / f"{arrival.name}.packets"
        assert packet in [path.read_bytes() for path in inside.iterdir()]
    assert arrival.name.startswith("10.0.0.7-9000_")
    # Nothing ends the first one in an orderly way.
    resumed = Inbox(tmp_path, resume=True)
    (arrival,) = resumed
    assert arrival.have == 4
    for packet in made[0]:
        resumed.add(Message(packet, "10.0.0.7:9000"))
    (arrival,) = resumed
    assert arrival.complete
    assert resumed.repeated == 4
    # A new one begins anew, under another name.
    (fresh,) = Inbox(tmp_path).add(Message(made[0][0], "10.0.0.7:9000"))
    assert fresh.name == f"{arrival.name}-2"
    assert fresh.have == 1


def test_files_arrive_too(small: NDArray[np.uint8], tmp_path: Path) -> None:
    data = xcodec.encode(small, max_bytes=200, effort=0)
    inbox = Inbox(tmp_path)
    (arrival,) = inbox.add(Message(data, "!a1b2c3d4"))
    assert arrival.complete
    assert (tmp_path / f"{arrival.name}.xgc").read_bytes() == data
    assert inbox.add(Message(data, "!a1b2c3d4")) == []
    assert inbox.add(Message(flipped(data, random.Random(1)), "!a1b2c3d4")) == []
    assert (inbox.repeated, inbox.damaged) == (1, 1)
    again = Inbox(tmp_path, resume=True)
    assert again.add(Message(data, "!a1b2c3d4")) == []
    assert [each.name for each in again] == [arrival.name]


def test_more_packets_are_new_ones_that_fit(made: list[list[bytes]], tmp_path: Path) -> None:
    (tmp_path / "p.packets").mkdir()
    folder = tmp_path / "p.packets"
    for index, each in enumerate(made[0]):
        (folder / f"{index:03d}.xgp").write_bytes(each)
    box = Outbox.opened(folder)
    assert box.left == list(range(12))
    box.note(0)
    box.note(5)
    again = Outbox.opened(folder)
    assert again.sent == [0, 5]
    assert again.left == [index for index in range(12) if index not in (0, 5)]
    assert again.more(4) == [12, 13, 14, 15]
    new = [again.data[index] for index in (12, 13, 14, 15)]
    assert not set(new) & set(made[0])
    enough = packets.restored(map(packets.parse, made[0]), reading.LIMITS).needed
    mixed = [*new, *made[0][: enough - 4]]
    restored = packets.restored(map(packets.parse, mixed), reading.LIMITS)
    assert restored.complete
    assert restored == packets.restored(map(packets.parse, made[0]), reading.LIMITS)
    assert Outbox.opened(folder).left[-4:] == [12, 13, 14, 15]
    with pytest.raises(InputError, match="needed to make more"):
        Outbox(made[0][: enough - 1]).more(1)
    with pytest.raises(InputError, match="several pictures"):
        Outbox([made[0][0], made[1][0]])
    assert again.more(1000)[-1] == 254
    with pytest.raises(InputError, match="at most 255"):
        again.more(1)


def test_requests() -> None:
    asked = requests.Request(b"\x12\x34", 11, 3)
    data = asked.written()
    assert len(data) == requests.SIZE
    assert requests.parse(data) == asked
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 16
        assert requests.parse(bytes(damaged)) is None
    assert requests.parse(b"") is None
    assert not outbox.is_packets([data])
