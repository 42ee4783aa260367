"""Where other codecs are better."""

from scripts.results.sets import PEERS, SETS, Pictures, count, own_curve, peer_curve
from scripts.results.text import DASH, markdown
from xcodec.evaluation.measures.metrics import METRICS
from xcodec.evaluation.runs import summary

Place = tuple[float | None, float, float, int]


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
            cells = [from_where(group, place) for place in places.values()]
            unit = "bytes" if group.area else "bpp"
            lines.append([f"{group.title}, {unit}", title + few, reach, *cells])
    return markdown(lines)


def _measured(metric: str) -> bool:
    return any(metric in own_curve(group)["points"][0] for group in SETS.values())


def from_where(group: Pictures, place: Place | None) -> str:
    if place is None:
        return "not compared"
    bpp, low, _, _ = place
    if bpp is None:
        return DASH
    return "everywhere" if bpp == low else size_of(group, bpp)
