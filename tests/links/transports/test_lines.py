"""Lines of text: what is found in standard input, however it arrives, and streams that are closed."""

import os
import random
import sys
from collections.abc import Iterator

import pytest

from xcodec.coding import packets
from xcodec.coding.ranges import Parameters, Range
from xcodec.links import armor, transports

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
        with pytest.raises(EOFError):
            while message := link.receive(SECONDS):
                found.append(message.data)
    assert sorted(found) == sorted(sent)
