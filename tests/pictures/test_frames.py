"""Files of several frames, thumbnails that stand for pictures, and files that were cut short."""

import io
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin

from tests.conftest import Run
from xcodec.__main__ import main
from xcodec.errors import InputError, LimitError
from xcodec.pictures import loading

RGB = NDArray[np.uint8]
LEVELS = (255, 170, 90, 10)
"""Grey levels of the frames of an animation that fades in from white."""


def frames(*levels: int) -> list[Image.Image]:
    return [Image.new("RGB", (24, 16), (level, level, level)) for level in levels]


def animated(kind: str, *levels: int, **options: Any) -> bytes:
    data = io.BytesIO()
    first, *rest = frames(*levels)
    first.save(data, kind, save_all=True, append_images=rest, **options)
    return data.getvalue()


ANIMATIONS = {
    "GIF": {"duration": 100},
    "PNG": {"duration": 100},
    "TIFF": {},
    "MPO": {"quality": 95},
    "WEBP": {"lossless": True, "duration": 100},
    "AVIF": {"quality": 95, "duration": 100},
}


@pytest.mark.parametrize("kind", ANIMATIONS)
def test_one_hears_of_other_frames_and_may_choose(kind: str) -> None:
    levels = LEVELS[:3] if kind == "MPO" else LEVELS  # Pillow misplaces the fourth of an MPO file.
    data = animated(kind, *levels, **ANIMATIONS[kind])
    count = len(levels)
    text = rf"has {count} frames, of which only number 0 .*--frame N \(0 to {count - 1}\)"
    with pytest.warns(UserWarning, match=text):
        first = loading.load(data)
    assert abs(int(first.rgb[8, 8, 0]) - LEVELS[0]) < 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number, level in enumerate(levels):
            assert abs(int(loading.load(data, frame=number).rgb[8, 8, 0]) - level) < 4
    with pytest.raises(InputError, match=f"frame is {count}; the picture has {count} frames, 0 to"):
        loading.load(data, frame=count)
    with pytest.raises(InputError, match="frame is -1"):
        loading.load(data, frame=-1)


def test_a_hidden_default_image() -> None:
    data = animated("PNG", *LEVELS, default_image=True, duration=100)
    with pytest.warns(UserWarning, match="4 frames, of which only number 0 is read, a still for"):
        assert loading.load(data).rgb[0, 0, 0] == 255
    assert loading.load(data, frame=1).rgb[0, 0, 0] == 170


def test_one_frame_is_nothing_to_speak_of(small: RGB) -> None:
    for kind in ("PNG", "GIF", "TIFF", "JPEG", "WEBP", "BMP"):
        data = io.BytesIO()
        Image.fromarray(small).save(data, kind)
        plain = loading.load(data.getvalue())
        assert np.array_equal(loading.load(data.getvalue(), frame=0).rgb, plain.rgb)
        with pytest.raises(InputError, match="frame is 1; the picture has 1 frame, number 0"):
            loading.load(data.getvalue(), frame=1)


def test_pages_of_other_sizes_and_modes(small: RGB) -> None:
    data = io.BytesIO()
    pages = [Image.new("1", (5, 7), 1), Image.fromarray(small), Image.new("L", (30, 2), 9)]
    pages[0].save(data, "TIFF", save_all=True, append_images=pages[1:])
    assert np.array_equal(loading.load(data.getvalue(), frame=1).rgb, small)
    assert loading.load(data.getvalue(), frame=2).rgb.shape == (2, 30, 3)
    with pytest.raises(LimitError):
        loading.load(data.getvalue(), 100, frame=1)


