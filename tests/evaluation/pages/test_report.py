"""Pages in a real browser: plots, slider, choice of pictures, and nothing on the console."""

import base64
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from tests.browser import NARROW, WIDE
from xcodec.cli import cli
from xcodec.errors import InputError
from xcodec.evaluation.pages import report
from xcodec.evaluation.runs import records

RGB = NDArray[np.uint8]


def invoke(*arguments: object) -> str:
    done = CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def made(photo: RGB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with pictures, a record of them, and the report of that record."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "pictures").mkdir()
    for i, (row, col) in enumerate([(0, 0), (60, 120), (150, 300)]):
        rgb = photo[row : row + 96, col : col + 120]
        Image.fromarray(rgb).save(folder / "pictures" / f"{i + 1}.png")
    (folder / "recorded").mkdir()
    points = [[size, 1, 18 + size / 100, 0.5, 0.5, size + 70] for size in (120, 230, 330, 900)]
    known = {f"{name}.png": {"size": [120, 96], "vvc": points} for name in (1, 3)}
    (folder / "recorded" / "vvc.json").write_text(json.dumps(known))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.delenv("XCODEC_WEIGHTS", raising=False)
        invoke(
            "bench", "rd", folder / "pictures", "--rates", "0.03,0.1", "--bytes", "150,250,350",
            "--decoders", "classical", "--efforts", 0, "--peers", "jpeg,webp,vvc", "-j", 1,
            "--metrics", "psnr,ssim", "--recorded", folder / "recorded",
            "-o", folder / "record.json", "--label", "<!--<script></script><b>crops</b>",
        )  # fmt: skip
        invoke(
            "bench", "report", folder / "record.json", "--pictures", folder / "pictures",
            "-o", folder / "report.html",
        )  # fmt: skip
        yield folder


class Page:
    """A page that is opened offline, and its errors."""

    def __init__(self, browser: Any, path: Path, viewport: dict[str, int], dark: bool) -> None:
        scheme = "dark" if dark else "light"
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme, offline=True)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("requestfailed", lambda request: self.wrong.append(request.url[:99]))
        self.page.goto(path.as_uri())

    def close(self) -> None:
        assert self.wrong == []
        self.context.close()


