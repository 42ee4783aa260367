"""A node of Reticulum that sends and receives LXMF messages for ``lxmf``, as a process of its own.

Reticulum can be started once in a process, takes its signals, its standard output and its end, and
leaves it where a configuration has errors. This process imports nothing of xcodec. It speaks lines
of JSON: settings as its argument, ``{"to", "name", "data"}`` on standard input, and on standard
output ``{"address"}`` when it is ready, ``{"sender", "data"}`` for each attachment that arrives,
``{"sent"}`` or ``{"failed"}`` for each message, and ``{"error"}`` for what Reticulum complains of.
It ends when its input does.
"""

import base64
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DELIVERING = 3600.0
"""Seconds after which a message is given up; LXMF does that much earlier, unless it is on its
way."""

Tell = Callable[..., None]


class Node:
    """An LXMF router with one identity.

    settings : config: folder of Reticulum's configuration, or None for the user's;
               identity: file of the identity, or None for the configuration's own for xcodec;
               suffixes: of the names of attachments that are received;
               seeking: seconds that a path to a receiver is looked for
    tell     : takes fields of a line of output
    """

    def __init__(self, settings: dict[str, Any], tell: Tell) -> None:
        import LXMF
        import RNS

        self._lxmf, self._rns = LXMF, RNS
        self._tell, self._suffixes = tell, tuple(settings["suffixes"])
        self._seeking = settings["seeking"]
        RNS.logtimestamps = False
        self._reticulum = RNS.Reticulum(
            configuration(settings["config"]),
            loglevel=RNS.LOG_ERROR,
            logdest=lambda line: tell(error=line.partition("]")[2].strip()),
        )
        storage = RNS.Reticulum.storagepath
        identity = self._identity(Path(settings["identity"] or f"{storage}/identities/xcodec"))
        self._router = LXMF.LXMRouter(identity=identity, storagepath=f"{storage}/xcodec")
        self._source = self._router.register_delivery_identity(identity, display_name="xcodec")
        self._router.register_delivery_callback(self._received)

    @property
    def address(self) -> str:
        """What messages to this node are sent to."""
        return str(self._source.hash.hex())

    def _identity(self, file: Path) -> Any:
        if file.is_file():
            found = self._rns.Identity.from_file(str(file))
            if found is None:
                raise ValueError(f"{file}: no identity of Reticulum")
            return found
        made = self._rns.Identity()
        if not made.to_file(str(file)):
            raise ValueError(f"{file}: cannot be written")
        return made

    def announce(self) -> None:
        """Tell other nodes of this one, on the interfaces of the configuration."""
        self._router.announce(self._source.hash)

    def _received(self, message: Any) -> None:
        for attachment in message.fields.get(self._lxmf.FIELD_FILE_ATTACHMENTS, ()):
            name, data = attachment[0], attachment[1]
            name = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
            if name.lower().endswith(self._suffixes) and isinstance(data, bytes):
                self._tell(sender=message.source_hash.hex(), data=base64.b64encode(data).decode())

    def _find(self, to: str) -> Any:
        """The identity behind an address, once there is a path to it."""
        place, network = bytes.fromhex(to), self._rns.Transport
        until = time.monotonic() + self._seeking
        known = self._rns.Identity.recall(place)
        if known is None or not network.has_path(place):
            network.request_path(place)
        while known is None or not network.has_path(place):
            if time.monotonic() > until:
                raise ValueError(f"no receiver {to} is found")
            time.sleep(0.05)
            known = self._rns.Identity.recall(place)
        return known

    def deliver(self, to: str, name: str, data: str) -> None:
        """Send a message with an attachment; returns when it was delivered.

        Raises ValueError if it could not be.
        """
        rns, lxmf = self._rns, self._lxmf
        receiver = rns.Destination(
            self._find(to), rns.Destination.OUT, rns.Destination.SINGLE, "lxmf", "delivery"
        )
        message = lxmf.LXMessage(
            receiver,
            self._source,
            fields={lxmf.FIELD_FILE_ATTACHMENTS: [[name, base64.b64decode(data)]]},
            # In one packet without a link, if it fits; else LXMF establishes one.
            desired_method=lxmf.LXMessage.OPPORTUNISTIC,
        )
        over = threading.Event()
        message.register_delivery_callback(lambda message: over.set())
        message.register_failed_callback(lambda message: over.set())
        self._router.handle_outbound(message)
        over.wait(DELIVERING)
        if message.state != lxmf.LXMessage.DELIVERED:
            raise ValueError(f"the receiver {to} did not confirm a message")

    def close(self) -> None:
        """Save what the router and Reticulum remember."""
        self._router.exit_handler()
        self._rns.Reticulum.exit_handler()


def configuration(folder: str | None) -> str:
    """Return the folder of a configuration: the given one, else the user's, as Reticulum looks.

    Raises ValueError if there is none: Reticulum would make one that multicasts.
    """
    home = Path.home()
    user = Path("/etc/reticulum"), home / ".config/reticulum", home / ".reticulum"
    for place in [Path(folder)] if folder else user:
        if (place / "config").is_file():
            return str(place)
    raise ValueError(f"{folder or user[-1]}: no configuration of Reticulum; rnsd makes one")


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # It ends after the process that it serves.
    os.umask(0o077)
    # Reticulum prints.
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    turn = threading.Lock()

    def tell(**fields: Any) -> None:
        with turn:
            out.write(json.dumps(fields) + "\n")
            out.flush()

    settings = json.loads(sys.argv[1])
    try:
        node = Node(settings, tell)
    except Exception as error:
        tell(failed=str(error))
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Reticulum has set it.
    orders: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()

    def work() -> None:
        while True:
            try:
                node.deliver(**orders.get())
                tell(sent=True)
            except Exception as error:
                tell(failed=str(error))

    threading.Thread(target=work, daemon=True).start()
    tell(address=node.address)
    if settings["announce"]:
        node.announce()
    for line in sys.stdin:
        orders.put(json.loads(line))
    node.close()
    os._exit(0)  # Threads of Reticulum do not end.


if __name__ == "__main__":
    main()
