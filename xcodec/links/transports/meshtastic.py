"""Packets over Meshtastic, through a radio at a serial port, in the network or near by (Bluetooth).

The radio has a queue of 16 packets. It answers each packet with a QueueStatus: whether it was
taken, and how many places are left. A packet is handed over when there is a place, and the next
one after the answer. The radio goes on to send what is in its queue when the link is closed.
"""

import logging
import re
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any

from xcodec.errors import InputError, LinkError
from xcodec.links.transports import Address, Message, Transport
from xcodec.system.notices import reason
from xcodec.system.packages import require

SIZE = 231
"""Largest payload in bytes of a packet on a channel: 255 of LoRa, less 16 of the radio's header, 3
for a port number from 128 on, 3 before the payload and 2 for the field ``bitfield``. The constant
DATA_PAYLOAD_LEN, 233, is older than that field: the firmware refuses 232 and 233 bytes as too large
(``perhapsEncode`` in its src/mesh/Router.cpp)."""
SIZE_DIRECT = SIZE - 12
"""The same to one node, which the firmware encrypts with the node's key where it knows it
(MESHTASTIC_PKC_OVERHEAD)."""
PORT = 256
"""PortNum PRIVATE_APP, the first that applications may use without asking."""
TCP_PORT = 4403
BROADCAST = 0xFFFFFFFF

CONNECTING = 30.0
"""Seconds that a radio gets to tell its settings."""
ANSWER = 10.0
"""Seconds that it gets to answer a packet. Old firmware never does."""
AGAIN = 1.0, 30.0
"""Seconds before a refused packet is sent again: at first, and at most; they double."""
PATIENCE = 900.0
"""Seconds without a free place, or of refusing a packet, after which the link has failed."""
ASKING = 5.0
"""Seconds after which a heartbeat asks for a QueueStatus that may have been lost."""
KEEPING = 300.0
"""Seconds of silence after which a heartbeat is sent: radios close idle connections."""

_REFUSALS = {
    6: "there is no such channel",
    7: "the packet is too large",
    33: "it has no radio interface",
    34: "sending is disabled, or the receiver's key is wrong",
    35: "the receiver's key is not known",
}
"""Answers that stay the same when a packet is sent again (ErrorCode, Routing.Error)."""
_TAKEN = 0
_QUIET = logging.NullHandler()  # What the package logs goes to those who asked for it.


