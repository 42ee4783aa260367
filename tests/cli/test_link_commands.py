"""``send``, ``receive`` and ``links`` over loopback: several pictures, losses, answers, sudden
ends."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
from tests.conftest import Run
from xcodec.__main__ import main
from xcodec.choices import LINKS
from xcodec.errors import LinkError
from xcodec.links import transports
from xcodec.links.transports import Message, Transport, kiss
from xcodec.pictures.quality import decibels

SECONDS = 30
PACKETS = ("--packet-size", "90", "--packets", "12", "--loss", "0.3", "-e", "0")
CLASSICAL = ("--decoder", "classical")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(folder: Path, *args: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "xcodec", *map(str, args)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=folder)


def listening(port: int) -> None:
    """Wait until a port of UDP is taken."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return
        time.sleep(0.05)
    raise TimeoutError


def psnr(path: Path, picture: NDArray[np.uint8]) -> float:
    with Image.open(path) as image:
        error = np.square(np.asarray(image.convert("RGB"), float) - picture)
    return float(decibels(error.mean()))


class Relay:
    """Passes datagrams on to a receiver, and answers back; loses a share of the former."""

    def __init__(self, port: int, loss: float) -> None:
        self._link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._link.bind(("127.0.0.1", 0))
        self._link.settimeout(0.1)
        self.port = int(self._link.getsockname()[1])
        self._to, self._loss, self._rng = ("127.0.0.1", port), loss, random.Random(3)
        self.lost = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        sender = None
        while not self._done.is_set():
            try:
                data, source = self._link.recvfrom(65_536)
            except TimeoutError:
                continue
            if source == self._to:
                assert sender is not None
                self._link.sendto(data, sender)
                continue
            sender = source
            if self._rng.random() < self._loss:
                self.lost += 1
            else:
                self._link.sendto(data, self._to)

    def close(self) -> None:
        self._done.set()
        self._thread.join()
        self._link.close()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def relay(port: int) -> Iterator[Relay]:
    relay = Relay(port, 0.4)
    yield relay
    relay.close()


def test_two_pictures_and_a_file_arrive(
    picture: Path, small: NDArray[np.uint8], xcodec_process: Run, port: int
) -> None:
    folder = picture.parent
    other = np.ascontiguousarray(small[::-1])
    Image.fromarray(other).save(folder / "other.png")
    via = f"udp://127.0.0.1:{port}"
    receiver = started(folder, "receive", "--via", via, "--count", 3, "--json", *CLASSICAL)
    listening(port)
    for name in ("photo.png", "other.png"):
        sent = xcodec_process("send", name, "--via", via, *PACKETS, "--json")
        assert sent.returncode == 0, sent.stderr
        assert json.loads(sent.stdout)["packets"] == 12
    assert xcodec_process("encode", "photo.png", "--bytes", "300", "-e", "0").returncode == 0
    assert xcodec_process("send", "photo.xgc", "--via", via).returncode == 0
    out, err = receiver.communicate(timeout=SECONDS)
    assert receiver.returncode == 0, err
    facts = [json.loads(line) for line in out.splitlines()]
    complete = [each for each in facts if each["complete"]]
    assert len({each["file"] for each in complete}) == 3
    assert all(each["have"] <= each["needed"] or each["complete"] for each in facts)
    assert {each["sender"] for each in facts} == {"127.0.0.1"}
    found = [psnr(folder / each["file"], small) for each in complete]
    assert max(found) > 24
    assert min(found) < 20 < psnr(folder / complete[int(np.argmin(found))]["file"], other)
    kept = sorted(path.suffix for path in (folder / "received").iterdir())
    assert kept == [".packets", ".packets", ".png", ".png", ".png", ".xgc"]


