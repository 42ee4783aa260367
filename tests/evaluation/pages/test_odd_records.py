"""Reports of records that lack something, or that look alike."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from xcodec.__main__ import main
from xcodec.errors import InputError
from xcodec.evaluation.pages import html, report, shots
from xcodec.evaluation.runs.records import digest
from xcodec.evaluation.runs.schema import RdRecord, Record

NOWHERE = Path("nowhere")


def record(benchmark: str, **figures: Any) -> Record:
    made = {
        "benchmark": benchmark,
        "label": "<!--<script>",
        "command": "xcodec bench",
        "versions": {"xcodec": "0.2.0"},
        "machine": {"processor": "one", "cores": 1, "system": "any"},
        "pictures": {"1.png": "0123456789abcdef"},
        "weights": {},
        "figures": figures,
    }
    return cast(Record, made)


def test_a_record_without_curves_has_no_plots() -> None:
    """The script of the plots failed, and with it that of the viewer."""
    empty = record("rd", metrics=["psnr"], curves=[], beside=[], takeovers=[], deltas=[])
    page = report.build([empty], None, [], NOWHERE)
    assert 'id="plots"' not in page
    assert "plots" not in json.loads(data(page))


def test_tables_have_the_columns_of_all_rows() -> None:
    """That of noise was missing: which rows were of which noise could not be told."""
    row = {"channel": "random", "loss": 0.1, "psnr": 20.0, "pictures": {}}
    of_sound = row | {"channel": "audio", "noise": 0.56}
    page = report.build([record("links", rows=[row, of_sound])], None, [], NOWHERE)
    assert '<th class="text">channel</th><th>loss</th><th>psnr</th><th>noise</th>' in page
    assert "<td>–</td></tr>" in page
    assert "<td>0.56</td></tr>" in page
    assert "<th>pictures</th>" not in page


def test_of_records_of_pictures_of_the_same_names_that_of_the_folder_is_shown(
    tmp_path: Path,
) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "1.png")
    first, second = record("rd"), record("rd")
    second["pictures"] = {"1.png": digest(tmp_path / "1.png")}
    both = [cast(RdRecord, each) for each in (first, second)]
    for order in (both, both[::-1]):
        assert shots.pictured(order, tmp_path, [])[0] is second
    with pytest.raises(InputError, match=r"1\.png: not the picture that was measured"):
        shots.pictured(both[:1], tmp_path, [])


def test_a_picture_without_files_is_shown_alone(browser: Any, tmp_path: Path) -> None:
    """The script of the viewer stopped at it."""
    place = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAAC"
    original = {"name": "Original", "note": "", "bytes": None, "image": 0, "figures": {}}
    picture = {"name": "1.png", "width": 1, "height": 1, "original": original | {"mask": None}}
    shown = {"pictures": [picture | {"sizes": []}], "images": [place], "metrics": []}
    page = tmp_path / "page.html"
    body = html.viewer("A hint.", [])
    page.write_text(html.page("A page", "", body, {"viewer": shown}, "", {}), encoding="utf-8")
    wrong: list[str] = []
    with browser.new_page() as opened:
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.goto(page.as_uri())
        assert opened.locator(".left-view option").all_inner_texts() == ["Original"]
    assert wrong == []


def test_pictures_to_show_need_their_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "report", str(tmp_path / "a.json"), "--show", "1"]) == 2
    assert "--show needs --pictures" in capsys.readouterr().err


def data(page: str) -> str:
    found = re.search(r'id="data">(.*?)</script>', page)
    assert found
    return found[1]