class Meshtastic(Transport):
    """A radio. Only packets of one port number are taken, and none of the radio's own.

    node : number of the radio's own node
    """

    answers = True

    def __init__(
        self, name: str, target: int | None, channel: int | None, port: int, listening: bool
    ) -> None:
        self.size = SIZE if target is None else SIZE_DIRECT
        self._name, self._target, self._port = name, target, port
        self._channel, self._listening = channel, listening
        self._to: tuple[int, int] | None = BROADCAST if target is None else target, channel or 0
        if listening and target is None:
            self._to = None  # Nobody yet.
        self._changed = threading.Condition()
        self._arrived: deque[Message] = deque()
        self._answered: dict[int, int] = {}
        self._free: int | None = None
        self._lost = False
        self._spoke = time.monotonic()
        self._radio: Any = None
        self._protocol: Any = None

    @property
    def node(self) -> int:
        """Number of the radio's own node."""
        return int(self._radio.myInfo.my_node_num)

    def open(self, base: Any, **arguments: Any) -> None:
        """Connect to a radio.

        base      : class of the package for its kind of connection
        arguments : of that class

        Raises LinkError if that fails.
        """
        self._protocol = require("meshtastic.protobuf.mesh_pb2", "meshtastic")
        logging.getLogger("meshtastic").addHandler(_QUIET)
        try:
            self._radio = self._client(base)(**arguments)
            if self._radio.myInfo is None:
                raise LinkError(f"{self._name}: the radio does not say who it is")
        except BaseException as error:
            self.close()
            if isinstance(error, LinkError) or not isinstance(error, Exception):
                raise
            raise LinkError(f"{self._name}: {reason(error)}") from error

    def _client(self, base: Any) -> Any:
        """The package's class, made to leave packets and the queue to this object.

        The package publishes packets through one topic tree and one thread for all radios of a
        process, sends packets that were refused again under their number, which the firmware
        ignores, waits without end for a free place, connects again without telling, and starts
        timers that outlive it.
        """

        def hear(radio: Any, data: bytes) -> None:
            heard = self._protocol.FromRadio()
            try:
                heard.ParseFromString(data)
            except Exception:
                return  # Noise of a serial line.
            if heard.HasField("packet"):
                self._take(heard.packet)
            elif heard.HasField("queueStatus"):
                self._queue(heard.queueStatus)
            else:
                with suppress(Exception):  # The package would print it.
                    base._handleFromRadio(radio, data)

        def wait(radio: Any, timeout: float = 0) -> None:
            until = time.monotonic() + CONNECTING
            while not radio.isConnected.wait(0.05):
                if self._lost:
                    raise LinkError(f"{self._name}: the connection was closed")
                if time.monotonic() > until:
                    raise LinkError(f"{self._name}: no Meshtastic radio answers")

        def lost(radio: Any) -> None:
            with self._changed:
                self._lost = True
                self._changed.notify_all()
            base._disconnected(radio)

        def refuse(radio: Any) -> None:
            raise ConnectionError("the connection was closed")

        def dial(radio: Any, *device: Any) -> Any:
            # What has been opened is closed if the rest fails; over Bluetooth that needs a handler.
            self._radio, radio._exit_handler = radio, None
            return base.connect(radio, *device)

        def call(radio: Any) -> None:
            place = radio.hostname, radio.portNumber
            radio.socket = socket.create_connection(place, CONNECTING)
            radio.socket.settimeout(None)

        hooks = {
            "_handleFromRadio": hear,
            "_sendToRadio": lambda radio, message: radio._sendToRadioImpl(message),
            "_waitConnected": wait,
            "_disconnected": lost,
            "_reconnect": refuse,
            "_startHeartbeat": lambda radio: None,
            "connect": dial,
            "myConnect": call,
        }
        return type("Client", (base,), hooks)

    def _take(self, packet: Any) -> None:
        sender, data = int(getattr(packet, "from")), packet.decoded
        own = self._radio.myInfo
        if not packet.HasField("decoded") or data.portnum != self._port:
            return
        if sender == 0 or (own and sender == own.my_node_num):
            return  # Its own, as it is sent, or as another node repeats it.
        if self._target not in (None, sender):
            return
        here = self._listening and self._channel in (None, packet.channel)
        if packet.to == BROADCAST and not here:  # An answer never is a broadcast.
            return
        with self._changed:
            origin = sender, packet.channel
            self._arrived.append(Message(bytes(data.payload), f"!{sender:08x}", origin))
            self._changed.notify_all()

    def _queue(self, status: Any) -> None:
        with self._changed:
            self._free = status.free
            if status.mesh_packet_id:
                self._answered[status.mesh_packet_id] = status.res
            self._changed.notify_all()

    def send(self, data: bytes) -> None:
        """Hand a packet over to the radio, when its queue has a place.

        Raises LinkError if the radio is gone, or refuses the packet for good.
        """
        if len(data) > self.size:
            raise LinkError(f"{len(data)} bytes: Meshtastic carries at most {self.size}")
        if self._to is None:
            raise LinkError("nobody to answer: nothing was received yet")
        wait, silent, until = AGAIN[0], 0, time.monotonic() + PATIENCE
        while True:
            self._await_place(until)
            answer = self._hand_over(data, *self._to)
            if answer == _TAKEN:
                return
            if answer is None:
                if self._free is None:
                    return  # Firmware that never answers: the wait was the pace.
                silent += 1
                if silent == 3:
                    raise LinkError(f"{self._name}: the radio no longer answers")
            elif answer in _REFUSALS:
                raise LinkError(f"{self._name}: the radio refuses: {_REFUSALS[answer]}")
            elif time.monotonic() > until:
                raise LinkError(f"{self._name}: the radio refuses: error {answer}")
            else:  # Its queue was full after all, or its share of air time is used up.
                self._pause(wait)
                wait = min(2 * wait, AGAIN[1])

    def _await_place(self, until: float) -> None:
        with self._changed:
            while self._free is not None and self._free <= 0:
                if time.monotonic() > until:
                    raise LinkError(f"{self._name}: the radio's queue stays full")
                if not self._changed.wait(ASKING) and not self._lost:
                    self._tell(heartbeat=self._protocol.Heartbeat())
                self._check()
            self._check()

    def _hand_over(self, data: bytes, to: int, channel: int) -> int | None:
        """Send a packet to the radio and return its answer; None if there was none."""
        packet = self._protocol.MeshPacket(to=to, channel=channel, want_ack=False)
        packet.decoded.payload, packet.decoded.portnum = data, self._port
        packet.hop_limit = self._radio.localNode.localConfig.lora.hop_limit
        # The firmware drops a number that it has seen: a packet needs a new one each time.
        packet.id = number = self._radio._generatePacketId()
        with self._changed:
            self._answered.clear()
            if self._free is not None:
                self._free -= 1
        self._tell(packet=packet)
        with self._changed:
            self._changed.wait_for(lambda: number in self._answered or self._lost, ANSWER)
            self._check()
            return self._answered.get(number)

    def _tell(self, **message: Any) -> None:
        self._spoke = time.monotonic()
        try:
            self._radio._sendToRadio(self._protocol.ToRadio(**message))
        except Exception as error:
            raise LinkError(f"{self._name}: {reason(error)}") from error

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._lost, seconds)
            self._check()

    def _check(self) -> None:
        if self._lost:
            raise LinkError(f"{self._name}: the connection to the radio is lost")

    def receive(self, timeout: float) -> Message | None:
        """Return the next packet, if any."""
        if time.monotonic() > self._spoke + KEEPING and not self._lost:
            self._tell(heartbeat=self._protocol.Heartbeat())
        with self._changed:
            self._changed.wait_for(lambda: self._arrived or self._lost, timeout)
            if not self._arrived:
                self._check()
                return None
            message = self._arrived.popleft()
            if self._listening:
                self._to = message.origin
            return message

    def close(self) -> None:
        """Close the connection; the radio sends what it has taken."""
        if self._radio is not None:
            with suppress(Exception):
                self._radio.close()