def test_what_is_lacking_is_asked_for_and_sent(
    picture: Path, small: NDArray[np.uint8], xcodec_process: Run, port: int, relay: Relay
) -> None:
    out = picture.with_name("out.png")
    listen = f"udp://127.0.0.1:{port}"
    options = ("-o", out, "--reply", "0.4", "--idle", "30", *CLASSICAL)
    receiver = started(picture.parent, "receive", "--via", listen, *options)
    listening(port)
    via = f"udp://127.0.0.1:{relay.port}"
    few = ("--packet-size", "90", "--packets", "12", "--loss", "0", "-e", "0")
    sent = xcodec_process("send", picture, "--via", via, *few, "--wait", "20", "--json")
    assert sent.returncode == 0, sent.stderr
    said, err = receiver.communicate(timeout=SECONDS)
    assert receiver.returncode == 0, err
    assert "complete" in said.splitlines()[-1]
    assert relay.lost > 0
    assert json.loads(sent.stdout)["packets"] >= 12 + relay.lost
    whole = xcodec.encode_packets(small, 90, 12, loss=0, effort=0)
    expected = np.asarray(xcodec.decode_packets(whole, decoder="classical"))
    with Image.open(out) as image:
        assert np.array_equal(np.asarray(image), expected)


def test_a_sender_that_was_killed_goes_on(picture: Path, xcodec_process: Run, port: int) -> None:
    via = f"udp://127.0.0.1:{port}"
    journal = picture.with_suffix(".packets") / "sent.json"
    slow = started(picture.parent, "send", picture, "--via", via, *PACKETS, "--pause", "0.3")
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(0.05)
        if journal.exists() and len(json.loads(journal.read_text())["sent"]) >= 3:
            break
    slow.send_signal(signal.SIGKILL)
    slow.communicate(timeout=SECONDS)
    before = json.loads(journal.read_text())["sent"]
    assert 3 <= len(before) < 12
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", port))
        link.settimeout(SECONDS)
        rest = xcodec_process("send", picture, "--via", via, "--json")
        assert rest.returncode == 0, rest.stderr
        assert json.loads(rest.stdout)["packets"] == 12 - len(before)
        indices = [link.recv(4096)[3] for _ in range(12 - len(before))]
    assert sorted([*before, *indices]) == list(range(12))
    done = xcodec_process("send", picture, "--via", via)
    assert done.returncode == 1
    assert b"--again repeats them, --more N makes new ones" in done.stderr
    more = xcodec_process("send", picture, "--via", via, "--more", "2", "--json")
    assert json.loads(more.stdout)["packets"] == 2
    assert json.loads(journal.read_text())["sent"][-2:] == [12, 13]


def test_an_interrupted_sender_says_what_went_out(picture: Path, port: int) -> None:
    journal = picture.with_suffix(".packets") / "sent.json"
    via = f"udp://127.0.0.1:{port}"
    slow = started(picture.parent, "send", picture, "--via", via, *PACKETS, "--pause", "30")
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and not (journal.exists() and "[0]" in journal.read_text()):
        time.sleep(0.05)
    slow.send_signal(signal.SIGINT)
    _, err = slow.communicate(timeout=SECONDS)
    assert slow.returncode == 130
    assert "1 packet went out, 11 are left: start again" in err


def test_a_receiver_that_was_killed_goes_on(
    picture: Path, small: NDArray[np.uint8], port: int
) -> None:
    folder = picture.parent
    packets = xcodec.encode_packets(small, 90, 12, loss=0.3, effort=0)
    listen = ("receive", "--via", f"udp://127.0.0.1:{port}", "-o", "in", *CLASSICAL)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        first = started(folder, *listen)
        listening(port)
        for packet in packets[:5]:
            link.sendto(packet, ("127.0.0.1", port))
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and len(list(folder.glob("in/*.packets/*.xgp"))) < 5:
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.communicate(timeout=SECONDS)
        second = started(folder, *listen, "--resume", "--count", "1", "--json")
        listening(port)
        for packet in packets[5:]:
            link.sendto(packet, ("127.0.0.1", port))
        out, err = second.communicate(timeout=SECONDS)
    assert second.returncode == 0, err
    facts = [json.loads(line) for line in out.splitlines()]
    assert facts[0]["have"] == 5
    assert facts[-1]["complete"]
    assert len(list(folder.glob("in/*.png"))) == 1
    assert psnr(folder / facts[-1]["file"], small) > 24


