"""Write the tables of docs/results.md and README.md from the records: python scripts/results.py

A table stands between ``<!-- NAME: ... -->`` and ``<!-- end -->``; functions of BLOCKS make them.
Pages without such a comment keep their text.
"""

import math
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xcodec.evaluation.measures import curves, savings
from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.peers import rivals
from xcodec.evaluation.runs import records, summary
from xcodec.evaluation.runs.schema import RecordedCurve

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGES = ("README.md", "docs/results.md")
BLOCK = re.compile(r"(<!-- ([a-z-]+): [^>]*-->\n).*?(<!-- end -->)", re.S)
SEEN = ("psnr", "ssim", "lpips")
GENERATOR, FILL = "xcodec, generator photo", "xcodec, classical fill"
FITTED = ", fitted"
Place = tuple[float | None, float, float, int]
DASH = "–"


@dataclass(frozen=True)
class Pictures:
    """A set of pictures, and the names of its records: of the generator and other codecs, and of
    the classical fill of files that are optimised for it.

    area : pixels of each picture, if budgets are in bytes
    """

    title: str
    record: str
    fill: str
    area: int | None = None


SETS = {
    "kodak": Pictures("Kodak", "kodak", "kodak_classical"),
    "faces": Pictures("faces", "faces", "faces_classical", 256 * 256),
    "photos": Pictures("photos", "photos_256", "photos_256_classical", 256 * 256),
}
JPEG = "kodak_jpeg"
"""The record of JPEG at full size."""
KODAK_BPP = (0.02, 0.03, 0.04, 0.06, 0.09)
BUDGETS = (200, 340, 600, 1000)
PEERS = (
    "best file",
    "best payload",
    "AV1, payload",
    "HEVC, payload",
    "VVC, slices",
    "VVC with parameter sets",
    "AVIF",
    "HEIC",
    "WebP",
    "JPEG XL",
    "JPEG 2000",
    "JPEG",
)
"""Peers by their titles in tables, with which their curves' names begin, but for those of LONG."""
LONG = {
    "AV1, payload": "AV1, payload alone",
    "HEVC, payload": "HEVC, payload alone",
    "VVC, slices": "VVC, slices alone",
}
SHOWN = ("best file", "best payload", "VVC, slices", "AV1, payload", "HEVC, payload")
"""Peers of the tables of Kodak and of the README."""
SMALL_PICTURES = (
    "Thirty faces and thirty photos of 256x256 within so many bytes: xcodec's PSNR, and how far it "
    "is above that of others, in dB. (29): on so many of the pictures, which both have."
)


@cache
def found(record: str) -> dict[str, RecordedCurve]:
    """The curves of a record by name."""
    loaded = records.load(RESULTS / f"{record}.json")
    assert loaded["benchmark"] == "rd"
    return {curve["name"]: curve for curve in loaded["figures"]["curves"]}


@cache
def count(record: str) -> int:
    """The number of pictures of a record."""
    return len(records.load(RESULTS / f"{record}.json")["pictures"])


def peer_curve(group: Pictures, title: str, metric: str) -> RecordedCurve:
    """The curve of a peer of files that are best for a metric."""
    aim = METRICS[METRICS[metric].aim].title
    return found(group.record)[f"{LONG.get(title, title)}, scaled, best {aim}"]


def own_curve(group: Pictures, fill: bool = False) -> RecordedCurve:
    """xcodec's curve, by the generator or by the classical fill."""
    name = (FILL if fill else GENERATOR) + (FITTED if group.area else "")
    return found(group.fill if fill else group.record)[name]


def at_bpp(curve: RecordedCurve, bpp: float, metric: str) -> float | None:
    """The mean figure of a curve, which all pictures reach, at a rate."""
    return curves.at_bpp(summary.pairs(curve, metric), bpp)


def triple(figures: Sequence[float | None]) -> str:
    """PSNR, SSIM and LPIPS in a cell."""
    if any(figure is None for figure in figures):
        return DASH
    digits = (2, 3, 3)
    return " / ".join(f"{f:.{d}f}" for f, d in zip(figures, digits, strict=False))  # type: ignore


