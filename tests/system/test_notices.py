"""Which warnings users see (xcodec/system/notices.py)."""

from pathlib import Path

import pytest
from PIL import Image

from xcodec.__main__ import main
from xcodec.system import notices


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


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (
            FileNotFoundError(2, "No such file or directory", "/dev/none"),
            "No such file or directory",
        ),
        (ValueError("first\nsecond"), "first"),
        (RuntimeError(25, "Inappropriate ioctl for device"), "Inappropriate ioctl for device"),
        (KeyError(5), "5"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_reasons_are_one_line_without_a_number(error: Exception, what: str) -> None:
    assert notices.reason(error) == what
