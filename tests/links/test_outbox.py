"""What a sender has: which packets went out, and that a set is written whole or not at all."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from tests.links.transports.lines import free_udp_port
from xcodec.__main__ import main
from xcodec.links import packet_files
from xcodec.links.outbox import Outbox
from xcodec.links.pacing import HOUR, Pacer


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


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("call", range(18))
@pytest.mark.parametrize("new", [True, False])
def test_an_interruption_leaves_one_set_or_the_other(
    made: list[list[bytes]], folder: Path, new: bool, call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C at each place where a file is written, moved or removed."""
    (folder / "notes").write_text("mine")
    (folder / "005.xgp").write_bytes(made[0][4])
    target = folder.with_name("new") if new else folder
    before = {} if new else contents(folder)
    calls = iter(range(100))

    def interrupted(kind: type, name: str) -> None:
        real = getattr(kind, name)

        def run(*args: object, **options: object) -> object:
            if next(calls) == call:
                raise KeyboardInterrupt
            return real(*args, **options)

        monkeypatch.setattr(kind, name, run)

    for kind, name in ((packet_files.files, "write_atomic"), (os, "replace"), (Path, "unlink")):
        interrupted(kind, name)
    stopped = False
    try:
        packet_files.save(str(target), made[1], not new)
    except KeyboardInterrupt:
        stopped = True
    monkeypatch.undo()
    whole = {f"{index:03d}.xgp": packet for index, packet in enumerate(made[1])}
    whole |= {} if new else {"notes": b"mine"}
    after = contents(target) if target.exists() else {}
    assert after in ([before, whole] if stopped else [whole])
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_a_duty_cycle_outlasts_interruptions(
    made: list[list[bytes]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went out within an hour counts, also when everything is sent again."""
    (folder / "sent.json").unlink()
    box = Outbox.opened(folder)
    box.note(0, 359.0)
    box.forget()
    delays: list[float] = []
    monkeypatch.setattr(Pacer, "wait", lambda pacer, airtime: delays.append(pacer.delay(airtime)))
    line = ["send", str(folder), "--via", f"udp://127.0.0.1:{free_udp_port()}", "-q"]
    line += ["--link", "meshtastic", "--duty", "10"]
    assert main(line) == 0
    assert len(delays) == 5
    assert HOUR - 60 < delays[0] <= HOUR + 359
    later = time.time() + HOUR
    monkeypatch.setattr(time, "time", lambda: later)
    assert Outbox.opened(folder).recent()[0] == pytest.approx((HOUR, 359.0), abs=60)
    later += 400
    box = Outbox.opened(folder)
    assert box.recent() == []
    box.note(1, 2.0)
    assert len(json.loads((folder / "sent.json").read_text())["on_air"]) == 1
