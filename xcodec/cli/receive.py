"""``xcodec receive``."""

import json
import math
import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from xcodec.cli.common import (
    NAME,
    as_json,
    beside,
    decoder,
    device,
    force,
    given,
    max_pixels,
    quiet,
    say,
    usage,
)
from xcodec.errors import LinkError

if TYPE_CHECKING:
    from xcodec.links.arrivals import Arrival
    from xcodec.links.inbox import Inbox
    from xcodec.links.serving import Server
    from xcodec.links.transports import Transport
    from xcodec.options import DecodeOptions

LOOK = 0.25
"""Seconds that are waited for a packet at a time."""
BURST, MOST = 1.0, 8
"""Seconds that packets are taken for where one follows another, and pictures that get some, before
pictures are drawn."""


@cloup.command(short_help="Receive pictures, and show each as it arrives.")
@cloup.option(
    "--via",
    "--watch",
    "via",
    type=NAME,
    required=True,
    metavar="URL",
    help="The link: udp://HOST:PORT, kiss+tcp://HOST:8001?from=CALL, meshtastic:, ...; a folder in "
    "which packets arrive as files; or '-' for lines of text.",
)
@cloup.option(
    "-o",
    "--output",
    type=NAME,
    metavar="OUT",
    help="A picture, for the first one that arrives; or a folder, for all of them.  [default: "
    "received, or for a folder FOLDER.png]",
)
@cloup.option(
    "--resume", is_flag=True, help="Go on with the packets that an earlier run left in OUT."
)
@cloup.option(
    "--count",
    type=click.IntRange(1),
    metavar="N",
    help="Stop after N complete pictures.  [default: 1 if OUT is a picture]",
)
@cloup.option(
    "--idle",
    type=click.FloatRange(0),
    metavar="S",
    help="Stop if nothing new arrives for S seconds.  [default: never]",
)
@cloup.option(
    "--reply",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    help="Where S seconds bring nothing new, tell the sender how many packets a picture lacks.",
)
@cloup.option(
    "--serve",
    metavar="[HOST:]PORT",
    help="Serve a web page that shows the picture as it arrives; 0.0.0.0:PORT for other machines "
    "on the network.",
)
@decoder("How to reconstruct the pixels between samples.")
@cloup.option(
    "--model",
    default="auto",
    show_default=True,
    type=NAME,
    metavar="auto|NAME|PATH",
    help="Weights of the generator; auto: those that the packets ask for.",
)
@cloup.option(
    "--original-size",
    is_flag=True,
    help="Scale pictures up that were scaled down to be encoded.",
)
@device
@max_pixels
@force
@as_json
@quiet
def receive(via: str, output: str | None, **options: Any) -> None:
    """Receive packets, from one or several senders, and write each picture again whenever it gets
    better. Packets are kept beside the pictures, so that --resume can go on.

    Stops when --count pictures are complete, when nothing arrives for --idle seconds, or at
    Ctrl-C. With --json, each change is a line: have, needed, complete."""
    from xcodec.links import transports
    from xcodec.links.delivery import ask
    from xcodec.links.inbox import Inbox
    from xcodec.options import DecodeOptions

    run = {name: options.pop(name) for name in ("resume", "count", "idle", "reply", "serve")}
    shown = {name: options.pop(name) for name in ("force", "as_json", "quiet")}
    shown["force"] |= run["resume"]  # What an earlier run wrote is ours.
    with usage():
        chosen = DecodeOptions(**given(**options))
    pages = _Pages(via, output, chosen, **shown)
    count = run["count"] or (1 if pages.single else math.inf)
    inbox = Inbox(pages.kept(run["resume"]), run["resume"])
    for arrival in inbox:
        pages.show(arrival)
    with ExitStack() as stack:
        stack.callback(pages.tidy)
        server = _served(run["serve"], stack)
        for arrival in inbox:
            server.put(arrival.data)
        link = stack.enter_context(transports.connect(via, listening=True))
        if run["reply"] and not link.answers:
            no_way = "nothing can be sent back over it (AX.25 needs from=CALL for that)"
            raise click.UsageError(f"--reply cannot be used with {via}: {no_way}")
        if server.url and not shown["quiet"]:
            say(f"{server.url}: the page", err=True)
        if not shown["quiet"] and getattr(link, "address", None):
            say(f"{via}: listening as {link.address}", err=True)  # type: ignore[attr-defined]
        last, ended = time.monotonic(), None
        while ended is None and pages.complete < count:
            grown, ended = _arrived(link, inbox)
            now = time.monotonic()
            for arrival in grown:
                server.put(arrival.data)
                pages.show(arrival)
                arrival.asked_at = now
            last = now if grown else last
            if run["reply"] and ended is None:
                for arrival in inbox:
                    ask(arrival, link, now, run["reply"])
            if run["idle"] is not None and time.monotonic() - last > run["idle"]:
                break
        if isinstance(ended, LinkError) and pages.complete < count:
            raise ended
    pages.end(inbox)


