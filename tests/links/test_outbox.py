"""What a sender has: which packets went out, and that a set is written whole or not at all."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from xcodec.links import packet_files
from xcodec.links.outbox import Outbox


@pytest.fixture(scope="module")
def made(small: NDArray[np.uint8]) -> list[list[bytes]]:
    """The packets of two pictures, of the same size and number."""
    pictures = small, small[::-1]
    return [xcodec.encode_packets(each, 90, 5, effort=0) for each in pictures]


@pytest.fixture
def folder(made: list[list[bytes]], tmp_path: Path) -> Path:
    """The first one in a folder, all of them sent."""
    folder = tmp_path / "p.packets"
    packet_files.save(str(folder), made[0], False)
    box = Outbox.opened(folder)
    for index in range(5):
        box.note(index)
    assert Outbox.opened(folder).left == []
    return folder


@pytest.mark.parametrize("place", [0, 1])
def test_a_new_set_was_not_sent(made: list[list[bytes]], folder: Path, place: int) -> None:
    packet_files.save(str(folder), made[place], True)
    assert Outbox.opened(folder).left == list(range(5))


def test_a_journal_of_another_picture(made: list[list[bytes]], folder: Path) -> None:
    for index, packet in enumerate(made[1]):  # As other programs write them.
        (folder / f"{index:03d}.xgp").write_bytes(packet)
    assert Outbox.opened(folder).left == list(range(5))


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "{}", "[]", "null", "7", "\xff"),
        *('{"sent": 3}', '{"sent": [[]]}', '{"sent": {}}', '{"sent": [0]}', "[" * 100_000),
    ],
)
def test_a_journal_that_is_none(folder: Path, text: str) -> None:
    (folder / "sent.json").write_bytes(text.encode("latin-1"))
    box = Outbox.opened(folder)
    assert box.left == list(range(5))
    box.note(3)
    assert json.loads((folder / "sent.json").read_text())["sent"] == [3]
