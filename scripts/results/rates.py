"""Tables at equal bits per pixel, and within budgets."""

from collections.abc import Sequence

from scripts.results.sets import (
    BUDGETS,
    FILL,
    GENERATOR,
    JPEG,
    KODAK_BPP,
    PEERS,
    RESULTS,
    SEEN,
    SETS,
    SHOWN,
    at_bpp,
    at_size,
    count,
    found,
    own_curve,
    peer_curve,
)
from scripts.results.text import DASH, bold, listed, markdown, saved, triple, wrapped
from xcodec.evaluation.measures import curves, savings
from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.peers import rivals
from xcodec.evaluation.runs import summary
from xcodec.evaluation.runs.schema import RecordedCurve, figure


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
    point = at_size(curve, size)
    if point is None or None in point["pictures"]["bytes"]:
        return DASH
    return triple([figure(point, name) for name in SEEN])


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


def sources(name: str) -> list[str]:
    """Which records a section is of."""
    group = SETS[name]
    return wrapped(f"Records: `{group.record}.json`; `{group.fill}.json` for the classical fill.")


def jpeg() -> list[str]:
    """Bytes saved beside JPEG."""
    span = (0.1, 0.25)
    new, old = (RESULTS / f"{name}.json" for name in (SETS["kodak"].record, JPEG))
    smaller = saved(savings.changes(new, old, "generator", "JPEG", span), 0)
    return wrapped(
        f"At equal PSNR, between {span[0]:g} and {span[1]:g} bpp of JPEG, xcodec's files are "
        f"{smaller}."
    )
