"""The Pillow plugin (xcodec/pillow.py), after the conventions of Pillow's own plugin tests."""

import io
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, ImageSequence

import xcodec
import xcodec.pillow
from tests.golden import pictures
from xcodec import codec
from xcodec.decoder import reading
from xcodec.system import files

SCENE = pictures.scene(96, 128)


@pytest.fixture(autouse=True)
def classical() -> Any:
    xcodec.pillow.register(decoder="classical")
    yield
    xcodec.pillow.register()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of the scene."""
    path = tmp_path / "scene.xgc"
    path.write_bytes(xcodec.encode(SCENE, 0.05))
    return path


def painted(path: Path) -> NDArray[np.uint8]:
    return np.asarray(xcodec.decode(path.read_bytes(), decoder="classical"))


# Opening


def test_sanity(path: Path) -> None:
    with Image.open(path) as image:
        assert image.format == "XGC"
        assert image.get_format_mimetype() == "image/x-xgc"
        assert image.mode == "RGB"
        assert image.size == (128, 96)
        assert np.array_equal(np.asarray(image), painted(path))


def test_opening_reads_no_sample(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("the samples were read")

    monkeypatch.setattr(reading, "parsed", forbidden)
    with Image.open(path) as image:
        assert image.size == (128, 96)
        with pytest.raises(AssertionError):
            image.load()


def test_from_a_stream_and_from_a_path_alike(path: Path) -> None:
    stream = io.BytesIO(path.read_bytes())
    assert np.array_equal(np.asarray(Image.open(stream)), painted(path))
    with open(path, "rb") as file, Image.open(file) as image:
        image.load()


def test_no_resource_warning_on_open(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = Image.open(path)
        image.load()
        del image
        with Image.open(path):
            pass


@pytest.mark.parametrize("prefix", [b"", b"XG", b"XGC format", b"\x89PNG\r\n\x1a\n"])
def test_invalid_files(prefix: bytes) -> None:
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(prefix + bytes(20)))
    with pytest.raises(SyntaxError):
        xcodec.pillow.XgcImageFile(io.BytesIO(prefix + bytes(20)))


def test_damaged_files(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    for wrong in (bytes(data), bytes(data[:-9])):
        with Image.open(io.BytesIO(wrong)) as image, pytest.raises(OSError, match="damaged"):
            image.load()
        with Image.open(io.BytesIO(wrong)) as image, pytest.raises(SyntaxError):
            image.verify()


def test_verify(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xcodec.decoder.drawing.draw", None)
    with Image.open(path) as image:
        image.verify()


def test_decompression_bombs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 96 * 128 - 1)
    stream = io.BytesIO(path.read_bytes())
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(stream)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 96 * 64 - 1)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(stream)


def test_one_frame(path: Path) -> None:
    with Image.open(path) as image:
        assert len(list(ImageSequence.Iterator(image))) == 1
        with pytest.raises(EOFError):
            image.seek(1)


def test_operations_load(path: Path) -> None:
    expected = Image.fromarray(painted(path))
    for name, arguments in {
        "copy": (),
        "convert": ("L",),
        "crop": ((3, 4, 50, 60),),
        "resize": ((20, 30),),
        "rotate": (90,),
        "getpixel": ((5, 5),),
        "tobytes": (),
        "getextrema": (),
    }.items():
        with Image.open(path) as image:
            found = getattr(image, name)(*arguments)
        right = getattr(expected, name)(*arguments)
        if isinstance(right, Image.Image):
            found, right = found.tobytes(), right.tobytes()
        assert found == right, name


def test_parser(path: Path) -> None:
    parser = ImageFile.Parser()
    parser.feed(path.read_bytes())
    with parser.close() as image:
        assert np.array_equal(np.asarray(image), painted(path))


# Smaller


def test_thumbnail(path: Path) -> None:
    with Image.open(path) as image:
        image.thumbnail((40, 40))
        assert image.size == (40, 30)
        expected = Image.fromarray(painted(path))
        expected.thumbnail((40, 40))
        difference = np.asarray(image, float) - np.asarray(expected, float)
        assert np.abs(difference).mean() < 6


def test_draft_takes_the_faster_decoder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = codec.decode

    def spy(*arguments: Any, **options: Any) -> Image.Image:
        asked.append(options["decoder"])
        return real(*arguments, **(options | {"decoder": "classical"}))

    monkeypatch.setattr(codec, "decode", spy)
    xcodec.pillow.register(decoder="generator")
    for size, decoder, found in (
        ((64, 48), "classical", (64, 48)),
        ((20, 20), "classical", (32, 24)),
        ((100, 80), "generator", (128, 96)),
        (None, "generator", (128, 96)),
    ):
        with Image.open(path) as image:
            if size:
                image.draft(None, size)
            assert image.size == found
            image.load()
            assert image.size == found
            assert image.draft("L", (1, 1)) is None
        assert asked.pop() == decoder


# Saving


def test_save_and_open(tmp_path: Path) -> None:
    target = tmp_path / "a.xgc"
    image = Image.fromarray(SCENE)
    image.save(target, rate=0.1, effort=2, comment="made by Pillow")
    assert target.read_bytes() == xcodec.encode(SCENE, rate=0.1, effort=2, comment="made by Pillow")
    image.save(target, max_bytes=200, effort=0)
    assert target.stat().st_size <= 200
    stream = io.BytesIO()
    image.save(stream, "XGC")
    assert stream.getvalue() == xcodec.encode(SCENE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "P", "PA", "RGB", "RGBA", "CMYK", "F"])
def test_modes(mode: str) -> None:
    grey = Image.fromarray(SCENE[..., 1])
    image = {
        "I;16": lambda: Image.fromarray(SCENE[..., 1].astype(np.uint16) * 257),
        "F": lambda: Image.fromarray(SCENE[..., 1].astype(np.float32)),
        "LA": lambda: Image.merge("LA", (grey, Image.fromarray(pictures.disc(96, 128)))),
        "RGBA": lambda: Image.fromarray(np.dstack([SCENE, pictures.fade(96, 128)])),
        "PA": lambda: Image.fromarray(np.dstack([SCENE, pictures.disc(96, 128)])).convert("PA"),
    }.get(mode, lambda: Image.fromarray(SCENE).convert(mode))()
    stream = io.BytesIO()
    image.save(stream, "XGC", rate=0.1)
    with Image.open(stream) as found:
        expected = {"P": "RGB", "PA": "RGBA", "CMYK": "RGB", "F": "L"}.get(mode, mode)
        assert found.mode == expected
        found.load()
        assert found.mode == expected
        assert found.size == image.size


def test_wrong_options(tmp_path: Path) -> None:
    image = Image.fromarray(SCENE)
    for error, options in ((TypeError, {"quality": 5}), (ValueError, {"rate": 9.0})):
        with pytest.raises(error):
            image.save(tmp_path / "a.xgc", **options)
    assert not (tmp_path / "a.xgc").exists()
    with pytest.raises(ValueError, match="no pixels"):
        Image.new("RGB", (0, 3)).save(io.BytesIO(), "XGC")


def test_metadata(tmp_path: Path) -> None:
    target = tmp_path / "a.xgc"
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    exif[ExifTags.Base.Orientation] = 6
    image = Image.fromarray(SCENE)
    profile = pictures.wide_profile()
    image.save(target, exif=exif, icc_profile=profile, xmp=b"<x/>")
    assert "exif" not in image.info
    with Image.open(target) as found:
        assert found.size == (96, 128)
        assert found.getexif()[ExifTags.Base.Artist] == "somebody"
        assert ExifTags.Base.Orientation not in found.getexif()
        assert found.info["icc_profile"] == profile
        assert found.info["xmp"] == b"<x/>"
        again = tmp_path / "again.png"
        found.save(again, exif=found.getexif())
    with Image.open(again) as found:
        assert found.info["icc_profile"] == profile
        assert found.getexif()[ExifTags.Base.Artist] == "somebody"


# Registration


def test_registration() -> None:
    Image.init()
    assert Image.registered_extensions()[".xgc"] == "XGC"
    assert Image.MIME["XGC"] == "image/x-xgc"
    with pytest.raises(xcodec.InputError):
        xcodec.pillow.register(decoder="x")
    code = (
        "from PIL import Image; import sys, xcodec.pillow;"
        "print(Image.open(sys.argv[1]).size, 'torch' in sys.modules)"
    )
    golden = Path(__file__).parent / "golden" / "plain.xgc"
    done = subprocess.run(
        [sys.executable, "-c", code, str(golden)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[0] == "(96, 72) False"


def test_without_weights_pixels_are_painted_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xcodec.reconstruction import model_files

    def missing(*_: Any) -> Any:
        raise xcodec.ModelError("no weights")

    monkeypatch.setattr(model_files, "find", missing)
    xcodec.pillow.register()
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), painted(path))
    xcodec.pillow.register(decoder="generator")
    with Image.open(path) as image, pytest.raises(OSError, match="no weights"):
        image.load()


# What reads through Pillow


def test_imageio(path: Path, tmp_path: Path) -> None:
    assert np.array_equal(imageio.imread(path, plugin="pillow"), painted(path))
    assert np.array_equal(imageio.imread(path), painted(path))
    target = tmp_path / "written.xgc"
    imageio.imwrite(target, SCENE, plugin="pillow", rate=0.1)
    assert target.read_bytes() == xcodec.encode(SCENE, 0.1)


def test_matplotlib(path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = pyplot.imread(path)
    assert np.array_equal(shown, painted(path))
    figure, axes = pyplot.subplots()
    axes.imshow(shown)
    figure.savefig(io.BytesIO(), format="png")
    pyplot.close(figure)


def test_encoding_a_file_of_ours_is_possible(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.xgc"
    shutil.copy(path, copy)
    with Image.open(copy) as image:
        image.save(tmp_path / "again.xgc", rate=0.1)
    assert files.read(tmp_path / "again.xgc")[:2] == b"XG"