def bold(cells: list[str]) -> list[str]:
    """Cells with the highest first figure in bold type."""
    firsts = [float(cell.split(" / ")[0]) for cell in cells if cell != DASH]
    if not firsts:
        return cells
    first = f"{max(firsts):.2f}"
    return [
        cell.replace(first, f"**{first}**", 1) if cell.split(" / ")[0] == first else cell
        for cell in cells
    ]


def kodak_rows(names: Sequence[str]) -> list[str]:
    """A table of figures at equal bpp."""
    group = SETS["kodak"]
    columns = {"xcodec": own_curve(group), "classical fill": own_curve(group, fill=True)}
    columns |= {title: peer_curve(group, title, "psnr") for title in SHOWN}
    lines = [["bpp", *columns], ["---:"] * (len(columns) + 1)]
    for bpp in KODAK_BPP:
        cells = [triple([at_bpp(c, bpp, name) for name in names]) for c in columns.values()]
        lines.append([f"{bpp:.3f}", *bold(cells)])
    return markdown(lines)


def markdown(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    return [f"| {' | '.join(line)} |" for line in lines]


def kodak() -> list[str]:
    """Kodak at equal bpp."""
    return kodak_rows(SEEN)


def kodak_leads() -> list[str]:
    """PSNR of xcodec above each peer's on Kodak, at equal bpp."""
    group = SETS["kodak"]
    lines = [["xcodec above", *(f"{bpp:g} bpp" for bpp in KODAK_BPP)]]
    lines.append(["---", *["---:"] * len(KODAK_BPP)])
    for title in PEERS:
        other = peer_curve(group, title, "psnr")
        lines.append([title, *(_lead_at(own_curve(group), other, bpp) for bpp in KODAK_BPP)])
    return markdown(lines)


def _lead_at(own: RecordedCurve, other: RecordedCurve, bpp: float) -> str:
    pictures = summary.covered(own, other)
    ours, theirs = (
        curves.at_bpp(summary.pairs(curve, "psnr", pictures), bpp) for curve in (own, other)
    )
    if ours is None or theirs is None:
        return DASH
    few = f" ({len(pictures)})" if len(pictures) < len(own["points"][0]["pictures"]["bpp"]) else ""
    return f"{ours - theirs:+.2f}{few}"


def budgets(name: str) -> list[str]:
    """Figures of a set within budgets in bytes."""
    group = SETS[name]
    columns = {"xcodec": own_curve(group), "classical fill": own_curve(group, fill=True)}
    for title in rivals.BEST:
        for metric in ("psnr", "lpips"):
            columns[f"{title} for {METRICS[metric].title}"] = peer_curve(group, title, metric)
    lines = [["bytes", *columns], ["---:"] * (len(columns) + 1)]
    for size in BUDGETS:
        cells = [_at_setting(curve, size) for curve in columns.values()]
        lines.append([f"{size:,}", *bold(cells)])
    return markdown(lines)


def _at_setting(curve: RecordedCurve, size: int) -> str:
    """Figures at a budget; a dash unless every picture has a file there."""
    for point in curve["points"]:
        if point["setting"] == size and None not in point["pictures"]["bytes"]:
            return triple([point.get(name) for name in SEEN])  # type: ignore
    return DASH


def leads(name: str) -> list[str]:
    """PSNR of xcodec above each scaled peer of a set, within budgets, on the same pictures."""
    group = SETS[name]
    own = own_curve(group)
    total = count(group.record)
    lines = [["xcodec above", *(f"{size:,} bytes" for size in BUDGETS)]]
    lines.append(["---", *["---:"] * len(BUDGETS)])
    for title in PEERS:
        both = [own, peer_curve(group, title, "psnr")]
        at = {row["setting"]: row for row in summary.leads(both, ["psnr"])}
        cells = []
        for size in BUDGETS:
            row = at.get(size)
            few = f" ({row['pictures']})" if row and row["pictures"] < total else ""
            cells.append(f"{row['own'] - row['other']:+.2f}{few}" if row else DASH)
        lines.append([title, *cells])
    return markdown(lines)


def takeover(group: Pictures, title: str, metric: str) -> Place | None:
    """From which bpp on a peer is better, None for nowhere; the range, and how many pictures.

    None if the two share no range.
    """
    both = [own_curve(group), peer_curve(group, title, metric)]
    for row in summary.takeovers(both, [metric]):
        low, high = row["bpp"]
        return row["from_bpp"], low, high, row.get("pictures", count(group.record))
    return None


def size_of(group: Pictures, bpp: float) -> str:
    """A rate as readers of a set's tables want it: in bytes, or in bpp."""
    return f"{bpp * group.area / 8:,.0f}" if group.area else f"{bpp:.3f}"


def losses() -> list[str]:
    """From which size on each peer is better, by set and metric."""
    metrics = [m for m in ("psnr", "ssim", "lpips", "dists") if _measured(m)]
    lines = [["pictures", "peer", "compared", *(METRICS[m].title for m in metrics)]]
    lines.append(["---", "---", *["---:"] * (len(metrics) + 1)])
    for group in SETS.values():
        total = count(group.record)
        for title in PEERS:
            places = {m: takeover(group, title, m) for m in metrics}
            first = places["psnr"]
            if first is None:
                continue
            _, low, high, pictures = first
            reach = f"{size_of(group, low)} to {size_of(group, high)}"
            few = f" ({pictures} of {total})" if pictures < total else ""
            cells = [_from(group, place) for place in places.values()]
            unit = "bytes" if group.area else "bpp"
            lines.append([f"{group.title}, {unit}", title + few, reach, *cells])
    return markdown(lines)


def _measured(metric: str) -> bool:
    return any(metric in own_curve(group)["points"][0] for group in SETS.values())


def _from(group: Pictures, place: Place | None) -> str:
    if place is None:
        return "not compared"
    bpp, low, _, _ = place
    if bpp is None:
        return DASH
    return "everywhere" if bpp == low else size_of(group, bpp)


def readme() -> list[str]:
    """The tables and sentences of the README."""
    lines = [*kodak_rows(("psnr",)), "", *wrapped(SMALL_PICTURES), ""]
    lines += markdown(
        [
            ["", *(f"{size:,} bytes" for size in BUDGETS)],
            ["---", *["---:"] * len(BUDGETS)],
            *(row for name in ("faces", "photos") for row in _readme_rows(name)),
        ]
    )
    return [*lines, "", *_readme_losses()]


def _readme_rows(name: str) -> Iterator[list[str]]:
    group = SETS[name]
    figures = {p["setting"]: p["psnr"] for p in own_curve(group)["points"]}
    yield [f"{group.title}: xcodec", *(f"{figures[size]:.2f} dB" for size in BUDGETS)]
    for line in leads(name)[2:]:
        title, *cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if title in ("best file", "best payload", "VVC with parameter sets"):
            yield [f"above the {title}" if title.startswith("best") else f"above {title}", *cells]


def _readme_losses() -> list[str]:
    kinds = (*SHOWN, "VVC with parameter sets")
    lines = [["better than xcodec from"], ["---"]]
    for group in SETS.values():
        unit = "bytes" if group.area else "bpp"
        lines[0] += [f"{group.title}: PSNR", f"LPIPS, {unit}"]
        lines[1] += ["---:", "---:"]
    for kind in kinds:
        places = [(g, takeover(g, kind, m)) for g in SETS.values() for m in ("psnr", "lpips")]
        lines.append([kind, *(_from(group, place) for group, place in places)])
    return [
        "**Where it loses.** From which size on a rival is better, by the means:",
        "",
        *markdown(lines),
        "",
        *wrapped(
            f"A dash: nowhere. Compared on {_reach('best file')}; VVC, and the best payload with "
            f"it, on {_reach('best payload')}. Where a rival is better, use it."
        ),
    ]


def _reach(kind: str) -> str:
    """Up to which size a peer was compared by PSNR, on each set."""
    parts = []
    for group in SETS.values():
        place = takeover(group, kind, "psnr")
        if place is not None:
            low, high = (size_of(group, bpp) for bpp in place[1:3])
            parts.append(f"{group.title} from {low} to {high} {'bytes' if group.area else 'bpp'}")
    return listed(parts, "and")


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines of a paragraph or of an item of a list."""
    wrap = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(text, 120, subsequent_indent=indent, **wrap)  # type: ignore


def realistic() -> list[str]:
    """LPIPS of the realistic weights beside that of the best file and of the best payload."""
    header = ["pictures", "size", "LPIPS"]
    for kind in rivals.BEST:
        header += [kind, "difference"]
    lines = [[*header, "PSNR", "cost in PSNR"]]
    lines.append(["---", *["---:"] * (len(lines[0]) - 1)])
    lines += [_realistic_kodak(bpp) for bpp in (0.03, 0.05, 0.1)]
    for name, model in (("faces", "face"), ("photos", "photo")):
        lines += [_realistic_row(name, model, size) for size in BUDGETS[:3]]
    return markdown(lines)


def _realistic_kodak(bpp: float) -> list[str]:
    others = [peer_curve(SETS["kodak"], kind, "lpips") for kind in rivals.BEST]
    own = found("kodak_realistic")
    mine = own["xcodec, generator photo-real"]
    ends = [summary.pairs(curve, "lpips")[-1][0] for curve in (others[0], mine)]
    bpp = min(bpp, *(math.floor(1000 * end) / 1000 for end in ends))
    lpips, psnr = (at_bpp(mine, bpp, metric) for metric in ("lpips", "psnr"))
    before = at_bpp(own[GENERATOR], bpp, "psnr")
    beside = [(lpips, at_bpp(curve, bpp, "lpips"), "") for curve in others]
    return ["Kodak", f"{bpp:.3f} bpp", *_realistic_cells(lpips, beside, psnr, before)]


def _realistic_row(name: str, model: str, size: int) -> list[str]:
    group = SETS[name]
    own = found("faces_realistic" if name == "faces" else "photos_256_realistic")
    mine = _column(own[f"xcodec, generator {model}-real{FITTED}"], size)
    before = _column(own[f"xcodec, generator {model}{FITTED}"], size)
    beside = []
    for kind in rivals.BEST:
        theirs = _column(peer_curve(group, kind, "lpips"), size)["lpips"]
        known = [i for i, value in enumerate(theirs) if value is not None]
        few = f" ({len(known)})" if len(known) < len(theirs) else ""
        means = [records.mean([column[i] for i in known]) for column in (mine["lpips"], theirs)]
        beside.append((*means, few))
    lpips, psnr, faithfully = map(records.mean, (mine["lpips"], mine["psnr"], before["psnr"]))
    return [group.title, f"{size} bytes", *_realistic_cells(lpips, beside, psnr, faithfully)]


def _column(curve: RecordedCurve, size: int) -> dict[str, list[float | None]]:
    """Figures of each picture at a budget."""
    (point,) = (point for point in curve["points"] if point["setting"] == size)
    return {name: list(point["pictures"][name]) for name in SEEN}  # type: ignore


def _realistic_cells(
    lpips: float | None,
    beside: Sequence[tuple[float | None, float | None, str]],
    psnr: float | None,
    before: float | None,
) -> list[str]:
    """Cells of a row.

    beside : of each peer, LPIPS of ours and of theirs on the same pictures, and how many these are
    """
    assert lpips is not None
    assert psnr is not None
    assert before is not None
    cells = [f"**{lpips:.3f}**"]
    for mine, other, few in beside:
        if mine is None or other is None:
            cells += [DASH, DASH]
        else:
            cells += [f"{other:.3f}{few}", f"{100 * (mine / other - 1):.0f} %"]
    return [*cells, f"{psnr:.2f}", f"{before - psnr:.1f} dB"]


def generator() -> list[str]:
    """What the generator adds to the classical fill of the same file, by rate."""
    lines = [["pictures", "1 %", "2 %", "5 %", "10 %"], ["---", *["---:"] * 4]]
    for title, record in (("Kodak", SETS["kodak"].record), ("photos", "photos")):
        both = [found(record)[name] for name in (GENERATOR, FILL)]
        psnrs = [{p["setting"]: p["psnr"] for p in curve["points"]} for curve in both]
        cells = [f"{psnrs[0][rate] - psnrs[1][rate]:.2f}" for rate in (0.01, 0.02, 0.05, 0.1)]  # type: ignore
        lines.append([title, *cells])
    return markdown(lines)


def peers() -> list[str]:
    """What is measured."""

    def members(kind: str) -> str:
        return listed([rivals.RIVALS[name].title.split(",")[0] for name in rivals.BEST[kind]])

    return [
        *wrapped(
            "- the *best file* is, for each picture, the best file within so many bytes that "
            f"{members(rivals.BEST_FILE)} gives at any of seven scales and any quality, AVIF and "
            "HEIC by the tune that is best for the metric, as Pillow and its plug-ins write them: "
            "whole files, headers and containers included;",
            "  ",
        ),
        *wrapped(
            f"- the *best payload* is the best that {members(rivals.BEST_PAYLOAD)} gives if "
            "headers cost nothing: the media data of AVIF files, and the slices of HEVC and VVC. "
            "No file can do without headers, but a link whose ends agreed on them could. VVC "
            "cannot be coded here: its points were recorded elsewhere "
            "([how](benchmarks.md#codecs-that-cannot-be-coded-here)), some pictures lack them at "
            "some sizes, and its steps are coarse, so that real VVC does a little better.",
            "  ",
        ),
    ]


def listed(names: Sequence[str], word: str = "or") -> str:
    """Names in a sentence: "a, b or c"."""
    return f" {word} ".join([", ".join(names[:-1]), names[-1]][-len(names) :])


def sources(name: str) -> list[str]:
    """Which records a section is of."""
    group = SETS[name]
    return wrapped(f"Records: `{group.record}.json`; `{group.fill}.json` for the classical fill.")


def jpeg() -> list[str]:
    """Bytes saved beside JPEG."""
    span = (0.1, 0.25)
    new, old = (RESULTS / f"{name}.json" for name in (SETS["kodak"].record, JPEG))
    text = savings.between(new, old, "generator", "JPEG", span)
    means, middle = (float(x) for x in re.findall(r"(?:means:|median) -([\d.]+) %", text))
    return wrapped(
        f"At equal PSNR, xcodec's files are {means:.0f} % smaller than JPEG's between {span[0]:g} "
        f"and {span[1]:g} bpp of JPEG, by the means, and {middle:.0f} % smaller for the median "
        "picture."
    )


BLOCKS: dict[str, Callable[[], list[str]]] = {
    "peers": peers,
    "kodak": kodak,
    "kodak-records": lambda: sources("kodak"),
    "faces-records": lambda: sources("faces"),
    "photos-records": lambda: sources("photos"),
    "kodak-leads": kodak_leads,
    "losses": losses,
    "jpeg": jpeg,
    "generator": generator,
    "faces": lambda: budgets("faces"),
    "faces-leads": lambda: leads("faces"),
    "photos": lambda: budgets("photos"),
    "photos-leads": lambda: leads("photos"),
    "realistic": realistic,
    "readme": readme,
}


def written(text: str) -> str:
    """The text of a page with its tables as the records have them."""

    def block(match: re.Match[str]) -> str:
        lines = "\n".join(BLOCKS[match[2]]())
        return f"{match[1]}\n{lines}\n\n{match[3]}"

    return BLOCK.sub(block, text)


if __name__ == "__main__":
    for page in PAGES:
        path = ROOT / page
        before = path.read_text()
        after = written(before)
        if after != before:
            path.write_text(after)
            print(f"{page}: written again")
