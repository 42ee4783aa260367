"""The scripts in benchmarks/ on small pictures: their figures, computed in another way."""

import re
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

import xcodec
from tests.evaluation.running import BENCHMARKS, failed, run, script
from xcodec import codec
from xcodec.cli import cli
from xcodec.errors import XcodecError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.runs import direwolf, measuring
from xcodec.links import sending
from xcodec.reconstruction import integer_painter, model_files

RGB = NDArray[np.uint8]


def loaded(folder: Path) -> list[RGB]:
    return [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]


def test_lossless_samples_are_compared_with_zstandard(folder: Path) -> None:
    import zstandard

    record, _ = run("lossless_samples", folder, "--rates", "0.1", "--jobs", 1, "--only", "1,2")
    rows = {row["mask"]: row for row in record["figures"]["rows"]}
    assert set(rows) == {
        "random", "random, Sobel", "blue noise, Sobel", "explicit (random, Sobel)"
    }  # fmt: skip
    picture = loaded(folder)[0]
    data = codec.encode(
        picture, 0.1, tone="point", lossless_samples=True, mask="random", density="uniform"
    )
    points, values = codec.decode_samples(data)
    order = np.lexsort((points[:, 1], points[:, 0]))
    bitmap = np.zeros(picture.shape[:2], np.uint8)
    bitmap[tuple(points.T)] = 1
    raw = np.packbits(bitmap).tobytes() + values[order].tobytes()
    row = rows["random"]
    assert row["pictures"]["xcodec"][0] == len(data)
    assert row["pictures"]["samples"][0] == len(points)
    assert row["pictures"]["zstandard"][0] <= len(zstandard.compress(raw, 19))
    assert row["pictures"]["zstandard"][0] > len(raw) / 3
    share = sum(row["pictures"]["xcodec"]) / sum(row["pictures"]["zstandard"])
    assert row["saved"] == pytest.approx(1 - share, rel=1e-4)
    explicit, sobel = rows["explicit (random, Sobel)"], rows["random, Sobel"]
    assert explicit["pictures"]["samples"] == sobel["pictures"]["samples"]
    assert explicit["xcodec"] > sobel["xcodec"]


def test_painting_in_integers_is_compared_with_float32(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if integer_painter.painter((model_files.find("photo"),)) is None:
        pytest.skip("onnxruntime or dot products of 8-bit integers are missing here")
    record, text = run("painting", folder, "--rates", "0.1", "--effort", 1)
    (row,) = record["figures"]["rows"]
    assert "10.0%" in text
    found: list[list[float]] = [[], []]
    for picture in loaded(folder):
        data = xcodec.encode(picture, 0.1, effort=1)
        for integers in (True, False):
            with monkeypatch.context() as patch:
                if not integers:
                    patch.setattr(integer_painter, "painter", lambda paths: None)
                painted = np.asarray(xcodec.decode(data, model="photo", device="cpu"))
            found[integers].append(metrics.psnr(picture, painted))
    assert row["psnr"] == pytest.approx(np.mean(found[0]), abs=0.001)
    losses = np.subtract(*found)
    assert row["pictures"] == pytest.approx(losses, abs=0.001)
    assert (row["loss"], row["most"]) == pytest.approx((losses.mean(), losses.max()), abs=0.001)
    assert 0 < row["ratio"] < 10


def test_regions_gain_more_inside(folder: Path) -> None:
    options = "--weights", "4", "--only", "2", "--bytes", 400
    record, text = run("regions", folder, "--faces", folder, *options)
    row, *faces = record["figures"]["rows"]
    assert row["region"] == "weight 4"
    assert not faces  # There is none in these pictures.
    assert f"weight 4: {row['inside']:+.2f} dB inside, {row['outside']:+.2f} dB outside" in text
    picture = loaded(folder)[1]
    height, width = (side // 3 for side in picture.shape[:2])
    place = np.s_[height : 2 * height, width : 2 * width]
    roi = [(width, height, width, height, 4.0)]
    errors = []
    for regions in ([], roi):
        data = xcodec.encode(picture, max_bytes=400, effort=1, roi=regions)
        drawn = np.asarray(xcodec.decode(data, decoder="classical"), float)
        errors.append(np.square(drawn - picture)[place].mean())
    assert row["inside"] == pytest.approx(10 * np.log10(errors[0] / errors[1]), abs=0.001)
    assert row["inside"] > max(row["outside"], 0)


def test_pictures_go_through_the_sound_of_a_packet_radio(folder: Path) -> None:
    pytest.importorskip("ax25", reason="pyham-ax25 is not installed")
    if not direwolf.installed():
        pytest.skip("needs gen_packets and atest of Direwolf")
    options = ["--bytes", 1280, "--levels", "0.3,1", "--draws", 2, "--square", 64]
    found, text = run("direwolf", folder, *options, "--only", "1", "--jobs", 1)
    quiet, loud = (row for row in found["figures"]["rows"] if row["party"] == "xcodec")
    assert (quiet["lost"], quiet["empty"]) == (0, 0)
    assert (loud["lost"], loud["empty"]) == (1, 1)
    picture = measuring.load(folder / "1.png", 64)
    grey = np.full_like(picture, 128)
    assert loud["psnr"] == pytest.approx(metrics.psnr(picture, grey), abs=1e-3)
    sent = xcodec.encode_packets(picture, 256, max_bytes=1280, loss=0.3, model="photo")
    assert (quiet["packets"], quiet["bytes"]) == (len(sent), sum(map(len, sent)))
    shown = np.asarray(xcodec.decode_packets(sent, model="photo", device="cpu", original_size=True))
    assert quiet["psnr"] == pytest.approx(metrics.psnr(picture, shown), abs=1e-3)
    assert "| xcodec |" in text


def test_the_sound_of_a_packet_radio_needs_its_programs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert failed("direwolf", folder) == "direwolf.py: needs the programs gen_packets and atest\n"


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        ("", "Not an xcodec file<button>Show what is left</button>", "Not an xcodec file"),
        ("Filled in 0.1 s, without a network", "", "Filled in 0.1 s, without a network"),
    ],
)
def test_a_web_page_that_paints_nothing_ends_the_measurement(
    browser: Any, status: str, error: str, told: str
) -> None:
    """It waited forever."""
    hidden = "" if error else "hidden"
    page = f"<input type=file id=files><p id=status>{status}</p><p id=error {hidden}>{error}</p>"
    with browser.new_page() as shown:
        shown.set_content(page)
        with pytest.raises(XcodecError, match=f"a.xgc: the page says: {told}"):
            script("web").measured(shown, "a.xgc", b"x")


