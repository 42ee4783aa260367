"""The decoder as a web page (web/): one file, which ships with the package where it was built."""

from pathlib import Path

from xcodec.errors import DependencyError

NAME = "xcodec.html"
PLACES = (
    Path(__file__).parents[1] / "web" / NAME,
    Path(__file__).parents[2] / "web" / "dist" / NAME,
)
"""Where it is in an installed package, and in a source tree after ``make web``."""


def read() -> bytes:
    """Return the page, HTML.

    Raises DependencyError if it was not built.
    """
    for place in PLACES:
        if place.is_file():
            return place.read_bytes()
    raise DependencyError(
        "this copy of xcodec has no page: `make web` builds it, with Node 20 or later"
    )
