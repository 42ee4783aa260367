"""Packets over serial lines and transparent serial radios, each in a frame of SLIP."""

from xcodec.links.transports import Address, Message, Transport
from xcodec.links.transports.streams import Frames, device

EXTRA = "serial"
BAUD = 57_600
SIZE = 232
"""Largest datagram in bytes: modules such as EBYTE's E22 send 240 bytes at once, and a lost piece
costs the whole datagram; the rest is for the frame's ends and escapes."""
LARGEST = 2000
"""Largest datagram that can be asked for; its frame is within ``streams.LONGEST`` however many of
its bytes are escaped."""


class SerialLine(Transport):
    """A serial line. It does not tell who sent what arrives."""

    answers = True

    def __init__(self, frames: Frames, size: int) -> None:
        self._frames, self.size = frames, size

    def send(self, data: bytes) -> None:
        """Send a datagram."""
        self._frames.send(data)

    def receive(self, timeout: float) -> Message | None:
        """Return the next datagram, if any."""
        frame = self._frames.receive(timeout)
        return None if frame is None else Message(frame)

    def close(self) -> None:
        """Close the device."""
        self._frames.close()


def connect(address: Address, listening: bool) -> SerialLine:
    """Open a device; both sides do the same."""
    address.only("baud", "size")
    size = address.number("size", SIZE, 16, LARGEST)
    return SerialLine(device(address, BAUD, EXTRA), size)
