"""``xcodec compare`` with odd pictures and options."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from xcodec.__main__ import main

QUICK = ["--model", "photo", "-r", "0.01", "-q", "-o"]


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XCODEC_WEIGHTS", raising=False)


def shown(page: Path) -> Any:
    """The data of a page's viewer."""
    (found,) = re.findall(r'id="data">(.*?)</script>', page.read_text())
    return json.loads(found)["viewer"]


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
