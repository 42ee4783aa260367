"""Packets and links, for ``xcodec encode`` and ``xcodec send``."""

from typing import TYPE_CHECKING, Any

import click
import cloup

from xcodec.choices import ARMORS, LINKS
from xcodec.cli.common import How, Written, beside, scaled

if TYPE_CHECKING:
    from xcodec.links.plans import Plan
    from xcodec.options import EncodeOptions
    from xcodec.pictures.opening import Reading

WISHES = (
    cloup.option(
        "--link",
        type=click.Choice(LINKS),
        help="Link whose size and number of packets, armor and planned loss are used; "
        "`xcodec links` lists them.",
    ),
    cloup.option(
        "--packet-size",
        type=int,
        metavar="N",
        help="Packets of at most N bytes, 40 to 4096; without --link, --packets or --bytes says "
        "how many.  [default: that of the link]",
    ),
    cloup.option(
        "--packets",
        type=int,
        metavar="N",
        help="At most N packets, protection included.  [default: that of the link]",
    ),
    cloup.option(
        "--loss",
        type=float,
        metavar="X",
        help="Expected fraction of lost packets.  [default: 0.1]",
    ),
    cloup.option(
        "--armor",
        type=click.Choice(ARMORS),
        help="Packets as lines of text; --packet-size then counts characters.",
    ),
    cloup.option(
        "--preset",
        metavar="NAME",
        help="Preset of the radio, for times on air: LongFast, narrow-eu, 9600.",
    ),
    cloup.option(
        "--airtime",
        type=click.FloatRange(0, min_open=True),
        metavar="S",
        help="Best picture in at most S seconds on air.",
    ),
    cloup.option(
        "--credits",
        type=click.IntRange(1),
        metavar="N",
        help="Best picture in at most N credits of Iridium.",
    ),
)
"""Options that say how a picture goes over a link; ``plan_of`` takes them."""
NAMES = ("link", "packet_size", "packets", "loss", "armor", "preset", "airtime", "credits")


def plan_of(wishes: dict[str, Any], max_bytes: int | None) -> "Plan | None":
    """How a picture goes over a link; None if no option says so.

    wishes : values of WISHES by name
    """
    if all(value is None for value in wishes.values()):
        return None
    from xcodec.links.plans import Wishes, planned

    return planned(Wishes(**wishes), max_bytes)


def write(
    source: str,
    output: str | None,
    options: "EncodeOptions",
    reading: "Reading",
    plan: "Plan",
    how: How,
) -> Written:
    """Write the packets of a picture: into a folder, as a bundle to standard output, or as lines of
    text."""
    from xcodec.coding.packets import bundle
    from xcodec.encoder.reduction import reading_for
    from xcodec.links import armor, packet_files, receiving
    from xcodec.pictures import loading
    from xcodec.system import files

    options = plan.options(options)
    if output is None:
        text = beside(source, ".txt", "packets")
        output = text if plan.armor else beside(source, ".packets")
    in_folder = plan.armor is None and output != "-"
    if in_folder:
        packet_files.check_folder(output, how.force)
    else:
        files.check_target(output, how.force)
    picture = loading.read(source, reading_for(reading, options, plan.budget(options)))
    packets = plan.made(picture, options)
    if in_folder:
        packet_files.save(output, packets, how.force)
    elif plan.armor:
        files.write(output, armor.lines(packets, plan.armor), how.force)
    else:
        files.write(output, bundle(packets), how.force)
    count, largest, total = len(packets), len(packets[0]), sum(map(len, packets))
    needed, price = receiving.needed(packets), plan.cost(packets)
    width, height = picture.rgb.shape[1], picture.rgb.shape[0]
    facts = {
        **{"packets": count, "bytes": total, "largest": largest, "needed": needed},
        **{"width": width, "height": height, "original": picture.original},
        **price.facts(),
    }
    several = f"any {needed}" if needed < count else f"all {needed} together"
    enough = "any one gives" if needed == 1 else f"{several} give"
    text = (
        f"{output}: {counted(count)} of {largest} bytes, {total} in all; "
        f"{enough} the whole picture{scaled((width, height), picture.original)}"
    )
    return Written(output, text, facts, price.text())


def counted(count: int) -> str:
    """A number of packets in words."""
    return f"{count} packet{'s' if count != 1 else ''}"
