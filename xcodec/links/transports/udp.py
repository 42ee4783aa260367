"""Packets as UDP datagrams."""

import socket
from contextlib import suppress

from xcodec.errors import InputError, LinkError
from xcodec.links.transports import Address, Message, Transport

SIZE = 1200
"""Largest datagram in bytes that gets through nearly everywhere unbroken (RFC 9000, section 14)."""
LARGEST = 65_507


class Udp(Transport):
    """A socket. A receiver answers the address that a datagram came from."""

    size = SIZE
    answers = True

    def __init__(self, link: socket.socket, peer: tuple[str, int] | None) -> None:
        """Take a socket.

        peer : to whom a sender sends; None: a receiver
        """
        self._link, self._to, self._listening = link, peer, peer is None

    @property
    def port(self) -> int:
        """The port that it is bound to."""
        return int(self._link.getsockname()[1])

    def send(self, data: bytes) -> None:
        """Send a datagram."""
        if self._to is None:
            raise LinkError("nobody to answer: nothing was received yet")
        try:
            self._link.sendto(data, self._to)
        except OSError as error:
            raise LinkError(f"{self._to[0]}:{self._to[1]}: {error.strerror}") from error

    def receive(self, timeout: float) -> Message | None:
        """Return the next datagram, if any."""
        self._link.settimeout(max(timeout, 1e-6))
        try:
            data, peer = self._link.recvfrom(LARGEST)
        except (TimeoutError, BlockingIOError, ConnectionError):
            # Refused: what was sent before found nobody there; they may still come.
            return None
        except OSError as error:
            raise LinkError(str(error.strerror or error)) from error
        origin = peer[0], peer[1]
        if self._listening:  # A sender goes on to its receiver, whoever else sends it something.
            self._to = origin
        # Not its port: a sender that starts anew has another.
        return Message(data, str(peer[0]), origin)

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self._link.close()


def connect(address: Address, listening: bool) -> Udp:
    """Open a socket: to send to a host and port, or to receive there."""
    address.only()
    if not address.host or address.port is None:
        raise InputError(f"{address.url}: a host and a port are needed, as in udp://127.0.0.1:9000")
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_DGRAM
        )[0]
    except OSError as error:
        raise LinkError(f"{address.url}: {error.strerror or error}") from error
    link = socket.socket(family, kind)
    try:
        if listening:
            link.bind(place)
    except OSError as error:
        link.close()
        raise LinkError(f"{address.url}: {error.strerror or error}") from error
    return Udp(link, None if listening else (str(place[0]), int(place[1])))
