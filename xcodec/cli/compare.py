"""``xcodec compare``."""

import webbrowser
from pathlib import Path
from typing import Any

import click

from xcodec.cli.common import (
    NAME,
    PICTURE,
    beside,
    force,
    how_read,
    model,
    quiet,
    reads_pictures,
    refuse,
    say,
    usage,
)


@click.command(short_help="Compare xcodec with JPEG, WebP and AVIF on a picture of yours.")
@click.argument("source", type=PICTURE, metavar="IN")
@click.option(
    "-r", "--rate", "rates", type=float, multiple=True,
    help="Fraction of the pixels; can be repeated.  [default: 0.01, 0.02 and 0.05]",
)  # fmt: skip
@click.option(
    "--bytes", "sizes", type=click.IntRange(1), multiple=True, metavar="N",
    help="Best picture within N bytes; can be repeated.",
)  # fmt: skip
@model
@click.option(
    "-o", "--output", type=NAME, metavar="OUT",
    help="Page to write.  [default: IN.html, or IN.compared.html if that exists]",
)  # fmt: skip
@click.option("--open", "show", is_flag=True, help="Open the page in a browser.")
@reads_pictures
@force
@quiet
def compare(
    source: str,
    rates: tuple[float, ...],
    sizes: tuple[int, ...],
    model: str,
    output: str | None,
    show: bool,
    force: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Make a page that compares xcodec with JPEG, WebP and AVIF on the picture IN.

    The page is one file and works offline: choose a size and two codecs, and drag the slider. Other
    codecs are at the size nearest to xcodec's.
    """
    from xcodec.evaluation.pages import comparison
    from xcodec.system import files

    output = beside(source, ".html", "compared") if output is None else output
    if output == "-":
        refuse(("show",), "standard output")
    files.check_target(output, force)
    if not (rates or sizes):
        rates = comparison.RATES
    with usage():
        page = comparison.build(source, rates, sizes, model, how_read(options))
    data = page.encode(errors="replace")
    files.write(output, data, force)
    if not quiet:
        say(f"{output}: {len(data):,} bytes", err=output == "-")
    if show:
        webbrowser.open(Path(output).resolve().as_uri())
