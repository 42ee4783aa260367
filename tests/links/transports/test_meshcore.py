"""MeshCore: the package's client with stand-ins for companion radios on 127.0.0.1."""

import base64
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.links.transports.standin_meshcore import MeshCoreAir, MeshCoreNode
from tests.links.transports.standin_wires import Line, Server
from xcodec.errors import DependencyError, InputError, LinkError
from xcodec.links import armor, transports
from xcodec.links.transports import meshcore

pytest.importorskip("meshcore", reason="the package meshcore is not installed")
SECONDS = 10
HILL, LAKE = bytes([0x11]) * 32, bytes([0x22]) * 32


class Radio:
    """One node behind a server, with two contacts."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, ...]] = []
        self.node = MeshCoreNode(bytes(32), lambda sender, *sent: self.sent.append(sent))
        self.node.contacts = [(HILL, "Hill"), (LAKE, "Lake")]
        self.server = Server(self.node.attach)
        self.url = f"meshcore://127.0.0.1:{self.server.port}"


@pytest.fixture
def radio() -> Iterator[Radio]:
    radio = Radio()
    yield radio
    radio.server.close()


@pytest.fixture(autouse=True)
def no_threads_stay() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + 5
    while set(threading.enumerate()) - before:
        assert time.monotonic() < until
        time.sleep(0.02)


def await_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_channel_carries_datagrams(radio: Radio) -> None:
    with transports.connect(radio.url + "?channel=3") as link:
        radio.node.measures = False  # As in older firmware.
        link.send(bytes(range(163)))
        with pytest.raises(LinkError, match="164 bytes: this MeshCore link carries at most 163"):
            link.send(bytes(164))
    assert radio.sent == [("channel", 3, 0xFF58, bytes(range(163)))]


@pytest.mark.parametrize("to", ["hill", HILL.hex(), "1111"], ids=["name", "key", "prefix"])
def test_a_contact_gets_lines_of_base64(radio: Radio, to: str) -> None:
    with transports.connect(f"{radio.url}?to={to}") as link:
        assert link.size == armor.carried(156, "base64")
        link.send(bytes(range(117)))
        with pytest.raises(LinkError, match="at most 117"):
            link.send(bytes(118))
    ((kind, key, text),) = radio.sent
    assert (kind, key) == ("text", HILL[:6])
    assert isinstance(text, bytes)
    assert len(text) == 156
    assert base64.b64decode(text) == bytes(range(117))


def test_only_what_is_meant_is_heard(radio: Radio) -> None:
    def hear_all() -> None:
        radio.node.hear_channel(1, 0xFFFF, b"of another application")
        radio.node.hear_channel(2, 0xFF58, b"on channel 2")
        radio.node.hear_channel(1, 0xFF58, b"on channel 1")
        radio.node.hear_text(HILL, b"what do you see?")
        radio.node.hear_text(HILL, b"T24gdGhlIGhpbGw")
        radio.node.hear_text(LAKE, b"SW4gdGhlIGxha2U")

    for options, expected in {
        "": [b"on channel 2", b"on channel 1", b"On the hill", b"In the lake"],
        "?channel=1": [b"on channel 1"],
        "?to=lake": [b"In the lake"],
    }.items():
        with transports.connect(radio.url + options, listening=True) as link:
            hear_all()
            for data in expected:
                message = link.receive(SECONDS)
                assert message is not None
                assert message.data == data
            assert link.receive(0.05) is None


def test_what_waited_before_is_read(radio: Radio) -> None:
    """The radio announces nothing then."""
    radio.node.inbox += [bytes([27, 0, 0, 0, 1, 0, 0x58, 0xFF, 6]) + b"before"]
    with transports.connect(radio.url, listening=True) as link:
        message = link.receive(SECONDS)
        assert message is not None
        assert (message.data, message.sender) == (b"before", "")


def test_a_sender_that_expects_no_answer_leaves_messages_in_the_radio(radio: Radio) -> None:
    radio.node.inbox.append(b"a message for somebody else")
    with transports.connect(radio.url + "?channel=1") as link:
        link.send(b"packet")
    assert len(radio.node.inbox) == 1


def test_answers_go_to_the_last_sender() -> None:
    air = MeshCoreAir(radios=3)
    url = f"meshcore://127.0.0.1:{air.port}"
    with (
        transports.connect(url, listening=True) as receiver,
        transports.connect(url + "?to=radio1") as first,
        transports.connect(url + "?to=radio1") as second,
    ):
        with pytest.raises(LinkError, match="nobody to answer"):
            receiver.send(b"too early")
        senders = set()
        for sender in (second, first):
            sender.send(b"packet")
            message = receiver.receive(SECONDS)
            assert message is not None
            senders.add(message.sender)
        assert len(senders) == 2
        receiver.send(b"lacks 3")
        answer = first.receive(SECONDS)
        assert answer is not None
        assert answer.data == b"lacks 3"
        assert second.receive(0.05) is None


def test_few_packets_wait_in_the_radio(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshcore, "AGAIN", 0.02)
    with transports.connect(radio.url + "?channel=1") as link:
        sender = threading.Thread(target=lambda: [link.send(bytes([n] * 20)) for n in range(12)])
        sender.start()
        for sent in (4, 6, 8, 10, 12):
            await_until(lambda sent=sent: len(radio.sent) == sent)
            time.sleep(0.05)
            assert len(radio.sent) == sent
            radio.node.waiting -= 2
        sender.join(SECONDS)
        assert not sender.is_alive()
    assert radio.node.most == 4


def test_a_radio_that_is_full_is_tried_again(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshcore, "AGAIN", 0.02)
    radio.node.refuse = [3, 3]
    with transports.connect(radio.url + "?channel=1") as link:
        link.send(b"packet")
        assert radio.sent == [("channel", 1, 0xFF58, b"packet")]
        monkeypatch.setattr(meshcore, "PATIENCE", 0.2)
        radio.node.refuse = [3] * 99
        with pytest.raises(LinkError, match="stays full"):
            link.send(b"packet")


@pytest.mark.parametrize(
    ("error", "what"), [(2, "no such channel"), (1, "does not know the command"), (6, "error 6")]
)
def test_what_is_refused_for_good_is_an_error(radio: Radio, error: int, what: str) -> None:
    radio.node.refuse = [error]
    with (
        transports.connect(radio.url + "?channel=1") as link,
        pytest.raises(LinkError, match=what),
    ):
        link.send(b"packet")


def test_a_contact_that_is_gone(radio: Radio) -> None:
    radio.node.acknowledges = False
    with transports.connect(radio.url + "?to=hill") as link:
        link.send(b"first")
        link.send(b"second")
        with pytest.raises(LinkError, match="does not acknowledge"):
            link.send(b"third")
    texts = [sent[2] for sent in radio.sent]
    assert len(texts) > len(set(texts)) == 3  # Each was tried again.


def test_a_radio_that_goes_silent(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshcore, "ANSWER", 0.2)
    with transports.connect(radio.url + "?channel=1") as link:
        radio.node.silent = True
        with pytest.raises(LinkError, match="no answer"):
            link.send(b"packet")


@pytest.mark.parametrize("act", ["send", "receive"])
def test_loss_of_the_connection(radio: Radio, act: str) -> None:
    with transports.connect(radio.url + "?channel=1", listening=True) as link:
        radio.node.hear_channel(1, 0xFF58, b"arrived before")
        assert link.receive(SECONDS)
        radio.node.silent = True
        threading.Timer(0.1, radio.server.drop).start()
        begun = time.monotonic()
        for _ in range(2):
            with pytest.raises(LinkError, match="connection to the radio is lost") as caught:
                link.send(b"next") if act == "send" else link.receive(SECONDS)
            assert "\n" not in str(caught.value)
        assert time.monotonic() - begun < 5


def test_a_serial_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for control in ("dtr", "rts"):  # A pseudo-terminal has no such wires.
        monkeypatch.setattr(f"serial.Serial._update_{control}_state", lambda port: None)
    line, node = Line(), MeshCoreNode(bytes(32))
    node.attach(line)
    line.start()
    try:
        with transports.connect(f"meshcore:{line.path}?channel=1", listening=True) as link:
            line.write(b"boot: ok\r\n")
            node.hear_channel(1, 0xFF58, b"after the noise")
            message = link.receive(SECONDS)
            assert message is not None
            assert message.data == b"after the noise"
            link.send(b"packet")
            assert node.most == 1
    finally:
        line.close()


def test_nobody_there(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    async def nothing(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr("meshcore.ble_cx.BleakScanner.find_device_by_filter", nothing)
    server = Server(lambda wire: None)
    port = server.port
    server.close()
    for url, what in [
        (f"meshcore://127.0.0.1:{port}?channel=1", f"127.0.0.1:{port}: .*refused|Connect call"),
        ("meshcore:/dev/no-such-radio?channel=1", "/dev/no-such-radio: .*No such file"),
        ("meshcore:?ble=Hill&channel=1", "Hill: Failed to connect"),
    ]:
        with pytest.raises(LinkError, match=what) as caught:
            transports.connect(url)
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_others_that_listen_there(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(lambda wire: None)
    try:
        with pytest.raises(LinkError, match="no MeshCore radio answers"):
            transports.connect(f"meshcore://127.0.0.1:{server.port}?channel=1")
        monkeypatch.setattr(meshcore, "CONNECTING", 0.2)
        with pytest.raises(LinkError, match="no MeshCore radio answers"):
            transports.connect(f"meshcore://127.0.0.1:{server.port}?channel=1")
    finally:
        server.close()


@pytest.mark.parametrize(
    ("to", "what"), [("valley", "no contact valley"), ("", "name a contact")], ids=["no", "none"]
)
def test_contacts_that_are_not_there(radio: Radio, to: str, what: str) -> None:
    with pytest.raises((LinkError, InputError), match=what):
        transports.connect(f"{radio.url}?to={to}")


def test_an_ambiguous_contact(radio: Radio) -> None:
    radio.node.contacts.append((bytes([0x11, 0x12]) * 16, "Hut"))
    with pytest.raises(LinkError, match="more than one contact 11"):
        transports.connect(f"{radio.url}?to=11")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("meshcore://127.0.0.1", "name a contact"),
        ("meshcore://127.0.0.1?to=hill&channel=1", "either to or channel"),
        ("meshcore:?channel=1", "name a serial port, a host, or a device"),
        ("meshcore://127.0.0.1?channel=300", "channel is a number from 0 to 255"),
        ("meshcore://127.0.0.1?port=1", "no option 'port'"),
    ],
)
def test_wrong_urls(url: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        transports.connect(url)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "meshcore", None)
    with pytest.raises(DependencyError, match=r"pip install 'xcodec\[meshcore\]'"):
        transports.connect("meshcore://127.0.0.1:1?channel=1")
