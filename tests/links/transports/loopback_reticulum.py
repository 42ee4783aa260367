"""Configurations of Reticulum whose only interface is UDP on 127.0.0.1."""

import socket
from pathlib import Path

CONFIG = """[reticulum]
enable_transport = No
share_instance = No
panic_on_interface_error = Yes

[interfaces]
[[Loopback]]
type = UDPInterface
enabled = Yes
listen_ip = 127.0.0.1
listen_port = {}
forward_ip = 127.0.0.1
forward_port = {}
"""


def pair(folder: Path) -> list[Path]:
    """Make the configurations of two nodes that reach each other; returns their folders."""
    sockets = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(2)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    made = [folder / "a", folder / "b"]
    for place, near, far in zip(made, ports, ports[::-1], strict=True):
        place.mkdir()
        (place / "config").write_text(CONFIG.format(near, far))
    return made
