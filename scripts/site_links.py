"""A hook of mkdocs: links to files of the source tree become plain text on the site."""

import re
from typing import Any

OUTSIDE = re.compile(r"\[([^\]]*)\]\((?:\.\./)+(?!tutorials/|[a-z]+\.md\b)[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page without links that lead out of docs/."""
    return OUTSIDE.sub(r"\1", markdown)
