"""Figures in tables of docs/research/ and docs/links.md are those of the records beside them."""

import re
from statistics import fmean
from typing import Any

import pytest

from tests.evaluation.published import SEEN, headed, only, record, unlike, words

RESEARCH = "docs/research"
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
LOSSES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
PLAIN = "plain .xgc, nothing lost"
DEFAULT, HEAVY = "xcodec, planned for 10 %", "xcodec, planned for 30 %"
PARTIES = {
    "xcodec, `--loss 0.1` (default)": DEFAULT,
    "xcodec, `--loss 0.3`": HEAVY,
    "AVIF": "avif",
    "WebP": "webp",
    "AV1, payload alone": "av1",
    "AVIF, with parity for 30 %": "avif with parity, planned for 30 %",
    "WebP, with parity for 30 %": "webp with parity, planned for 30 %",
    "AV1, payload alone, with parity for 30 %": "av1 with parity, planned for 30 %",
    "plain `.xgc` of as many bytes": PLAIN,
}


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
    first, *rows = headed(f"{RESEARCH}/paper-figure-10.md", kind)[place]
    own, *others = networks(name)
    methods = CLASSICAL | dict.fromkeys(("xcodec", "xcodec, from scratch"), own)
    if others:
        (methods["on-demand"],) = others
    assert len(rows) == 8
    for percent, *cells in rows:
        for title, cell in zip(first[1:], cells, strict=True):
            level = int(percent.removesuffix(" %"))
            assert not unlike(cell, restored(name, methods[title], level, kind, PUT_BACK)), cell


def test_figure_11() -> None:
    first, rows = only(f"{RESEARCH}/paper-figure-11.md", "pictures", "noise", "xcodec")
    assert len(rows) == 6
    for pictures, percent, *cells in rows:
        name = f"figure11_{pictures}"
        methods = CLASSICAL | dict(zip(("xcodec", "on-demand"), networks(name), strict=True))
        for title, cell in zip(first[2:], cells, strict=True):
            level = int(percent.removesuffix(" %"))
            assert not unlike(cell, restored(name, methods[title], level, "", SEEN)), cell


def test_figure_12() -> None:
    _, rows = only(f"{RESEARCH}/paper-figure-12.md", "point loss", "steps")
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
    _, rows = only(f"{RESEARCH}/paper-table-1.md", in_words(task), "raw")
    names = {"x-gans": f"table1_{task}_x-gans", "xcodec": f"table1_{task}_xcodec"}
    methods = CLASSICAL | {"xcodec": f"restore-face-{task}"}
    for name in (f"table1_{task}", names["x-gans"]):
        presets = [trained["preset"] for trained in record(name)["trained"]]
        methods |= dict(zip(presets, networks(name), strict=True))
    told = [row for row in rows if not row[0].startswith("the paper")]
    assert len(told) == len(record(f"table1_{task}")["rows"]) + 1
    for title, raw, back, hole in told:
        name, method = names.get(title, f"table1_{task}"), methods[title]
        assert not unlike(raw, restored(name, method, 128, "", SEEN)), raw
        assert not unlike(back, restored(name, method, 128, "", PUT_BACK)), back
        assert not unlike(hole, restored(name, method, 128, "", ("hole psnr",))), hole


@pytest.mark.parametrize(
    ("task", "title", "fill"), [("points", "points", "kriging"), ("noise", "noise", "consensus")]
)
def test_section_5_2(task: str, title: str, fill: str) -> None:
    _, rows = only(f"{RESEARCH}/paper-section-5-2.md", "pictures", title, "face model")
    kind, names = ("random", PUT_BACK) if task == "points" else ("", SEEN)
    long = "points" if task == "points" else "color-noise"
    for pictures, percent, *cells in rows:
        methods = (f"restore-face-{long}", f"restore-photo-{long}", fill)
        for method, cell in zip(methods, cells, strict=True):
            level = int(percent.removesuffix(" %"))
            found = restored(f"cross_{task}_{pictures}", method, level, kind, names)
            assert not unlike(cell, found), cell


