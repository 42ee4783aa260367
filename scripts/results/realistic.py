"""Tables of the realistic weights: beside other codecs, and for their cards."""

import math
from collections.abc import Sequence

from scripts.results.sets import (
    GENERATOR,
    SEEN,
    SETS,
    SMALL,
    at_bpp,
    at_size,
    found,
    own_within,
    peer_curve,
    value,
)
from scripts.results.text import DASH, markdown
from xcodec.evaluation.peers import rivals
from xcodec.evaluation.runs import records, summary
from xcodec.evaluation.runs.schema import RecordedCurve


def realistic() -> list[str]:
    """LPIPS of the realistic weights beside that of the best file and of the best payload."""
    header = ["pictures", "size", "LPIPS"]
    for kind in rivals.BEST:
        header += [kind, "difference"]
    lines = [[*header, "PSNR", "cost in PSNR"]]
    lines.append(["---", *["---:"] * (len(lines[0]) - 1)])
    lines += [_realistic_kodak(bpp) for bpp in (0.03, 0.05, 0.1)]
    for name, model in (("faces", "face"), ("photos", "photo")):
        lines += [_realistic_row(name, model, size) for size in SMALL]
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
    mine, before = (
        _column(own_within(f"{group.record}_realistic", each), size)
        for each in (f"{model}-real", model)
    )
    beside = []
    for kind in rivals.BEST:
        theirs = _column(peer_curve(group, kind, "lpips"), size)["lpips"]
        known = [i for i, value in enumerate(theirs) if value is not None]
        few = f" ({len(known)})" if len(known) < len(theirs) else ""
        ours, other = (
            records.mean([column[i] for i in known]) for column in (mine["lpips"], theirs)
        )
        beside.append((ours, other, few))
    lpips, psnr, faithfully = map(records.mean, (mine["lpips"], mine["psnr"], before["psnr"]))
    return [group.title, f"{size} bytes", *_realistic_cells(lpips, beside, psnr, faithfully)]


def _column(curve: RecordedCurve, size: int) -> dict[str, list[float | None]]:
    """Figures of each picture at a budget."""
    point = at_size(curve, size)
    assert point is not None
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


def card(pictures: str, model: str, beside: str) -> list[str]:
    """What realistic weights reach, for their card.

    model  : the faithful weights
    beside : others whose LPIPS is shown
    """
    group = SETS[pictures]
    mine, other, faithful = (
        own_within(f"{group.record}_realistic", name) for name in (f"{model}-real", beside, model)
    )
    best = peer_curve(group, "best file", "lpips")
    head = ["bytes", "LPIPS", f"`{beside}`", "best file", "difference", "DISTS", "PSNR"]
    lines = [[*head, f"`{model}`"], ["---:"] * (len(head) + 1)]
    for size in SMALL:
        lpips = [value(curve, size, "lpips") for curve in (mine, other, best)]
        cells = [f"{each:.3f}" for each in lpips]
        cells += [f"{100 * (lpips[0] / lpips[2] - 1):.0f} %", f"{value(mine, size, 'dists'):.3f}"]
        cells += [f"{value(curve, size, 'psnr'):.2f}" for curve in (mine, faithful)]
        lines.append([f"{size}", *cells])
    return markdown(lines)
