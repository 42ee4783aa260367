"""Figures in tables of the pages are those of the records beside them."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results"
SEEN = ("psnr", "ssim", "lpips")
PUT_BACK = tuple(f"pasted {name}" for name in SEEN)
CLASSICAL = {
    "kriging": "kriging",
    "biharmonic": "biharmonic",
    "Delaunay-linear": "linear",
    "`cv2.inpaint`": "telea",
    "consensus": "consensus",
    "median": "median:15",
    "non-local means": "nlm:60",
}


def unlike(cell: str, figures: list[float | None]) -> bool:
    """Whether a cell, "23.49 / 0.711 / 0.293", says something else than these figures."""
    said = re.findall(r"\d+\.\d+", cell)
    return len(said) > len(figures) or any(
        figure is None or text != f"{figure:.{len(text.partition('.')[2])}f}"
        for text, figure in zip(said, figures, strict=False)
    )


@cache
def tables(page: str) -> list[list[list[str]]]:
    """Tables of a page, each its rows of cells, the header first, without what makes them bold."""
    found = re.findall(r"(?:^\|.*\n)+", (ROOT / page).read_text(), re.MULTILINE)
    return [
        [
            [cell.strip().replace("**", "") for cell in line.strip("|").split("|")]
            for line in text.splitlines()
            if not re.fullmatch(r"[|: -]+", line)
        ]
        for text in found
    ]


def headed(page: str, *header: str) -> list[list[list[str]]]:
    """The rows of all tables of a page whose header begins so."""
    found = [table[1:] for table in tables(page) if tuple(table[0][: len(header)]) == header]
    assert found, f"{page} has no table of {header}"
    return found


@cache
def record(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text())["figures"]


def networks(name: str) -> list[str]:
    """The methods that are networks: they come first."""
    methods = dict.fromkeys(row["method"] for row in record(name)["rows"])
    return list(methods)[: len(record(name)["trained"])]


def restored(name: str, method: str, level: int, kind: str, names: tuple[str, ...]) -> list[Any]:
    """Figures of a record of restoration."""
    (row,) = (
        row
        for row in record(name)["rows"]
        if (row["method"], row["level"], row["distribution"]) == (method, level, kind)
    )
    return [row.get(each) for each in names]


@pytest.mark.parametrize("kind", ["random", "sobel"])
@pytest.mark.parametrize(
    ("place", "name"),
    [
        (0, "figure10_faces"),
        (1, "figure10_faces_equal_time"),
        (2, "figure10_photos"),
        (3, "figure10_photos_equal_time"),
    ],
)
def test_figure_10(place: int, name: str, kind: str) -> None:
    first, *rows = [t for t in tables("docs/reproduction.md") if t[0][0] == kind][place]
    own, *others = networks(name)
    methods = CLASSICAL | dict.fromkeys(("ours", "ours, from nothing"), own)
    if others:
        (methods["on-demand"],) = others
    assert len(rows) == 8
    for percent, *cells in rows:
        for title, cell in zip(first[1:], cells, strict=True):
            level = int(percent.removesuffix(" %"))
            assert not unlike(cell, restored(name, methods[title], level, kind, PUT_BACK)), cell


def test_figure_11() -> None:
    ((first, *rows),) = (
        table
        for table in tables("docs/reproduction.md")
        if table[0][:3] == ["pictures", "noise", "ours"]
    )
    assert len(rows) == 6
    for pictures, percent, *cells in rows:
        name = f"figure11_{pictures}"
        methods = CLASSICAL | dict(zip(("ours", "on-demand"), networks(name), strict=True))
        for title, cell in zip(first[2:], cells, strict=True):
            level = int(percent.removesuffix(" %"))
            assert not unlike(cell, restored(name, methods[title], level, "", SEEN)), cell


def test_figure_12() -> None:
    (rows,) = headed("docs/reproduction.md", "point loss", "steps")
    methods = networks("figure12")
    assert len(rows) == len(methods) == 6
    trained = record("figure12")["trained"]
    for (title, steps, *cells), method, run in zip(rows, methods, trained, strict=True):
        assert run["losses"]["point_norm"] == title.partition(" ")[0].rstrip(",").lower()
        assert steps == f"{run['steps']:,}"
        for level, cell in zip((2, 6, 15), cells, strict=True):
            assert not unlike(cell, restored("figure12", method, level, "random", SEEN)), cell


def in_words(task: str) -> str:
    """What the pages call a block."""
    return task.replace("-", " ").replace("color", "cluttered")


@pytest.mark.parametrize("task", ["white-block", "color-block"])
def test_table_1(task: str) -> None:
    (rows,) = headed("docs/reproduction.md", in_words(task), "raw")
    names = {"x-gans": f"table1_{task}_x-gans"}
    methods = CLASSICAL | {"ours": f"restore-face-{task}"}
    for name in (f"table1_{task}", *names.values()):
        presets = [trained["preset"] for trained in record(name)["trained"]]
        methods |= dict(zip(presets, networks(name), strict=True))
    told = [row for row in rows if not row[0].startswith("the paper")]
    assert len(told) == len(record(f"table1_{task}")["rows"]) + len(names)
    for title, raw, back, hole in told:
        name, method = names.get(title, f"table1_{task}"), methods[title]
        assert not unlike(raw, restored(name, method, 128, "", SEEN)), raw
        assert not unlike(back, restored(name, method, 128, "", PUT_BACK)), back
        assert not unlike(hole, restored(name, method, 128, "", ("hole psnr",))), hole


@pytest.mark.parametrize(
    ("task", "title", "fill"), [("points", "points", "kriging"), ("noise", "noise", "consensus")]
)
def test_section_5_2(task: str, title: str, fill: str) -> None:
    (rows,) = headed("docs/reproduction.md", "pictures", title, "face model")
    kind, names = ("random", PUT_BACK) if task == "points" else ("", SEEN)
    long = "points" if task == "points" else "color-noise"
    for pictures, percent, *cells in rows:
        methods = (f"restore-face-{long}", f"restore-photo-{long}", fill)
        for method, cell in zip(methods, cells, strict=True):
            level = int(percent.removesuffix(" %"))
            found = restored(f"cross_{task}_{pictures}", method, level, kind, names)
            assert not unlike(cell, found), cell


def test_section_5_2_by_sides() -> None:
    (rows,) = headed("docs/reproduction.md", "pictures", "side", "10 % points: own model")
    for pictures, side, *cells in rows:
        model = f"restore-{pictures.removesuffix('s')}"
        columns = [
            ("points", f"{model}-points", 10, "random", PUT_BACK),
            ("points", "kriging", 10, "random", PUT_BACK),
            ("noise", f"{model}-color-noise", 90, "", SEEN),
            ("noise", "consensus", 90, "", SEEN),
        ]
        for (task, method, level, kind, names), cell in zip(columns, cells, strict=True):
            found = restored(f"cross_{task}_{pictures}_{side}", method, level, kind, names)
            assert not unlike(cell, found), cell


@pytest.mark.parametrize("task", ["white-block", "color-block"])
def test_section_5_2_of_blocks(task: str) -> None:
    header = ["pictures", "side", in_words(task)]
    ((first, *rows),) = (t for t in tables("docs/reproduction.md") if t[0][:3] == header)
    methods = CLASSICAL | dict.fromkeys(("face model", "raw"), f"restore-face-{task}")
    for pictures, side, level, *cells in rows:
        name = f"cross_{task}_{pictures}" + {"256": ""}.get(side, f"_{side}")
        if (pictures, side, level) == ("faces", "256", "128"):
            name = f"table1_{task}"
        for title, cell in zip(first[3:], cells, strict=True):
            figures = SEEN if title == "raw" else ("hole psnr",)
            assert not unlike(cell, restored(name, methods[title], int(level), "", figures)), cell


def curves(name: str, setting: float) -> dict[str, list[Any]]:
    """Figures at a size, by curve."""
    return {
        curve["name"]: [point.get(each) for each in SEEN]
        for curve in record(name)["curves"]
        for point in curve["points"]
        if point["setting"] == setting
    }


@pytest.mark.parametrize(("place", "name"), [(0, "faces"), (1, "photos_256")])
def test_sizes_in_the_readme(place: int, name: str) -> None:
    rows = headed("README.md", "bytes", "xcodec")[place]
    for size, *cells in rows:
        found = curves(name, int(size.replace(",", "")))
        columns = (
            "xcodec, generator photo, fitted",
            "xcodec, classical fill, fitted",
            "best peer, scaled, best PSNR",
            "best peer, scaled, best LPIPS",
        )
        for column, cell in zip(columns, cells, strict=True):
            assert not unlike(cell, found[column]), (size, column, cell)


def test_realistic_in_the_readme() -> None:
    """LPIPS and PSNR of the sets that are measured at sizes."""
    (rows,) = headed("README.md", "pictures", "size", "LPIPS")
    for pictures, size, lpips, peer, less, psnr, costs in rows:
        if not size.endswith(" bytes"):
            continue
        name = {"faces": "faces", "photos": "photos_256"}[pictures]
        budget = int(size.removesuffix(" bytes"))
        model, told = {"faces": ("face", "faces_face"), "photos": ("photo", name)}[pictures]
        mine = curves(f"{name}_realistic", budget)[f"xcodec, generator {model}-real, fitted"]
        faithful = curves(told, budget)[f"xcodec, generator {model}, fitted"]
        best = curves(name, budget)["best peer, scaled, best LPIPS"][2]
        assert not unlike(lpips, [mine[2]])
        assert not unlike(psnr, [mine[0]])
        assert not unlike(peer, [best])
        assert less == f"{100 * (mine[2] / best - 1):.0f} %"
        gone = faithful[0] - mine[0]
        assert costs == f"{gone:.1f} dB"


def test_kodak_in_the_readme() -> None:
    """At the rates that the record has; others lie between two of its points."""
    ((first, *rows),) = (t for t in tables("README.md") if t[0][:2] == ["bpp", "xcodec"])
    names = {
        "xcodec": "xcodec, generator photo",
        "classical fill": "xcodec, classical fill",
        "best peer, scaled": "best peer, scaled, best PSNR",
    }
    compared = 0
    for rate, *cells in rows:
        found = {  # The generator's files are made for it, in a record of their own.
            row["name"]: [row[each] for each in SEEN]
            for name in ("kodak", "kodak_looks")
            for row in record(name)["beside"]
            if row["bpp"] == float(rate)
            if name == "kodak" or row["name"] == names["xcodec"]
        }
        for title, cell in zip(first[1:], cells, strict=True):
            if found:
                assert not unlike(cell, found[names.get(title, title)]), (rate, title, cell)
                compared += cell not in ("–", "not measured")
    assert compared > 20


def test_what_the_generator_adds_in_the_readme() -> None:
    """Above the fill of the same file, at 1, 2, 5 and 10 % of the pixels."""
    _, told = (ROOT / "README.md").read_text().split("The generator stands ")
    told, _ = told.split("What brought")
    for name in ("kodak_looks", "photos"):
        for rate in (0.01, 0.02, 0.05, 0.1):
            above, below = (
                point["psnr"]
                for kind in ("generator", "classical")
                for curve in record(name)["curves"]
                if kind in curve["name"] and curve["target"] == "rate"
                for point in curve["points"]
                if point["setting"] == rate
            )
            assert f"{above - below:.2f}" in told, (name, rate)