def test_section_5_2_by_sides() -> None:
    title = "10 % points: own model"
    _, rows = only(f"{RESEARCH}/paper-section-5-2.md", "pictures", "side", title)
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
    first, rows = only(f"{RESEARCH}/paper-section-5-2.md", "pictures", "side", in_words(task))
    methods = CLASSICAL | dict.fromkeys(("face model", "raw"), f"restore-face-{task}")
    for pictures, side, level, *cells in rows:
        name = f"cross_{task}_{pictures}" + {"256": ""}.get(side, f"_{side}")
        in_table_1 = (pictures, side, level) == ("faces", "256", "128")
        for title, cell in zip(first[3:], cells, strict=True):
            if in_table_1:
                name = f"table1_{task}" + (
                    "" if methods[title] in CLASSICAL.values() else "_xcodec"
                )
            figures = SEEN if title == "raw" else ("hole psnr",)
            assert not unlike(cell, restored(name, methods[title], int(level), "", figures)), cell


def sent(pictures: str, budget: int, party: str, loss: float) -> list[float]:
    """PSNR, SSIM and LPIPS over links that lose packets at random."""
    (row,) = (
        row
        for row in record(f"links-{pictures}")["rows"]
        if (row["budget"], row["channel"], row["party"], row["loss"])
        == (budget, "random", party, loss)
    )
    return [row[each] for each in SEEN]


def over_losses(pictures: str, budget: int, party: str) -> list[float]:
    """The mean of losses from none to half of the packets."""
    found = [sent(pictures, budget, party, loss) for loss in LOSSES]
    return [fmean(figures) for figures in zip(*found, strict=True)]


@pytest.mark.parametrize("pictures", ["faces", "photos"])
@pytest.mark.parametrize("budget", [1360, 2560])
def test_links(pictures: str, budget: int) -> None:
    _, rows = only("docs/links.md", f"{pictures}, {budget:,} bytes", "0 %")
    assert {row[0] for row in rows} == set(PARTIES)
    for title, *cells in rows:
        party = PARTIES[title]
        found = [sent(pictures, budget, party, loss) for loss in (0.0, 0.1, 0.3, 0.5)]
        found.append(over_losses(pictures, budget, party))
        if party == PLAIN:  # No loss reaches it.
            assert cells[1:] == [""] * 4
            cells, found = cells[:1], found[:1]
        for cell, figures in zip(cells, found, strict=True):
            assert not unlike(cell, figures), (title, cell, figures)


@pytest.mark.parametrize("pictures", ["faces", "photos"])
@pytest.mark.parametrize("budget", [1360, 2560])
def test_leads_over_links(pictures: str, budget: int) -> None:
    _, rows = only("docs/links.md", "PSNR above, in dB")
    ((usual, heavier, *heavy),) = (
        cells for title, *cells in rows if title == f"{pictures}, {budget:,} bytes"
    )
    for cell, losses in ((usual, (0.1,)), (heavier, (0.3, 0.5))):
        found = [
            sent(pictures, budget, DEFAULT, loss)[0]
            - max(sent(pictures, budget, codec, loss)[0] for codec in ("avif", "webp"))
            for loss in losses
        ]
        assert not unlike(cell, found), cell
    ours = over_losses(pictures, budget, HEAVY)[0]
    for cell, codecs in zip(heavy, (("avif", "webp"), ("av1",)), strict=True):
        parity = (f"{codec} with parity, planned for 30 %" for codec in codecs)
        best = max(over_losses(pictures, budget, party)[0] for party in parity)
        assert not unlike(cell, [ours - best]), cell


