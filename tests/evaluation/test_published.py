"""Figures of the README and of docs/results.md are those of the records beside them."""

import json
import re
import subprocess
import sys
from statistics import fmean
from typing import Any

import pytest

import xcodec
from scripts.results.__main__ import BLOCKS, PAGES, written
from scripts.results.sets import SETS
from tests.evaluation.published import (
    FILL,
    GENERATOR,
    NAMES,
    ROOT,
    at_bpp,
    at_setting,
    complete,
    curve_of,
    gain,
    one_line,
    only,
    pairs,
    points,
    record,
    shown,
    speed,
    takeover,
    text_of,
    unlike,
    words,
)

RESULTS, LINKS, WEB = "docs/results.md", "docs/links.md", "docs/web.md"
INSTALL, BENCHMARKS, LARGE = "docs/install.md", "docs/benchmarks.md", "docs/large.md"
PAINTED = "painting", "painting_256", "painting_faces", "painting_fine", "painting_kodak"


@pytest.mark.parametrize(
    ("cell", "figures", "wrong"),
    [
        ("23.49 / 0.711 / 0.293", [23.486, 0.7112, 0.2931], False),
        ("23.49", [23.486, 0.7112], False),
        ("1,068 MB", [1067.9], False),
        ("23.48", [23.486], True),
        ("23.49 / 0.711", [23.486], True),
        ("23.49", [None], True),
        ("–", [None, None], False),
        ("not measured", [23.486], True),
        ("–", [23.486, None], True),
        ("", [23.486], True),
        ("good", [None], True),
    ],
)
def test_cells_are_compared(cell: str, figures: list[float | None], wrong: bool) -> None:
    assert unlike(cell, figures) == wrong


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_those_that_the_script_writes(page: str) -> None:
    """Else: python -m scripts.results"""
    assert written(text_of(page)) == text_of(page)


def test_every_table_of_the_script_is_in_a_page() -> None:
    text = "".join(map(text_of, PAGES))
    for name in BLOCKS:
        assert f"<!-- {name}: " in text


@pytest.mark.parametrize("page", ["README.md", RESULTS])
def test_kodak(page: str) -> None:
    """At equal bpp; the files of each of xcodec's decoders are optimised for it."""
    first, rows = only(page, "bpp", "xcodec")
    sources = SETS["kodak"]
    own = {"xcodec": (sources.record, GENERATOR), "classical fill": (sources.fill, FILL)}
    assert len(rows) >= 5
    for bpp, *cells in rows:
        for title, cell in zip(first[1:], cells, strict=True):
            name, curve = own.get(title) or (sources.record, curve_of(title))
            found = at_bpp(name, curve, float(bpp))
            assert not unlike(cell, found), (bpp, title, cell, found)


def test_where_it_loses() -> None:
    first, rows = only(RESULTS, "pictures", "peer", "compared")
    assert len(rows) >= 20
    checked = 0
    for pictures, peer, reach, *cells in rows:
        group, unit = pictures.split(", ")
        sources = SETS[group.lower()]
        mine = GENERATOR if unit == "bpp" else f"{GENERATOR}, fitted"
        if "(" in peer:
            continue  # Of fewer pictures.
        for title, cell in zip(first[3:], cells, strict=True):
            curve, metric = curve_of(peer, title), title.lower()
            if metric not in points(sources.record, curve)[0]:
                assert cell == "not compared"
                continue
            both = pairs(sources.record, mine, metric), pairs(sources.record, curve, metric)
            if min(map(len, both)) < 2:  # Not every picture has the figure.
                assert cell == "not compared"
                continue
            place, low, high = takeover(*both, -1 if metric in ("lpips", "dists") else 1)
            scale = 256 * 256 / 8 if unit == "bytes" else 1
            if title == "PSNR":
                assert not unlike(reach, [low * scale, high * scale]), peer
            if cell == "everywhere":
                assert place == low
            else:
                assert not unlike(cell, [None if place is None else place * scale]), (peer, title)
            checked += 1
    assert checked > 40