def _device(address: Address) -> str:
    """The serial port of the only radio at hand."""
    ports = require("meshtastic.util", "meshtastic").findPorts(True)
    if not ports:
        raise LinkError(f"{address.url}: no Meshtastic radio at a serial port")
    if len(ports) > 1:
        raise InputError(f"{address.url}: name one of the ports {', '.join(ports)}")
    return str(ports[0])


def connect(address: Address, listening: bool) -> Meshtastic:
    """Connect to a radio: to send to a channel or a node, or to receive."""
    address.only("to", "channel", "port", "ble")
    port, number = address.number("port", PORT, PORT, 511), address.number("channel", 0, 0, 7)
    channel = number if "channel" in address.options else None
    target = None
    if "to" in address.options:
        if not re.fullmatch(r"!?[0-9a-fA-F]{8}", address.options["to"]):
            raise InputError(f"{address.url}: to is a node such as !1234abcd")
        target = int(address.options["to"][-8:], 16)
    what = "a link to Meshtastic"
    require("meshtastic.mesh_interface", "meshtastic", what)
    arguments: dict[str, Any]
    if address.host:
        place = address.host, address.port or TCP_PORT
        name, kind = "{}:{}".format(*place), "tcp_interface.TCPInterface"
        arguments = {"hostname": place[0], "portNumber": place[1]}
    elif "ble" in address.options:
        name, kind = address.options["ble"] or "Bluetooth", "ble_interface.BLEInterface"
        arguments = {"address": address.options["ble"] or None}
    else:
        name, kind = address.path or _device(address), "serial_interface.SerialInterface"
        arguments = {"devPath": name}
    module, _, interface = kind.partition(".")
    base = getattr(require(f"meshtastic.{module}", "meshtastic", what), interface)
    link = Meshtastic(name, target, channel, port, listening)
    link.open(base, noNodes=True, timeout=int(CONNECTING), **arguments)
    return link
