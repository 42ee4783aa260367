"""``xcodec send``."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from xcodec.choices import DEFAULT_EFFORT, MAX_EFFORT
from xcodec.cli import packets
from xcodec.cli.common import (
    NAME,
    READING,
    as_json,
    beside,
    force,
    given,
    how_read,
    max_pixels,
    max_side,
    quiet,
    reading,
    refuse,
    report,
    say,
    scaled,
    usage,
)

if TYPE_CHECKING:
    from xcodec.links.delivery import Progress as Step
    from xcodec.links.outbox import Outbox
    from xcodec.links.plans import Plan
    from xcodec.options import EncodeOptions
    from xcodec.pictures.opening import Reading

ENCODING = ("max_bytes", "max_side", "model", "effort")
OF_PICTURES = (
    *ENCODING,
    *READING,
    *("packet_size", "packets", "loss", "airtime", "credits"),
)
"""The options that say how a picture is read and encoded."""
OF_PACKETS = "more", "again", "wait"


@cloup.command(short_help="Send a picture over a link: UDP, AX.25, Meshtastic, LXMF, ...")
@cloup.argument("source", type=NAME, metavar="IN")
@cloup.option_group(
    "Picture",
    cloup.option(
        "--bytes", "max_bytes", type=click.IntRange(1), metavar="N", help="At most N bytes in all."
    ),
    max_side,
    cloup.option(
        "--model",
        metavar="NAME",
        help="Weights that the packets ask for: photo, or face for portraits.  [default: photo]",
    ),
    cloup.option(
        "-e",
        "--effort",
        type=click.IntRange(0, MAX_EFFORT),
        help=f"Time spent to save bytes; 0 is fastest.  [default: {DEFAULT_EFFORT}]",
    ),
    *reading,
    max_pixels,
)
@cloup.option_group(
    "Link",
    cloup.option(
        "--via",
        type=NAME,
        required=True,
        metavar="URL",
        help="The link: udp://HOST:PORT, kiss+tcp://HOST:8001?from=CALL&to=CALL, meshtastic:, ...; "
        "a folder; or '-' for lines of text.",
    ),
    *packets.WISHES,
)
@cloup.option_group(
    "Sending",
    cloup.option(
        "--more",
        type=click.IntRange(1),
        metavar="N",
        help="Send N further packets of a picture that was sent: new ones, no repeats.",
    ),
    cloup.option("--again", is_flag=True, help="Send all packets once more."),
    cloup.option(
        "--pause",
        type=click.FloatRange(0),
        metavar="S",
        help="Minimum seconds from one packet to the next.  [default: that of the link]",
    ),
    cloup.option(
        "--duty",
        type=click.FloatRange(0, 100, min_open=True),
        default=100,
        show_default=True,
        metavar="PERCENT",
        help="Share of an hour that may be used on air.",
    ),
    cloup.option(
        "--wait",
        type=click.FloatRange(0),
        metavar="S",
        help="Then send what receivers ask for (receive --reply), until nobody asks for S seconds.",
    ),
)
@cloup.option_group("Output", force, as_json, quiet)
def send(source: str, via: str, force: bool, as_json: bool, quiet: bool, **options: Any) -> None:
    """Encode the picture IN as packets, keep them in the folder IN.packets, and send them.

    IN may also be a folder or file of packets, or a .xgc file. Started again after an interruption,
    it goes on where it stopped."""
    from xcodec.errors import InputError
    from xcodec.links import transports
    from xcodec.links.delivery import deliver, serve
    from xcodec.links.pacing import Pacer
    from xcodec.options import EncodeOptions

    wishes = {name: options.pop(name) for name in packets.NAMES}
    chosen = given(**{name: options.pop(name) for name in ENCODING})
    how = how_read(options)
    more, again, wait = options["more"], options["again"], options["wait"]
    address = transports.parse(via)
    profile = transports.SCHEMES[address.scheme].profile
    if wishes["link"] is None and profile:
        wishes["link"] = profile
    with usage():
        settings = EncodeOptions(**chosen)
        plan = packets.plan_of(wishes, settings.max_bytes)
    airtime = plan.airtime if plan else lambda size: 0.0
    pause = options["pause"] if options["pause"] is not None else plan.pause if plan else 0.0
    pacer = Pacer(options["duty"] / 100, pause)
    # The link comes first: where it is missing, encoding was for nothing.
    with transports.connect(via, armor=plan.armor if plan else None) as link:
        with usage():
            data, outbox = _prepared(source, settings, how, plan, force, quiet)
        if outbox is None:
            refuse(OF_PACKETS, "a whole file")
            _check_size(len(data), link, via)
            link.send(data)
            price = plan.cost([data]) if plan else None
            facts = {"bytes": len(data), **(price.facts() if price else {})}
            text, note = f"{via}: {len(data)} bytes sent", price.text() if price else ""
            report(text, facts, "-" if via == "-" else source, as_json, quiet, note)
            return
        for ago, seconds in outbox.recent():
            pacer.count(ago, seconds)
        if again:
            outbox.forget()
        indices = outbox.more(more) if more else outbox.left
        if not indices:
            raise InputError(
                f"{source}: no packet is left of {len(outbox.data)}: --again repeats them, --more "
                "N makes new ones"
            )
        _check_size(max(len(outbox.data[index]) for index in indices), link, via)
        before = len(outbox.sent)
        with _progress(len(indices), quiet) as show:
            try:
                for step in deliver(outbox, indices, link, pacer, airtime):
                    show(step)
                if wait:
                    for step in serve(outbox, link, pacer, airtime, wait):
                        show(step)
            except BaseException:
                if not quiet:
                    out = f"{packets.counted(len(outbox.sent) - before)} went out"
                    say(
                        f"xcodec: {out}, {len(outbox.left)} are left: start again to go on",
                        err=True,
                    )
                raise
    sent = [outbox.data[index] for index in outbox.sent[before:]]
    total = sum(map(len, sent))
    price = plan.cost(sent) if plan else None
    text = f"{via}: {packets.counted(len(sent))} sent, {total} bytes"
    note = price.text() if price is not None else ""
    facts = {"packets": len(sent), "bytes": total, **(price.facts() if price else {})}
    report(text, facts, "-" if via == "-" else source, as_json, quiet, note)


def _prepared(
    source: str,
    options: "EncodeOptions",
    how: "Reading",
    plan: "Plan | None",
    force: bool,
    quiet: bool,
) -> "tuple[bytes, Outbox | None]":
    """What is sent: a file, or packets."""
    from xcodec.choices import CODED
    from xcodec.encoder.reduction import reading_for
    from xcodec.links import outbox as outboxes
    from xcodec.links import packet_files
    from xcodec.links.outbox import Outbox
    from xcodec.pictures import loading
    from xcodec.system import files

    folder = Path(beside(source, ".packets"))
    if os.path.isdir(source):
        refuse(OF_PICTURES, "packets")
        return b"", Outbox.opened(Path(source))
    data = files.read(source)
    if source.lower().endswith(CODED):
        refuse(OF_PICTURES, "a .xgc file")
        return data, None
    found = packet_files.split(data)
    if outboxes.is_packets(found):
        refuse(OF_PICTURES, "packets")
        return b"", Outbox(found)
    if folder.is_dir() and not force and source != "-":
        kept = Outbox.opened(folder)
        note = f"{packets.counted(len(kept.data))} from before, {len(kept.sent)} sent"
        if not quiet:
            say(f"{folder}: {note}; -f encodes the picture again", err=True)
        return b"", kept
    if plan is None:
        raise click.UsageError("how large are packets? --packet-size or --link says so")
    options = plan.options(options)
    stream = io.BytesIO(data)
    stream.name = files.called(source)  # For messages.
    picture = loading.read(stream, reading_for(how, options, plan.budget(options)))
    made = plan.made(picture, options)
    size = picture.rgb.shape[1], picture.rgb.shape[0]
    if not quiet:
        say(f"{source}: {sum(map(len, made))} bytes{scaled(size, picture.original)}", err=True)
    if plan.whole:
        return made[0], None
    if source == "-":
        return b"", Outbox(made)
    packet_files.save(str(folder), made, force)
    return b"", Outbox.opened(folder)


def _check_size(size: int, link: Any, via: str) -> None:
    from xcodec.errors import InputError

    if size > link.size:
        raise InputError(
            f"{via}: takes {link.size} bytes at once, not {size}: --packet-size makes smaller ones"
        )


@contextmanager
def _progress(total: int, quiet: bool) -> "Iterator[Any]":
    """Show how many packets went out and the time left, if standard error is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    hidden = quiet or not console.is_terminal
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}")
    bar: Any = Progress(*columns, console=console, transient=True)
    with nullcontext() if hidden else bar:
        row = None if hidden else bar.add_task("", total=total, left="")

        def show(step: "Step") -> None:
            if row is not None:
                left = f"{step.seconds:.0f} s left"
                bar.update(row, completed=step.sent, total=step.total, left=left)

        yield show
