"""``xcodec compare``."""

import webbrowser
from pathlib import Path

import click

from xcodec.cli.common import beside, force, quiet


@click.command(short_help="A page that sets xcodec beside JPEG, WebP and AVIF on your picture.")
@click.argument("source", metavar="IN")
@click.option(
    "-r", "--rate", "rates", type=float, multiple=True,
    help="Fraction of the pixels; may be given several times.  [default: 0.01, 0.02 and 0.05]",
)  # fmt: skip
@click.option(
    "--bytes", "sizes", type=click.IntRange(1), multiple=True, metavar="N",
    help="The best picture within N bytes; may be given several times.",
)  # fmt: skip
@click.option("--model", default="photo", show_default=True, help="Name or file of the generator.")
@click.option("-o", "--output", metavar="OUT", help="The page.  [default: IN with .html]")
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
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
) -> None:
    """Set xcodec beside JPEG, WebP and AVIF at the nearest size, on the picture IN.

    The page is one file and works offline: pick a size and two codecs, and drag a slider between.
    """
    from xcodec.evaluation.pages import comparison
    from xcodec.system import files

    output = output or beside(source, ".html")
    files.check_target(output, force)
    if not (rates or sizes):
        rates = comparison.RATES
    page = comparison.build(source, rates, sizes, model).encode()
    files.write(output, page, force)
    if not quiet:
        click.echo(f"{output}: {len(page):,} bytes", err=output == "-")
    if show:
        webbrowser.open(Path(output).resolve().as_uri())
