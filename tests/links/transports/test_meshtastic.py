"""Meshtastic: the package's client with stand-ins for radios, on 127.0.0.1 and a serial line."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.links.transports.standin_meshtastic import MeshtasticAir, MeshtasticNode
from tests.links.transports.standin_wires import Line, Server, Wire
from xcodec.errors import DependencyError, InputError, LinkError
from xcodec.links import transports
from xcodec.links.transports import meshtastic

mesh_pb2 = pytest.importorskip(
    "meshtastic.protobuf.mesh_pb2", reason="the package meshtastic is not installed"
)
SECONDS = 10


class Radio:
    """One node behind a server."""

    def __init__(self) -> None:
        self.node = MeshtasticNode(0xA1)
        self.server = Server(self.node.attach)
        self.url = f"meshtastic://127.0.0.1:{self.server.port}"


@pytest.fixture
def radio() -> Iterator[Radio]:
    radio = Radio()
    yield radio
    radio.server.close()


@pytest.fixture
def air() -> Iterator[MeshtasticAir]:
    air = MeshtasticAir()
    yield air
    air.close()


@pytest.fixture(autouse=True)
def no_threads_stay() -> Iterator[None]:
    """Closing ends every thread but the one that the package itself keeps."""
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + 5
    while time.monotonic() < until:
        left = [t for t in threading.enumerate() if t not in before and t.name != "publishing"]
        if not left:
            return
        time.sleep(0.02)
    pytest.fail(f"threads stay: {left}")


def await_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def packet(sender: int, payload: bytes, port: int = 256, **fields: Any) -> Any:
    found = mesh_pb2.MeshPacket(to=fields.pop("to", 0xFFFFFFFF), **fields)
    setattr(found, "from", sender)
    found.decoded.portnum, found.decoded.payload = port, payload
    return found


def test_a_packet_is_a_broadcast_that_asks_for_no_acknowledgement(radio: Radio) -> None:
    with transports.connect(radio.url + "?channel=2&port=300") as link:
        link.send(b"shares")
    (sent,) = radio.node.requests
    assert (sent.to, sent.channel, sent.want_ack, sent.hop_limit) == (0xFFFFFFFF, 2, False, 3)
    assert (sent.decoded.portnum, sent.decoded.payload) == (300, b"shares")


def test_the_largest_packets_fit_what_lora_carries(radio: Radio) -> None:
    """As firmware counts: its header, the encoded message with a bitfield, a node's encryption."""
    for options, overhead in (("", 0), ("?to=!000000b2", 12)):
        with transports.connect(radio.url + options) as link:
            link.send(bytes(link.size))
            with pytest.raises(LinkError, match="at most"):
                link.send(bytes(link.size + 1))
        data = radio.node.requests[-1].decoded
        data.bitfield = 1
        assert len(data.SerializeToString()) + 16 + overhead == 255
        assert link.size <= mesh_pb2.Constants.DATA_PAYLOAD_LEN


def test_a_node_is_addressed_and_only_it_is_heard(radio: Radio) -> None:
    with transports.connect(radio.url + "?to=!000000b2") as link:
        link.send(b"for you")
        assert radio.node.requests[0].to == 0xB2
        radio.node.hear(packet(0xB3, b"from another"))
        radio.node.hear(packet(0xB2, b"from it", to=0xA1))
        message = link.receive(SECONDS)
        assert message is not None
        assert (message.data, message.sender) == (b"from it", "!000000b2")
        assert link.receive(0) is None


def test_other_ports_channels_and_the_echo_are_not_heard(radio: Radio) -> None:
    with transports.connect(radio.url + "?channel=1", listening=True) as link:
        radio.node.hear(packet(0xB2, b"hello", port=1))
        radio.node.hear(packet(0xA1, b"its own, repeated", channel=1))
        radio.node.hear(packet(0, b"its own", channel=1))
        radio.node.hear(packet(0xB2, b"on another channel", channel=0))
        radio.node.hear(mesh_pb2.MeshPacket(to=1, encrypted=b"secret"))
        radio.node.hear(packet(0xB2, b"to be heard", channel=1))
        message = link.receive(SECONDS)
        assert message is not None
        assert message.data == b"to be heard"
        assert link.receive(0.05) is None


