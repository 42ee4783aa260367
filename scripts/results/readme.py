"""The tables and sentences of the README."""

from collections.abc import Iterator

from scripts.results.losses import from_where, size_of, takeover
from scripts.results.rates import kodak_rows, leads
from scripts.results.sets import BUDGETS, SETS, SHOWN, own_curve
from scripts.results.text import listed, markdown, wrapped

SMALL_PICTURES = (
    "Thirty faces and thirty photos of 256x256 within so many bytes: xcodec's PSNR, and how far it "
    "is above that of others, in dB. (29): over the 29 pictures of which both have a file."
)


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
        lines.append([kind, *(from_where(group, place) for group, place in places)])
    return [
        *wrapped(
            "**Where it loses.** The size from which on another codec is better, by the means. "
            "This compares at equal sizes, the table above within equal budgets, of which VVC's "
            "recorded points leave some bytes unused: xcodec can be ahead there and behind here."
        ),
        "",
        *markdown(lines),
        "",
        *wrapped(
            f"A dash: nowhere. Compared on {_reach('best file')}; the best payload, which needs "
            f"VVC, on {_reach('best payload')}; [each codec's own "
            "range](docs/results.md#where-it-loses). Where another codec is better, use it."
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
