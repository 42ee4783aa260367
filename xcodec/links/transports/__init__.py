"""Links that carry packets, named by URLs: ``udp://127.0.0.1:9000``, ``lxmf:HASH``.

A module of this folder serves one kind of link and is imported when a URL names it. It has a
function ``connect(address, listening)`` that returns a ``Transport``, and a row in ``SCHEMES``.
"""

import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from xcodec.errors import InputError


@dataclass(frozen=True)
class Message:
    """A datagram that arrived.

    data   : its bytes
    sender : who sent it, as the link names it; equal for all messages of a sender; "" if unknown
    origin : where an answer goes, for ``Transport.answer_to``
    """

    data: bytes
    sender: str = ""
    origin: Any = field(default=None, compare=False)


class Transport(ABC):
    """A link that is open for sending, receiving, or both; a context manager that closes it.

    size    : largest datagram in bytes
    answers : whether ``send`` on the receiving side reaches the sender of what was received
    """

    size: int
    answers: bool = False
    _to: Any = None

    def answer_to(self, message: Message) -> None:
        """Let ``send`` on the receiving side reach the sender of a message that is not the last."""
        self._to = message.origin

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Hand a datagram over to the link; waits until the link has room for it.

        On the receiving side it goes to the sender of the last message that was received.

        Raises LinkError if the link fails.
        """

    @abstractmethod
    def receive(self, timeout: float) -> Message | None:
        """Return the next datagram; None if none arrives within ``timeout`` seconds.

        Raises LinkError if the link fails, and EOFError where nothing can arrive any more.
        """

    def close(self) -> None:  # noqa: B027 - most have nothing to wait for
        """Wait until everything was sent, as far as the link tells, and give the link back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Address:
    """A URL in parts.

    host    : without brackets; "" if there is none
    port    : None if there is none
    path    : what follows; in ``serial:/dev/ttyUSB0`` the name of the device
    options : what stands behind "?", by name
    """

    url: str
    scheme: str
    host: str
    port: int | None
    path: str
    options: Mapping[str, str] = field(default_factory=dict)

    def only(self, *names: str) -> None:
        """Raise InputError for options that are not among these."""
        for name in self.options:
            if name not in names:
                known = f"its options are {', '.join(names)}" if names else "it has no options"
                raise InputError(f"{self.url}: no option {name!r}; {known}")

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return an option that is a whole number.

        Raises InputError if it is none, or out of range.
        """
        text = self.options.get(name, str(default))
        if not text.isdecimal() or not low <= int(text) <= high:
            raise InputError(f"{self.url}: {name} is a number from {low} to {high}, not {text!r}")
        return int(text)


@dataclass(frozen=True)
class Scheme:
    """A kind of link.

    module  : of this folder
    profile : link of ``links.profiles`` that it is; its sizes and costs apply unless told otherwise
    form    : how its URLs look
    extra   : of the packages that it needs; "" if it needs none
    """

    module: str
    profile: str
    form: str
    extra: str = ""


SCHEMES = {
    "-": Scheme("lines", "", "-"),
    "folder": Scheme("folder", "", "a folder"),
    "lxmf": Scheme("lxmf", "lxmf", "lxmf:HASH", "lxmf"),
    "meshcore": Scheme("meshcore", "meshcore", "meshcore:DEVICE or meshcore://HOST", "meshcore"),
    "meshtastic": Scheme(
        "meshtastic", "meshtastic", "meshtastic:[DEVICE] or meshtastic://HOST", "meshtastic"
    ),
    "kiss": Scheme("kiss", "ax25", "kiss:DEVICE?from=CALL&to=CALL", "ax25"),
    "kiss+tcp": Scheme("kiss", "ax25", "kiss+tcp://HOST:8001?from=CALL&to=CALL", "ax25"),
    "serial": Scheme("serial_line", "serial", "serial:DEVICE", "serial"),
    "udp": Scheme("udp", "udp", "udp://HOST:PORT"),
}
"""Kinds of links by the schemes of their URLs."""


def parse(url: str) -> Address:
    """Split a URL into its parts.

    What begins with no scheme of these is a folder, if there is one of this name; "-" stands for
    lines of text.

    Raises InputError if its scheme is unknown or its port is none.
    """
    if url == "-" or os.path.isdir(url):
        return Address(url, "-" if url == "-" else "folder", "", None, url)
    scheme = url.partition(":")[0].lower()
    if scheme not in SCHEMES or ":" not in url or scheme == "folder":
        forms = ", ".join(each.form for each in SCHEMES.values())
        what = "no link has such a URL" if ":" in url else "there is no such folder"
        raise InputError(f"{url}: {what}; links are {forms}")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise InputError(f"{url}: {error}") from error
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Address(url, scheme, host, port, unquote(parts.path), options)


def connect(url: str, listening: bool = False, armor: str | None = None) -> Transport:
    """Open a link.

    listening : to receive from it; otherwise to send
    armor     : how packets become lines of text, for "-"; other links carry bytes

    Raises InputError if the URL has errors, DependencyError if a package is missing, and LinkError
    if the link cannot be opened.
    """
    address = parse(url)
    if address.scheme == "-" and armor is not None:
        address = replace(address, options={"armor": armor})
    module = importlib.import_module(f"{__name__}.{SCHEMES[address.scheme].module}")
    return cast(Transport, module.connect(address, listening))
