"""Lines of text: what is found in standard input as it arrives, and streams that are closed."""

import os
import random
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from xcodec.coding import packets
from xcodec.coding.ranges import Parameters, Range
from xcodec.errors import LinkError
from xcodec.links import armor, transports
from xcodec.links.transports import Message, lines

SECONDS = 10


def made(count: int) -> list[bytes]:
    """Packets of a picture, of 76 bytes each."""
    stream = random.Random(1).randbytes(50 * count)
    parameters = Parameters(0, 100, 4376, 3, 0xABCD)
    return packets.write((256, 192), parameters, [Range(count, 68)], stream, count)


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What is written here arrives at standard input."""
    end, keys = os.pipe()
    with os.fdopen(end) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield keys


def test_one_long_line(keyboard: int) -> None:
    """All packets arrive where no newline stands between them."""
    sent = made(250)
    text = b" ".join(armor.line(each, "base64") for each in sent)
    assert len(text) > 24_000
    with transports.connect("-", listening=True) as link:
        found = []
        for low in range(0, len(text), 3000):
            os.write(keyboard, text[low : low + 3000])
            while message := link.receive(0.01):
                found.append(message.data)
        os.close(keyboard)
        with suppress(EOFError):
            while message := link.receive(SECONDS):
                found.append(message.data)
    assert sorted(found) == sorted(sent)


@pytest.mark.parametrize(("stream", "listening"), [("input", True), ("output", False)])
def test_closed_streams(monkeypatch: pytest.MonkeyPatch, stream: str, listening: bool) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(LinkError, match=f"standard {stream} is closed$"):
        transports.connect("-", listening)


def test_where_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What asks a sender for more comes from standard input, if it is open."""
    monkeypatch.setattr(sys, "stdin", None)
    with transports.connect("-") as link, pytest.raises(EOFError):
        link.receive(SECONDS)


@pytest.mark.parametrize("waits", [True, False])
def test_systems_that_cannot_wait_for_standard_input(
    keyboard: int, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    monkeypatch.setattr(lines, "WAITS", waits)
    sent = made(3)
    with transports.connect("-", listening=True) as link:
        assert link.receive(0.05) is None
        for packet in sent:
            os.write(keyboard, armor.line(packet, "base64") + b"\n")
            assert link.receive(SECONDS) == Message(packet)
        assert link.receive(0.05) is None
        os.close(keyboard)
        with pytest.raises(EOFError):
            link.receive(SECONDS)
