"""How stand-ins for radios are reached: on 127.0.0.1, or over a pseudo-terminal."""

import contextlib
import os
import socket
import threading
import tty
from collections.abc import Callable

Handler = Callable[[bytes], None]


class Wire:
    """A byte stream to one client, read by a thread.

    heard : gets the bytes
    """

    def __init__(self) -> None:
        self.heard: Handler = lambda data: None
        self._lock = threading.Lock()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="stand-in", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._read():
                self.heard(data)
        self._end()

    def _end(self) -> None:
        """Called when the client is gone."""

    def _read(self) -> bytes:
        raise NotImplementedError

    def _write(self, data: bytes) -> None:
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._write(data)


class Line(Wire):
    """A serial line: the client opens ``path``."""

    def __init__(self) -> None:
        super().__init__()
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        self.path = os.ttyname(self._far)

    def _read(self) -> bytes:
        return os.read(self._near, 4096)

    def _write(self, data: bytes) -> None:
        os.write(self._near, data)

    def close(self) -> None:
        os.close(self._far)
        self._thread.join(5)
        os.close(self._near)


class Connection(Wire):
    """A connection to a client."""

    def __init__(self, link: socket.socket) -> None:
        super().__init__()
        self._link = link

    def _read(self) -> bytes:
        return self._link.recv(4096)

    def _write(self, data: bytes) -> None:
        self._link.sendall(data)

    def _end(self) -> None:
        self._link.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)


class Server:
    """Takes connections on 127.0.0.1.

    welcome : called with each connection, before anything is read from it
    clients : after so many no more are taken; then nothing needs to be closed
    """

    def __init__(self, welcome: Callable[[Connection], None], clients: int | None = None) -> None:
        self._welcome, self._clients = welcome, clients
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.wires: list[Connection] = []
        self._thread = threading.Thread(target=self._accept, name="stand-in", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError), self._server:
            while self._clients is None or len(self.wires) < self._clients:
                wire = Connection(self._server.accept()[0])
                self.wires.append(wire)
                self._welcome(wire)
                wire.start()

    def drop(self) -> None:
        """Close all connections."""
        while self.wires:
            self.wires.pop().close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        self.drop()
