"""``xcodec truncate``."""

import click

from xcodec.cli.common import (
    NAME,
    as_json,
    beside,
    content_of,
    force,
    given,
    max_pixels,
    quiet,
    report,
)


@click.command(short_help="Shorten a .xgc file to at most N bytes, at a clean boundary.")
@click.argument("source", type=NAME, metavar="IN")
@click.option(
    "--bytes",
    "size",
    type=click.IntRange(1),
    required=True,
    metavar="N",
    help="Largest size of the result.",
)
@click.option(
    "-o", "--output", type=NAME, metavar="OUT", help="Output file.  [default: IN.cut.xgc]"
)
@max_pixels
@force
@as_json
@quiet
def truncate(
    source: str,
    size: int,
    output: str | None,
    max_pixels: int | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Shorten the .xgc file IN ('-': standard input) to at most N bytes, where a layer or a part of
    one ends. `xcodec decode --partial` decodes the result."""
    from xcodec.decoder import truncation
    from xcodec.system import files

    output = beside(source, ".cut.xgc") if output is None else output
    files.check_target(output, force)
    data = files.read(source)
    with content_of([source]):
        cut = truncation.truncate(data, size, **given(max_pixels=max_pixels))
    files.write(output, cut, force)
    text = f"{output}: {len(cut)} of {len(data)} bytes; 'decode --partial' decodes them"
    report(text, {"bytes": len(cut), "of": len(data)}, output, as_json, quiet)
