"""``xcodec info``."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from xcodec.choices import LINKS
from xcodec.cli.common import NAME, as_json, content_of, given, max_pixels, percent, printable, say

if TYPE_CHECKING:
    from rich.console import Group

NARROW = 40
"""Columns below which tables are not readable."""
PARTS = ("container", "density", "luma", "chroma", "alpha", "metadata")


@click.command(short_help="Show the fields of a .xgc file, or what packets hold.")
@click.argument("source", type=NAME, metavar="IN")
@click.option("--link", type=click.Choice(LINKS), help="Also show what it costs on this link.")
@click.option("--preset", metavar="NAME", help="Preset of the radio, for times on air.")
@max_pixels
@as_json
def info(
    source: str, link: str | None, preset: str | None, max_pixels: int | None, as_json: bool
) -> None:
    """Show every field of the .xgc file IN ('-': standard input), and how many bytes each part
    takes; or what the packets IN, a folder or a file, hold so far."""
    from xcodec.decoder import inspection
    from xcodec.links import receiving

    if preset is not None and link is None:
        raise click.UsageError("--preset needs --link")
    with content_of([source]):
        data, found = receiving.read([source])
        if found:
            facts, sizes = receiving.facts(found), [len(each) for each in found]
        else:
            facts = asdict(inspection.info(data, **given(max_pixels=max_pixels)))
            sizes = [len(data)]
    price = None
    if link is not None:
        from xcodec.links import costs
        from xcodec.links.profiles import profile

        price = costs.cost(profile(link), sizes, preset)
    if as_json:
        say(json.dumps({"file": source} | facts | (price.facts() if price else {})))
        return
    if price and price.text():
        facts["cost"] = price.text()
    from rich.console import Console

    console = Console()
    console.width = max(console.width, NARROW)
    console.print(tables(facts))


def tables(facts: dict[str, Any]) -> "Group":
    """The facts as tables: the fields, and the bytes of a file's parts."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    fields = Table("field", "value", box=None)
    for name, value in facts.items():
        if name not in PARTS:
            fields.add_row(name, escape(printable(shown(name, value))))
    if PARTS[0] not in facts:
        return Group(fields)
    parts = Table("part", box=None)
    parts.add_column("bytes", justify="right")
    parts.add_column("share", justify="right")
    for name in PARTS:
        parts.add_row(name, str(facts[name]), percent(facts[name] / facts["bytes"]))
    return Group(fields, "", parts)


def shown(name: str, value: Any) -> str:
    """The value of a field as text."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "original":
        return "x".join(map(str, value))
    if name == "rate":
        return percent(value)
    return f"{value:.3f}" if isinstance(value, float) else str(value)
