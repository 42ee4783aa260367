"""Stand-ins on this machine: TNCs that hear each other, and a wire between two serial lines.

Each runs in a thread that ends when the programs on both sides have closed their connections.
"""

import os
import select
import socket
import threading
import tty
from contextlib import suppress

SECONDS = 30.0
FEND = b"\xc0"


def free_udp_port() -> int:
    """A port of UDP that nobody uses."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tnc_pair(echoing: bool = False) -> int:
    """Two TNCs that hear each other, as one server for two programs; returns its port.

    A frame that one program sends is received by the other, as over the air.

    echoing : whether a TNC also returns what it was sent, as one that hears itself does
    """
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(SECONDS)
    threading.Thread(target=_air, args=(server, echoing), daemon=True).start()
    return int(server.getsockname()[1])


def _air(server: socket.socket, echoing: bool) -> None:
    with server:
        programs = [server.accept()[0], server.accept()[0]]
    rest = dict.fromkeys(programs, b"")
    while rest:
        ready, _, _ = select.select(list(rest), [], [], SECONDS)
        if not ready:
            break
        for program in ready:
            try:
                data = program.recv(4096)
            except OSError:
                data = b""
            if not data:
                del rest[program]
                program.close()
                continue
            *frames, rest[program] = (rest[program] + data).split(FEND)
            for frame in filter(None, frames):
                for other in rest if echoing else [each for each in rest if each is not program]:
                    with suppress(OSError):
                        other.sendall(FEND + frame + FEND)
    for program in rest:
        program.close()


class Wire:
    """A wire between two serial lines.

    devices : their paths; both must be opened before ``connect``
    ends    : what a device writes can be read there, and the reverse
    """

    def __init__(self) -> None:
        pairs = [os.openpty(), os.openpty()]
        self.ends = [end for end, _ in pairs]
        self._lines = [line for _, line in pairs]
        for line in self._lines:
            tty.setraw(line)
        self.devices = [os.ttyname(line) for line in self._lines]

    def connect(self) -> None:
        """Pass on what comes until a device is closed."""
        self._release()
        threading.Thread(target=self._carry, daemon=True).start()

    def close(self) -> None:
        """Tear it away."""
        self._release()
        for end in self.ends:
            os.close(end)

    def _release(self) -> None:
        """Let go of the lines, so that their ends notice when the devices are closed."""
        for line in self._lines:
            os.close(line)
        self._lines = []

    def _carry(self) -> None:
        other = dict(zip(self.ends, reversed(self.ends), strict=True))
        with suppress(OSError):  # EIO: closed.
            while ready := select.select(self.ends, [], [], SECONDS)[0]:
                for end in ready:
                    os.write(other[end], os.read(end, 4096))
        self.close()
