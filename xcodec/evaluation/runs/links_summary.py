"""What runs over links that lose packets add up to: means over pictures, and tables of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from xcodec.evaluation.measures import metrics
from xcodec.evaluation.runs.links import Cell
from xcodec.evaluation.runs.records import mean, number, table

OVER = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Losses whose mean tells how a party does where the real loss isn't the planned one."""


def rows(found: Iterable[Cell]) -> list[dict[str, Any]]:
    """Means by budget, link, loss and party, with every picture's figures in the run's order."""
    groups: dict[tuple[int, str, str, float], list[Cell]] = defaultdict(list)
    for cell in found:
        groups[cell.budget, cell.channel, cell.party, cell.loss].append(cell)
    return [
        {
            "budget": budget,
            "channel": channel,
            "party": party,
            "loss": loss,
            "packets": mean(float(cell.packets) for cell in cells),
            "bytes": mean(float(cell.bytes) for cell in cells),
        }
        | {name: mean(cell.figures[name] for cell in cells) for name in metrics.ALWAYS}
        | {
            "pictures": {
                name: [cell.figures[name] for cell in cells] for name in (*metrics.ALWAYS,)
            }
        }
        for (budget, channel, party, loss), cells in groups.items()
    ]


def shown(found: Sequence[dict[str, Any]]) -> str:
    """Tables: for each budget and link, parties by losses; PSNR / SSIM / LPIPS."""
    texts = []
    places: dict[tuple[int, str], dict[str, dict[float, dict[str, Any]]]] = defaultdict(dict)
    for row in found:
        by_party = places[row["budget"], row["channel"]]
        by_party.setdefault(row["party"], {})[row["loss"]] = row
    for (budget, channel), parties in places.items():
        losses = sorted({loss for of_party in parties.values() for loss in of_party})
        header = [f"{budget} bytes, {channel}", *(f"{100 * loss:.0f} %" for loss in losses)]
        over = [loss for loss in OVER if loss in losses]
        several = len(over) > 1
        lines = []
        for party, of_party in parties.items():
            cells = [_cell(of_party.get(loss)) for loss in losses]
            if several:
                cells.append(_cell(_over(of_party, over)))
            lines.append([party, *cells])
        if several:
            header.append(f"mean of {100 * over[0]:.0f}..{100 * over[-1]:.0f} %")
        texts.append(table(header, lines))
    return "\n\n".join(texts)


def _over(of_party: dict[float, dict[str, Any]], losses: Sequence[float]) -> dict[str, Any] | None:
    if any(loss not in of_party for loss in losses):
        return None
    return {name: mean(of_party[loss][name] for loss in losses) for name in metrics.ALWAYS}


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return number(None, 0)
    psnr, ssim, lpips = (row[name] for name in metrics.ALWAYS)
    return f"{number(psnr, 1)} / {number(ssim, 3)} / {number(lpips, 3)}"