@pytest.mark.parametrize(("viewport", "dark"), [(WIDE, False), (NARROW, True)])
def test_report_in_a_browser(
    made: Path, browser: Any, viewport: dict[str, int], dark: bool
) -> None:
    opened = Page(browser, made / "report.html", viewport, dark)
    page = opened.page
    assert page.title() == "xcodec beside other codecs"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    # Plots: a curve for every checked codec.
    curves = page.locator("#plots path.curve")
    drawn = curves.count()
    assert drawn >= 4
    own = page.locator("#plots path.curve[data-curve='xcodec, classical fill, effort 0']")
    assert own.get_attribute("d").count("L") == 1
    before = own.get_attribute("d")
    page.select_option("#plots .metric", "ssim")
    assert own.get_attribute("d") != before
    box = page.locator("#plots .legend label", has_text=re.compile("^JPEG$")).locator("input")
    box.uncheck()
    assert curves.count() == drawn - 1
    box.check()
    page.locator("#plots .drawing circle").first.hover()
    tip = page.locator("#plots .tip")
    assert "SSIM 0." in tip.inner_text()
    assert "bpp" in tip.inner_text()
    page.locator("#plots .plot").focus()
    page.keyboard.press("ArrowRight")
    one = tip.inner_text()
    page.keyboard.press("ArrowRight")
    assert tip.inner_text() != one
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    page.locator("#plots summary").click()
    assert page.locator("#plots .values tbody tr").count() >= 2 * drawn

    # Viewer: the slider is dragged and moved by keys, pictures and sizes are changed.
    stage = page.locator("#viewer .stage")
    stage.scroll_into_view_if_needed()
    area = stage.bounding_box()
    cut = "getComputedStyle(document.querySelector('.stage')).getPropertyValue('--cut')"
    middle = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + area["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.2, middle, steps=4)
    page.mouse.up()
    assert 12 < float(page.evaluate(cut).rstrip("%")) < 28
    page.locator("#viewer .slider").focus()
    page.keyboard.press("End")
    assert page.evaluate(cut) == "100%"

    left = page.locator("#viewer .stage .left")
    first = left.get_attribute("src")
    page.locator("#viewer .picker input").nth(1).check(force=True)
    assert left.get_attribute("src") != first
    assert "2.png" in left.get_attribute("alt")
    second = left.get_attribute("src")
    sizes = page.locator("#viewer .size")
    assert sizes.locator("option").count() == 3
    sizes.select_option(index=2)
    assert left.get_attribute("src") != second
    loaded = "[...document.querySelectorAll('.left, .right')].every((i) => i.naturalWidth > 0)"
    page.locator("#viewer .right-view").select_option(index=2)
    page.wait_for_function(
        loaded.replace("document.images", "document.querySelectorAll('.left, .right')")
    )
    mask = page.locator("#viewer .stage .mask")
    assert mask.is_hidden()
    page.locator("#viewer .overlay").check()
    assert mask.is_visible()
    figures = page.locator("#viewer .figures tbody tr")
    assert figures.count() == 2
    assert "xcodec" in figures.first.inner_text()
    opened.close()


def test_a_report_that_was_published(browser: Any) -> None:
    """A report that XCODEC_REPORT names, for example one of a complete run."""
    path = os.environ.get("XCODEC_REPORT")
    if path is None:
        pytest.skip("needs a report: name one by XCODEC_REPORT")
    assert Path(path).stat().st_size < 3_000_000
    for viewport, dark in ((WIDE, False), (NARROW, True)):
        opened = Page(browser, Path(path).resolve(), viewport, dark)
        page = opened.page
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        metrics = page.locator("#plots .metric option").count()
        assert metrics >= 2
        for place in range(metrics):
            page.locator("#plots .metric").select_option(index=place)
            assert page.locator("#plots path.curve").count() >= 2
        page.locator("#plots .drawing circle").first.hover()
        assert "bpp" in page.locator("#plots .tip").inner_text()
        left = page.locator("#viewer .stage .left")
        seen = set()
        for place in range(page.locator("#viewer .picker input").count()):
            page.locator("#viewer .picker input").nth(place).check(force=True)
            for size in range(page.locator("#viewer .size option").count()):
                page.locator("#viewer .size").select_option(index=size)
                assert page.locator("#viewer .right-view option").count() >= 6
                seen.add(left.get_attribute("src"))
        assert len(seen) >= 6
        page.locator("#viewer .slider").focus()
        page.keyboard.press("Home")
        opened.close()


def test_every_control_has_a_name(made: Path, browser: Any) -> None:
    opened = Page(browser, made / "report.html", WIDE, False)
    nameless = opened.page.evaluate(
        "[...document.querySelectorAll('input, select')].filter((control) =>"
        " !control.getAttribute('aria-label') && !control.labels?.length).length"
    )
    assert nameless == 0
    without = opened.page.evaluate(
        "[...document.querySelectorAll('#viewer img')].filter((i) => !i.hasAttribute('alt')).length"
    )
    assert without == 0
    opened.close()


def test_the_page_holds_the_records_figures_and_loads_nothing(made: Path) -> None:
    text = (made / "report.html").read_text()
    assert len(text) < 3_000_000
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)
    assert "</script><b>crops" not in text
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    data = json.loads(found[1])
    record = json.loads((made / "record.json").read_text())
    curves = {curve["name"]: curve for curve in record["figures"]["curves"]}
    for curve in (c for c in data["plots"]["sets"][0]["curves"] if c["aim"] is None):
        psnrs = [point["psnr"] for point in curves[curve["name"]]["points"]]
        assert [point["psnr"] for point in curve["points"]] == psnrs[-len(curve["points"]) :]
    shown = data["viewer"]["pictures"][0]["sizes"]
    own = [size["views"][0]["bytes"] for size in shown]
    fitted = curves["xcodec, classical fill, effort 0, fitted"]["points"]
    assert own == [point["pictures"]["bytes"][0] for point in fitted]
    for size in shown:
        names = [view["name"] for view in size["views"]]
        assert {"JPEG", "WebP", "best file, scaled, best PSNR"} <= set(names)


def test_a_codec_that_was_measured_elsewhere_is_in_plots_and_tables(made: Path) -> None:
    text = (made / "report.html").read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    data = json.loads(found[1])
    every, some = data["plots"]["sets"]
    assert every["label"].endswith("(3 pictures)")
    assert some["label"].endswith("(2 pictures with points of VVC)")
    curves = [
        {c["name"]: c for c in each["curves"] if c["aim"] != "ssim"} for each in (every, some)
    ]
    assert "VVC, slices alone, scaled" not in curves[0]
    vvc = curves[1]["VVC, slices alone, scaled"]["points"]
    assert [(p["bytes"], p["psnr"]) for p in vvc] == [(120, 19.2), (230, 20.3), (330, 21.3)]
    record = json.loads((made / "record.json").read_text())
    own = next(c for c in record["figures"]["curves"] if c["name"].endswith(", fitted"))
    mine = [np.mean([point["pictures"]["psnr"][i] for i in (0, 2)]) for point in own["points"]]
    shown = [point["psnr"] for point in curves[1][own["name"]]["points"]]
    assert shown == pytest.approx(mine, rel=1e-5)
    tables = re.sub(r"<script.*", "", text, flags=re.S)
    assert "VVC, slices alone, scaled, best PSNR" in tables
    assert "measured elsewhere" in tables
    names = {v["name"] for p in data["viewer"]["pictures"] for s in p["sizes"] for v in s["views"]}
    assert not any("VVC" in name for name in names)


