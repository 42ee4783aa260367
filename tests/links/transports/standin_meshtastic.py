"""A stand-in for Meshtastic radios, with the protobufs of the package."""

import itertools
import threading
from collections.abc import Callable
from typing import Any

from tests.links.transports.standin_wires import Server, Wire


class MeshtasticNode:
    """A radio that speaks to one client: frames of 0x94 0xC3, a length and a protobuf.

    air      : called with each packet that it sends, in the order of its queue
    places   : of its queue
    refuse   : error codes for the next packets, instead of taking them
    requests : packets that came from the client
    """

    def __init__(self, number: int, air: Callable[[Any], None] | None = None) -> None:
        from meshtastic.protobuf import mesh_pb2

        self.pb, self.number, self.air = mesh_pb2, number, air or (lambda packet: None)
        self.places, self.queue, self.refuse = 16, [], []
        self.holding = False
        self.requests: list[Any] = []
        self.most, self.seen, self.heartbeats = 0, set[int](), 0
        self.silent = self.deaf = False
        self._lock = threading.RLock()
        self._buffer = b""

    def attach(self, wire: Wire) -> None:
        self.wire, self._buffer, wire.heard = wire, b"", self._heard

    def _heard(self, data: bytes) -> None:
        self._buffer += data
        while True:
            start = self._buffer.find(b"\x94\xc3")
            if start < 0 or len(self._buffer) < start + 4:
                return
            end = start + 4 + int.from_bytes(self._buffer[start + 2 : start + 4], "big")
            if len(self._buffer) < end:
                return
            message = self.pb.ToRadio.FromString(self._buffer[start + 4 : end])
            self._buffer = self._buffer[end:]
            if not self.deaf:
                self._handle(message)

    def tell(self, **message: Any) -> None:
        data = self.pb.FromRadio(**message).SerializeToString()
        self.wire.write(b"\x94\xc3" + len(data).to_bytes(2, "big") + data)

    def _handle(self, message: Any) -> None:
        with self._lock:
            if message.want_config_id:
                self.tell(my_info=self.pb.MyNodeInfo(my_node_num=self.number))
                user = self.pb.User(id=f"!{self.number:08x}", long_name="stand-in")
                self.tell(node_info=self.pb.NodeInfo(num=self.number, user=user))
                from meshtastic.protobuf import channel_pb2, config_pb2

                lora = config_pb2.Config.LoRaConfig(hop_limit=3)
                self.tell(config=config_pb2.Config(lora=lora))
                for index in range(8):
                    self.tell(channel=channel_pb2.Channel(index=index))
                self.tell(config_complete_id=message.want_config_id)
            elif message.HasField("heartbeat"):
                self.heartbeats += 1
                self._status(0, 0)
            elif message.HasField("packet"):
                self._packet(message.packet)

    def _packet(self, packet: Any) -> None:
        self.requests.append(packet)
        if packet.id in self.seen:
            return  # As the firmware does: without an answer.
        self.seen.add(packet.id)
        if self.silent:
            return
        if self.refuse:
            self._status(self.refuse.pop(0), packet.id)
            return
        if len(self.queue) >= self.places:
            self._status(32, packet.id)
            return
        self.queue.append(packet)
        self.most = max(self.most, len(self.queue))
        self._status(0, packet.id)
        if not self.holding:
            self.release()

    def _status(self, error: int, number: int) -> None:
        free = self.places - len(self.queue)
        status = self.pb.QueueStatus(
            res=error, free=free, maxlen=self.places, mesh_packet_id=number
        )
        self.tell(queueStatus=status)

    def release(self, count: int | None = None) -> None:
        """Send packets of the queue; tells the client if the queue was full."""
        with self._lock:
            was_full = len(self.queue) >= self.places
            for _ in range(len(self.queue) if count is None else min(count, len(self.queue))):
                packet = self.queue.pop(0)
                setattr(packet, "from", self.number)
                self.air(packet)
            if was_full:
                self._status(0, 0)

    def hear(self, packet: Any) -> None:
        """Give the client a packet from the air."""
        self.tell(packet=packet)


class MeshtasticAir:
    """Radios that hear each other: each connection is a radio of its own."""

    def __init__(self, radios: int | None = None) -> None:
        self.nodes: list[MeshtasticNode] = []
        self._numbers = itertools.count(0xA0000001)
        self._server = Server(self._welcome, radios)
        self.port = self._server.port

    def _welcome(self, wire: Wire) -> None:
        node = MeshtasticNode(next(self._numbers), self._carry)
        node.attach(wire)
        self.nodes.append(node)

    def _carry(self, packet: Any) -> None:
        sender = getattr(packet, "from")
        for node in self.nodes:  # The sender, too: radios hear their packets repeated.
            if packet.to in (0xFFFFFFFF, node.number) or node.number == sender:
                node.hear(packet)

    def close(self) -> None:
        self._server.close()
