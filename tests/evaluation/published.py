"""Tables of the pages, figures of the records, and whether the two agree."""

import json
import math
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

ROOT = next(
    folder for folder in Path(__file__).parents if (folder / "benchmarks" / "results").is_dir()
)
SEEN = ("psnr", "ssim", "lpips")
NOTHING = ("", "–", "not measured")
"""What a cell says when the record has no figure."""
GENERATOR, FILL = "xcodec, generator photo", "xcodec, classical fill"
LONG = {
    "AV1, payload": "AV1, payload alone",
    "HEVC, payload": "HEVC, payload alone",
    "VVC, slices": "VVC, slices alone",
}
"""Names of curves by titles of tables that are shorter."""
NAMES = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
"""What pages call small numbers."""
NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"


def shown(figure: float, text: str) -> str:
    """A figure with as many decimals as a text has."""
    return f"{figure:,.{len(text.partition('.')[2])}f}"


def unlike(cell: str, figures: Sequence[float | None]) -> bool:
    """Whether a cell, "23.49 / 0.711 / 0.293", disagrees with these figures.

    It may show the first ones only. It may show none where none exists, and only there.
    """
    if cell in NOTHING:
        return any(figure is not None for figure in figures)
    said = re.findall(NUMBER, cell)
    return not 0 < len(said) <= len(figures) or any(
        figure is None or text != shown(figure, text)
        for text, figure in zip(said, figures, strict=False)
    )


@cache
def text_of(page: str, section: str = "") -> str:
    """A page, or its section of this title."""
    text = (ROOT / page).read_text()
    if not section:
        return text
    (found,) = re.findall(rf"^## {re.escape(section)}$(.*?)(?=^## |\Z)", text, re.M | re.S)
    return str(found)


def one_line(page: str) -> str:
    """A page in one line."""
    return " ".join(text_of(page).split())


def words(page: str) -> str:
    """The prose of a page in one line: no code, no tables, no targets of links, no emphasis."""
    text = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.M | re.S)
    text = re.sub(r"^\|.*$|(?<=\])\([^)]*\)|`[^`]*`|\*", "", text, flags=re.M)
    return " ".join(text.split())


def headed(page: str, *header: str, section: str = "") -> list[list[list[str]]]:
    """All tables of a page or a section of it whose header begins with these titles.

    Each is its rows of cells, the header first, without what makes them bold.
    """
    found = re.findall(r"(?:^\|.*\n)+", text_of(page, section), re.MULTILINE)
    cells = [
        [
            [cell.strip().replace("**", "") for cell in line.strip().strip("|").split("|")]
            for line in text.splitlines()
            if not re.fullmatch(r"[|: -]+", line)
        ]
        for text in found
    ]
    return [table for table in cells if tuple(table[0][: len(header)]) == header]


def only(page: str, *header: str, section: str = "") -> tuple[list[str], list[list[str]]]:
    """Header and rows of the one table that begins with these titles."""
    ((first, *rows),) = headed(page, *header, section=section)
    return first, rows


@cache
def record(name: str) -> Any:
    """The figures of a record."""
    text = (ROOT / "benchmarks" / "results" / f"{name}.json").read_text()
    return json.loads(text).get("figures") or json.loads(text)


def points(name: str, curve: str) -> list[dict[str, Any]]:
    """The points of the one curve of a record that has this name."""
    ((found),) = (each["points"] for each in record(name)["curves"] if each["name"] == curve)
    return list(found)


def at_setting(name: str, curve: str, setting: float) -> list[float | None]:
    """PSNR, SSIM and LPIPS of a curve at one of its settings, such as a number of bytes."""
    (point,) = (each for each in points(name, curve) if each["setting"] == setting)
    return [point[each] for each in SEEN]


def pairs(name: str, curve: str, metric: str) -> list[tuple[float, float]]:
    """Bits per pixel and a figure, for each point of a curve, in ascending order."""
    found = [(each["bpp"], each[metric]) for each in points(name, curve) if complete(each)]
    return sorted((bpp, figure) for bpp, figure in found if figure is not None)


def complete(point: dict[str, Any]) -> bool:
    """Whether every picture has a file at a point."""
    return None not in point["pictures"]["bytes"]


def curve_of(title: str, metric: str = "PSNR") -> str:
    """The curve that a column or row of a table is of.

    title  : of another codec, or of the best ones: "best payload", "WebP"
    metric : for which files were chosen
    """
    return f"{LONG.get(title, title)}, scaled, best {'LPIPS' if metric == 'DISTS' else metric}"


def interpolated(curve: Sequence[tuple[float, float]], bpp: float) -> float | None:
    """A figure between measured points, linear over log bpp; None beyond them."""
    if not curve:
        return None
    rates, figures = zip(*curve, strict=True)
    if not rates[0] <= bpp <= rates[-1]:
        return None
    return float(np.interp(math.log(bpp), np.log(rates), figures))


def at_bpp(name: str, curve: str, bpp: float) -> list[float | None]:
    """PSNR, SSIM and LPIPS of a curve at a rate."""
    return [interpolated(pairs(name, curve, metric), bpp) for metric in SEEN]


def takeover(
    mine: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]], sign: int
) -> tuple[float | None, float, float]:
    """From which bpp on another curve stays better, None for nowhere, and the range of both.

    sign : 1 where more of the figure is better, -1 where less is
    """
    low, high = max(mine[0][0], other[0][0]), min(mine[-1][0], other[-1][0])
    rates = sorted({low, high, *(bpp for bpp, _ in (*mine, *other) if low < bpp < high)})
    ahead = []
    for bpp in rates:
        one, two = interpolated(mine, bpp), interpolated(other, bpp)
        assert one is not None
        assert two is not None
        ahead.append(sign * (one - two))
    if ahead[-1] > 0:
        return None, low, high
    last = max((place for place, lead in enumerate(ahead) if lead > 0), default=None)
    if last is None:
        return low, low, high
    share = ahead[last] / (ahead[last] - ahead[last + 1])
    return rates[last] * (rates[last + 1] / rates[last]) ** share, low, high


def gain(name: str, rate: float) -> float:
    """PSNR of the generator above the classical fill of the same file, at a rate."""
    above, below = (at_setting(name, curve, rate)[0] for curve in (GENERATOR, FILL))
    assert above is not None
    assert below is not None
    return above - below


def speed(codec: str, operation: str) -> float:
    """Seconds a megapixel, of 4 megapixels."""
    (row,) = (
        row
        for row in record("speed")["rows"]
        if (row["codec"], row["operation"], row["megapixels"]) == (codec, operation, 4)
    )
    return float(row["seconds"]) / 4
