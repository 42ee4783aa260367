"""Time and memory of large pictures, and of many."""

import json
from typing import Any

from scripts.results.sets import RESULTS
from scripts.results.text import markdown, wrapped

SIZES = (4, 100)
"""Megapixels."""
ROWS = {
    "`encode`": (4, "encode"),
    "`encode --effort 0`": (0, "encode"),
    "`decode`": (4, "decode_generator"),
    "`decode --decoder classical`": (4, "decode"),
    "the same, `--downsample 8`": (4, "downsample_8"),
    "`decode --region`, 512x512": (4, "region_generator"),
    "the same, `--decoder classical`": (4, "region_classical"),
}
"""Effort, and part of the record."""


def large() -> list[str]:
    """What large pictures take."""
    record: dict[str, Any] = json.loads((RESULTS / "big.json").read_text(encoding="utf-8"))
    lines = [["2 % of the pixels", *(f"{size} megapixels" for size in SIZES)]]
    lines.append(["---", "---:", "---:"])
    for title, (effort, part) in ROWS.items():
        found = [record[f"{size} megapixels, effort {effort}"][part] for size in SIZES]
        lines.append([title, *(f"{_seconds(row)}, {_megabytes(row)}" for row in found)])
    many = record["many"]
    text = (
        f"{many['files']:,} pictures of 256x256 at effort 0: {many['pictures_a_second']:.1f} "
        f"pictures a second, {_megabytes(many)}."
    )
    return [*markdown(lines), "", *wrapped(text)]


def _megabytes(row: dict[str, float]) -> str:
    return f"{row['megabytes']:,.0f} MB"


def _seconds(row: dict[str, float]) -> str:
    return f"{row['seconds']:.{0 if row['seconds'] >= 20 else 1}f} s"
