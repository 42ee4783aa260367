"""The server of the page: what it answers, and that packets come through as they arrive."""

import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode

import pytest

from xcodec.errors import InputError, LinkError
from xcodec.links import page
from xcodec.links.serving import LOOPBACK, Server, place_of

SECONDS = 10


def lines(stream: object, count: int) -> list[bytes]:
    """The next lines with data."""
    found: list[bytes] = []
    while len(found) < count:
        line = stream.readline()  # type: ignore[attr-defined]
        assert line
        if line.startswith(b"data: "):
            found.append(line.removeprefix(b"data: ").strip())
    return found


def test_the_page_and_the_packets() -> None:
    packets = [bytes([n]) * 50 for n in range(5)]
    coded = [b64encode(packet).rstrip(b"=") for packet in packets]
    with Server(b"<!doctype html>hello", LOOPBACK, 0) as server:
        place = server.url.removesuffix("/?live")
        with urllib.request.urlopen(server.url, timeout=SECONDS) as answer:
            assert answer.read() == b"<!doctype html>hello"
        server.put(packets[:2])
        with urllib.request.urlopen(f"{place}/live", timeout=SECONDS) as live:
            assert lines(live, 2) == coded[:2]
            server.put(packets[:3])  # What is known is not sent again.
            assert lines(live, 1) == coded[2:3]
            with urllib.request.urlopen(f"{place}/live", timeout=SECONDS) as late:
                assert lines(late, 3) == coded[:3]
            server.put(packets)
            assert lines(live, 2) == coded[3:]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{place}/../etc/passwd", timeout=SECONDS)
        port = int(place.rpartition(":")[2])
        with pytest.raises(LinkError, match=f"{LOOPBACK}:{port}: address already in use"):
            Server(b"", LOOPBACK, port)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(place, timeout=SECONDS)


def test_a_client_that_goes_away_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    with Server(bytes(1 << 24), LOOPBACK, 0) as server:
        port = int(server.url.removesuffix("/?live").rpartition(":")[2])
        with socket.create_connection((LOOPBACK, port), SECONDS) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert client.recv(100)
            # It is reset when it is closed.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        until = time.monotonic() + SECONDS
        while any("process_request" in thread.name for thread in threading.enumerate()):
            assert time.monotonic() < until
            time.sleep(0.01)
    assert capfd.readouterr() == ("", "")


def test_a_server_of_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with Server(b"page", *place_of("[::1]:0")) as server:
        assert server.url.startswith("http://[::1]:")
        with urllib.request.urlopen(server.url, timeout=SECONDS) as answer:
            assert answer.read() == b"page"


def test_places() -> None:
    assert place_of("8080") == (LOOPBACK, 8080)
    assert place_of("[::]:8080") == ("::", 8080)
    assert place_of("0.0.0.0:80") == ("0.0.0.0", 80)
    for wrong in ("", "eighty", "70000", "localhost:"):
        with pytest.raises(InputError, match="is no port"):
            place_of(wrong)


def test_the_page_ships_or_says_that_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PLACES", ())
    with pytest.raises(ImportError, match="make web"):
        page.read()
