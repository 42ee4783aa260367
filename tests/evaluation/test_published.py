"""Figures of the README and of docs/results.md are those of the records beside them."""

import re
import subprocess
import sys

import pytest

from tests.evaluation.published import (
    BEST,
    FILL,
    GENERATOR,
    ROOT,
    at_bpp,
    at_setting,
    gain,
    only,
    overtaken,
    pairs,
    record,
    shown,
    speed,
    unlike,
    words,
)

RESULTS = "docs/results.md"
FITTED = {"xcodec": f"{GENERATOR}, fitted", "classical fill": f"{FILL}, fitted"}


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


@pytest.mark.parametrize("page", ["README.md", RESULTS])
def test_kodak(page: str) -> None:
    """At equal bpp; the files of each of xcodec's decoders are optimised for it."""
    first, rows = only(page, "bpp", "xcodec")
    curves = {
        "xcodec": ("kodak_looks", GENERATOR),
        "classical fill": ("kodak", FILL),
        "best scaled file": ("kodak", BEST["PSNR"]),
    }
    assert len(rows) >= 4
    for bpp, *cells in rows:
        for title, cell in zip(first[1:], cells, strict=True):
            found = at_bpp(*curves.get(title, ("kodak", title)), float(bpp))
            assert not unlike(cell, found), (bpp, title, cell, found)


def test_where_it_loses() -> None:
    _, rows = only(RESULTS, "codec", "range", "PSNR")
    assert len(rows) == 11
    for codec, reach, psnr, lpips in rows:
        _, low, high = overtaken(codec, "psnr")
        assert not unlike(reach, [low, high]), codec
        for cell, metric in ((psnr, "psnr"), (lpips, "lpips")):
            assert not unlike(cell, [overtaken(codec, metric)[0]]), (codec, metric)


def test_bytes_saved_beside_jpeg() -> None:
    """By the means, and for the median picture."""
    records = [f"benchmarks/results/{name}.json" for name in ("kodak_looks", "kodak")]
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
    told = re.search(r"(\d+) % smaller than JPEG's.*?(\d+) %\s+smaller", words(RESULTS))
    assert told is not None
    assert told.groups() == (shown(float(means), ""), shown(float(middle), ""))


def test_what_the_generator_adds() -> None:
    first, rows = only(RESULTS, "pictures", "1 %", "2 %")
    names = {"Kodak": "kodak_looks", "photos": "photos"}
    assert [row[0] for row in rows] == list(names)
    for pictures, *cells in rows:
        for percent, cell in zip(first[1:], cells, strict=True):
            rate = int(percent.removesuffix(" %")) / 100
            assert not unlike(cell, [gain(names[pictures], rate)]), (pictures, percent)


@pytest.mark.parametrize(("section", "name"), [("Faces", "faces"), ("Photos", "photos_256")])
def test_within_bytes(section: str, name: str) -> None:
    first, rows = only(RESULTS, "bytes", "xcodec", section=section)
    curves = FITTED | {f"best scaled file for {metric}": BEST[metric] for metric in BEST}
    assert len(rows) == 4
    for size, *cells in rows:
        for title, cell in zip(first[1:], cells, strict=True):
            found = at_setting(name, curves[title], int(size.replace(",", "")))
            assert not unlike(cell, found), (size, title, cell, found)


def test_the_face_model() -> None:
    _, rows = only(RESULTS, "bytes", "PSNR", section="Faces")
    assert len(rows) == 3
    for size, *cells in rows:
        found = at_setting("faces_face", "xcodec, generator face, fitted", int(size))
        assert not unlike(" / ".join(cells), found), (size, found)


def test_realistic() -> None:
    """At sizes, and on Kodak at rates up to the last that the best scaled file has."""
    _, rows = only(RESULTS, "pictures", "size", "LPIPS")
    assert len(rows) == 9
    sets = {"faces": ("faces", "face", "faces_face"), "photos": ("photos_256", "photo", None)}
    for pictures, size, lpips, best, less, psnr, cost in rows:
        amount, unit = size.split()
        if unit == "bpp":
            rate = min(float(amount), pairs("kodak", BEST["LPIPS"], "lpips")[-1][0])
            mine = at_bpp("kodak_realistic", "xcodec, generator photo-real", rate)
            faithful, peer = at_bpp("kodak", GENERATOR, rate), at_bpp("kodak", BEST["LPIPS"], rate)
        else:
            name, model, other = sets[pictures]
            budget = int(amount)
            real = f"xcodec, generator {model}-real, fitted"
            mine = at_setting(f"{name}_realistic", real, budget)
            faithful = at_setting(other or name, f"xcodec, generator {model}, fitted", budget)
            peer = at_setting(name, BEST["LPIPS"], budget)
        assert mine[0] is not None
        assert mine[2] is not None
        assert faithful[0] is not None
        assert peer[2] is not None
        assert not unlike(lpips, [mine[2]]), (pictures, size)
        assert not unlike(psnr, [mine[0]]), (pictures, size)
        assert not unlike(best, [peer[2]]), (pictures, size)
        assert less == f"{100 * (mine[2] / peer[2] - 1):.0f} %", (pictures, size)
        assert cost == f"{faithful[0] - mine[0]:.1f} dB", (pictures, size)


def test_the_fill_alone() -> None:
    _, rows = only(RESULTS, "bpp", "PSNR")
    for (bpp, psnr), size in zip(rows, (1032, 1769), strict=True):
        (found,) = record(f"kodak_classical_{size}")["beside"]
        assert not unlike(bpp, [found["bpp"]])
        assert not unlike(psnr, [found["psnr"]])


def test_lossless_samples() -> None:
    first, rows = only(RESULTS, "mask", "1 %")
    saved = {(row["mask"], row["rate"]): row["saved"] for row in record("lossless_samples")["rows"]}
    assert {row[0] for row in rows} == {mask for mask, _ in saved}
    for mask, *cells in rows:
        for percent, cell in zip(first[1:], cells, strict=True):
            rate = int(percent.removesuffix(" %")) / 100
            assert cell == f"{-100 * saved[mask, rate]:.0f} %", (mask, percent)


def test_time() -> None:
    _, rows = only(RESULTS, "command", "seconds")
    told = dict(rows)
    names = {  # The default encoder looks ahead: it is in no record.
        "help": "`xcodec --help`",
        "encode": "`encode --decoder classical`",
        "decode, classical fill": "`decode --decoder classical`",
        "decode, generator": "`decode`, by the generator",
    }
    for process in record("speed")["processes"]:
        assert not unlike(told[names[process["command"]]], [process["seconds"]]), process["command"]
    _, rows = only(RESULTS, "codec", "encode", "decode")
    codecs = ("xcodec classical", "xcodec generator", "avif", "jpegxl")
    for (title, *cells), codec in zip(rows, codecs, strict=True):
        for operation, cell in zip(("encode", "decode"), cells, strict=True):
            assert not unlike(cell, [speed(codec, operation)]), (title, operation)