def test_the_web_page_is_built_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROMIUM", raising=False)
    text = failed("web", folder)
    assert text.startswith("web.py: needs web/dist/xcodec.html")
    assert text.count("\n") == 1


def test_constants_of_the_planner_are_compared(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--shapes", "8x60", "--planned", 0.1, "--losses", "0,1", "--effort", 0]
    options += ["--square", 64, "--constants", "LARGEST_DROP=4", "--only", "1", "--jobs", 1]
    found, text = run("packet_planner", folder, *options)
    rows = {(row["constants"], row["loss"]): row for row in found["figures"]["rows"]}
    assert len(rows) == 4
    picture = measuring.load(folder / "1.png", 64)
    grey = metrics.psnr(picture, np.full_like(picture, 128))
    for name, drop in (("present", sending.LARGEST_DROP), ("LARGEST_DROP=4", 4.0)):
        monkeypatch.setattr(sending, "LARGEST_DROP", drop)
        sent = xcodec.encode_packets(picture, 60, 8, loss=0.1, effort=0)
        shown = np.asarray(xcodec.decode_packets(sent, decoder="classical"))
        assert rows[name, 0]["psnr"] == pytest.approx(metrics.psnr(picture, shown), abs=1e-3)
        assert rows[name, 1]["psnr"] == pytest.approx(grey, abs=1e-3)
    assert rows["LARGEST_DROP=4", 0]["psnr"] < rows["present", 0]["psnr"] - 0.1
    assert "LARGEST_DROP=4 |" in text


def test_quality_grows_with_the_packets_that_arrive(small: RGB) -> None:
    sent = xcodec.encode_packets(small, 60, 8, loss=0.3, effort=0)
    psnr = list(script("packet_planner").received(small, sent))
    assert psnr[0] == metrics.psnr(small, np.full_like(small, 128))
    assert len(psnr) == len(sent) + 1
    for count in range(1, len(sent) + 1):
        shown = np.asarray(xcodec.decode_packets(sent[:count], decoder="classical"))
        assert psnr[count] == metrics.psnr(small, shown)


def test_the_planner_has_no_other_constants(folder: Path) -> None:
    text = failed("packet_planner", folder, "--constants", "NOTHING=1")
    assert text == "packet_planner.py: the planner has no number NOTHING\n"


def test_wrong_lossless_samples_are_detected(small: RGB) -> None:
    data = codec.encode(small, 0.05, tone="point", lossless_samples=True)
    with pytest.raises(XcodecError, match=r"a\.png: a sample came back wrong"):
        script("lossless_samples").returned(data, 255 - small, "a.png")


def test_every_record_is_made_or_kept() -> None:
    known = script("bench_all").table()
    named = [*known["commands"], *known["kept"]]
    assert len(set(named)) == len(named)
    made = {path.stem for path in (BENCHMARKS / "results").glob("*.json")}
    assert made <= set(named)
    assert set(known["kept"]) <= made


def test_commands_of_records_are_understood() -> None:
    """By the commands that they name; nothing is run."""
    module = script("bench_all")
    for name in module.table()["commands"]:
        words = module.command(name, Path("/data"), Path("/out"))
        assert words[-2:] == ["-o", f"/out/{name}.json"]
        assert "{" not in "".join(words)
        if words[1] == "-m":
            found = cli.get_command(click.Context(cli), "bench")
            assert isinstance(found, click.Group)
            benchmark = found.get_command(click.Context(found), words[4])
            assert benchmark is not None
        else:
            benchmark = script(Path(words[1]).stem).main
        benchmark.make_context(name, words[5:] if words[1] == "-m" else words[2:])


def test_records_are_made_once_for_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = script("bench_all")
    for folder in module.FOLDERS.values():
        (tmp_path / folder).mkdir(parents=True)
    output = tmp_path / "out"
    code = "import sys; open(sys.argv[1], 'w').close(); sys.exit(int(sys.argv[2]))"

    def command(name: str, data: Path, output: Path, jobs: int) -> list[str]:
        status = "0" if name == "speed" else "1"
        return [sys.executable, "-c", code, str(output / f"{name}.json"), status]

    monkeypatch.setattr(module, "command", command)
    monkeypatch.setattr(module, "commit", lambda: "abc1234")
    arguments = ["bench_all.py", str(tmp_path), "--output", str(output), "--only"]
    monkeypatch.setattr(sys, "argv", [*arguments, "speed", "photos"])
    assert module.main() == 1
    assert capsys.readouterr().out.splitlines() == [
        "speed: 0 s",
        "photos: failed after 0 s",
        "all: 0 s",
    ]
    monkeypatch.setattr(sys, "argv", [*arguments, "speed"])
    assert module.main() == 0
    assert capsys.readouterr().out.splitlines() == ["speed: made already in 0 s", "all: 0 s"]
    monkeypatch.setattr(module, "commit", lambda: "def5678")
    assert module.main() == 0
    assert capsys.readouterr().out.splitlines() == ["speed: 0 s", "all: 0 s"]
    assert [module.duration(s) for s in (3.2, 89, 95, 3720)] == [
        "3 s",
        "89 s",
        "0 h 02 min",
        "1 h 02 min",
    ]


@pytest.mark.parametrize(
    "name",
    ["astronaut", "hopper", "chelsea", "coffee", "rocket", "camera", "coins", "hubble"],
)
def test_the_gallery_says_what_xcodec_and_webp_do(name: str) -> None:
    module = script("gallery")
    page = (BENCHMARKS.parent / "docs" / "index.md").read_text()
    (told,) = re.findall(rf": xcodec ([^;]*);[^\n]*gallery/{name}.webp", page)
    psnrs = [float(psnr) for psnr in re.findall(r"([\d.]+) dB", told)]
    assert len(psnrs) == 4
    for budget, psnr in zip((200, 1000), psnrs[::3], strict=True):
        shown = module.own(module.SUBJECTS[name].rgb, budget)
        assert shown.bytes <= budget
        assert shown.psnr == pytest.approx(psnr, abs=0.06)  # Rounded to 0.1 dB.
    with module.measuring(module.SUBJECTS[name].rgb) as place:
        webp = module.peer(place, "webp", 1000)
    assert f" {webp.psnr:.1f} dB in {webp.bytes:,} bytes; AVIF" in page


def test_the_gallery_shows_what_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "index.md"
    kept = "[![A cat: xcodec](gallery/chelsea.webp)](gallery/chelsea.webp)\n"
    old = "[![Coins: old](gallery/coins.webp)](gallery/coins.webp)\n"
    part = f"<!-- gallery: of a test -->\n\n{old}\n{kept}\n<!-- end -->"
    page.write_text(f"# A page\n\n{part}\n\nMore.\n")
    module = script("gallery")
    small = module.Subject(module.SUBJECTS["coins"].read, "Greek coins", (0, 0, 96, 96))
    monkeypatch.setitem(module.SUBJECTS, "coins", small)
    command = ["--only", "coins", "--bytes", "250,500", "-o", str(tmp_path)]
    done = CliRunner().invoke(module.main, command, catch_exceptions=False)
    assert done.exit_code == 0
    text = page.read_text()
    assert text.startswith(f"# A page\n\n<!-- gallery: of a test -->\n\n{kept}\n[![Greek coins")
    assert text.endswith("(gallery/coins.webp)\n\n<!-- end -->\n\nMore.\n")
    rgb = module.SUBJECTS["coins"].rgb
    data = xcodec.encode(rgb, max_bytes=500)
    shown = np.asarray(xcodec.decode(data, original_size=True).convert("RGB"))
    assert f"{metrics.psnr(rgb, shown):.1f} dB in {len(data):,} bytes; WebP" in text
    assert "AVIF nothing in 250 bytes" in text
    sizes = [int(size) for size in re.findall(r"dB in (\d+) bytes", text)]
    assert all(size <= limit for size, limit in zip(sizes, [250, 500, 250, 500, 500], strict=True))
    with Image.open(tmp_path / "gallery" / "coins.webp") as sheet:
        assert sheet.size == (3 * 256, 3 * (256 + 36))
    assert "no such pictures: nobody" in failed("gallery", "--only", "nobody", "-o", tmp_path)
