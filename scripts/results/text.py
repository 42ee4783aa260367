"""Markdown of the pages: cells, lines of tables, paragraphs."""

import textwrap
from collections.abc import Sequence

from xcodec.evaluation.measures.savings import Changes

DASH = "–"


def triple(figures: Sequence[float | None], psnr_digits: int = 2) -> str:
    """PSNR, SSIM and LPIPS in a cell."""
    if any(figure is None for figure in figures):
        return DASH
    digits = (psnr_digits, 3, 3)
    return " / ".join(f"{f:.{d}f}" for f, d in zip(figures, digits, strict=False))


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


def markdown(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    return [f"| {' | '.join(line)} |" for line in lines]


def saved(change: Changes, digits: int) -> str:
    """Bytes saved at equal PSNR in a sentence."""
    assert change.mean is not None
    assert change.median is not None
    means, median = (f"{-100 * share:.{digits}f} %" for share in (change.mean, change.median))
    return f"{means} smaller by the means, and {median} smaller for the median picture"


def wrapped(text: str, indent: str = "") -> list[str]:
    """Lines of a paragraph or of an item of a list."""
    wrap = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(text, 120, subsequent_indent=indent, **wrap)  # type: ignore


def listed(names: Sequence[str], word: str = "or") -> str:
    """Names in a sentence: "a, b or c"."""
    return f" {word} ".join([", ".join(names[:-1]), names[-1]][-len(names) :])
