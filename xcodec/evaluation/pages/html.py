"""HTML pages in one file each, made of the parts in ``page/``; they load nothing else."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from string import Template


def page(
    title: str,
    lead: str,
    body: str,
    data: Mapping[str, object],
    footer: str,
    sections: Mapping[str, str],
) -> str:
    """Return a complete page.

    lead, footer : texts
    body         : HTML
    data         : "plots" and "viewer", which the scripts read, as far as the page has them
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
        # "</script" ends a script, and after "<!--" and "<script" the next one doesn't.
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        script="\n".join("{" + _part(name) + "}" for name in ("plots.js", "viewer.js")),
    )


def plots() -> str:
    """Return the section of the plots."""
    return _part("plots.html")


def viewer(hint: str, metrics: Iterable[str]) -> str:
    """Return the section of the comparison viewer; ``metrics`` are their titles."""
    heads = "".join(f"<th>{escape(title)}</th>" for title in metrics)
    return Template(_part("viewer.html")).substitute(hint=escape(hint), metrics=heads)


def section(place: str, title: str, body: str) -> str:
    """Return a section; ``body`` is HTML."""
    return (
        f'<section aria-labelledby="{place}"><h2 id="{place}">{escape(title)}</h2>{body}</section>'
    )


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", texts: int = 1
) -> str:
    """Return a table whose first ``texts`` columns are texts; rows of xcodec are highlighted."""
    lines = []
    for row in rows:
        own = ' class="own"' if row[0].startswith("xcodec") else ""
        lines.append(f"<tr{own}>{_cells(row, 'td', texts)}</tr>")
    head = f"<thead><tr>{_cells(header, 'th', texts)}</tr></thead>"
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    whole = f"<table>{title}{head}<tbody>{''.join(lines)}</tbody></table>"
    return f'<div class="scroll" tabindex="0">{whole}</div>'


def _cells(row: Sequence[str], kind: str, texts: int) -> str:
    mark = ' class="text"'
    return "".join(
        f"<{kind}{mark if place < texts else ''}>{escape(cell)}</{kind}>"
        for place, cell in enumerate(row)
    )


def _part(name: str) -> str:
    return resources.files("xcodec.evaluation").joinpath("page", name).read_text("utf-8")
