"""Packets or whole files over Reticulum, as attachments of LXMF messages.

Other programs for LXMF, such as Sideband and NomadNet, show the same attachments and send them. A
message of up to 276 bytes goes in one packet of Reticulum without a link to the receiver; for a
larger one a link is made. Either way the receiver confirms it, and lost packets are sent again.
"""

import base64
import importlib.util
import json
import queue
import re
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from xcodec.choices import CODED, PACKET
from xcodec.coding.header import version_of
from xcodec.errors import InputError, LinkError
from xcodec.links.transports import Address, Message, Transport
from xcodec.system.packages import require

SIZE = 65_536
"""Largest attachment in bytes. Receivers of LXMF take up to 1,000,000 (DELIVERY_LIMIT)."""

SEEKING = 30.0
"""Seconds that a path to the receiver is looked for."""
STARTING = 60.0
"""Seconds that Reticulum gets to open its interfaces."""
ENDING = 10.0
"""Seconds that it gets to save what it remembers."""


class Lxmf(Transport):
    """A node of Reticulum in a process of its own.

    address : what messages to this node are sent to, 32 hexadecimal digits
    """

    size = SIZE
    answers = True

    def __init__(self, name: str, target: str, listening: bool) -> None:
        self._name, self._target, self._listening = name, target, listening
        self._to = target
        self._complaint = ""
        self._arrived: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def open(self, **settings: Any) -> None:
        """Start the node; see ``lxmf_node.Node`` for the settings.

        Raises LinkError if that fails.
        """
        # Without this folder on the path: its modules are called like the packages they use.
        node = str(Path(__file__).with_name("lxmf_node.py"))
        command = sys.executable, "-P", "-W", "ignore", node
        self._process = subprocess.Popen(
            (*command, json.dumps(settings)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",
        )
        self._reader = threading.Thread(target=self._read, name="LXMF", daemon=True)
        self._reader.start()
        try:
            self.address = self._reply(STARTING)["address"]
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                said = json.loads(line)
                if "data" in said:
                    if not self._target or said["sender"] == self._target:
                        data = base64.b64decode(said["data"])
                        self._arrived.put(Message(data, said["sender"], said["sender"]))
                elif "error" in said:
                    self._complain(said["error"])
                else:
                    self._replies.put(said)
        self._replies.put(None)
        self._arrived.put(None)

    def _complain(self, text: str) -> None:
        """Remember the first complaint, and the error that it is about, which comes after it."""
        _, detail, error = text.partition("The contained exception was: ")
        if detail and self._complaint and not self._complaint.endswith(")"):
            self._complaint += f" ({error.splitlines()[0]})"
        elif not self._complaint:
            self._complaint = text.splitlines()[0] if text else ""

    def _reply(self, timeout: float | None = None) -> dict[str, Any]:
        try:
            said = self._replies.get(timeout=timeout)
        except queue.Empty:
            raise LinkError(f"{self._name}: Reticulum does not start") from None
        if said is None:
            self._replies.put(None)
            raise self._gone()
        if "failed" in said:
            raise LinkError(f"{self._name}: {said['failed'].splitlines()[0]}")
        return said

    def _gone(self) -> LinkError:
        what = self._complaint or "it has ended"
        return LinkError(f"{self._name}: Reticulum: {what}")

    def send(self, data: bytes) -> None:
        """Send a message with one attachment; returns when the receiver has confirmed it.

        Raises LinkError if no receiver is found, or it does not confirm.
        """
        if not self._to:
            raise LinkError("nobody to answer: nothing was received yet")
        if len(data) > SIZE:
            raise LinkError(f"{len(data)} bytes: a message carries at most {SIZE}")
        coded = version_of(data[:3]) is not None
        order = {
            "to": self._to,
            "name": f"picture{CODED}" if coded else f"p{PACKET}",
            "data": base64.b64encode(data).decode(),
        }
        assert self._process is not None
        assert self._process.stdin is not None
        self._complaint = ""
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise self._gone() from error
        self._reply()

    def receive(self, timeout: float) -> Message | None:
        """Return the next attachment, if any."""
        try:
            message = self._arrived.get(timeout=max(timeout, 0))
        except queue.Empty:
            return None
        if message is None:
            self._arrived.put(None)
            raise self._gone()
        if self._listening:
            self._to = message.origin
        return message

    def close(self) -> None:
        """End the node."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._reader.join()


def connect(address: Address, listening: bool) -> Lxmf:
    """Start a node: to send to a receiver, or to receive."""
    address.only("config", "identity", "announce")
    target = address.path.strip("<>").lower()
    if not re.fullmatch(r"([0-9a-f]{32})?" if listening else r"[0-9a-f]{32}", target):
        raise InputError(f"{address.url}: a receiver is an address of 32 hexadecimal digits")
    announce = address.number("announce", 0, 0, 1)
    for module in ("LXMF", "RNS"):
        if importlib.util.find_spec(module) is None:
            require(module, "lxmf", "a link over Reticulum")
    link = Lxmf("lxmf", target, listening)
    link.open(
        config=address.options.get("config"),
        identity=address.options.get("identity"),
        announce=bool(announce),
        seeking=SEEKING,
        suffixes=[CODED, PACKET],
    )
    return link