def test_answers_go_to_the_sender_alone(air: MeshtasticAir) -> None:
    url = f"meshtastic://127.0.0.1:{air.port}"
    with (
        transports.connect(url, listening=True) as receiver,
        transports.connect(url) as first,
        transports.connect(url) as second,
    ):
        with pytest.raises(LinkError, match="nobody to answer"):
            receiver.send(b"too early")
        for sender in (second, first):
            sender.send(b"packet")
            assert receiver.receive(SECONDS)
        receiver.send(b"lacks 3")
        answer = first.receive(SECONDS)
        assert answer is not None
        assert answer.data == b"lacks 3"
        first.send(b"still to all")  # Not to the receiver that answered.
        assert receiver.receive(SECONDS)
        assert second.receive(0.1) is None  # A sender hears answers, not other senders.


def test_never_more_than_the_queue_holds(radio: Radio) -> None:
    radio.node.places, radio.node.holding = 4, True
    with transports.connect(radio.url) as link:
        sender = threading.Thread(target=lambda: [link.send(bytes([n])) for n in range(20)])
        sender.start()
        for sent in range(4, 21, 2):
            await_until(lambda sent=sent: len(radio.node.requests) == sent)
            time.sleep(0.03)
            assert len(radio.node.requests) == sent  # It waits for a place.
            radio.node.release(2)
        sender.join(SECONDS)
        assert not sender.is_alive()
    assert radio.node.most == 4
    assert [p.decoded.payload[0] for p in radio.node.requests] == list(range(20))


def test_a_lost_queue_status_is_asked_for(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshtastic, "ASKING", 0.05)
    radio.node.places, radio.node.holding = 1, True
    with transports.connect(radio.url) as link:
        link.send(b"fills the queue")
        radio.node.queue.clear()  # Sent, and the message about it was lost.
        link.send(b"next")
    assert radio.node.heartbeats
    assert len(radio.node.requests) == 2


def test_a_refused_packet_is_sent_again_under_a_new_number(
    radio: Radio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meshtastic, "AGAIN", (0.02, 0.04))
    heard: list[bytes] = []
    radio.node.air = lambda packet: heard.append(packet.decoded.payload)
    radio.node.refuse = [32, 9, 32]  # Full, out of air time, full.
    with transports.connect(radio.url) as link:
        link.send(b"one")
        link.send(b"two")
    assert heard == [b"one", b"two"]
    assert len({p.id for p in radio.node.requests}) == len(radio.node.requests) == 5


@pytest.mark.parametrize(
    ("errors", "what"),
    [([7], "too large"), ([6], "no such channel"), ([32] * 99, "error 32")],
    ids=["large", "channel", "always"],
)
def test_what_is_refused_for_good_is_an_error(
    radio: Radio, monkeypatch: pytest.MonkeyPatch, errors: list[int], what: str
) -> None:
    monkeypatch.setattr(meshtastic, "AGAIN", (0.02, 0.04))
    monkeypatch.setattr(meshtastic, "PATIENCE", 0.2)
    radio.node.refuse = errors
    with transports.connect(radio.url) as link, pytest.raises(LinkError, match=what):
        link.send(b"packet")


def test_a_queue_that_stays_full_is_an_error(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshtastic, "ASKING", 0.05)
    monkeypatch.setattr(meshtastic, "PATIENCE", 0.2)
    radio.node.places, radio.node.holding = 1, True
    with transports.connect(radio.url) as link:
        link.send(b"fills the queue")
        with pytest.raises(LinkError, match="stays full"):
            link.send(b"next")


def test_a_radio_that_goes_silent(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshtastic, "ANSWER", 0.05)
    with transports.connect(radio.url) as link:
        radio.node.silent = True
        link.send(b"old firmware never answers")
        radio.node.silent = False
        link.send(b"answered")
        radio.node.silent = True
        with pytest.raises(LinkError, match="no longer answers"):
            link.send(b"not answered")
    assert len(radio.node.requests) == 2 + 3