def test_damaged_later_frames_leave_the_first() -> None:
    data = animated("TIFF", *LEVELS)
    second = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, second)[0]
    link = second + 2 + 12 * count
    for target in (len(data) - 3, 1 << 31, second):
        broken = data[:link] + struct.pack("<I", target) + data[link + 4 :]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert loading.load(broken).rgb[0, 0, 0] == 255
    gif = animated("GIF", *LEVELS, duration=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert loading.load(gif[: -len(gif) // 3]).rgb[0, 0, 0] == 255
        with pytest.raises(InputError):
            loading.load(gif[: len(gif) // 2], frame=3)


def test_the_command_line_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "fade.gif"
    path.write_bytes(animated("GIF", *LEVELS, duration=100))
    assert main(["encode", str(path), "-e", "0"]) == 0
    assert "xcodec: warning: the picture has 4 frames" in capsys.readouterr().err
    assert main(["encode", str(path), "-e", "0", "-f", "-q"]) == 0
    assert main(["encode", str(path), "-e", "0", "-f", "--frame", "3"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["encode", str(path), "-e", "0", "-f", "--frame", "9"]) == 1
    assert "frame is 9; the picture has 4 frames" in capsys.readouterr().err
    tree = tmp_path / "tree"
    tree.mkdir()
    path.rename(tree / "fade.gif")
    assert main(["encode", str(tree), "-o", str(tmp_path / "out"), "-e", "0", "-j", "1"]) == 0
    assert "fade.gif: the picture has 4 frames" in capsys.readouterr().err


# Raw files


def directory(at: int, values: dict[int, int], following: int = 0) -> bytes:
    """A TIFF directory of longs, at an offset."""
    body = struct.pack("<H", len(values))
    for tag, value in sorted(values.items()):
        body += struct.pack("<HHII", tag, 4, 1, value)
    return body + struct.pack("<I", following)


def raw(main_size: tuple[int, int], more: dict[int, int], sub: dict[int, int]) -> bytes:
    """A TIFF file whose first page is a thumbnail of 64x48, with a picture in a sub-directory."""
    pixels = bytes(64 * 48)
    first = {254: 1, 256: 64, 257: 48, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 48, 279: 3072}
    first |= more
    start = 8 + len(pixels)
    second = start + 2 + 12 * (len(first) + 1) + 4
    first[330] = second
    main_part = {254: 0, 256: main_size[0], 257: main_size[1], 258: 16, 259: 1, 277: 1} | sub
    head = b"II*\0" + struct.pack("<I", start)
    return head + pixels + directory(start, first) + directory(second, main_part)


@pytest.mark.parametrize(
    ("more", "sub", "text"),
    [
        ({50706: 0x0104}, {262: 32803}, "raw file"),
        ({}, {262: 32803}, "raw file"),
        ({}, {262: 34892}, "raw file"),
        ({}, {262: 2}, "the first page is a thumbnail of a picture of 4000x3000"),
        ({50706: 0x0104, 262: 34892}, {}, "raw file"),
        ({50706: 0x0104}, {262: 2}, "raw file"),
    ],
)
def test_thumbnails_do_not_stand_for_pictures(
    more: dict[int, int], sub: dict[int, int], text: str
) -> None:
    data = raw((4000, 3000), more, sub)
    with pytest.raises(InputError, match=text) as error:
        loading.load(data)
    assert "develop it first" in str(error.value)
    assert "--frame 0 reads its preview of 64x48" in str(error.value)
    if 262 not in more:
        assert loading.load(data, frame=0).rgb.shape == (48, 64, 3)


def test_thumbnails_before_larger_pages(small: RGB) -> None:
    data = io.BytesIO()
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254] = 1
    first, second = Image.new("L", (16, 12), 9), Image.fromarray(small)
    first.save(data, "TIFF", save_all=True, append_images=[second], tiffinfo=tags)
    text = "a thumbnail of a picture of 120x96 pixels .*: --frame 1 reads it; --frame 0 reads its"
    with pytest.raises(InputError, match=text):
        loading.load(data.getvalue())
    assert np.array_equal(loading.load(data.getvalue(), frame=1).rgb, small)
    assert loading.load(data.getvalue(), frame=0).rgb.shape == (12, 16, 3)


def test_pyramids_of_smaller_versions_are_pictures() -> None:
    for first in (0, 1):  # Some programs call every page a smaller version.
        assert loading.load(raw((32, 24), {254: first}, {254: 1, 262: 1})).rgb.shape == (48, 64, 3)


# Files that were cut short


@pytest.mark.parametrize("progressive", [False, True])
def test_cut_jpeg_files_can_be_salvaged(photo: RGB, progressive: bool, tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(photo).save(data, "JPEG", quality=90, progressive=progressive)
    whole = loading.load(data.getvalue()).rgb.astype(int)
    for share in (0.3, 0.6, 0.9):
        cut = data.getvalue()[: int(share * len(data.getvalue()))]
        with pytest.raises(InputError, match=r"truncated .*; --salvage reads what is"):
            loading.load(cut)
        with pytest.warns(UserWarning, match="the file was cut short: ") as caught:
            found = loading.load(cut, salvage=True).rgb.astype(int)
        assert not ImageFile.LOAD_TRUNCATED_IMAGES
        text = str(caught[0].message)
        if progressive:
            assert "all rows" in text or "% of the rows" in text
        else:
            said = int(text.split("about ")[1].split(" %")[0])
            rows = len(whole) * said // 100
            assert np.abs(found[: rows - 32] - whole[: rows - 32]).max() < 3
            assert not np.array_equal(found[rows + 16 :], whole[rows + 16 :])
            assert 100 * share - 25 < said < 100 * share + 25
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(loading.load(data.getvalue(), salvage=True).rgb, whole)


def test_nothing_is_salvaged_from_nothing(photo: RGB) -> None:
    data = io.BytesIO()
    Image.fromarray(photo).save(data, "JPEG", quality=90)
    start = data.getvalue().index(b"\xff\xda")
    for length in (2, 40, start, start + 4, start + 13):
        with pytest.raises(InputError):
            loading.load(data.getvalue()[:length], salvage=True)
    png = io.BytesIO()
    Image.fromarray(photo).save(png, "PNG")
    with pytest.raises(InputError, match="damaged"):
        loading.load(png.getvalue()[:-900], salvage=True)


def test_pillow_may_be_told_to_accept_cut_files(
    photo: RGB, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = io.BytesIO()
    Image.fromarray(photo).save(data, "PNG")
    cut = data.getvalue()[: len(data.getvalue()) // 2]
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert loading.load(cut).rgb.shape == photo.shape


def test_salvage_on_the_command_line(
    photo: RGB, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trap.jpg"
    Image.fromarray(photo).save(path, quality=90)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert main(["encode", str(path), "-e", "0"]) == 1
    assert "--salvage reads what is there" in capsys.readouterr().err
    assert main(["encode", str(path), "-e", "0", "--salvage"]) == 0
    assert "xcodec: warning: the file was cut short: about " in capsys.readouterr().err


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg", "tiff_adobe_deflate"])
def test_libtiff_keeps_silent(
    photo: RGB, compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data = io.BytesIO()
    Image.fromarray(photo).save(data, "TIFF", compression=compression)
    with Image.open(data) as image:
        start = image.tag_v2[273][0]  # type: ignore[attr-defined]
    broken = bytearray(data.getvalue())
    broken[start : start + 20] = bytes(20)
    data = io.BytesIO(broken)
    with Image.open(data) as image, pytest.raises(OSError, match="decoder error"):
        image.load()
    assert capfd.readouterr().err  # Or there is nothing to keep silent.
    with pytest.raises(InputError, match="damaged"):
        loading.load(bytes(broken))
    assert capfd.readouterr().err == ""


def test_what_pillow_logs_stays_in_logs(photo: RGB, xcodec_process: Run, tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(photo).save(data, "TIFF")
    at = data.getvalue().index(struct.pack("<HHIHH", 277, 3, 1, 3, 0)) + 8  # Samples per pixel.
    broken = data.getvalue()[:at] + b"\0\x08" + data.getvalue()[at + 2 :]
    (tmp_path / "a.tif").write_bytes(broken)
    done = xcodec_process("encode", "a.tif")
    assert done.returncode == 1
    assert done.stderr == b"xcodec: a.tif: not a picture of a known format\n"