def test_lines_of_text_through_a_pipe(
    picture: Path, small: NDArray[np.uint8], xcodec_process: Run
) -> None:
    sent = xcodec_process("send", picture, "--via", "-", *PACKETS)
    assert sent.returncode == 0, sent.stderr
    lines = sent.stdout.splitlines(keepends=True)
    assert len(lines) == 12
    text = (
        b"dear all,\r\n> " + b"\r\n> ".join(line.strip() for line in lines[::-1]) + b"\n-- \nAnna\n"
    )
    received = xcodec_process("receive", "--via", "-", "-o", "out.png", *CLASSICAL, data=text)
    assert received.returncode == 0, received.stderr
    assert psnr(picture.with_name("out.png"), small) > 24


def test_a_sender_waits_for_nobody_where_input_ends(picture: Path, xcodec_process: Run) -> None:
    sent = xcodec_process("send", picture, "--via", "-", *PACKETS, "--wait", "60", "--json")
    assert (sent.returncode, len(sent.stdout.splitlines())) == (0, 12)
    assert json.loads(sent.stderr.splitlines()[-1])["packets"] == 12


def test_a_folder_as_a_link(picture: Path, small: NDArray[np.uint8], xcodec_process: Run) -> None:
    outgoing = picture.with_name("outgoing")
    outgoing.mkdir()
    assert xcodec_process("send", picture, "--via", outgoing, *PACKETS).returncode == 0
    for number, path in enumerate(sorted(outgoing.iterdir())):
        path.rename(outgoing / f"message {number}")  # As other programs call them.
    received = xcodec_process("receive", "--via", outgoing, "-o", "out.png", *CLASSICAL)
    assert received.returncode == 0, received.stderr
    assert psnr(picture.with_name("out.png"), small) > 24


class Fake(Transport):
    """A link that passes some messages on at once; then it fails, or there is noise for ever."""

    size, answers = 4096, True

    def __init__(self, data: list[bytes], fails: bool) -> None:
        self._data, self._fails, self.sent = list(data), fails, 0
        self._until = time.monotonic() + SECONDS

    def send(self, data: bytes) -> None:
        self.sent += 1

    def receive(self, timeout: float) -> Message | None:
        assert time.monotonic() < self._until
        if self._data:
            return Message(self._data.pop(0))
        if self._fails:
            raise LinkError("the other side closed the connection")
        return Message(b"noise" * 20)


@pytest.fixture
def sent(small: NDArray[np.uint8]) -> list[bytes]:
    return xcodec.encode_packets(small, 90, 4, loss=0, effort=0)


@pytest.mark.parametrize(
    ("count", "options", "code", "complete"),
    [
        (4, ("-o", "a.png"), 0, True),
        (4, ("-o", "many"), 1, True),
        (3, ("-o", "a.png"), 1, False),
    ],
)
def test_what_arrived_before_a_link_failed_is_shown(
    picture: Path, sent: list[bytes], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    count: int, options: tuple[str, ...], code: int, complete: bool,
) -> None:  # fmt: skip
    monkeypatch.chdir(picture.parent)
    monkeypatch.setattr(transports, "connect", lambda *_, **__: Fake(sent[:count], True))
    assert main(["receive", "--via", "udp://127.0.0.1:9", *options, *CLASSICAL, "--json"]) == code
    said = capsys.readouterr()
    (facts,) = map(json.loads, said.out.splitlines())
    assert (facts["have"], facts["complete"]) == (count, complete)
    assert Path(facts["file"]).exists()
    assert said.err == ("xcodec: the other side closed the connection\n" if code else "")


def test_a_connection_that_ends_with_the_last_packet(
    picture: Path, small: NDArray[np.uint8], sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ax25", reason="pyham-ax25 is not installed")
    slip = pytest.importorskip("sliplib", reason="sliplib is not installed")
    monkeypatch.chdir(picture.parent)
    frames = [slip.encode(b"\0" + kiss.pack(each, "AB1CD-1", "AB1CD-2")) for each in sent]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)

        def talk() -> None:
            with server.accept()[0] as link:
                link.sendall(slip.END + slip.END.join(frames) + slip.END)

        thread = threading.Thread(target=talk)
        thread.start()
        via = f"kiss+tcp://127.0.0.1:{server.getsockname()[1]}"
        assert main(["receive", "--via", via, "-o", "a.png", *CLASSICAL]) == 0
        thread.join()
    assert psnr(Path("a.png"), small) > 18


