"""The Pillow plugin (xcodec/pillow.py), after the conventions of Pillow's own plugin tests."""

import copy
import dataclasses
import functools
import io
import pickle
import shutil
import subprocess
import sys
import threading
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
from xcodec.coding.header import START
from xcodec.decoder import reading
from xcodec.options import DecodeOptions
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
    path.write_bytes(encoded())
    return path


@functools.cache
def encoded() -> bytes:
    return xcodec.encode(SCENE, 0.05)


def painted(path: Path) -> NDArray[np.uint8]:
    return _painted(path.read_bytes())


@functools.cache
def _painted(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(xcodec.decode(data, decoder="classical"))


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


@pytest.mark.parametrize("prefix", [b"", b"XG", b"XG\xc3", b"XGC format", b"\x89PNG\r\n\x1a\n"])
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


def test_files_beyond_a_limit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise xcodec.LimitError("too much metadata")

    monkeypatch.setattr("xcodec.decoder.inspection.peek", refuse)
    with pytest.raises(OSError, match="too much metadata"):
        Image.open(path)


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
        assert image.n_frames == 1
        assert not image.is_animated
        assert image.tell() == 0
        image.seek(0)
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


# Copies, and files that are closed


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
def test_pickle(path: Path, protocol: int, loaded: bool) -> None:
    image = Image.open(path)
    if loaded:
        image.load()
    check_copy(pickle.loads(pickle.dumps(image, protocol)), path)
    check_copy(image, path)


def check_copy(image: Image.Image, path: Path) -> None:
    """Whether an image is as good as the one that was opened."""
    assert isinstance(image, ImageFile.ImageFile)
    with Image.open(path) as expected:
        assert image == expected
    assert image.format == "XGC"
    assert image.get_format_mimetype() == "image/x-xgc"
    assert image.filename == str(path)
    assert (image.n_frames, image.tell()) == (1, 0)
    assert image.load()[3, 4] == tuple(painted(path)[4, 3])
    assert image.copy() == pickle.loads(pickle.dumps(image)).copy()
    assert xcodec.encode(image, effort=0) == xcodec.encode(painted(path), effort=0)
    image.verify()
    image.thumbnail((20, 20))
    assert image.size == (20, 15)
    with image:
        pass
    image.close()


@pytest.mark.parametrize("loaded", [False, True])
def test_copies(path: Path, loaded: bool) -> None:
    image = Image.open(path)
    if loaded:
        image.load()
    check_copy(copy.deepcopy(image), path)
    assert np.array_equal(np.asarray(copy.deepcopy({"picture": image})["picture"]), painted(path))
    for other in (copy.copy(image), image.copy()):
        assert np.array_equal(np.asarray(other), painted(path))
        other.putpixel((0, 0), (1, 2, 3))
    assert np.array_equal(np.asarray(image), painted(path))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "RGB", "RGBA"])
def test_copies_of_every_mode(mode: str) -> None:
    alpha = Image.fromarray(pictures.disc(96, 128))
    image = Image.fromarray(SCENE)
    if mode.endswith("A"):
        image.putalpha(alpha)
    source = image.convert("L").convert("I;16") if mode == "I;16" else image.convert(mode)
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    stream = io.BytesIO()
    source.save(stream, "XGC", exif=exif, xmp=b"<x/>", effort=0)
    opened = Image.open(stream)
    for found in (pickle.loads(pickle.dumps(opened)), copy.deepcopy(opened)):
        assert found == opened
        assert found.mode == mode
        assert found.info == opened.info
        assert found.getexif()[ExifTags.Base.Artist] == "somebody"


def test_a_draft_is_copied_as_it_is(path: Path) -> None:
    with Image.open(path) as image:
        image.draft(None, (64, 48))
        assert pickle.loads(pickle.dumps(image)).size == (64, 48)


def test_a_file_that_pillow_opened_is_closed(path: Path) -> None:
    for end in ("load", "verify", "close", "__exit__"):
        image = Image.open(path)
        file = image.fp
        assert file is not None
        getattr(image, end)()
        assert file.closed, end
        assert image.fp is None
    with open(path, "rb") as file:
        for end in ("load", "verify"):
            image = Image.open(file)
            getattr(image, end)()
            assert not file.closed


def test_pixels_outlive_the_file(path: Path) -> None:
    expected, data = painted(path), path.read_bytes()
    with Image.open(path) as left:
        pass
    verified = Image.open(path)
    verified.verify()
    stream = io.BytesIO(data)
    closed = Image.open(stream)
    stream.close()
    deleted = Image.open(path)
    path.unlink()
    for image in (left, verified, closed, deleted):
        for _ in range(2):
            assert image.load() is not None
            assert np.array_equal(np.asarray(image), expected)


