"""Summary of a run over links that lose packets: means over pictures, and tables of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from xcodec.evaluation.measures import metrics
from xcodec.evaluation.runs.channels import AUDIO
from xcodec.evaluation.runs.links import LinkResult
from xcodec.evaluation.runs.records import mean, number, table
from xcodec.evaluation.runs.schema import LinksRow, figure

AVERAGED_LOSSES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Losses whose mean shows how a party does if the real loss is not the planned one."""


def rows(found: Iterable[LinkResult]) -> list[LinksRow]:
    """Return means by budget, link, party and loss, with the figures of each picture."""
    groups: dict[tuple[int, str, str, float], list[LinkResult]] = defaultdict(list)
    for result in found:
        setting = result.loss if result.noise is None else result.noise
        groups[result.budget, result.channel, result.party, setting].append(result)
    return [
        cast(
            LinksRow,
            {
                "budget": budget,
                "channel": channel,
                "party": party,
                "loss": _loss(results),
                "packets": mean(float(result.packets) for result in results),
                "bytes": mean(float(result.bytes) for result in results),
            }
            | ({} if results[0].noise is None else {"noise": results[0].noise})
            | {name: mean(result.figures[name] for result in results) for name in metrics.ALWAYS}
            | {
                "pictures": {
                    name: [result.figures[name] for result in results] for name in metrics.ALWAYS
                }
            },
        )
        for (budget, channel, party, _), results in groups.items()
    ]


def _loss(results: Sequence[LinkResult]) -> float:
    """The loss of a link, which all pictures have in common, or the mean of those of audio."""
    losses = [result.loss for result in results]
    return losses[0] if results[0].noise is None else sum(losses) / len(losses)


def tables(found: Sequence[LinksRow]) -> str:
    """Format a table of parties by losses for each budget and link: PSNR / SSIM / LPIPS.

    That of audio is by levels of noise, and tells how many of a party's packets each of them cost.
    """
    texts = []
    places: dict[tuple[int, str], dict[str, dict[float, LinksRow]]] = defaultdict(dict)
    for row in found:
        by_party = places[row["budget"], row["channel"]]
        by_party.setdefault(row["party"], {})[row.get("noise", row["loss"])] = row
    for (budget, channel), parties in places.items():
        losses = sorted({loss for of_party in parties.values() for loss in of_party})
        noise = channel == AUDIO
        titles = (f"noise {level:g}" if noise else f"{100 * level:.0f} %" for level in losses)
        header = [f"{budget} bytes, {channel}", *titles]
        averaged = [] if noise else [loss for loss in AVERAGED_LOSSES if loss in losses]
        several = len(averaged) > 1
        lines = []
        for party, of_party in parties.items():
            cells = [_cell(of_party.get(loss)) for loss in losses]
            if several:
                cells.append(_cell(_mean(of_party, averaged)))
            lines.append([party, *cells])
        if several:
            header.append(f"mean of {100 * averaged[0]:.0f}..{100 * averaged[-1]:.0f} %")
        texts.append(table(header, lines))
    return "\n\n".join(texts)


def _mean(
    of_party: Mapping[float, LinksRow], losses: Sequence[float]
) -> dict[str, float | None] | None:
    """The figures of a party, averaged over losses; None if one of them was not measured."""
    if any(loss not in of_party for loss in losses):
        return None
    return {name: mean(figure(of_party[loss], name) for loss in losses) for name in metrics.ALWAYS}


def _cell(row: Mapping[str, object] | None) -> str:
    if row is None:
        return number(None, 0)
    psnr, ssim, lpips = (figure(row, name) for name in metrics.ALWAYS)
    text = f"{number(psnr, 1)} / {number(ssim, 3)} / {number(lpips, 3)}"
    return f"{text}, {figure(row, 'loss'):.0%} lost" if "noise" in row else text
