"""``xcodec info``."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from xcodec.cli.common import as_json, given, max_pixels, percent, printable, say

if TYPE_CHECKING:
    from rich.console import Group

NARROW = 40
"""Columns below which tables are not readable."""
PARTS = ("container", "density", "luma", "chroma", "alpha", "metadata")


@click.command(short_help="Show the fields of a .xgc file.")
@click.argument("source", metavar="IN")
@max_pixels
@as_json
def info(source: str, max_pixels: int | None, as_json: bool) -> None:
    """Show every field of the .xgc file IN ('-': standard input), and how many bytes each part
    takes."""
    from xcodec.decoder import inspection
    from xcodec.system import files

    facts = asdict(inspection.info(files.read(source), **given(max_pixels=max_pixels)))
    if as_json:
        say(json.dumps({"file": source} | facts))
        return
    from rich.console import Console

    console = Console()
    console.width = max(console.width, NARROW)
    console.print(tables(facts))


def tables(facts: dict[str, Any]) -> "Group":
    """The facts about a file as two tables: its fields, and the bytes of its parts."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    fields = Table("field", "value", box=None)
    for name, value in facts.items():
        if name not in PARTS:
            fields.add_row(name, escape(printable(shown(name, value))))
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
