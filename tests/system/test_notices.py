"""Which warnings users see (xcodec/system/notices.py)."""

from pathlib import Path

import pytest
from PIL import Image

from xcodec.__main__ import main


def test_warnings_of_pillow_are_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exif = Image.Exif()
    exif[282] = 72.0
    source = tmp_path / "tree" / "a.jpg"
    source.parent.mkdir()
    Image.new("RGB", (32, 24), "red").save(source, exif=exif.tobytes()[:-4])
    with pytest.warns(UserWarning, match="Truncated File Read"), Image.open(source) as image:
        dict(image.getexif())
    line = ["encode", "-e", "0", "-f", "-j", "1"]
    assert main([*line, str(source)]) == 0
    assert capsys.readouterr().err == ""
    assert main([*line, str(source.parent), "-o", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().err == ""
