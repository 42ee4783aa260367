"""Frames in streams: every one that is whole is found, whatever stands around it."""

import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xcodec.errors import LinkError
from xcodec.links.transports import parse, streams

sliplib = pytest.importorskip("sliplib", reason="sliplib is not installed")
END, ESCAPE = b"\xc0", b"\xdb"


class Chunks(streams.Stream):
    """A stream whose bytes come in given pieces, and which keeps what is written."""

    name = "a test"

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks, self.written = chunks, b""

    def read(self, timeout: float) -> bytes:
        return next(self.chunks, b"")

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        pass


def escaped(data: bytes) -> bytes:
    """A frame, byte by byte: by the table of RFC 1055, not by the library."""
    table = {0xC0: b"\xdb\xdc", 0xDB: b"\xdb\xdd"}
    return END + b"".join(table.get(byte, bytes([byte])) for byte in data) + END


def test_special_bytes_are_escaped() -> None:
    stream = Chunks(iter(()))
    data = b"\xc0\xdb\xdc\xdd\xdb\xdc\xdb\xdd\xc0\xc0"
    streams.Frames(stream, sliplib).send(data)
    assert stream.written == escaped(data)


noise = st.binary(max_size=20).map(lambda data: data.replace(END, b""))
special = st.sampled_from([0xC0, 0xDB, 0xDC, 0xDD, 0x00])
frame = st.lists(st.one_of(special, st.integers(0, 255)), min_size=1, max_size=40).map(bytes)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(noise, frame), max_size=8), noise, st.lists(st.integers(0, 600)))
def test_frames_survive_noise_and_split_reads(
    parts: list[tuple[bytes, bytes]], last: bytes, cuts: list[int]
) -> None:
    text = b"".join(before + escaped(data) for before, data in parts) + last
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    chunks = [text[a:b] for a, b in pairwise(places)]
    frames = streams.Frames(Chunks(iter(chunks)), sliplib)
    found = [each for _ in range(len(chunks) + 30) if (each := frames.receive(0)) is not None]
    expected = [data for _, data in parts]
    kept = iter(found)
    assert all(each in kept for each in expected)  # In order, perhaps with noise between them.
    assert len(found) <= len(expected) + sum(bool(before) for before, _ in parts)


def test_endless_noise_is_bounded_and_the_next_frame_is_found() -> None:
    frames = streams.Frames(Chunks(iter([b"noise" * 1000] * 50 + [escaped(b"data")])), sliplib)
    found = []
    for _ in range(52):
        found.append(frames.receive(0))
        assert len(frames._rest) <= streams.LONGEST
    assert [each for each in found if each] == [b"data"]


def test_a_frame_that_comes_slowly_is_awaited() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        frames = streams.tcp(parse(f"kiss+tcp://127.0.0.1:{port}"), 8001, "ax25")
        link, _ = server.accept()

        def trickle() -> None:
            for byte in escaped(b"slow\xc0"):
                link.sendall(bytes([byte]))
                time.sleep(0.01)

        start = time.monotonic()
        assert frames.receive(0.05) is None
        assert time.monotonic() - start < 5
        thread = threading.Thread(target=trickle)
        thread.start()
        assert frames.receive(10) == b"slow\xc0"
        thread.join()
        link.close()
        with pytest.raises(LinkError, match=f"127.0.0.1:{port}: the other side closed"):
            frames.receive(1)
        frames.close()


def test_a_closing_side_loses_nothing_that_it_sent() -> None:
    """Even if it has not read what the other side sent; a reset connection would drop both."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        frames = streams.tcp(parse(f"kiss+tcp://127.0.0.1:{server.getsockname()[1]}"), 8001, "ax25")
        link, _ = server.accept()
        link.sendall(b"unread" * 1000)
        frames.send(b"x" * 100_000)
        closing = threading.Thread(target=frames.close)
        closing.start()
        time.sleep(0.1)
        link.settimeout(10)
        got = 0
        while data := link.recv(4096):
            got += len(data)
        link.close()
        closing.join()
    assert got == 100_002


def test_a_host_that_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LinkError, match=f"127.0.0.1:{port}: Connection refused"):
        streams.tcp(parse(f"kiss+tcp://127.0.0.1:{port}"), 8001, "ax25")
