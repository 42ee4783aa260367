"""LXMF: nodes of Reticulum whose only interface is UDP on 127.0.0.1, each in a process."""

import importlib.util
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.links.transports import loopback_reticulum
from xcodec.coding import header
from xcodec.coding.primitives import ending
from xcodec.errors import DependencyError, InputError, LinkError
from xcodec.links import transports
from xcodec.links.transports import lxmf

pytest.importorskip("LXMF", reason="the package lxmf is not installed")
SECONDS = 20
NOBODY = "00" * 16

OTHER = """
# Another program for LXMF: prints what arrives, and answers with attachments.
import sys, threading, time
import LXMF, RNS

RNS.Reticulum(sys.argv[1], loglevel=RNS.LOG_CRITICAL)
router = LXMF.LXMRouter(identity=RNS.Identity(), storagepath=sys.argv[1] + "/other")
here = router.register_delivery_identity(router.identity)
methods = {LXMF.LXMessage.OPPORTUNISTIC: "packet", LXMF.LXMessage.DIRECT: "link"}

def take(message):
    for name, data in message.fields[LXMF.FIELD_FILE_ATTACHMENTS]:
        print(name, len(data), methods[message.method], flush=True)
    while RNS.Identity.recall(message.source_hash) is None:
        RNS.Transport.request_path(message.source_hash)
        time.sleep(0.5)
    files = [["holiday.jpg", b"jpg"], ["Again.XGP", b"xgp"], [b"more.xgc", b"xgc"]]
    answer = LXMF.LXMessage(
        RNS.Destination(
            RNS.Identity.recall(message.source_hash),
            RNS.Destination.OUT, RNS.Destination.SINGLE, "lxmf", "delivery",
        ),
        here, "here you are", fields={LXMF.FIELD_FILE_ATTACHMENTS: files},
    )
    router.handle_outbound(answer)

router.register_delivery_callback(take)
print(here.hash.hex(), flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), RNS.exit()), daemon=True).start()
time.sleep(60)
"""


@pytest.fixture
def nodes(tmp_path: Path) -> list[Path]:
    """Folders of two configurations."""
    return loopback_reticulum.pair(tmp_path)


@pytest.fixture(autouse=True)
def no_threads_stay() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert not set(threading.enumerate()) - before


def receiver_at(folder: Path, options: str = "") -> lxmf.Lxmf:
    link = transports.connect(f"lxmf:?config={folder}{options}", listening=True)
    assert isinstance(link, lxmf.Lxmf)
    return link


def await_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_other_programs_see_attachments_and_send_them(nodes: list[Path]) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", OTHER, str(nodes[0])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin
        assert other.stdout
        address = other.stdout.readline().strip()
        noise = random.Random(1).randbytes
        with transports.connect(f"lxmf:<{address}>?config={nodes[1]}") as link:
            coded = header.START + noise(9995)
            for data, expected in [
                (b"\x01" + noise(275), "p.xgp 276 packet"),
                (b"\x01" + noise(276), "p.xgp 277 link"),
                (coded + ending(coded), "picture.xgc 10000 link"),
            ]:
                link.send(data)
                assert other.stdout.readline().strip() == expected
                answers = [link.receive(SECONDS) for _ in range(2)]
                assert [a and (a.data, a.sender) for a in answers] == [
                    (b"xgp", address),
                    (b"xgc", address),
                ]
        other.stdin.close()
        assert other.wait(SECONDS) == 0


def test_an_address_stays_with_its_identity(nodes: list[Path], tmp_path: Path) -> None:
    with receiver_at(nodes[0]) as first:
        address = first.address
        assert len(bytes.fromhex(address)) == 16
        assert first.receive(0) is None
    with receiver_at(nodes[0], "&announce=1") as again:
        assert again.address == address
    own = tmp_path / "own"
    with receiver_at(nodes[0], f"&identity={own}") as other:
        assert other.address != address
    with receiver_at(nodes[0], f"&identity={own}") as same:
        assert same.address == other.address
    assert own.stat().st_mode & 0o077 == 0
    own.write_bytes(b"a key?")
    with pytest.raises(LinkError, match=f"{own}: no identity"):
        receiver_at(nodes[0], f"&identity={own}")


