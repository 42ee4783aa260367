"""KISS to a real TNC: Direwolf, which hears its own sound and so returns what it sends."""

import os
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from xcodec.errors import LinkError
from xcodec.links import transports
from xcodec.links.transports import Transport

pytest.importorskip("ax25", reason="pyham-ax25 is not installed")
pytest.importorskip("sliplib", reason="sliplib is not installed")
pytestmark = pytest.mark.skipif(shutil.which("direwolf") is None, reason="needs Direwolf")
SECONDS = 20.0
RATE = 48_000
CONFIGURATION = """
ADEVICE stdin loop
ARATE {rate}
CHANNEL 0
MYCALL N0CALL
MODEM 9600
FULLDUP ON
TXDELAY 10
TXTAIL 10
AGWPORT 0
KISSPORT {port}
DNSSD 0
"""
"""Full duplex: it transmits although it hears itself. Nothing is announced on the network."""
SOUND = 'pcm.loop {{ type file slave.pcm {{ type null }} format raw file "/proc/self/fd/{out}" }}'
"""A sound card of ALSA that plays into a pipe."""


def carry(played: int, heard: int) -> None:
    """Pass sound on until the radio ends, and silence while there is none."""
    silence = bytes(RATE // 10)  # 50 ms of 16 bits
    with suppress(OSError), open(played, "rb", 0) as source, open(heard, "wb", 0) as target:
        while True:
            ready = select.select([source], [], [], 0.05)[0]
            sound = source.read(4096) if ready else silence
            if not sound:
                break
            target.write(sound)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port for KISS of a Direwolf with a loop of sound."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    played, out = os.pipe()
    into, heard = os.pipe()
    (tmp_path / "asound.conf").write_text(SOUND.format(out=out))
    (tmp_path / "direwolf.conf").write_text(CONFIGURATION.format(rate=RATE, port=port))
    radio = subprocess.Popen(
        ["direwolf", "-t", "0", "-q", "hd", "-c", str(tmp_path / "direwolf.conf")],
        stdin=into,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[out],
        env=os.environ | {"ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")},
    )
    os.close(into)
    os.close(out)
    loop = threading.Thread(target=carry, args=(played, heard))
    loop.start()
    try:
        yield port
    finally:
        radio.kill()
        radio.wait(SECONDS)
        loop.join(SECONDS)


def connected(url: str, listening: bool = False) -> Transport:
    """Connect as soon as the radio runs."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            return transports.connect(url, listening)
        except LinkError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def test_a_picture_through_direwolf(port: int, small: NDArray[np.uint8]) -> None:
    sent = xcodec.encode_packets(small, 256, 4, loss=0.3, effort=0)
    place = f"kiss+tcp://127.0.0.1:{port}"
    receiver = connected(f"{place}?from=EF2GH", listening=True)
    everything = connected(place, listening=True)
    with receiver, everything, connected(f"{place}?from=AB1CD-7&to=EF2GH") as sender:
        for packet in sent:
            sender.send(packet)
        found = [receiver.receive(SECONDS) for _ in sent]
        assert [each and each.data for each in found] == sent
        assert {each.sender for each in found if each} == {"AB1CD-7"}
        receiver.send(b"2 are missing\xc0\xdb\x00")
        answer = sender.receive(SECONDS)
        assert answer
        assert (answer.data, answer.sender) == (b"2 are missing\xc0\xdb\x00", "EF2GH")
        # Both heard themselves, and dropped it.
        heard = [everything.receive(SECONDS) for _ in range(len(sent) + 1)]
        assert [each and each.sender for each in heard] == ["AB1CD-7"] * len(sent) + ["EF2GH"]
        assert receiver.receive(0.1) is None
        assert sender.receive(0.1) is None
    received = xcodec.decode_packets([each.data for each in found if each], decoder="classical")
    whole = xcodec.decode_packets(sent, decoder="classical")
    assert received.tobytes() == whole.tobytes()
