"""AX.25 frames through TNCs: what stands in them, and which are taken."""

import socket
import sys
from collections.abc import Iterator

import pytest

from tests.links.transports import lines
from xcodec.errors import DependencyError, InputError, LinkError, XcodecError
from xcodec.links import transports
from xcodec.links.transports import Transport, kiss

ax25 = pytest.importorskip("ax25", reason="pyham-ax25 is not installed")
pytest.importorskip("sliplib", reason="sliplib is not installed")
SECONDS = 10
FEND = b"\xc0"


def address(call: str, ssid: int, flag: int = 0, last: bool = False) -> bytes:
    """An address as AX.25 2.2 describes it (3.12): letters moved up by a bit, then the SSID.

    flag : C bit of source and destination, H bit of a digipeater
    """
    text = bytes(ord(letter) << 1 for letter in call.ljust(6))
    return text + bytes([flag << 7 | 0b11 << 5 | ssid << 1 | last])


def frame(
    source: str = "EF2GH", control: int = 0x03, pid: int | None = 0xF0, data: bytes = b"data"
) -> bytes:
    """A frame to AB1CD."""
    after = bytes([control]) if pid is None else bytes([control, pid])
    return address("AB1CD", 0, flag=1) + address(source, 0, last=True) + after + data


class Tnc:
    """A TNC of one program."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.place = f"kiss+tcp://127.0.0.1:{self.server.getsockname()[1]}"
        self.link: socket.socket | None = None

    def connected(self, options: str, listening: bool = False) -> Transport:
        """A program that is connected."""
        program = transports.connect(f"{self.place}?{options}", listening)
        self.link, _ = self.server.accept()
        self.link.settimeout(SECONDS)
        return program

    def hear(self, *frames: bytes) -> None:
        """Pass frames, with their first byte, to the program."""
        assert self.link is not None
        self.link.sendall(b"".join(FEND + each + FEND for each in frames))

    def sent(self) -> bytes:
        """What the program sent, without ends."""
        assert self.link is not None
        return self.link.recv(4096).strip(FEND)

    def close(self) -> None:
        """Close both sockets."""
        self.server.close()
        if self.link:
            self.link.close()


@pytest.fixture
def tnc() -> Iterator[Tnc]:
    made = Tnc()
    yield made
    made.close()


def test_bytes_of_a_frame(tnc: Tnc) -> None:
    sender = tnc.connected("from=ab1cd-7&to=EF2GH&via=WIDE1-1,OE3XYZ-15&port=3")
    sender.send(b"\x00\xffpacket")
    expected = (
        address("EF2GH", 0, flag=1) + address("AB1CD", 7) + address("WIDE1", 1)
        + address("OE3XYZ", 15, last=True) + b"\x03\xf0\x00\xffpacket"
    )  # fmt: skip
    assert tnc.sent() == b"\x30" + expected
    tnc.close()
    sender.close()


def test_only_what_is_meant_is_taken(tnc: Tnc) -> None:
    receiver = tnc.connected("from=AB1CD-9", listening=True)
    tnc.hear(
        b"\x00" + frame("AB1CD"),  # Another SSID than the own.
        b"\x00" + frame(pid=0xCF),  # NET/ROM
        b"\x00" + frame(control=0x00),  # A frame of a connection
        b"\x00" + frame(control=0x2F, pid=None, data=b""),  # SABM
        b"\x10" + frame(),  # Another port
        b"\x06" + frame(),  # Another command
        b"\x00" + frame()[:11],
        b"\x00",
        b"\x00" + bytes(60),
        b"\x00" + frame(data=bytes(257)),
        b"\x00" + frame(control=0x13, data=b"polled"),
        b"\x00" + frame(data=b""),
    )
    found = [receiver.receive(SECONDS if n < 3 else 0.05) for n in range(4)]
    assert [each and (each.data, each.sender) for each in found] == [
        (b"data", "AB1CD"), (b"polled", "EF2GH"), (b"", "EF2GH"), None
    ]  # fmt: skip
    tnc.close()
    with pytest.raises(LinkError, match="closed the connection"):
        receiver.receive(SECONDS)
    receiver.close()


def test_digipeated_frames_are_taken(tnc: Tnc) -> None:
    receiver = tnc.connected("", listening=True)
    repeated = (
        address("AB1CD", 0, flag=1) + address("EF2GH", 15) + address("WIDE1", 1, flag=1)
        + address("WIDE2", 2, last=True) + b"\x03\xf0data"
    )  # fmt: skip
    tnc.hear(b"\x00" + repeated)
    found = receiver.receive(SECONDS)
    assert found
    assert (found.data, found.sender) == (b"data", "EF2GH-15")
    tnc.close()
    receiver.close()


def test_the_own_echo_is_dropped() -> None:
    place = f"kiss+tcp://127.0.0.1:{lines.tnc_pair(echoing=True)}"
    receiver = transports.connect(f"{place}?from=EF2GH", listening=True)
    with receiver, transports.connect(f"{place}?from=AB1CD&to=EF2GH") as sender:
        sender.send(b"one")
        first = receiver.receive(SECONDS)
        receiver.send(b"two")
        answer = sender.receive(SECONDS)
        assert first
        assert answer
        assert (first.data, first.sender) == (b"one", "AB1CD")
        assert (answer.data, answer.sender) == (b"two", "EF2GH")
        assert sender.receive(0.05) is None
        assert receiver.receive(0.05) is None


def test_a_receiver_may_ask_for_one_destination(tnc: Tnc) -> None:
    receiver = tnc.connected("to=AB1CD", listening=True)
    other = address("CQ", 0) + address("EF2GH", 0, last=True) + b"\x03\xf0other"
    tnc.hear(b"\x00" + other, b"\x00" + frame())
    found = receiver.receive(SECONDS)
    assert found
    assert found.data == b"data"
    tnc.close()
    receiver.close()


def test_a_sender_hears_what_is_addressed_to_it(tnc: Tnc) -> None:
    sender = tnc.connected("from=AB1CD&to=XCODEC")
    other = address("CQ", 0) + address("EF2GH", 0, last=True) + b"\x03\xf0other"
    tnc.hear(b"\x00" + other, b"\x00" + frame())
    found = sender.receive(SECONDS)
    assert found
    assert found.data == b"data"
    tnc.close()
    sender.close()


def test_answers_need_a_call_sign(tnc: Tnc) -> None:
    receiver = tnc.connected("", listening=True)
    assert not receiver.answers
    with pytest.raises(LinkError, match="from=CALL is needed to answer"):
        receiver.send(b"data")
    tnc.close()
    receiver.close()


def test_answers_need_somebody(tnc: Tnc) -> None:
    receiver = tnc.connected("from=AB1CD", listening=True)
    assert receiver.answers
    with pytest.raises(LinkError, match="nobody to answer"):
        receiver.send(b"data")
    tnc.close()
    receiver.close()


def test_too_large_a_datagram() -> None:
    with pytest.raises(InputError, match=r"257 bytes: a frame of AX.25 holds at most 256"):
        kiss.pack(bytes(257), "AB1CD", "EF2GH")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("kiss+tcp://127.0.0.1", "from=CALL is missing, your own call sign"),
        ("kiss+tcp://127.0.0.1?from=AB1CD", "to=CALL is missing, the receiver's call sign"),
        ("kiss+tcp://127.0.0.1?from=AB1CD&to=AB1CD", "need call signs or SSIDs apart"),
        ("kiss+tcp://127.0.0.1?from=AB1CD&to=AB1CD-0", "need call signs or SSIDs apart"),
        ("kiss+tcp://127.0.0.1?from=AB1CDEF&to=CQ", "from is a call sign .* not 'AB1CDEF'"),
        ("kiss+tcp://127.0.0.1?from=AB1CD-16&to=CQ", "not 'AB1CD-16'"),
        ("kiss+tcp://127.0.0.1?from=AB1CD-&to=CQ", "not 'AB1CD-'"),
        ("kiss+tcp://127.0.0.1?from=AB%C3%89&to=CQ", "not 'ABÉ'"),
        ("kiss+tcp://127.0.0.1?from=AB1CD&to=CQ*", r"to is a call sign .* not 'CQ\*'"),
        ("kiss+tcp://127.0.0.1?from=&to=CQ", "not ''"),
        ("kiss+tcp://127.0.0.1?from=AB1CD&to=CQ&via=WIDE1-1,", "via is a call sign"),
        ("kiss+tcp://127.0.0.1?from=AB1CD&to=CQ&via=" + "W1,W2,W3,W4,W5,W6,W7,W8,W9", "at most 8"),
        ("kiss+tcp://127.0.0.1?from=AB1CD&to=CQ&port=16", "port is a number from 0 to 15"),
        ("kiss+tcp://127.0.0.1?from=AB1CD&to=CQ&baud=9600", "no option 'baud'"),
        ("kiss+tcp://?from=AB1CD&to=CQ", "a host is needed, as in kiss"),
        ("kiss:?from=AB1CD&to=CQ", "a device is needed, as in kiss:/dev/ttyUSB0"),
    ],
)
def test_wrong_urls(url: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        transports.connect(url)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("package", ["ax25", "sliplib"])
def test_a_missing_package_is_named(
    package: str, monkeypatch: pytest.MonkeyPatch, tnc: Tnc
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DependencyError, match=r"pip install 'xcodec\[ax25\]'") as caught:
        transports.connect(f"{tnc.place}?from=AB1CD&to=EF2GH")
    assert isinstance(caught.value, XcodecError)