@pytest.mark.parametrize("act", ["send", "receive"])
def test_loss_of_the_connection(radio: Radio, act: str, caplog: pytest.LogCaptureFixture) -> None:
    radio.node.places, radio.node.holding = 1, True
    with transports.connect(radio.url) as link:
        link.send(b"fills the queue")
        radio.node.hear(packet(0xB2, b"arrived before", to=0xA1))
        threading.Timer(0.1, radio.server.drop).start()
        begun = time.monotonic()
        if act == "receive":
            assert link.receive(SECONDS)
        with pytest.raises(LinkError, match="lost") as caught:
            link.send(b"next") if act == "send" else link.receive(SECONDS)
        assert time.monotonic() - begun < 5
        assert "\n" not in str(caught.value)


def test_a_serial_line_with_noise(capfd: pytest.CaptureFixture[str]) -> None:
    line, node = Line(), MeshtasticNode(0xA1)
    node.attach(line)
    line.start()
    try:
        with transports.connect(f"meshtastic:{line.path}") as link:
            assert isinstance(link, meshtastic.Meshtastic)
            assert link.node == 0xA1
            line.write(b"boot: ok\r\n\x94\xc3\x00\x05\xff\xff\xff\xff\xff")  # A frame in ruins.
            node.hear(packet(0xB2, b"after the noise", to=0xA1))
            message = link.receive(SECONDS)
            assert message is not None
            assert message.data == b"after the noise"
            link.send(b"packet")
            assert node.requests[0].decoded.payload == b"packet"
    finally:
        line.close()
    assert capfd.readouterr() == ("", "")


def test_the_only_port_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    ports: list[str] = []
    monkeypatch.setattr("meshtastic.util.findPorts", lambda unique: ports)
    with pytest.raises(LinkError, match="no Meshtastic radio at a serial port"):
        transports.connect("meshtastic:")
    ports += ["/dev/none1"]
    with pytest.raises(LinkError, match="/dev/none1: No such file"):
        transports.connect("meshtastic:")
    ports += ["/dev/none2"]
    with pytest.raises(InputError, match="name one of the ports /dev/none1, /dev/none2"):
        transports.connect("meshtastic:")


def test_nobody_there(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("meshtastic.ble_interface.BLEInterface.scan", staticmethod(lambda: []))
    server = Server(lambda wire: None)
    port = server.port
    server.close()
    for url, what in [
        (f"meshtastic://127.0.0.1:{port}", f"127.0.0.1:{port}: Connection refused"),
        ("meshtastic:/dev/no-such-radio", "/dev/no-such-radio: No such file"),
        ("meshtastic:/dev/null", "/dev/null: "),
        ("meshtastic:?ble=Hill", "Hill: No Meshtastic BLE peripheral"),
    ]:
        with pytest.raises(LinkError, match=what) as caught:
            transports.connect(url)
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_others_that_listen_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshtastic, "CONNECTING", 0.3)

    def hang_up(wire: Wire) -> None:
        wire.heard = lambda data: wire._link.close()  # type: ignore[attr-defined]

    for welcome, what in [(lambda wire: None, "no Meshtastic radio answers"), (hang_up, "closed")]:
        server = Server(welcome)
        try:
            with pytest.raises(LinkError, match=what):
                transports.connect(f"meshtastic://127.0.0.1:{server.port}")
        finally:
            server.close()


def test_the_log_of_the_package_is_left_to_those_who_want_it(radio: Radio) -> None:
    transports.connect(radio.url).close()
    assert any(isinstance(h, logging.NullHandler) for h in logging.getLogger("meshtastic").handlers)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("to=hill", "to is a node such as !1234abcd"),
        ("channel=8", "channel is a number from 0 to 7"),
        ("port=1", "port is a number from 256 to 511"),
        ("speed=9", "no option 'speed'"),
    ],
)
def test_wrong_options(options: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        transports.connect(f"meshtastic://127.0.0.1:1?{options}")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "meshtastic.mesh_interface", None)
    monkeypatch.setitem(sys.modules, "meshtastic", None)
    with pytest.raises(DependencyError, match=r"pip install 'xcodec\[meshtastic\]'"):
        transports.connect("meshtastic://127.0.0.1:1")
