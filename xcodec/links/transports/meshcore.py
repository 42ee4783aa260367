"""Packets over MeshCore, through a companion radio at a serial port, in the network or near by.

On a channel a packet is a datagram. To a contact it is a line of text in a private message, as
``encode --armor base64`` writes it. The companion protocol has nothing binary for contacts: raw
data (SEND_RAW_DATA) is not encrypted and names neither sender nor receiver, and of binary requests
(BINARY_REQ) a companion hands none to its application.
"""

import asyncio
import base64
import logging
import queue
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from xcodec.errors import InputError, LinkError
from xcodec.links.transports import Address, Message, Transport
from xcodec.system.notices import reason
from xcodec.system.packages import require

Result = TypeVar("Result")

SIZE = 163
"""Largest datagram in bytes on a channel, by the package. The firmware sends 165
(MAX_GROUP_DATA_LENGTH in its src/MeshCore.h); one whose frames have 172 bytes instead of 176 takes
163 (MAX_CHANNEL_DATA_LENGTH), and one with 176 accepts 166 and 167 without ever sending them."""
CHARACTERS = 156
"""Longest text of a private message. The firmware sends 160; those with frames of 172 bytes cut
what arrives to this many."""
SIZE_TEXT = CHARACTERS * 3 // 4
TYPE = 0xFF58
"""Kind of a channel's datagrams, of the range for applications without a number of their own
(FF00 to FFFF, docs/number_allocations.md of the firmware)."""
SPEED = 115_200
TCP_PORT = 5000

CONNECTING = 30.0
"""Seconds that a radio gets to answer at first."""
ANSWER = 10.0
"""Seconds that it gets to answer a command."""
AHEAD = 4
"""Packets that may wait in the radio. It has memory for 16, sent and received ones together."""
AGAIN = 0.5
"""Seconds before a radio that is full is asked again."""
PATIENCE = 900.0
"""Seconds that it may stay full."""
POLL = 10.0
"""Seconds after which messages are asked for that the radio did not announce."""
SILENT = 3
"""Packets in a row, each tried several times, that a contact may leave without acknowledgement."""

