"""A page on the network that shows a picture as its packets arrive: the decoder of web/.

The page asks for ``live`` beside it and gets server-sent events: packets as lines of base64
(docs/web.md). It loads nothing else, so that a phone needs no way to the internet.
"""

import socket
import sys
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from xcodec.errors import InputError, LinkError
from xcodec.links import armor

LOOPBACK = "127.0.0.1"
ANY = "", "0.0.0.0", "::"
"""Hosts that stand for all addresses of this machine."""
HEARTBEAT = 10.0
"""Seconds after which a silent connection gets a comment, so that a lost one is noticed."""


class Server:
    """Serves the page, and pushes packets to all who have it open.

    url : of the page
    """

    def __init__(self, page: bytes, host: str, port: int) -> None:
        """Listen at a host, by IPv4 if it has such an address, and a port, 0 for a free one.

        page : the page, HTML

        Raises LinkError if that is not possible.
        """
        self.page = page
        self.lines: list[bytes] = []
        self.changed = threading.Condition()
        self.closed = False
        self._seen: set[bytes] = set()
        try:
            found = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            family, *_, place = min(found, key=lambda each: each[0] != socket.AF_INET)
            self._http = _Http(family, place, self)
        except OSError as error:
            raise LinkError(f"{host}:{port}: {(error.strerror or str(error)).lower()}") from error
        # Of all addresses of this machine, its name is what others can ask for.
        name = socket.gethostname() if host in ANY else f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self._http.server_address[1]}/?live"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def put(self, data: Iterable[bytes]) -> None:
        """Push packets, those that were not pushed before."""
        with self.changed:
            for packet in data:
                if packet not in self._seen:
                    self._seen.add(packet)
                    self.lines.append(armor.line(packet, "base64"))
            self.changed.notify_all()

    def close(self) -> None:
        """End all connections."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, family: int, place: Any, server: Server) -> None:
        self.of, self.address_family = server, family
        super().__init__(place, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where whoever had the page open has closed it."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers a request for the page, or for the packets."""

    server: _Http
    timeout = 30

    def do_GET(self) -> None:
        """Answer a request."""
        path = urlsplit(self.path).path
        if path == "/live":
            self._push()
        elif path in ("/", "/index.html", "/xcodec.html"):
            self._answer(self.server.of.page, "text/html; charset=utf-8")
        else:
            self.send_error(404)

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(body)

    def _push(self) -> None:
        """Send the packets that there are, and others as they arrive."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        shared, sent = self.server.of, 0
        try:
            while True:
                with shared.changed:
                    if sent == len(shared.lines) and not shared.closed:
                        shared.changed.wait(HEARTBEAT)
                    lines, closed = shared.lines[sent:], shared.closed
                sent += len(lines)
                text = b"".join(b"data: " + line + b"\n" for line in lines) or b": nothing new\n"
                self.wfile.write(text + b"\n")
                self.wfile.flush()
                if closed:
                    return
        except OSError:
            return  # Whoever had it open has closed it.

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: standard error is the command's."""


def place_of(text: str) -> tuple[str, int]:
    """Return host and port of "[HOST:]PORT"; without a host, this machine alone can connect.

    Raises InputError if there is no port from 0 to 65535.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:
        raise InputError(f"{text!r} is no port, or host and port: 8080 or 0.0.0.0:8080")
    return host.strip("[]") or LOOPBACK, int(port)
