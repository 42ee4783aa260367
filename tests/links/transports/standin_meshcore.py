"""A stand-in for MeshCore's companion radios, by docs/companion_protocol.md of the firmware."""

import threading
from collections.abc import Callable
from typing import Any

from tests.links.transports.standin_wires import Server, Wire


class MeshCoreNode:
    """A companion radio that speaks to one client: frames of "<" and ">", and their lengths.

    air    : called with what it sends: ("channel", index, type, data) or ("text", key, line)
    slots  : packets that it has memory for
    refuse : error codes for the next packets, instead of taking them
    """

    def __init__(self, key: bytes, air: Callable[..., None] | None = None) -> None:
        self.key, self.air = key, air or (lambda sender, *sent: None)
        self.contacts: list[tuple[bytes, str]] = []
        self.slots, self.waiting, self.refuse = 16, 0, list[int]()
        self.measures, self.acknowledges, self.silent = True, True, False
        self.inbox: list[bytes] = []
        self.commands: list[bytes] = []
        self.most = 0
        self._lock = threading.RLock()
        self._buffer = b""

    def attach(self, wire: Wire) -> None:
        self.wire, self._buffer, wire.heard = wire, b"", self._heard

    def _heard(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 3:
            assert self._buffer[:1] == b"<"
            end = 3 + int.from_bytes(self._buffer[1:3], "little")
            if len(self._buffer) < end:
                return
            frame, self._buffer = self._buffer[3:end], self._buffer[end:]
            self.commands.append(frame)
            if not self.silent:
                with self._lock:
                    self._handle(frame[0], frame[1:])

    def tell(self, *parts: bytes) -> None:
        frame = b"".join(parts)
        assert len(frame) <= 172
        self.wire.write(b">" + len(frame).to_bytes(2, "little") + frame)

    def _handle(self, command: int, data: bytes) -> None:
        if command == 1:  # APP_START -> SELF_INFO
            self.tell(b"\x05\x01\x16\x16", self.key, bytes(8 + 4 + 4 + 4 + 2), b"stand-in")
        elif command == 4:  # GET_CONTACTS
            self.tell(b"\x02", len(self.contacts).to_bytes(4, "little"))
            for key, name in self.contacts:
                self.tell(
                    b"\x03",
                    key,
                    b"\x01\x00\xff",
                    bytes(64),
                    name.encode().ljust(32, b"\0"),
                    bytes(16),
                )
            self.tell(b"\x04", bytes(4))
        elif command == 10:  # SYNC_NEXT_MESSAGE
            self.tell(self.inbox.pop(0) if self.inbox else b"\x0a")
        elif command == 56 and self.measures:  # GET_STATS -> STATS: battery, up, errors, queue
            self.tell(b"\x18\x00", bytes(8), bytes([self.waiting]))
        elif command == 62:  # SEND_CHANNEL_DATA
            self._send(data)
        elif command == 2:  # SEND_TXT_MSG -> MSG_SENT, ACK
            code = len(self.commands).to_bytes(4, "little")
            self.tell(b"\x06\x01", code, (100).to_bytes(4, "little"))
            if self.acknowledges:
                self.tell(b"\x82", code, bytes(4))
            self.air(self, "text", data[6:12], data[12:])
        elif command == 13:  # RESET_PATH
            self.tell(b"\x00")
        else:
            self.tell(b"\x01\x01")

    def _send(self, data: bytes) -> None:
        channel, path, kind, payload = data[0], data[1], data[2:4], data[4:]
        assert path == 0xFF
        assert len(payload) <= 163
        if self.refuse:
            self.tell(b"\x01", bytes([self.refuse.pop(0)]))
        elif self.waiting >= self.slots:
            self.tell(b"\x01\x03")
        else:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            self.tell(b"\x00")
            self.air(self, "channel", channel, int.from_bytes(kind, "little"), payload)

    def _deliver(self, frame: bytes) -> None:
        with self._lock:
            self.inbox.append(frame)
            self.tell(b"\x83")

    def hear_channel(self, channel: int, kind: int, data: bytes) -> None:
        """Give the client a datagram from a channel."""
        head = bytes([27, 20, 0, 0, channel, 0]) + kind.to_bytes(2, "little")
        self._deliver(head + bytes([len(data)]) + data)

    def hear_text(self, key: bytes, text: bytes, kind: int = 0) -> None:
        """Give the client a private message."""
        self._deliver(bytes([16, 20, 0, 0]) + key[:6] + bytes([0, kind]) + bytes(4) + text)


class MeshCoreAir:
    """Radios that hear each other; each has the others as contacts: radio1, radio2 and so on."""

    def __init__(self, radios: int | None = None) -> None:
        self.nodes: list[MeshCoreNode] = []
        self._server = Server(self._welcome, radios)
        self.port = self._server.port

    def key(self, number: int) -> bytes:
        return bytes([0xC0 + number]) * 32

    def _welcome(self, wire: Wire) -> None:
        node = MeshCoreNode(self.key(len(self.nodes) + 1), self._carry)
        node.contacts = [(self.key(n), f"radio{n}") for n in range(1, 5)]
        node.attach(wire)
        self.nodes.append(node)

    def _carry(self, sender: MeshCoreNode, kind: str, *sent: Any) -> None:
        sender.waiting = 0
        for node in self.nodes:
            if kind == "channel" and node is not sender:
                node.hear_channel(*sent)
            elif kind == "text" and node.key.startswith(sent[0]):
                node.hear_text(sender.key, sent[1])

    def close(self) -> None:
        self._server.close()