def test_noise_keeps_nothing_from_being_shown_or_asked_for(
    picture: Path, sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(picture.parent)
    link = Fake(sent[:2], False)
    monkeypatch.setattr(transports, "connect", lambda *_, **__: link)
    line = ["receive", "--via", "udp://127.0.0.1:9", "-o", "a.png", *CLASSICAL]
    assert main([*line, "--idle", "0.5", "--reply", "0.1"]) == 0
    assert Path("a.png").exists()
    assert link.sent > 0


def test_links_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["links", "--json"]) == 0
    every = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in every] == list(LINKS)
    assert main(["links"]) == 0
    assert "meshtastic" in capsys.readouterr().out


def test_encode_says_what_a_link_costs(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["-e", "0", "-o", str(picture.with_name("set"))]
    assert main(["encode", str(picture), "--link", "meshtastic", *options]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "8 packets of 200 bytes" in first
    assert "all 8 together give the whole picture" in first
    assert second.startswith("15.3 s on air (LongFast)")
    assert (
        main(["encode", str(picture), "--link", "meshtastic", "--loss", "0.6", *options, "-f"]) == 0
    )
    assert re.search(r"any [2-7] give the whole picture", capsys.readouterr().out)
    assert main(["encode", str(picture), "--link", "sbd", "-e", "0", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["bytes"] <= 340
    assert facts["credits"] == 7
    assert main(["info", str(picture.with_suffix(".xgc")), "--link", "sbd", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["credits"] == 7
    assert main(["info", str(picture.with_name("set")), "--link", "meshtastic", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["have"], facts["complete"], facts["preset"]) == (8, True, "LongFast")
    assert main(["info", str(picture.with_name("set")), "--link", "meshtastic"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"cost {second}" in shown


@pytest.mark.parametrize(
    ("args", "code", "what"),
    [
        (("send", "photo.png", "--via", "smoke:hill"), 1, "no link has such a URL"),
        (("send", "photo.png", "--via", "nowhere"), 1, "there is no such folder"),
        (("send", "none.png", "--via", "udp://127.0.0.1:9"), 1, "none.png"),
        (("send", "photo.png", "--via", "-"), 2, "how large are packets?"),
        (
            ("send", "photo.png", "--via", "udp://127.0.0.1:9", "--packets", "0"),
            2,
            "--packets is 0",
        ),
        (("receive", "--via", "udp://127.0.0.1:9", "-o", "photo.png"), 1, "exists already"),
        (("receive", "--via", "udp://192.0.2.1:9", "-o", "x.png"), 1, "udp://192.0.2.1:9: "),
        (("receive", "--via", "udp://127.0.0.1:0", "--idle", "0.1"), 1, "no packet received"),
        (("receive", "--via", ".", "--reply", "1"), 2, "nothing can be sent back"),
        (("encode", "photo.png", "--link", "pigeon"), 2, "pigeon"),
        (("info", "photo.png", "--preset", "LongFast"), 2, "--link"),
    ],
)
def test_wrong_usage_is_one_line(
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: tuple[str, ...],
    code: int,
    what: str,
) -> None:
    monkeypatch.chdir(picture.parent)
    before = sorted(os.listdir())
    assert main(list(args)) == code
    err = capsys.readouterr().err
    assert what in err
    assert code == 2 or len(err.splitlines()) == 1
    assert sorted(os.listdir()) == before


def test_send_refuses_options_of_pictures_for_what_is_encoded(
    picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(picture.parent)
    Path("there").mkdir()
    via = ["--via", "there", "-q"]
    assert main(["encode", "photo.png", "-e", "0", "-q"]) == 0
    assert main(["send", "photo.png", *via, *PACKETS]) == 0
    assert capsys.readouterr() == ("", "")
    Path("photo.xgc").rename("photo.XGC")
    for source, option, what in (
        ("photo.XGC", ("--bytes", "200"), "a .xgc file"),
        ("photo.XGC", ("--more", "2"), "a whole file"),
        ("photo.packets", ("-e", "3"), "packets"),
        ("photo.packets", ("--frame", "0"), "packets"),
    ):
        assert main(["send", source, *via, *option]) == 2
        name = "--effort" if option[0] == "-e" else option[0]
        assert f"{name} cannot be used with {what}" in capsys.readouterr().err
