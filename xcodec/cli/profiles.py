"""``xcodec links``."""

import json
from dataclasses import asdict

import click

from xcodec.cli.common import as_json, say

NARROW = 80
"""Columns below which the tables are not readable."""


@click.command("links", short_help="List the links that have a name.")
@as_json
def profiles(as_json: bool) -> None:
    """List the links that `encode --link` and `send` know: size and number of packets, armor,
    planned loss, presets for times on air, and the URLs to send through."""
    from xcodec.links.profiles import PROFILES
    from xcodec.links.transports import SCHEMES

    urls: dict[str, list[str]] = {}
    for scheme in SCHEMES.values():
        urls.setdefault(scheme.profile, []).append(scheme.form)
    if as_json:
        every = [
            {**asdict(each), "modems": list(each.modems), "via": urls.get(each.name, [])}
            for each in PROFILES.values()
        ]
        say(json.dumps(every))
        return
    from rich.console import Console, Group
    from rich.table import Table

    table = Table("link", "a packet", "packets", "loss", "armor", "presets", box=None)
    for each in PROFILES.values():
        unit = "characters" if each.armor else "bytes"
        number = "a file" if each.packets == 1 else str(each.packets)
        table.add_row(
            *(each.name, f"{each.size} {unit}", number, f"{each.loss:.0%}", each.armor or "-"),
            ", ".join(each.modems) or "-",
        )
    places = Table("link", "--via", box=None)
    for scheme in SCHEMES.values():
        places.add_row(scheme.profile or "any", scheme.form)
    console = Console()
    console.width = max(console.width, NARROW)
    console.print(Group(table, "", places))
