"""``xcodec links``."""

import json
from dataclasses import asdict

import click

from xcodec.cli.common import as_json, say


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
    from rich.console import Console
    from rich.table import Table

    table = Table("link", "a packet", "packets", "loss", "armor", "presets", "--via", box=None)
    for each in PROFILES.values():
        unit = "characters" if each.armor else "bytes"
        number = "a file" if each.packets == 1 else str(each.packets)
        table.add_row(
            *(each.name, f"{each.size} {unit}", number, f"{each.loss:.0%}", each.armor or "-"),
            *(", ".join(each.modems) or "-", ", ".join(urls.get(each.name, ["-"]))),
        )
    console = Console()
    console.width = max(console.width, 100)
    console.print(table)