def _arrived(
    link: "Transport", inbox: "Inbox"
) -> "tuple[list[Arrival], EOFError | LinkError | None]":
    """The pictures that have got something new, by all that is there already; and what has ended
    the link, if it has ended."""
    grown: dict[int, Arrival] = {}
    ended: EOFError | LinkError | None = None
    until = time.monotonic() + BURST
    try:
        message = link.receive(LOOK)
        while message is not None:
            grown |= {id(each): each for each in inbox.add(message)}
            if len(grown) >= MOST or time.monotonic() > until:
                break
            message = link.receive(0)
    except (EOFError, LinkError) as error:
        ended = error
    return list(grown.values()), ended


class _Unserved:
    """What takes packets where no page is served."""

    url = ""

    def put(self, data: list[bytes]) -> None:
        """Do nothing."""


def _served(place: str | None, stack: ExitStack) -> "Server | _Unserved":
    """Serve a page until the stack ends."""
    if place is None:
        return _Unserved()
    from xcodec.links import page
    from xcodec.links.serving import Server, place_of

    return stack.enter_context(Server(page.read(), *place_of(place)))


class _Pages:
    """The pictures that are written.

    single   : whether only one picture is
    complete : number of complete pictures
    """

    def __init__(
        self,
        via: str,
        output: str | None,
        options: "DecodeOptions",
        force: bool,
        as_json: bool,
        quiet: bool,
    ) -> None:
        from xcodec.many import trees
        from xcodec.pictures import loading
        from xcodec.system import files

        if output is None:
            output = beside(via, ".png", trees.DECODED) if os.path.isdir(via) else "received"
        self.single = bool(Path(output).suffix) or output == "-"
        self._output, self._options = output, options
        self._force, self._json, self._quiet = force, as_json, quiet
        self._from_folder = os.path.isdir(via)
        self._kind = loading.kind_of(output) if self.single else "PNG"
        self._drawn: dict[int, Any] = {}
        self._made: Path | None = None  # The folder of packets, where there was none.
        self.complete = 0
        if self.single:
            files.check_target(output, force)

    def kept(self, resume: bool) -> Path | None:
        """The folder in which packets are kept; None: none is needed."""
        from xcodec.errors import InputError

        if self.single and (self._from_folder or self._output == "-"):
            return None  # They are files already, or nothing is kept.
        folder = Path(beside(self._output, ".received") if self.single else self._output)
        anew = resume or self._force or not self.single
        if not anew and folder.is_dir() and any(folder.iterdir()):
            raise InputError(
                f"{folder}: has packets of an earlier run; --resume goes on with them, -f leaves "
                "them alone"
            )
        try:
            self._made = None if folder.is_dir() else folder
            folder.mkdir(exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"{folder}: {reason}") from error
        return folder

    def show(self, arrival: "Arrival") -> None:
        """Write a picture, if it has become better."""
        from xcodec import codec
        from xcodec.errors import XcodecError
        from xcodec.links import receiving
        from xcodec.pictures import loading

        if self.single and len(self._drawn) == 1 and id(arrival) not in self._drawn:
            (before,) = self._drawn
            if self._drawn[before][1].have >= arrival.have:
                return  # The picture with most packets is shown.
            del self._drawn[before]
        state = arrival.file or arrival.restored
        known = self._drawn.get(id(arrival))
        if known is not None and known[0] == state:
            return
        try:
            if arrival.file:
                image = codec.decode_picture(arrival.file, self._options)
            else:
                image = receiving.image_of(arrival.restored, len(arrival.data[0]), self._options)
        except XcodecError as error:
            say(f"xcodec: {arrival.name}: {error}", err=True)
            return
        path = self._output if self.single else str(Path(self._output) / f"{arrival.name}.png")
        loading.save(image, path, self._kind, self._force or known is not None)
        self._force = self._force or self.single  # From now on, the file is ours.
        self._drawn[id(arrival)] = state, arrival
        self.complete = sum(each.complete for _, each in self._drawn.values())
        self._tell(path, arrival, image.size)

    def _tell(self, path: str, arrival: "Arrival", size: tuple[int, int]) -> None:
        facts = {
            **{"file": path, "picture": arrival.name, "sender": arrival.sender},
            **{"have": arrival.have, "needed": arrival.needed, "complete": arrival.complete},
            **{"width": size[0], "height": size[1]},
            "bytes": len(arrival.file) or sum(map(len, arrival.data)),
        }
        if self._json:
            say(json.dumps(facts), err=path == "-")
        elif not self._quiet:
            say(f"{path}: {arrival.text()}", err=path == "-")

    def tidy(self) -> None:
        """Leave no folder behind that was made for packets if none came."""
        if self._made is not None:
            with suppress(OSError):  # It is not empty.
                self._made.rmdir()

    def end(self, inbox: Any) -> None:
        """Say what was left out; raise an error if nothing arrived."""
        from xcodec.errors import FormatError

        left = [f"{inbox.damaged} damaged"] if inbox.damaged else []
        if self.single and (others := sum(1 for _ in inbox) - len(self._drawn)) > 0:
            left.append(f"those of {others} other picture{'s' if others > 1 else ''}")
        if left and not self._quiet:
            say(f"xcodec: packets left out: {' and '.join(left)}", err=True)
        if not self._drawn:
            raise FormatError("no packet received")