def test_pictures_come_from_the_kept_files_and_figures_from_the_record(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is coded again, and no metric is computed."""
    from xcodec.evaluation.measures.metrics import Meter
    from xcodec.evaluation.peers.codecs import Codec
    from xcodec.evaluation.peers.xcodecs import Variant

    monkeypatch.setattr(Variant, "write", None)
    monkeypatch.setattr(Variant, "paint", None)
    monkeypatch.setattr(Codec, "encode", None)
    monkeypatch.setattr(Meter, "measure", None)
    state = made / "cache" / "xcodec" / "bench.sqlite"
    record = records.load(made / "record.json")
    page = report.build([record], made / "pictures", [2], state)
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found
    (picture,) = json.loads(found[1])["viewer"]["pictures"]
    curves = {curve["name"]: curve for curve in record["figures"]["curves"]}
    for size in picture["sizes"]:
        for view in (v for v in size["views"] if v["name"].startswith("best file")):
            point = next(
                point["pictures"]
                for point in curves[view["name"]]["points"]
                if point["pictures"]["bytes"][1] == view["bytes"]
            )
            assert view["figures"]["psnr"] == round(point["psnr"][1], 5)


def test_files_that_are_not_records_are_refused(made: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    with pytest.raises(InputError, match="not a record"):
        records.load(wrong)
    wrong.write_text(json.dumps({"schema": 1, "benchmark": "faces"}))
    with pytest.raises(InputError, match="schema 1"):
        records.load(wrong)
    record = records.load(made / "record.json")
    with pytest.raises(InputError, match="holds the pictures of no record"):
        report.build([record], tmp_path, [], tmp_path / "state")
    for name in record["pictures"]:
        Image.new("RGB", (9, 9)).save(tmp_path / name)
    with pytest.raises(InputError, match="not the picture that was measured"):
        report.build([record], tmp_path, [], tmp_path / "state")
    with pytest.raises(InputError, match="up to 6 of 3"):
        report.build([record], made / "pictures", [9], tmp_path / "state")


def test_compare_in_a_browser(made: Path, browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from xcodec.evaluation.pages import comparison

    monkeypatch.setattr(comparison, "GENERATOR", "classical")  # The network would be slow.
    target = made / "compare.html"
    opened_by: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened_by.append)
    source = made / "pictures" / "1.png"
    invoke("compare", source, "-r", 0.2, "--bytes", 200, "-o", target, "--open")
    assert opened_by == [target.as_uri()]
    opened = Page(browser, target, NARROW, False)
    page = opened.page
    assert page.locator("#viewer .size option").count() == 2
    names = page.locator("#viewer .right-view option").all_inner_texts()
    for name in ("Original", "xcodec", "JPEG", "WebP", "AVIF", "WebP, scaled down and up"):
        assert any(text.startswith(name) for text in names), names
    assert page.locator("#viewer .picker").is_hidden()
    page.locator("#viewer .slider").focus()
    page.keyboard.press("Home")
    cut = "getComputedStyle(document.querySelector('.stage')).getPropertyValue('--cut')"
    assert page.evaluate(cut) == "0%"
    opened.close()
    done = CliRunner().invoke(cli, ["compare", str(source), "-o", str(target)])
    assert "exists already" in str(done.exception)


def test_compare_with_a_picture_that_is_scaled_down(
    photo: RGB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xcodec.evaluation.pages import comparison

    monkeypatch.setattr(comparison, "GENERATOR", "classical")  # The network would be slow.
    monkeypatch.setattr(comparison, "PEERS", ("jpeg",))
    Image.fromarray(photo[:256, :256]).save(tmp_path / "a.png")
    invoke("compare", tmp_path / "a.png", "--bytes", 90)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "256x256 pixels" in page
    # The samples are all over the picture, not in the corner that is as large as the file's.
    found = re.search(r'id="data">(.*?)</script>', page)
    assert found
    images = json.loads(found[1])["viewer"]["images"]
    (mask, *_) = {image for image in images if image.startswith("data:image/png;base64,")}
    drawn = Image.open(io.BytesIO(base64.b64decode(mask.partition(",")[2]))).convert("RGBA")
    assert drawn.width < 256
    rows, columns = np.nonzero(np.asarray(drawn)[..., 3])
    assert min(rows.max(), columns.max()) > 0.9 * drawn.width


def test_the_nearest_size_is_the_nearest(small: RGB, tmp_path: Path) -> None:
    from xcodec.evaluation.measures.metrics import Meter
    from xcodec.evaluation.pages import comparison
    from xcodec.evaluation.peers import codecs
    from xcodec.evaluation.runs.measuring import Measuring
    from xcodec.evaluation.runs.state import State

    (codec,) = codecs.codecs(["webp"])
    place = Measuring(small, "small", State(tmp_path / "state"), Meter(small))
    sizes = [len(codec.encode(small, quality)) for quality in codec.qualities]
    for wanted in (1, 700, 1500, 10**6):
        near = comparison.nearest(place, codec, wanted)
        best = min(abs(np.log(size / wanted)) for size in sizes)
        assert abs(np.log(place.size(near) / wanted)) == pytest.approx(best, abs=0.02)
