"""Frames in streams of bytes: over TCP, and over serial lines.

A frame stands between two bytes ``C0``, and these and the escape byte ``DB`` are escaped within it.
RFC 1055 (SLIP) describes that, and KISS does the same.
"""

import os
import socket
import time
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from typing import Any

from xcodec.errors import InputError, LinkError
from xcodec.links.transports import Address
from xcodec.system.packages import require

LONGEST = 4096
"""Bytes of a frame, with escapes, beyond which it is noise."""
CHUNK = 4096
CONNECTING = 10.0
"""Seconds in which a connection must stand."""
WRITING = 60.0
"""Seconds in which the other side must take a frame; at 300 baud one of 256 bytes takes 9."""
CLOSING = 1.0
"""Seconds in which the other side should close the connection after us."""
POLL = 0.002


class Stream(ABC):
    """A connection for bytes in both directions.

    name : of the other side, for messages
    """

    name: str

    @abstractmethod
    def read(self, timeout: float) -> bytes:
        """Return the bytes that are there, or come within ``timeout`` seconds; b"" if none do.

        Raises LinkError if the connection is lost.
        """

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Write bytes, and wait until they were taken. Raises LinkError if they are not."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""


class Tcp(Stream):
    """A connection over TCP."""

    def __init__(self, name: str, link: socket.socket) -> None:
        self.name, self._link = name, link

    def read(self, timeout: float) -> bytes:
        """Return the bytes that are there."""
        self._link.settimeout(max(timeout, 1e-6))
        try:
            data = self._link.recv(CHUNK)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise LinkError(f"{self.name}: {error.strerror or error}") from error
        if not data:
            raise LinkError(f"{self.name}: the other side closed the connection")
        return data

    def write(self, data: bytes) -> None:
        """Write bytes."""
        self._link.settimeout(WRITING)
        try:
            self._link.sendall(data)
        except TimeoutError as error:
            raise LinkError(f"{self.name}: takes nothing for {WRITING:.0f} seconds") from error
        except OSError as error:
            raise LinkError(f"{self.name}: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the connection.

        A socket that is closed before everything was read resets the connection, and the other side
        may then lose what it has not read yet. So it closes first.
        """
        end = time.monotonic() + CLOSING
        with suppress(OSError):
            self._link.shutdown(socket.SHUT_WR)
            while (left := end - time.monotonic()) > 0:
                self._link.settimeout(left)
                if not self._link.recv(CHUNK):
                    break
        self._link.close()


class Device(Stream):
    """A serial line.

    port : a ``serial.Serial``
    """

    def __init__(self, name: str, port: Any) -> None:
        self.name, self._port = name, port

    def read(self, timeout: float) -> bytes:
        """Return the bytes that are there."""
        try:
            self._port.timeout = max(timeout, 0)
            data = bytes(self._port.read(1))
            return data + bytes(self._port.read(self._port.in_waiting)) if data else data
        except OSError as error:
            raise self._lost(error) from error

    def write(self, data: bytes) -> None:
        """Write bytes, and wait until the line has carried them: its speed is the only brake."""
        end = time.monotonic() + WRITING
        try:
            self._port.write(data)
            while self._port.out_waiting:
                if time.monotonic() > end:
                    raise LinkError(f"{self.name}: takes nothing for {WRITING:.0f} seconds")
                time.sleep(POLL)
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Close the device."""
        with suppress(OSError):
            self._port.close()

    def _lost(self, error: OSError) -> LinkError:
        return LinkError(f"{self.name}: {_reason(error)}")


class Frames:
    """Frames to and from a stream.

    slip : the module ``sliplib``
    """

    def __init__(self, stream: Stream, slip: Any) -> None:
        self._stream, self._slip = stream, slip
        self._ready: deque[bytes] = deque()
        self._rest = b""

    @property
    def name(self) -> str:
        """Name of the other side."""
        return self._stream.name

    def send(self, frame: bytes) -> None:
        """Write a frame. The byte before it ends whatever noise stands there.

        Raises LinkError if that fails.
        """
        self._stream.write(self._slip.END + self._slip.encode(frame) + self._slip.END)

    def receive(self, timeout: float) -> bytes | None:
        """Return the next frame; None if none comes within ``timeout`` seconds.

        Raises LinkError if the connection is lost.
        """
        end = time.monotonic() + timeout
        while not self._ready:
            left = end - time.monotonic()
            self._add(self._stream.read(max(left, 0)))
            if left <= 0 and not self._ready:
                return None
        return self._ready.popleft()

    def _add(self, data: bytes) -> None:
        """Find the frames that these bytes complete.

        sliplib's own driver keeps all bytes that no end follows: on a noisy line there is no bound.
        """
        *whole, rest = (self._rest + data).split(self._slip.END)
        self._rest = rest[:LONGEST]
        for frame in whole:
            if 0 < len(frame) < LONGEST:
                with suppress(self._slip.ProtocolError):
                    self._ready.append(self._slip.decode(frame))

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


def _reason(error: OSError) -> str:
    """What went wrong; the texts of pyserial repeat number and name."""
    return os.strerror(error.errno) if error.errno else str(error)


def tcp(address: Address, default: int, extra: str) -> Frames:
    """Connect to a host.

    default : port, if the URL has none
    extra   : of the packages, for the message if one is missing

    Raises InputError if the URL has no host, DependencyError if sliplib is missing, and LinkError
    if there is no connection.
    """
    if not address.host:
        example = f"{address.scheme}://127.0.0.1:{default}"
        raise InputError(f"{address.url}: a host is needed, as in {example}")
    port = address.port or default
    slip = require("sliplib", extra)
    try:
        link = socket.create_connection((address.host, port), CONNECTING)
    except OSError as error:
        raise LinkError(f"{address.host}:{port}: {error.strerror or error}") from error
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Frames(Tcp(f"{address.host}:{port}", link), slip)


def device(address: Address, baud: int, extra: str) -> Frames:
    """Open a serial line, for this process alone.

    baud  : speed, if the URL has none
    extra : of the packages, for the message if one is missing

    Raises InputError if the URL has no device or a wrong speed, DependencyError if pyserial or
    sliplib is missing, and LinkError if the device cannot be opened.
    """
    if not address.path or address.host:
        raise InputError(f"{address.url}: a device is needed, as in {address.scheme}:/dev/ttyUSB0")
    speed = address.number("baud", baud, 50, 10_000_000)
    serial, slip = require("serial", extra), require("sliplib", extra)
    try:
        port = serial.Serial(address.path, speed, timeout=0, write_timeout=WRITING, exclusive=True)
    except ValueError as error:
        raise InputError(f"{address.url}: {error}") from error
    except OSError as error:
        raise LinkError(f"{address.path}: {_reason(error)}") from error
    return Frames(Device(address.path, port), slip)
