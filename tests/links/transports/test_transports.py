"""Every transport over loopback: what is sent arrives, and a receiver that can answers."""

import atexit
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.links.transports import lines, loopback_reticulum
from tests.links.transports.standin_meshcore import MeshCoreAir
from tests.links.transports.standin_meshtastic import MeshtasticAir
from xcodec.errors import InputError
from xcodec.links import transports
from xcodec.links.transports import Message, Transport, lxmf, udp

SECONDS = 10


def udp_pair() -> tuple[Transport, Transport]:
    """A receiver and a sender."""
    receiver = transports.connect("udp://127.0.0.1:0", listening=True)
    assert isinstance(receiver, udp.Udp)
    return receiver, transports.connect(f"udp://127.0.0.1:{receiver.port}")


def lxmf_pair() -> tuple[Transport, Transport]:
    """Two nodes of Reticulum."""
    pytest.importorskip("LXMF", reason="the package lxmf is not installed")
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    near, far = loopback_reticulum.pair(Path(folder))
    receiver = transports.connect(f"lxmf:?config={near}", listening=True)
    assert isinstance(receiver, lxmf.Lxmf)
    return receiver, transports.connect(f"lxmf:{receiver.address}?config={far}")


def meshcore_pair() -> tuple[Transport, Transport]:
    """Two radios on a channel."""
    pytest.importorskip("meshcore", reason="the package meshcore is not installed")
    url = f"meshcore://127.0.0.1:{MeshCoreAir(radios=2).port}"
    return transports.connect(url, listening=True), transports.connect(f"{url}?channel=1")


def meshcore_contacts() -> tuple[Transport, Transport]:
    """Two radios that send each other private messages."""
    pytest.importorskip("meshcore", reason="the package meshcore is not installed")
    url = f"meshcore://127.0.0.1:{MeshCoreAir(radios=2).port}"
    return transports.connect(url, listening=True), transports.connect(f"{url}?to=radio1")


def meshtastic_pair() -> tuple[Transport, Transport]:
    """Two radios that hear each other."""
    pytest.importorskip("meshtastic", reason="the package meshtastic is not installed")
    url = f"meshtastic://127.0.0.1:{MeshtasticAir(radios=2).port}"
    return transports.connect(url, listening=True), transports.connect(url)


def kiss_tcp_pair() -> tuple[Transport, Transport]:
    """Two programs at TNCs that hear each other."""
    pytest.importorskip("ax25", reason="pyham-ax25 is not installed")
    pytest.importorskip("sliplib", reason="sliplib is not installed")
    place = f"kiss+tcp://127.0.0.1:{lines.tnc_pair()}"
    receiver = transports.connect(f"{place}?from=AB1CD-2", listening=True)
    return receiver, transports.connect(f"{place}?from=AB1CD-1&to=AB1CD-2")


def kiss_pair() -> tuple[Transport, Transport]:
    """The same over serial lines."""
    pytest.importorskip("ax25", reason="pyham-ax25 is not installed")
    return wired("kiss:{}?from=AB1CD-2", "kiss:{}?from=AB1CD-1&to=AB1CD-2")


def serial_pair() -> tuple[Transport, Transport]:
    """Two serial lines with a wire in between."""
    return wired("serial:{}", "serial:{}")


def wired(receiving: str, sending: str) -> tuple[Transport, Transport]:
    """Open both ends of a wire by URLs with a gap for the device."""
    pytest.importorskip("serial", reason="pyserial is not installed")
    pytest.importorskip("sliplib", reason="sliplib is not installed")
    wire = lines.Wire()
    receiver = transports.connect(receiving.format(wire.devices[0]), listening=True)
    sender = transports.connect(sending.format(wire.devices[1]))
    wire.connect()
    return receiver, sender


PAIRS: dict[str, Callable[[], tuple[Transport, Transport]]] = {
    "lxmf": lxmf_pair,
    "meshcore": meshcore_pair,
    "meshcore to a contact": meshcore_contacts,
    "meshtastic": meshtastic_pair,
    "kiss": kiss_pair,
    "kiss+tcp": kiss_tcp_pair,
    "serial": serial_pair,
    "udp": udp_pair,
}
"""A receiver and a sender that reach each other, by name of the scheme."""


@pytest.mark.parametrize("name", PAIRS)
def test_datagrams_arrive_whole(name: str) -> None:
    receiver, sender = PAIRS[name]()
    with receiver, sender:
        sent = [bytes([n]) * (sender.size if n == 1 else 40 + n) for n in range(5)]
        found = []
        for data in sent:
            sender.send(data)
            found.append(receiver.receive(SECONDS))
        assert [message.data for message in found if message] == sent
        assert len({message.sender for message in found if message}) == 1
        assert receiver.receive(0.05) is None
        if receiver.answers:
            assert found[0] is not None
            receiver.answer_to(found[0])
            receiver.send(b"what is missing")
            answer = sender.receive(SECONDS)
            assert isinstance(answer, Message)
            assert answer.data == b"what is missing"


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("smoke:hill", "no link has such a URL"),
        ("photo.png", "there is no such folder"),
        ("udp://127.0.0.1:70000", "Port out of range"),
        ("udp://127.0.0.1", "a host and a port are needed"),
        ("udp://:9000", "a host and a port are needed"),
        ("udp://127.0.0.1:9000?speed=4", "no option 'speed'; it has no options"),
    ],
)
def test_wrong_urls_are_one_line(url: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        transports.connect(url)
    assert "\n" not in str(caught.value)


def test_answers_go_to_whom_they_are_for() -> None:
    receiver, one = udp_pair()
    assert isinstance(receiver, udp.Udp)
    other = transports.connect(f"udp://127.0.0.1:{receiver.port}")
    with receiver, one, other:
        one.send(b"one")
        first = receiver.receive(SECONDS)
        other.send(b"other")
        assert receiver.receive(SECONDS) == Message(b"other", "127.0.0.1")
        receiver.send(b"to the last")
        assert first is not None
        receiver.answer_to(first)
        receiver.send(b"to the first")
        assert other.receive(SECONDS) == Message(b"to the last", "127.0.0.1")
        assert one.receive(SECONDS) == Message(b"to the first", "127.0.0.1")


def test_strangers_redirect_no_sender() -> None:
    receiver, sender = udp_pair()
    with receiver, sender, socket.socket(type=socket.SOCK_DGRAM) as stranger:
        sender.send(b"one")
        first = receiver.receive(SECONDS)
        assert first is not None
        stranger.sendto(b"hello", first.origin)
        assert sender.receive(SECONDS) == Message(b"hello", "127.0.0.1")
        sender.send(b"two")
        assert receiver.receive(SECONDS) == Message(b"two", "127.0.0.1")
