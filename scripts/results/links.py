"""Tables of packets over links that lose some."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product

from scripts.results.sets import RESULTS, SEEN
from scripts.results.text import markdown, triple, wrapped
from xcodec.evaluation.peers.rivals import RIVALS
from xcodec.evaluation.runs import links_summary, records
from xcodec.evaluation.runs.schema import LinksRow, figure

EVERY = tuple(product(("faces", "photos"), (1360, 2560)))
"""Pictures, and bytes of all packets of one."""
LOSSES = (0.0, 0.1, 0.3, 0.5)
DEFAULT, HEAVY = "xcodec, planned for 10 %", "xcodec, planned for 30 %"
PLAIN = "plain .xgc, nothing lost"
PARITY = " with parity, planned for 30 %"
CODECS = {name: RIVALS[name].title for name in ("avif", "webp", "av1")}
PARTIES = (
    {DEFAULT: "xcodec, `--loss 0.1` (default)", HEAVY: "xcodec, `--loss 0.3`"}
    | CODECS
    | {name + PARITY: f"{title}, with parity for 30 %" for name, title in CODECS.items()}
)
"""Titles of the rows that meet losses."""


@cache
def rows(pictures: str, budget: int) -> dict[str, dict[float, LinksRow]]:
    """The rows of links that lose packets at random, by party and loss."""
    loaded = records.load(RESULTS / f"links-{pictures}.json")
    assert loaded["benchmark"] == "links"
    found: dict[str, dict[float, LinksRow]] = {}
    for row in loaded["figures"]["rows"]:
        if (row["budget"], row["channel"]) == (budget, "random"):
            found.setdefault(row["party"], {})[row["loss"]] = row
    return found


def psnr(row: LinksRow) -> float:
    """The PSNR of a row."""
    value = figure(row, "psnr")
    assert value is not None
    return value


def averaged(by_loss: Mapping[float, LinksRow]) -> list[float | None]:
    """Figures of a party in the mean of losses from none to half of the packets."""
    losses = links_summary.AVERAGED_LOSSES
    return [records.mean(figure(by_loss[loss], name) for loss in losses) for name in SEEN]


def tables() -> list[str]:
    """What each party's pictures are like after each loss."""
    lines: list[str] = []
    for pictures, budget in EVERY:
        lines += [*_table(pictures, budget), ""]
    return lines[:-1]


def _table(pictures: str, budget: int) -> list[str]:
    found = rows(pictures, budget)
    titles = [f"{100 * loss:.0f} %" for loss in LOSSES]
    lines = [[f"{pictures}, {budget:,} bytes", *titles, "mean of 0, 10 ... 50 %"]]
    lines.append(["---", *["---:"] * (len(LOSSES) + 1)])
    for party, title in PARTIES.items():
        cells = [[figure(found[party][loss], name) for name in SEEN] for loss in LOSSES]
        lines.append([title, *map(_cell, [*cells, averaged(found[party])])])
    plain = [figure(found[PLAIN][0.0], name) for name in SEEN]
    lines.append(["plain `.xgc` of as many bytes", _cell(plain), *[""] * len(LOSSES)])
    return markdown(lines)


def _cell(figures: Sequence[float | None]) -> str:
    return triple(figures, psnr_digits=1)


def leads() -> list[str]:
    """How far the PSNR of packets is above that of the other codecs."""
    lines = [
        [
            "PSNR above, in dB",
            "default: best file, 10 % lost",
            "30, 50 % lost",
            "`--loss 0.3`: best file, parity",
            "AV1's payload, parity",
        ]
    ]
    lines.append(["---", *["---:"] * 4])
    for pictures, budget in EVERY:
        found = rows(pictures, budget)
        plain = [_ahead(found, loss) for loss in (0.1, 0.3, 0.5)]
        cells = [f"{plain[0]:+.1f}", f"{plain[1]:+.1f}, {plain[2]:+.1f}"]
        cells += [f"{lead:+.2f}" for lead in _mean_leads(found)]
        lines.append([f"{pictures}, {budget:,} bytes", *cells])
    return markdown(lines)


def _ahead(found: Mapping[str, Mapping[float, LinksRow]], loss: float) -> float:
    """dB of the default above whole files without parity."""
    best = max(psnr(found[name][loss]) for name in ("avif", "webp"))
    return psnr(found[DEFAULT][loss]) - best


def _mean_leads(found: Mapping[str, Mapping[float, LinksRow]]) -> tuple[float, float]:
    """dB of packets planned for 30 %, in the mean of losses, above files and AV1's payload with
    parity for as much."""

    def mean(party: str) -> float:
        value = averaged(found[party])[0]
        assert value is not None
        return value

    files = max(mean(name + PARITY) for name in ("avif", "webp"))
    return mean(HEAVY) - files, mean(HEAVY) - mean("av1" + PARITY)


def costs() -> list[str]:
    """What planning costs, in a paragraph."""
    every = [rows(*each) for each in EVERY]
    heavy = _span(psnr(found[HEAVY][0.0]) - psnr(found[HEAVY][0.3]) for found in every)
    usual = _span(psnr(found[PLAIN][0.0]) - psnr(found[DEFAULT][0.0]) for found in every)
    beyond = _span(psnr(found[DEFAULT][0.1]) - psnr(found[DEFAULT][0.3]) for found in every)
    within, past = (
        _span(
            sign * (psnr(found["av1" + PARITY][loss]) - psnr(found[HEAVY][loss])) for found in every
        )
        for loss, sign in ((0.3, 1), (0.5, -1))
    )
    return wrapped(
        "Parity keeps a whole picture up to a loss, and nothing beyond it. Where exactly the "
        f"planned 30 % are lost, AV1's payload with parity has {within} dB more than xcodec; where "
        f"50 % are lost, xcodec has {past} dB more. "
        f"Planned for 30 %, xcodec's packets lose {heavy} dB from no loss to 30 %. Planned for "
        f"10 %, they are {usual} dB below a plain file if nothing is lost. The default does not "
        f"cover heavier losses: at 30 % it has {beyond} dB less than at 10 %, so plan for what "
        "you expect."
    )


def summary() -> list[str]:
    """The lead over files with parity, in a sentence."""
    both = [_mean_leads(rows(*each)) for each in EVERY]
    files, payload = (_span(pair[i] for pair in both) for i in (0, 1))
    return wrapped(
        f"Planned for 30 % loss, the PSNR of xcodec's packets is {files} dB above that of the best "
        "whole files of AVIF and WebP with parity, on the mean of losses from 0 to 50 %, and "
        f"{payload} dB above AV1's payload alone with parity. Tables: [links that lose "
        "packets](links.md#figures)."
    )


def _span(values: Iterator[float]) -> str:
    found = [f"{value:.1f}" for value in sorted(values)]
    return found[0] if found[0] == found[-1] else f"{found[0]} to {found[-1]}"
