"""``xcodec page``."""

import click

from xcodec.cli.common import force, quiet, report


@click.command(short_help="Write the decoder as a web page, for any phone or computer.")
@click.option(
    "-o",
    "--output",
    default="xcodec.html",
    show_default=True,
    metavar="OUT",
    help="The page; '-' is standard output.",
)
@force
@quiet
def page(output: str, force: bool, quiet: bool) -> None:
    """Write the decoder as one web page, with its weights. It opens from a file in any browser, and
    asks for nothing from anywhere: send it to whoever receives pictures."""
    from xcodec.links import page as pages
    from xcodec.system import files

    files.check_target(output, force)
    data = pages.read()
    files.write(output, data, force)
    report(f"{output}: {len(data):,} bytes", {"bytes": len(data)}, output, quiet=quiet)
