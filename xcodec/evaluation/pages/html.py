"""Self-contained HTML pages from the parts in ``page/``: they work offline and load nothing."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from string import Template
from typing import Any


def page(
    title: str, lead: str, body: str, data: dict[str, Any], footer: str, sections: dict[str, str]
) -> str:
    """A whole page.

    lead, footer : texts
    body         : HTML
    data         : what the scripts read: "plots" and "viewer", where there are such
    sections     : titles by id, for the navigation
    """
    links = (f'<a href="#{place}">{escape(name)}</a>' for place, name in sections.items())
    return Template(_part("page.html")).substitute(
        title=escape(title),
        lead=escape(lead),
        navigation="".join(links) if len(sections) > 1 else "",
        body=body,
        footer=escape(footer),
        style=_part("page.css"),
        # Inside a script nothing but "</" ends it.
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("</", "<\\/"),
        script="\n".join("{" + _part(name) + "}" for name in ("plots.js", "viewer.js")),
    )


def plots() -> str:
    """The section of the plots."""
    return _part("plots.html")


def viewer(hint: str, metrics: Iterable[str]) -> str:
    """The section of the comparison viewer; ``metrics`` are titles of figures."""
    heads = "".join(f"<th>{escape(title)}</th>" for title in metrics)
    return Template(_part("viewer.html")).substitute(hint=escape(hint), metrics=heads)


def section(place: str, title: str, body: str) -> str:
    """A section of HTML."""
    return (
        f'<section aria-labelledby="{place}"><h2 id="{place}">{escape(title)}</h2>{body}</section>'
    )


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", texts: int = 1
) -> str:
    """A table; the first ``texts`` columns are texts, the others figures. xcodec stands out."""
    lines = []
    for row in rows:
        own = ' class="own"' if row[0].startswith("xcodec") else ""
        lines.append(f"<tr{own}>{_cells(row, 'td', texts)}</tr>")
    head = f"<thead><tr>{_cells(header, 'th', texts)}</tr></thead>"
    told = f"<caption>{escape(caption)}</caption>" if caption else ""
    whole = f"<table>{told}{head}<tbody>{''.join(lines)}</tbody></table>"
    return f'<div class="scroll" tabindex="0">{whole}</div>'


def _cells(row: Sequence[str], kind: str, texts: int) -> str:
    mark = ' class="text"'
    return "".join(
        f"<{kind}{mark if place < texts else ''}>{escape(cell)}</{kind}>"
        for place, cell in enumerate(row)
    )


def _part(name: str) -> str:
    return resources.files("xcodec.evaluation").joinpath("page", name).read_text("utf-8")
