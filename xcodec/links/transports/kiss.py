"""Packets as AX.25 UI frames, through a TNC that talks KISS over TCP or a serial line.

Sources: AX.25 Link Access Protocol 2.2 (TAPR, 1998), and Chepponis and Karn, "The KISS TNC" (1987).
"""

import time
from dataclasses import dataclass
from typing import Any

from xcodec.errors import InputError, LinkError
from xcodec.links.transports import Address, Message, Transport
from xcodec.links.transports.streams import Frames, device, tcp
from xcodec.system.packages import require

EXTRA = "ax25"
TCP_PORT = 8001
"""Where Direwolf listens for KISS by default."""
BAUD = 9600
SIZE = 256
"""Largest information field in bytes that stations must take (AX.25, N1)."""
NO_LAYER_3 = 0xF0
"""The protocol identifier (PID) of frames that hold no protocol of layer 3."""
UI = 0x03
"""Control field of an unnumbered information frame."""
DATA = 0
"""KISS's command for a frame to send and for one that was received; its high half is the port."""
MAX_PORT = 15
MAX_DIGIPEATERS = 8


@dataclass(frozen=True)
class Route:
    """Whose frames go where: call signs, each with its SSID if that is not 0.

    own    : of this station; "" if it only listens
    to     : whom frames are sent to; "" for the sender of what was received last
    via    : digipeaters that shall repeat them
    wanted : only frames to this call sign are received; "" for all
    """

    own: str
    to: str = ""
    via: tuple[str, ...] = ()
    wanted: str = ""


@dataclass(frozen=True)
class Information:
    """What an AX.25 UI frame holds, and its source and destination."""

    data: bytes
    source: str
    destination: str


class Kiss(Transport):
    """A channel of a TNC.

    Frames from the own call sign are dropped: digipeaters repeat them, a TNC that hears itself
    returns them, and Direwolf copies them to other programs if it is told so (KISSCOPY).
    """

    size = SIZE

    def __init__(self, frames: Frames, route: Route, port: int) -> None:
        self._frames, self._route, self._port = frames, route, port
        self._to = route.to
        self.answers = bool(route.own)

    def send(self, data: bytes) -> None:
        """Hand a frame to the TNC, which sends it when the channel is free.

        KISS does not tell when that is: a TNC takes frames faster than it sends them.
        """
        if not self._route.own:
            raise LinkError(f"{self._frames.name}: from=CALL is needed to answer")
        if not self._to:
            raise LinkError("nobody to answer: nothing was received yet")
        frame = pack(data, self._route.own, self._to, self._route.via)
        self._frames.send(bytes([self._port << 4 | DATA]) + frame)

    def receive(self, timeout: float) -> Message | None:
        """Return what the next UI frame holds, if one comes."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            frame = self._frames.receive(max(left, 0))
            if frame is None:
                return None
            found = self._wanted(frame)
            if found is not None:
                if not self._route.to:
                    self._to = found.source
                return Message(found.data, found.source, found.source)
            if left <= 0:
                return None

    def _wanted(self, frame: bytes) -> Information | None:
        """What a frame from the TNC holds, if it is for this station."""
        if frame[0] != self._port << 4 | DATA:
            return None
        found = unpack(frame[1:])
        if found is None or found.source == self._route.own:
            return None
        return found if self._route.wanted in ("", found.destination) else None

    def close(self) -> None:
        """Close the connection. The TNC sends what it still has."""
        self._frames.close()


def pack(data: bytes, source: str, destination: str, via: tuple[str, ...] = ()) -> bytes:
    """Return a UI frame without its checksum, which TNCs add.

    data : at most SIZE bytes

    Raises InputError if there are more, and DependencyError if pyham-ax25 is missing.
    """
    if len(data) > SIZE:
        raise InputError(f"{len(data)} bytes: a frame of AX.25 holds at most {SIZE}")
    ax25 = _ax25()
    to = ax25.Address(destination)
    to.command_response = True  # A command, as stations of version 2 mark it.
    repeaters = [ax25.Address(each, repeater=True) for each in via]
    return bytes(ax25.Frame(to, source, repeaters, UI, NO_LAYER_3, data).pack())


def unpack(frame: bytes) -> Information | None:
    """Return what a UI frame without a protocol of layer 3 holds; None for every other frame.

    frame : without its checksum

    Raises DependencyError if pyham-ax25 is missing.
    """
    ax25 = _ax25()
    try:
        found = ax25.Frame.unpack(frame)
    except (ValueError, IndexError):
        return None  # Too short, not a call sign, or of no known kind.
    if found.control.frame_type is not ax25.FrameType.UI or found.pid != NO_LAYER_3:
        return None
    return Information(bytes(found.data), str(found.src), str(found.dst))


def _ax25() -> Any:
    return require("ax25", EXTRA)


def _call(address: Address, name: str, text: str) -> str:
    """A call sign as it is written in short. Raises InputError if it is none."""
    ax25 = _ax25()
    if not text.isascii() or not ax25.Address.valid_call(text):
        like = "AB1CD or AB1CD-7 (0 to 15)"
        raise InputError(f"{address.url}: {name} is a call sign such as {like}, not {text!r}")
    return str(ax25.Address(text))


def route(address: Address, listening: bool) -> Route:
    """Read the call signs of a URL.

    Raises InputError if one is missing or wrong, and DependencyError if pyham-ax25 is missing.
    """
    calls = {
        name: _call(address, name, text)
        for name in ("from", "to")
        if (text := address.options.get(name)) is not None
    }
    listed = address.options.get("via")
    via = tuple(_call(address, "via", each) for each in listed.split(",")) if listed else ()
    if len(via) > MAX_DIGIPEATERS:
        raise InputError(f"{address.url}: via has at most {MAX_DIGIPEATERS} call signs")
    if listening:
        return Route(calls.get("from", ""), "", via, calls.get("to", ""))
    for name, whose in (("from", "your own"), ("to", "the receiver's")):
        if name not in calls:
            raise InputError(f"{address.url}: {name}=CALL is missing, {whose} call sign")
    if calls["from"] == calls["to"]:
        raise InputError(f"{address.url}: stations that both send need call signs or SSIDs apart")
    return Route(calls["from"], calls["to"], via, calls["from"])


def connect(address: Address, listening: bool) -> Kiss:
    """Connect to a TNC.

    A sender needs the call signs ``from`` (its own) and ``to``, and receives what is addressed to
    it. A receiver takes all frames, or those to the call sign ``to``, and answers if it has
    ``from``.
    """
    over_tcp = address.scheme == "kiss+tcp"
    address.only("from", "to", "via", "port", *([] if over_tcp else ["baud"]))
    whose, port = route(address, listening), address.number("port", 0, 0, MAX_PORT)
    if over_tcp:
        return Kiss(tcp(address, TCP_PORT, EXTRA), whose, port)
    return Kiss(device(address, BAUD, EXTRA), whose, port)