def test_painting_in_integers() -> None:
    _, rows = only(f"{RESEARCH}/eight-bit-painting.md", "pictures", "file")
    names = "painting_kodak", "painting", "painting_fine", "painting_256", "painting_faces"
    found = [row for name in names for row in record(name)["rows"]]
    assert len(rows) == len(found)
    for (_, file, *cells), row in zip(rows, found, strict=True):
        target = f"{row['max_bytes']} bytes" if "max_bytes" in row else f"{row['rate']:.0%}"
        assert file.replace(" %", "%").startswith(target)
        for cell, name in zip(cells, ("psnr", "loss", "most", "ratio"), strict=True):
            assert not unlike(cell, [row[name] if row[name] > 0 else -row[name]]), cell


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("packets, planned for", ["packet_planner", "packet_planner_30"]),
        ("limit: packets, planned for", ["packet_planner_growth"]),
        ("small packets, planned for", ["packet_planner_small"]),
        ("even pictures: packets, planned for", ["packet_planner_small_even"]),
    ],
)
def test_constants_of_the_packet_planner(title: str, names: list[str]) -> None:
    """The first row of each kind of packets is PSNR, the others are differences to it."""
    first, rows = only(f"{RESEARCH}/packet-planner.md", title, "constants")
    psnr = {
        (
            f"{row['packets']} x {row['packet_size']}, {100 * row['planned']:.0f} %",
            row["constants"].replace("=", " "),
            f"{100 * row['loss']:.0f} %",
        ): row["psnr"]
        for name in names
        for row in record(name)["rows"]
    }
    assert len(psnr) == len(rows) * len(first[2:])
    for kind, constants, *cells in rows:
        for loss, cell in zip(first[2:], cells, strict=True):
            found, present = psnr[kind, constants, loss], psnr[kind, "present", loss]
            told = f"{found:.2f}" if constants == "present" else f"{found - present:+.2f}"
            assert cell == told, (kind, constants, loss)


def test_packets_beside_ssdv() -> None:
    _, rows = only(f"{RESEARCH}/packets-and-ssdv.md", "loss", "SSDV")
    for percent, *_, cell in rows:
        loss = int(percent.removesuffix(" %")) / 100
        assert not unlike(cell, sent("faces", 1360, HEAVY, loss)), percent


def test_regions() -> None:
    _, rows = only(f"{RESEARCH}/regions.md", "region", "inside, dB")
    found = record("regions")["rows"]
    for (title, *cells), row in zip(rows, found, strict=True):
        assert row["region"] in title
        assert cells == [f"{row[where]:+.2f}" for where in ("inside", "outside")], title
    page = words("docs/pictures.md")
    for row in found[:3]:
        gained, cost = f"{row['inside']:.2f} dB", f"{-row['outside']:.2f} dB"
        told = rf"a {row['region'].replace(' ', ' of ')} gained {gained}( inside)? and cost {cost}"
        assert re.search(told, page), row["region"]


def test_seams() -> None:
    """On the photos at even positions; the others are in no record."""
    _, table = headed(f"{RESEARCH}/seams.md", "", "2 %")
    for place, rate in enumerate((0.02, 0.05, 0.1), 1):
        found = record("big")[f"seams at {rate}"]
        one, tiles = (
            [found[way][kind]["ratio"] for kind in ("classical", "generator")]
            for way in ("one piece", "tiles")
        )
        beside = [tiled / whole for tiled, whole in zip(tiles, one, strict=True)]
        for row, figures in zip(table[1:], (one, tiles, beside), strict=True):
            assert not unlike(row[place], figures), (rate, row[0])


def test_budgets_of_large_pictures() -> None:
    _, rows = only(f"{RESEARCH}/large-budgets.md", "megapixels, goal")
    found = {key: value for key, value in record("big").items() if "--" in key}
    assert len(rows) == len(found) > 7
    for (title, *cells), row in zip(rows, found.values(), strict=True):
        by_rate = row["by_rate"]
        figures = [
            row["bytes"],
            *(row["processor_seconds"], row["megabytes"]),
            *(row["rate"], by_rate["processor_seconds"], by_rate["megabytes"]),
            row["ratio"],
        ]
        for cell, figure in zip(cells, figures, strict=True):
            assert not unlike(cell, [figure]), (title, cell)
        assert row["ratio"] <= (3 if "psnr" in title else 2.05), title