@pytest.mark.parametrize("section", ["Faces", "Photos"])
def test_leads_within_bytes(section: str) -> None:
    sources = SETS[section.lower()]
    first, rows = only(RESULTS, "xcodec above", section=section)
    assert len(rows) >= 6
    for peer, *cells in rows:
        known = {each["setting"]: each for each in points(sources.record, curve_of(peer))}
        for size, cell in zip(first[1:], cells, strict=True):
            budget = int(size.removesuffix(" bytes").replace(",", ""))
            if cell == "–" or "(" in cell:
                assert budget not in known or not complete(known[budget])
                continue
            own = at_setting(sources.record, f"{GENERATOR}, fitted", budget)[0]
            assert own is not None
            assert cell == f"{own - known[budget]['psnr']:+.2f}", (peer, size)


def test_bytes_saved_beside_jpeg() -> None:
    """By the means, and for the median picture."""
    records = [f"benchmarks/results/{name}.json" for name in ("kodak", "kodak_jpeg")]
    options = ["--against", "JPEG", "--within-bpp", "0.1,0.25"]
    done = subprocess.run(
        [sys.executable, "-m", "xcodec", "bench", "savings", *records, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    means, middle = re.findall(r"(?:means:|median) -([\d.]+) %", done.stdout)
    told = re.search(
        r"of JPEG, xcodec's files are (\d+) % smaller.*?(\d+) % smaller", words(RESULTS)
    )
    assert told is not None
    assert told.groups() == (shown(float(means), ""), shown(float(middle), ""))


def test_what_the_generator_adds() -> None:
    first, rows = only(RESULTS, "pictures", "1 %", "2 %")
    names = {"Kodak": "kodak", "photos": "photos"}
    assert [row[0] for row in rows] == list(names)
    for pictures, *cells in rows:
        for percent, cell in zip(first[1:], cells, strict=True):
            rate = int(percent.removesuffix(" %")) / 100
            assert not unlike(cell, [gain(names[pictures], rate)]), (pictures, percent)


@pytest.mark.parametrize("section", ["Faces", "Photos"])
def test_within_bytes(section: str) -> None:
    sources = SETS[section.lower()]
    first, rows = only(RESULTS, "bytes", "xcodec", section=section)
    own = {"xcodec": (sources.record, GENERATOR), "classical fill": (sources.fill, FILL)}
    assert len(rows) == 4
    for size, *cells in rows:
        budget = int(size.replace(",", ""))
        for title, cell in zip(first[1:], cells, strict=True):
            if title in own:
                name, curve = own[title][0], f"{own[title][1]}, fitted"
            else:
                kind, _, metric = title.partition(" for ")
                name, curve = sources.record, curve_of(kind, metric)
            (point,) = (each for each in points(name, curve) if each["setting"] == budget)
            found = at_setting(name, curve, budget) if complete(point) else [None]
            assert not unlike(cell, found), (size, title, cell, found)


def test_the_face_model() -> None:
    _, rows = only(RESULTS, "bytes", "PSNR", section="Faces")
    assert len(rows) == 3
    for size, *cells in rows:
        found = at_setting("faces_realistic", "xcodec, generator face, fitted", int(size))
        assert not unlike(" / ".join(cells), found), (size, found)


def test_realistic() -> None:
    """At sizes, and on Kodak at rates up to the last that the best file has."""
    first, rows = only(RESULTS, "pictures", "size", "LPIPS", "best file")
    assert len(rows) == 9
    models = {"faces": "face", "photos": "photo"}
    for pictures, size, lpips, best, less, *_, psnr, cost in rows:
        amount, unit = size.split()
        sources = SETS[pictures.lower()]
        curve = curve_of("best file", "LPIPS")
        if unit == "bpp":
            rate = min(float(amount), pairs(sources.record, curve, "lpips")[-1][0])
            mine = at_bpp("kodak_realistic", "xcodec, generator photo-real", rate)
            faithful = at_bpp("kodak_realistic", GENERATOR, rate)
            peer = at_bpp(sources.record, curve, rate)
        else:
            model = models[pictures]
            name = f"{'photos_256' if pictures == 'photos' else pictures}_realistic"
            mine = at_setting(name, f"xcodec, generator {model}-real, fitted", int(amount))
            faithful = at_setting(name, f"xcodec, generator {model}, fitted", int(amount))
            peer = at_setting(sources.record, curve, int(amount))
        assert mine[0] is not None
        assert mine[2] is not None
        assert faithful[0] is not None
        assert peer[2] is not None
        assert not unlike(lpips, [mine[2]]), (pictures, size)
        assert not unlike(psnr, [mine[0]]), (pictures, size)
        assert not unlike(best, [peer[2]]), (pictures, size)
        assert less == f"{100 * (mine[2] / peer[2] - 1):.0f} %", (pictures, size)
        assert cost == f"{faithful[0] - mine[0]:.1f} dB", (pictures, size)
    assert first[-2:] == ["PSNR", "cost in PSNR"]


def test_lossless_samples() -> None:
    first, rows = only(RESULTS, "mask", "1 %")
    saved = {(row["mask"], row["rate"]): row["saved"] for row in record("lossless_samples")["rows"]}
    assert {row[0] for row in rows} == {mask for mask, _ in saved}
    for mask, *cells in rows:
        for percent, cell in zip(first[1:], cells, strict=True):
            rate = int(percent.removesuffix(" %")) / 100
            assert cell == f"{-100 * saved[mask, rate]:.0f} %", (mask, percent)


def test_packets_as_sound() -> None:
    _, rows = only(RESULTS, "noise", "packets")
    found = [row for row in record("direwolf")["rows"] if row["party"] == "xcodec"]
    for (noise, packets, *shares, psnr), row in zip(rows, found, strict=True):
        assert float(noise) == row["level"]
        assert not unlike(packets, [row["packets"]])
        assert not unlike(psnr, [row["psnr"]]), noise
        for cell, name in zip(shares, ("lost", "empty"), strict=True):
            assert not unlike(cell, [100 * row[name]]), (noise, name)


def test_the_page_in_a_browser() -> None:
    _, rows = only("docs/web.md", "picture", "fill, first")
    every = [*record("web")["rows"], *record("web_kodak")["rows"]]
    assert len(rows) == 4
    for title, *cells, memory in rows:
        size, budget = title.removesuffix(" bytes").replace(",", "").split()
        found = [
            each
            for each in every
            if "x".join(map(str, each["size"])) == size and each["budget"] == int(budget)
        ]
        names = [(when, name) for when in ("first", "again") for name in ("fill", "painted")]
        for cell, (when, name) in zip(cells, names, strict=True):
            values = [each[name] for each in found if each["when"] == when]
            assert cell == f"{sum(values) / len(values):.2f} s", (title, when, name)
        assert memory == f"{max(each['mb'] for each in found):.0f} MB"


def test_large_pictures() -> None:
    _, rows = only("docs/large.md", "2 % of the pixels", "4 megapixels")
    places = [(4, "encode"), (0, "encode"), (4, "decode_generator"), (4, "decode")]
    places += [(4, "downsample_8"), (4, "region_generator"), (4, "region_classical")]
    for (title, *cells), (effort, key) in zip(rows, places, strict=True):
        assert ("effort" in title) == (effort == 0)
        for cell, size in zip(cells, (4, 100), strict=True):
            found = record("big")[f"{size} megapixels, effort {effort}"][key]
            assert not unlike(cell, [found["seconds"], found["megabytes"]]), (title, cell)


def test_time() -> None:
    _, rows = only(RESULTS, "command", "seconds")
    told = dict(rows)
    names = {
        "help": "`xcodec --help`",
        "encode": "`encode`",
        "encode, classical": "`encode --decoder classical`",
        "decode, classical fill": "`decode --decoder classical`",
        "decode, generator": "`decode`",
    }
    for process in record("speed")["processes"]:
        assert not unlike(told[names[process["command"]]], [process["seconds"]]), process["command"]
    _, rows = only(RESULTS, "codec", "encode", "decode")
    codecs = ("xcodec generator", "xcodec classical", "avif", "jpegxl")
    for (title, *cells), codec in zip(rows, codecs, strict=True):
        for operation, cell in zip(("encode", "decode"), cells, strict=True):
            assert not unlike(cell, [speed(codec, operation)]), (title, operation)


def whole(name: str) -> Any:
    """A record with what it says of the run."""
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())


def count(name: str) -> int:
    """How many pictures a record is of."""
    return len(whole(name)["pictures"])


def cores(name: str) -> str:
    return NAMES[whole(name)["machine"]["cores"]]


SOUND, SPEED, SENT = record("direwolf"), record("speed"), record("links-faces")
MANY, NOISE = record("big")["many"], SOUND["rows"]
LOSSES = sorted({round(100 * row["loss"]) for row in SENT["rows"]})
SEEN_LOSSES = 0, 10, 30, 50
LOST = [
    # Of the pictures that were cut into packets of the largest size.
    100
    * fmean(
        lost
        for lost, packets in zip(row["pictures"]["lost"], row["pictures"]["packets"], strict=True)
        if packets * SOUND["packet_size"] == SOUND["budget"]
    )
    for row in NOISE
]
MEASURED = [
    ("README.md", f"on the {count('kodak')} Kodak pictures"),
    ("README.md", f"on {cores('speed')} cores and with"),
    (RESULTS, f"{count('kodak')} pictures of {SPEED['width']}x{SPEED['height']}"),
    (RESULTS, f"`photos.json`: {count('photos')} whole validation photos"),
    (RESULTS, f"{count('faces')} portraits of 256x256"),
    (RESULTS, f"{count('photos_256')} validation photos (even positions), their middle square at"),
    (RESULTS, f"faces and photos at 256x256, {count('faces_realistic')} pictures each"),
    (RESULTS, f"`--tone point --lossless-samples`), {count('lossless_samples')} photos"),
    (RESULTS, f"with {NAMES[len(SOUND['levels'])]} levels of noise"),
    (RESULTS, f"{NAMES[count('direwolf')]} photos of {SOUND['square']}x{SOUND['square']}"),
    (RESULTS, f"in {SOUND['budget']:,} bytes each, planned for {100 * SOUND['planned']:.0f} %"),
    (RESULTS, f"{NAMES[SOUND['draws']]} draws a level"),
    (RESULTS, f"{cores('speed').capitalize()} cores with dot products"),
    (RESULTS, f"a Kodak picture at `-r {SPEED['rate']}`"),
    (BENCHMARKS, "{:.0f}, {:.0f} and {:.0f} % of packets of 256 bytes".format(*LOST)),
    (BENCHMARKS, f"kodak # {count('kodak')} pictures; hours"),
    (LARGE, f"{NAMES[MANY['jobs']].capitalize()} processes on {NAMES[MANY['machine']['cores']]}"),
    (LINKS, f"on {count('links-faces')} faces and {count('links-photos')} photos of"),
    (LINKS, f"photos of {SENT['square']}x{SENT['square']} (the pictures"),
    (LINKS, f"packets of at most {SENT['packet_size']} bytes, each lost"),
    (LINKS, f"{NAMES[SENT['seeds']]} draws per loss"),
    (LINKS, "losses of {}, {}, {} and {} %".format(*sorted({*LOSSES} - {*SEEN_LOSSES}))),
    (WEB, f"Means of {NAMES[count('web')]} photos"),
    (WEB, f"and {NAMES[count('web_kodak')]} Kodak pictures"),
    (WEB, f"on {cores('web')} cores, without"),
]
"""Pages, and what they say of the measurements."""


@pytest.mark.parametrize(("page", "text"), MEASURED)
def test_what_was_measured(page: str, text: str) -> None:
    assert text in one_line(page)


def test_every_picture_arrived_as_sound() -> None:
    assert "Every picture arrived in every draw." in words(RESULTS)
    assert not any(lost for row in NOISE for lost in row["pictures"]["empty"])


def test_painting_in_integers() -> None:
    """docs/research/eight-bit-painting.md also has the times of an older processor."""
    rows = [row for name in PAINTED for row in record(name)["rows"]]
    most = max(row["most"] for row in rows)
    assert f"pictures lose {most:.3f} dB at most" in words(INSTALL)
    assert "in a quarter to a half of the processor time" in words(INSTALL)
    assert "takes [two to four times as long]" in words(RESULTS)
    assert all(0.25 <= row["ratio"] <= 0.5 for row in rows)


def test_records_are_of_this_version() -> None:
    """Of this series of releases; those of docs/research/ may be older."""
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/tutorials/*.md")]
    text = "".join(page.read_text() for page in pages)
    known = {path.stem for path in ROOT.glob("benchmarks/results/*.json")}
    named = {name for name in re.findall(r"([\w-]+)\.json", text) if name in known}
    series = xcodec.__version__.rpartition(".")[0]
    for name in (named | {"links-faces", "links-photos", "regions", *PAINTED}) - {"big", "core"}:
        assert whole(name)["versions"]["xcodec"].startswith(f"{series}."), name
    for part, row in whole("big").items():
        assert row["versions"]["xcodec"].startswith(f"{series}."), part
