"""An extension of Griffe that converts the docstrings of this package to Markdown.

    name, other : what they are, maybe on
                  several lines               becomes a list with an item per field;
    image = Image.open("a.xgc")   # aligned   becomes a block of code, as does a tree of names.

mkdocs.yml uses it for the API reference.
"""

import re
from collections.abc import Iterator
from typing import Any

import griffe

FIELD = re.compile(r"([*\w]+(?:, [*\w]+)*) *(?<= ): (.*)")
ALIGNED = re.compile(r"\S {3,}\S|[├└│]")


class Markdown(griffe.Extension):
    """Converts the docstring of every object."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by Griffe once an object is complete."""
        if not obj.is_alias and obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(text: str) -> str:
    """Return a docstring as Markdown."""
    paragraphs = re.split(r"\n\s*\n", text.strip("\n"))
    return "\n\n".join("\n".join(_paragraph(each.split("\n"))) for each in paragraphs)


def _paragraph(lines: list[str]) -> Iterator[str]:
    """Yield the lines of a paragraph as text, a list of fields, or code."""
    if not any(map(FIELD.fullmatch, lines)):
        code = any(map(ALIGNED.search, lines))
        yield from ["```text", *lines, "```"] if code else lines
        return
    in_list = False
    for line in lines:
        if field := FIELD.fullmatch(line):
            names = ", ".join(f"`{name}`" for name in field[1].split(", "))
            yield from [] if in_list else [""]
            yield f"- {names}: {field[2]}"
            in_list = True
        elif in_list and line.startswith(" "):
            yield f"  {line.strip()}"
        else:
            yield from ["", line] if in_list else [line]
            in_list = False
