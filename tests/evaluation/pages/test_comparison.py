"""``xcodec compare`` with odd pictures and options."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from xcodec.__main__ import main
from xcodec.evaluation.pages import comparison
from xcodec.pictures.opening import Reading

QUICK = ["--model", "photo", "-r", "0.01", "-q", "-o"]


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XCODEC_WEIGHTS", raising=False)


def shown(page: Path) -> Any:
    """The data of a page's viewer."""
    (found,) = re.findall(r'id="data">(.*?)</script>', page.read_text())
    return json.loads(found)["viewer"]


def test_a_page_has_the_name_of_a_picture_and_no_path(tmp_path: Path) -> None:
    picture, page = tmp_path / "a <b> $c.png", tmp_path / "page.html"
    Image.new("RGBA", (24, 24), (200, 90, 20, 128)).save(picture)
    with pytest.warns(UserWarning, match="the page shows no transparency"):
        comparison.build(str(picture), [0.5], [], "photo", Reading())
    assert main(["compare", str(picture), *QUICK, str(page)]) == 0
    assert shown(page)["pictures"][0]["name"] == picture.name
    assert str(tmp_path) not in page.read_text()
    assert "<h1>a &lt;b&gt; $c.png</h1>" in page.read_text()


def test_standard_output_cannot_be_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A browser was sent to a file called "-"."""
    assert main(["compare", str(tmp_path / "a.png"), "--open", "-o", "-"]) == 2
    assert "--open cannot be used with standard output" in capsys.readouterr().err


def test_a_codec_that_does_not_take_a_picture_is_left_out(tmp_path: Path) -> None:
    """WebP takes up to 16,383 pixels a side: there was a traceback, of the page's pictures too."""
    picture, page = tmp_path / "wide.png", tmp_path / "wide.html"
    ramp = np.tile((np.arange(17_000) // 70).astype(np.uint8)[None, :, None], (4, 1, 3))
    Image.fromarray(ramp).save(picture)
    assert main(["compare", str(picture), *QUICK, str(page)]) == 0
    (size,) = shown(page)["pictures"][0]["sizes"]
    names = [view["name"] for view in size["views"]]
    assert "JPEG" in names
    assert "AVIF" in names
    assert "WebP" not in names
    assert "WebP, scaled down and up" in names