_QUIET = logging.NullHandler()  # What the package logs goes to those who asked for it.
_FULL = 3  # ERR_CODE_TABLE_FULL
_REFUSALS = {1: "it does not know the command", 2: "no such channel or contact"}


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # What goes wrong in the package's own tasks shows as a lost or silent connection.
        self._loop.set_exception_handler(lambda loop, context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name="MeshCore", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine to its end; cancels it if the caller is interrupted."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        if self._loop.is_closed():
            return
        with suppress(Exception):
            self.run(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _finish(self) -> None:
        await asyncio.sleep(0)  # For what closing connections has scheduled.
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)


class MeshCore(Transport):
    """A companion radio.

    A receiver takes the datagrams of a channel and the private messages of a contact that are lines
    of base64; of all channels and contacts if none is named. Reading messages removes them from the
    radio: another application does not get them any more.
    """

    answers = True

    def __init__(self, name: str, contact: str, channel: int | None, listening: bool) -> None:
        self.size = SIZE_TEXT if contact else SIZE
        self._name, self._contact, self._channel = name, contact, channel
        self._listening = listening
        self._to: Any = channel
        self._arrived: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._silent = 0
        self._reading = False
        self._measures = True
        self._radio: Any = None
        self._events: Any = None
        self._loop = _Loop()

    def open(self, kind: str, *arguments: Any) -> None:
        """Connect to a radio.

        kind      : tcp, serial or ble
        arguments : of the package's function for it

        Raises LinkError if that fails.
        """
        package = require("meshcore", "meshcore")
        logging.getLogger("meshcore").addHandler(_QUIET)
        self._events = package.EventType
        try:
            self._loop.run(self._open(getattr(package.MeshCore, f"create_{kind}"), arguments))
        except BaseException as error:
            self.close()
            if isinstance(error, LinkError) or not isinstance(error, Exception):
                raise
            timeout = isinstance(error, TimeoutError) and not str(error)
            what = "no MeshCore radio answers" if timeout else reason(error)
            raise LinkError(f"{self._name}: {what}") from error

    async def _open(self, create: Any, arguments: tuple[Any, ...]) -> None:
        self._lost, self._waiting, self._turn = asyncio.Event(), asyncio.Event(), asyncio.Lock()
        self._radio = await asyncio.wait_for(create(*arguments, default_timeout=ANSWER), CONNECTING)
        if self._radio is None:
            raise LinkError(f"{self._name}: no MeshCore radio answers")
        self._radio.subscribe(self._events.DISCONNECTED, lambda event: self._lose())
        self._radio.subscribe(self._events.MESSAGES_WAITING, lambda event: self._waiting.set())
        if self._contact:
            self._to = await self._find(self._contact)
        if self._listening:
            self._start_reading()

    async def _find(self, contact: str) -> Any:
        """The contact of a name, or of a key that begins so."""
        answer = await self._command(self._radio.commands.get_contacts)
        known = [] if answer.is_error() else list(answer.payload.values())
        named = [each for each in known if each["adv_name"].lower() == contact.lower()]
        found = named or [each for each in known if each["public_key"].startswith(contact.lower())]
        if len(found) != 1:
            what = "more than one contact" if found else "no contact"
            raise LinkError(f"{self._name}: the radio has {what} {contact}")
        return found[0]

    def _lose(self) -> None:
        self._lost.set()
        self._arrived.put(None)

    async def _command(self, command: Any, *arguments: Any) -> Any:
        """Send a command and return the event that answers it: one at a time, since errors do not
        say of which command they are. Raises LinkError if the connection is lost meanwhile."""
        async with self._turn:
            work = asyncio.ensure_future(command(*arguments))
            lost = asyncio.ensure_future(self._lost.wait())
            try:
                await asyncio.wait({work, lost}, return_when=asyncio.FIRST_COMPLETED)
                if not work.done() or self._lost.is_set():
                    raise LinkError(f"{self._name}: the connection to the radio is lost")
                return work.result()
            finally:
                work.cancel()
                lost.cancel()

    def send(self, data: bytes) -> None:
        """Hand a packet over to the radio, when few others wait in it.

        To a contact, also wait for the acknowledgement, or for as long as it would take.

        Raises LinkError if the radio is gone, or the contact does not answer any more.
        """
        if self._to is None:
            raise LinkError("nobody to answer: nothing was received yet")
        largest = SIZE if isinstance(self._to, int) else SIZE_TEXT
        if len(data) > largest:
            raise LinkError(f"{len(data)} bytes: this MeshCore link carries at most {largest}")
        self._loop.run(self._send(data))

    async def _send(self, data: bytes) -> None:
        try:
            await asyncio.wait_for(self._hand_over(data), PATIENCE)
        except TimeoutError:
            raise LinkError(f"{self._name}: the radio stays full") from None

    async def _hand_over(self, data: bytes) -> None:
        await self._await_room()
        commands = self._radio.commands
        if not isinstance(self._to, int):
            text = base64.b64encode(data).rstrip(b"=").decode()
            acknowledged = await self._command(commands.send_msg_with_retry, self._to, text)
            self._silent = 0 if acknowledged else self._silent + 1
            if self._silent == SILENT:
                raise LinkError(f"{self._name}: the contact does not acknowledge any more")
            return
        while True:
            answer = await self._command(commands.send_channel_data, self._to, TYPE, data)
            if not answer.is_error():
                return
            error = answer.payload.get("error_code")
            if error != _FULL:
                what = _REFUSALS.get(error, f"error {error}") if error else "no answer"
                raise LinkError(f"{self._name}: the radio did not take the packet: {what}")
            await asyncio.sleep(AGAIN)

    async def _await_room(self) -> None:
        while self._measures:
            answer = await self._command(self._radio.commands.get_stats_core)
            if answer.is_error():
                self._measures = False  # Firmware before version 8 of the protocol.
            elif answer.payload["queue_len"] < AHEAD:
                return
            else:
                await asyncio.sleep(AGAIN)

    def receive(self, timeout: float) -> Message | None:
        """Return the next packet, if any."""
        self._loop.run(self._begin())
        try:
            found = self._arrived.get(timeout=max(timeout, 0))
        except queue.Empty:
            return None
        if found is None:
            self._arrived.put(None)
            raise LinkError(f"{self._name}: the connection to the radio is lost")
        if self._listening:
            self._to = found.origin
        return found

    async def _begin(self) -> None:
        self._start_reading()

    def _start_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._reader = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        """Read messages as the radio announces them."""
        ends = self._events.NO_MORE_MSGS, self._events.ERROR
        while not self._lost.is_set():
            self._waiting.clear()
            with suppress(LinkError):
                event = await self._command(self._radio.commands.get_msg)
                while event.type not in ends:
                    self._take(event.type, event.payload)
                    event = await self._command(self._radio.commands.get_msg)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._waiting.wait(), POLL)

    def _take(self, kind: Any, message: Any) -> None:
        if kind == self._events.CHANNEL_DATA_RECV:
            channel = message["channel_idx"]
            here = not self._contact and self._channel in (None, channel)
            if here and message["data_type"] == TYPE:
                self._arrived.put(Message(bytes.fromhex(message["payload"]), origin=channel))
        elif kind == self._events.CONTACT_MSG_RECV:
            sender, text = message["pubkey_prefix"], message["text"]
            if self._contact:
                here = self._to["public_key"].startswith(sender)
            else:
                here = self._channel is None
            if here:
                with suppress(ValueError):  # Somebody says something.
                    data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
                    self._arrived.put(Message(data, sender, sender))

    def close(self) -> None:
        """Close the connection; the radio sends what it has taken."""
        if self._radio is not None:
            with suppress(Exception):
                self._loop.run(asyncio.wait_for(self._radio.disconnect(), 5))
            self._radio = None
        self._loop.close()


def connect(address: Address, listening: bool) -> MeshCore:
    """Connect to a radio: to send to a channel or a contact, or to receive."""
    address.only("to", "channel", "ble")
    number = address.number("channel", 0, 0, 255)
    channel = number if "channel" in address.options else None
    contact = address.options.get("to", "")
    if contact and channel is not None:
        raise InputError(f"{address.url}: either to or channel")
    if not listening and not contact and channel is None:
        raise InputError(
            f"{address.url}: name a contact or a channel, as in ?to=NAME or ?channel=1"
        )
    arguments: tuple[Any, ...]
    if address.host:
        arguments = address.host, address.port or TCP_PORT
        name, kind = "{}:{}".format(*arguments), "tcp"
    elif "ble" in address.options:
        arguments = (address.options["ble"] or None,)
        name, kind = address.options["ble"] or "Bluetooth", "ble"
    elif address.path:
        name, kind, arguments = address.path, "serial", (address.path, SPEED)
    else:
        raise InputError(f"{address.url}: name a serial port, a host, or a device by ?ble=NAME")
    require("meshcore", "meshcore", "a link to MeshCore")
    link = MeshCore(name, contact, channel, listening)
    link.open(kind, *arguments)
    return link
