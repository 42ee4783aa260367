"""Options of the commands for pictures of every kind and regions of interest."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

import xcodec
from tests.golden import pictures
from xcodec.__main__ import main

Capture = pytest.CaptureFixture[str]
SCENE = pictures.scene(60, 90)


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """A transparent picture with EXIF and a profile."""
    path = tmp_path / "in.png"
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    image = Image.fromarray(np.dstack([SCENE, pictures.disc(60, 90)]))
    image.save(path, exif=exif, icc_profile=pictures.wide_profile())
    return path


def encoded(path: Path, *options: object) -> xcodec.Info:
    assert main(["encode", str(path), "-f", "-e", "1", *map(str, options)]) == 0
    return xcodec.info(path.with_suffix(".xgc").read_bytes())


def painted(path: Path, *options: object, name: str = "out.png") -> Image.Image:
    out = path.with_name(name)
    command = ["decode", str(path.with_suffix(".xgc")), "--decoder", "classical", "-f"]
    assert main([*command, "-o", str(out), *map(str, options)]) == 0
    with Image.open(out) as image:
        image.load()
    return image


def test_all_of_it_comes_back(described: Path) -> None:
    info = encoded(described, "--alpha-quality", 100)
    assert info.mode == "RGBA"
    assert info.alpha > 20
    assert info.metadata > 200
    image = painted(described)
    assert image.mode == "RGBA"
    assert np.array_equal(np.asarray(image.getchannel("A")), pictures.disc(60, 90))
    assert image.getexif()[ExifTags.Base.Artist] == "somebody"
    assert image.info["icc_profile"] == pictures.wide_profile()
    bare = painted(described, "--strip")
    assert not bare.getexif()
    assert "icc_profile" not in bare.info


def test_formats_without_alpha_show_white(described: Path) -> None:
    encoded(described)
    image = painted(described, name="out.jpg")
    assert image.mode == "RGB"
    assert min(image.getpixel((0, 0))) > 245  # type: ignore[type-var, arg-type]


def test_strip_and_small_files(described: Path, capsys: Capture) -> None:
    assert encoded(described, "--strip").metadata == 0
    assert "left out" not in capsys.readouterr().err
    assert encoded(described, "--bytes", 400).metadata == 0
    assert "warning: left out of the file: EXIF, ICC profile" in capsys.readouterr().err
    assert encoded(described, "--bytes", 400, "-q").metadata == 0
    assert capsys.readouterr().err == ""
    assert encoded(described, "--bytes", 900, "--keep").metadata > 200


def test_sixteen_bits(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    Image.fromarray(SCENE[..., 1].astype(np.uint16) * 257).save(path)
    encoded(path)
    assert painted(path).mode == "I;16"
    assert painted(path, "--bit-depth", 8).mode == "L"
    Image.fromarray(SCENE).save(path)
    encoded(path, "-r", "0.1")
    plain = np.asarray(painted(path), float)
    for suffix in ("png", "tif"):
        import cv2

        painted(path, "--bit-depth", 8, name=f"out.{suffix}")
        command = ["decode", str(path.with_suffix(".xgc")), "--decoder", "classical", "-f"]
        out = tmp_path / f"deep.{suffix}"
        assert main([*command, "--bit-depth", "16", "-o", str(out)]) == 0
        deep = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
        assert deep.dtype == np.uint16
        assert np.abs(deep[..., ::-1] / 257 - plain).max() <= 0.51
        assert len(np.unique(deep)) > 1000


def test_sixteen_bits_are_a_promise(tmp_path: Path, capsys: Capture) -> None:
    deep = SCENE[..., 1].astype(np.uint16) * 257
    for levels, refused in (
        (SCENE, ("jpg", "webp", "jp2")),
        (deep, ("jpg", "webp", "avif", "gif")),
    ):
        path = tmp_path / "in.png"
        Image.fromarray(levels).save(path)
        encoded(path)
        for suffix in refused:
            out = tmp_path / f"deep.{suffix}"
            line = ["decode", str(path.with_suffix(".xgc")), "--bit-depth", "16", "-o", str(out)]
            assert main(line) == 1
            assert "files have no 16 bits per channel: use PNG or TIFF" in capsys.readouterr().err
            assert not out.exists()
    for suffix in ("png", "tif", "jp2"):
        assert painted(path, "--bit-depth", 16, name=f"deep.{suffix}").mode == "I;16"


def test_regions(tmp_path: Path, photo: NDArray[np.uint8], capsys: Capture) -> None:
    path, mask = tmp_path / "in.png", tmp_path / "mask.png"
    photo = photo[:150, :200]
    Image.fromarray(photo).save(path)
    bright = np.zeros(photo.shape[:2], np.uint8)
    bright[40:100, 60:120] = 255
    Image.fromarray(bright).save(mask)
    where = slice(40, 100), slice(60, 120)

    def error() -> float:
        return float(np.square(np.asarray(painted(path), float) - photo)[where].mean())

    encoded(path, "--bytes", 500)
    plain = error()
    for options in (
        ("--roi", "60,40,60,60"),
        ("--roi", "60,40,60,60,8", "--roi", "0,0,200,20,0.5"),
        ("--roi-mask", mask),
    ):
        assert encoded(path, "--bytes", 500, *options).bytes <= 500
        assert error() < 0.9 * plain
    encoded(path, "--bytes", 500, "--saliency")
    capsys.readouterr()
    for wrong in ("1,2,3", "a,b,c,d", "1,2,3,4,5,6"):
        assert main(["encode", str(path), "-f", "--roi", wrong]) == 2
    assert main(["encode", str(path), "-f", "--roi", "500,0,5,5"]) == 1
    assert "has no pixel of the picture" in capsys.readouterr().err


def test_info_names_the_mode(described: Path, capsys: Capture) -> None:
    encoded(described)
    capsys.readouterr()
    assert main(["info", str(described.with_suffix(".xgc")), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["mode"] == "RGBA"
    parts = ("container", "density", "luma", "chroma", "alpha", "metadata")
    assert sum(facts[part] for part in parts) == pytest.approx(facts["bytes"], abs=3)