def test_closed_images(path: Path) -> None:
    image = Image.open(path)
    image.close()
    for use in (image.load, image.tobytes, image.copy):
        with pytest.raises(ValueError, match="closed image"):
            use()
    with pytest.raises(xcodec.InputError, match="the picture was closed"):
        xcodec.encode(image)


def test_an_image_that_threads_share(path: Path) -> None:
    image, found = Image.open(path), []
    start = threading.Barrier(8)

    def load() -> None:
        start.wait()
        found.append(np.asarray(image.convert("RGB")))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(np.array_equal(each, painted(path)) for each in found)


def test_cut_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = path.read_bytes()
    cut = data[: len(data) * 3 // 4]
    image = Image.open(io.BytesIO(cut))
    for _ in range(2):
        with pytest.raises(OSError, match="cut short"):
            image.load()
    with pytest.raises(xcodec.InputError, match=r"cannot be read \("):
        xcodec.encode(image)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.warns(UserWarning, match="cut short|damaged|partial"):
        image.load()
    with pytest.warns(UserWarning, match="cut short|damaged|partial"):
        expected = xcodec.decode(cut, decoder="classical", partial=True)
    assert np.array_equal(np.asarray(image), np.asarray(expected))


def test_parser_in_pieces(path: Path) -> None:
    data = path.read_bytes()
    parser = ImageFile.Parser()
    for start in range(0, len(data), 50):
        parser.feed(data[start : start + 50])
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
    real = codec.decode_picture

    def spy(data: bytes, options: DecodeOptions) -> Image.Image:
        asked.append(options.decoder)
        return real(data, dataclasses.replace(options, decoder="classical"))

    monkeypatch.setattr(codec, "decode_picture", spy)
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


def test_options_of_other_formats_are_ignored() -> None:
    """As Pillow's manual has it, for the options in its manual of JPEG, PNG, WebP, AVIF, TIFF."""
    others: dict[str, Any] = {
        "quality": "keep",
        "optimize": True,
        "progressive": True,
        "subsampling": "4:2:0",
        "dpi": (72, 72),
        "compress_level": 9,
        "pnginfo": None,
        "bits": 4,
        "lossless": True,
        "exact": True,
        "method": 6,
        "speed": 1,
        "advanced": [("tune", "ssim")],
        "compression": "jpeg",
        "tiffinfo": {},
        "append_images": [],
        "duration": 40,
        "loop": 0,
        "no_such_option": object(),
    }
    image, stream = Image.fromarray(SCENE), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image.save(stream, "XGC", rate=0.1, effort=0, comment=b"GIF's are bytes", **others)
    expected = xcodec.encode(SCENE, rate=0.1, effort=0, comment="GIF's are bytes")
    assert stream.getvalue() == expected
    with pytest.warns(DeprecationWarning, match="lossless_samples"):
        image.save(stream := io.BytesIO(), "XGC", tone="point", lossless=True)
    assert xcodec.info(stream.getvalue()).lossless


def test_several_frames_become_one() -> None:
    image, expected = Image.fromarray(SCENE), xcodec.encode(SCENE, effort=0)
    for options in ({"append_images": [image]}, {"append_images": [image], "save_all": True}):
        stream = io.BytesIO()
        with pytest.warns(UserWarning, match="holds one picture: the other frames are left out"):
            image.save(stream, "XGC", effort=0, **options)
        assert stream.getvalue() == expected
    image.save(stream := io.BytesIO(), "XGC", effort=0, save_all=True)
    assert stream.getvalue() == expected


@pytest.mark.parametrize("name", ["exif", "xmp", "icc_profile"])
def test_metadata_of_a_wrong_type(name: str) -> None:
    image, expected = Image.fromarray(SCENE), xcodec.encode(SCENE, effort=0)
    for value in (5, 2.5, [1], object()):
        with pytest.raises(xcodec.InputError, match=f"{name} cannot be written .* bytes"):
            image.save(io.BytesIO(), "XGC", **{name: value})
    for value in (None, b"", "", bytearray(), memoryview(b"")):
        image.save(stream := io.BytesIO(), "XGC", effort=0, **{name: value})
        assert stream.getvalue() == expected


def test_wrong_options(tmp_path: Path) -> None:
    image = Image.fromarray(SCENE)
    for options in ({"rate": 9.0}, {"rate": 0.1, "max_bytes": 300}, {"seed": 1, "quality": 5}):
        with pytest.raises(ValueError, match=r"must be in|exclude|needs") as caught:
            image.save(tmp_path / "a.xgc", **options)
        assert isinstance(caught.value, xcodec.InputError)
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
    assert files.read(tmp_path / "again.xgc")[:1] == START