def test_a_receiver_may_name_its_only_sender(nodes: list[Path]) -> None:
    with receiver_at(nodes[1]) as link:
        sender = link.address  # Of that configuration.
    for only, heard in ((sender, True), (NOBODY, False)):
        with transports.connect(f"lxmf:{only}?config={nodes[0]}", listening=True) as receiver:
            assert isinstance(receiver, lxmf.Lxmf)
            with transports.connect(f"lxmf:{receiver.address}?config={nodes[1]}") as link:
                link.send(b"packet")
            assert (receiver.receive(SECONDS if heard else 0.5) is not None) == heard


def test_nobody_is_found(nodes: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lxmf, "SEEKING", 0.3)
    with transports.connect(f"lxmf:{NOBODY}?config={nodes[0]}") as link:
        for _ in range(2):
            with pytest.raises(LinkError, match=f"no receiver {NOBODY} is found"):
                link.send(b"packet")
        with pytest.raises(LinkError, match="carries at most"):
            link.send(bytes(link.size + 1))
    with receiver_at(nodes[0]) as link, pytest.raises(LinkError, match="nobody to answer"):
        link.send(b"packet")


def test_a_configuration_is_not_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LinkError, match=f"{tmp_path}: no configuration of Reticulum"):
        receiver_at(tmp_path)
    if not Path("/etc/reticulum/config").exists():
        monkeypatch.setenv("HOME", str(tmp_path))
        with pytest.raises(LinkError, match=f"{tmp_path}/.reticulum: no configuration"):
            transports.connect("lxmf:", listening=True)
    assert not list(tmp_path.iterdir())


def test_errors_of_a_configuration_are_one_line(nodes: list[Path]) -> None:
    with receiver_at(nodes[0]), pytest.raises(LinkError, match="Address already in use") as caught:
        receiver_at(nodes[0])
    assert "\n" not in str(caught.value)
    (nodes[0] / "config").write_text("[interfaces\n")
    with pytest.raises(LinkError, match="Could not parse the configuration") as caught:
        receiver_at(nodes[0])
    assert "\n" not in str(caught.value)


def test_the_loss_of_reticulum(nodes: list[Path]) -> None:
    with (
        receiver_at(nodes[0]) as receiver,
        transports.connect(f"lxmf:{receiver.address}?config={nodes[1]}") as sender,
    ):
        assert isinstance(sender, lxmf.Lxmf)
        sender.send(b"packet")
        for link in (receiver, sender):
            assert link._process
            os.kill(link._process.pid, signal.SIGINT)  # As a terminal does to all.
        sender.send(b"another")
        assert receiver.receive(SECONDS)
        assert receiver.receive(SECONDS)
        receiver.send(b"answer")
        end = time.monotonic() + SECONDS
        while sender._arrived.empty():  # Its node confirms before it hands over.
            assert time.monotonic() < end
            time.sleep(0.02)
        for link in (receiver, sender):
            assert link._process
            link._process.kill()
        assert sender.receive(SECONDS)  # What had arrived is still there.
        for link in (receiver, sender):
            for act in (lambda: link.receive(SECONDS), lambda: link.send(b"lost")):  # noqa: B023
                with pytest.raises(LinkError, match="Reticulum: it has ended"):
                    act()


def test_it_ends_with_the_program_that_uses_it(nodes: list[Path]) -> None:
    program = f"""
import os, signal
from xcodec.links import transports
link = transports.connect("lxmf:?config={nodes[0]}", listening=True)
print(link._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, timeout=SECONDS
    )
    assert ended.returncode == -signal.SIGKILL
    await_until(lambda: not alive(int(ended.stdout)))


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("lxmf:", "an address of 32 hexadecimal digits"),
        ("lxmf:hill", "an address of 32 hexadecimal digits"),
        (f"lxmf:{NOBODY}?announce=2", "announce is a number from 0 to 1"),
        (f"lxmf:{NOBODY}?port=1", "no option 'port'"),
    ],
)
def test_wrong_urls(url: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        transports.connect(url)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "LXMF", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match=r"pip install 'xcodec\[lxmf\]'"):
        transports.connect(f"lxmf:{NOBODY}")
