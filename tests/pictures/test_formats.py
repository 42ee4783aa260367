"""Which formats are read (xcodec/pictures/formats.py), and what a picture may take until it is."""

import io
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import EpsImagePlugin, Image

from tests.conftest import Run
from xcodec.errors import DependencyError, InputError, LimitError
from xcodec.pictures import formats, headers, loading

RGB = NDArray[np.uint8]


def file(pixels: RGB, kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, kind, **options)
    return data.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + check


def empty_png(width: int, height: int) -> bytes:
    """A grey PNG file of zeros, of a bit per pixel, which packs well."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(((width + 7) // 8 + 1) * height), 9)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return start + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def icon(png: bytes) -> bytes:
    """An .ico file that holds a PNG file, which it says has 16x16 pixels."""
    return b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(png), 22) + png


def icns(png: bytes) -> bytes:
    return (
        b"icns" + struct.pack(">I", 16 + len(png)) + b"ic10" + struct.pack(">I", 8 + len(png)) + png
    )


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 10\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize("wrapped", [icon, icns])
@pytest.mark.parametrize("kind", [None, "own"])
@pytest.mark.parametrize("size", [(16_000, 15_000), (12_000, 11_000)])
def test_small_icons_of_large_pictures_take_no_memory(
    wrapped: Any, kind: str | None, size: tuple[int, int]
) -> None:
    data = wrapped(empty_png(*size))
    assert len(data) < 100_000
    asked = kind and {icon: "ico", icns: "icns"}[wrapped]
    tracemalloc.start()
    with pytest.raises((LimitError, InputError)) as error:
        loading.load(data, kind=asked)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    if asked:
        assert isinstance(error.value, LimitError)
    else:
        assert f"--format {'ico' if wrapped is icon else 'icns'}" in str(error.value)


def test_memory_of_a_process_that_is_given_an_icon(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(icon(empty_png(16_000, 15_000)))
    script = (
        "import resource, sys\nfrom xcodec.__main__ import main\n"
        "small = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "from xcodec.pictures import loading\nfrom xcodec.errors import XcodecError\n"
        "for kind in (None, 'ico'):\n"
        "    try:\n        loading.load(sys.argv[1], kind=kind)\n"
        "    except XcodecError: pass\n    else: sys.exit(3)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - small) // 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, check=True)
    assert int(done.stdout) < 120


def test_icons_are_read_on_request(small: RGB) -> None:
    for kind in ("ico", "icns", "pcx", "sgi"):
        source = np.ascontiguousarray(small[:64, :64])
        data = file(source, kind.upper(), **({"sizes": [(64, 64)]} if kind == "ico" else {}))
        with pytest.raises(InputError, match=f"on request only: --format {kind}"):
            loading.load(data)
        for name in (kind, kind.upper(), f".{kind}"):
            assert loading.load(data, kind=name).rgb.shape[2] == 3
    assert np.array_equal(loading.load(file(source, "SGI"), kind="sgi").rgb, source)


@pytest.mark.parametrize("name", ["photo.png", "photo.eps", "photo"])
def test_postscript_starts_no_program(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from xcodec.__main__ import main

    started = []

    def ghostscript(*args: Any, **options: Any) -> Any:
        started.append(args)
        return Image.core.new("RGB", (20, 10))

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", ghostscript)
    path = tmp_path / name
    path.write_bytes(POSTSCRIPT)
    assert main(["encode", str(path), "-o", str(tmp_path / "a.xgc")]) == 1
    assert not started
    assert "EPS files are read on request only: --format eps" in capsys.readouterr().err
    for content in (b"\xc5\xd0\xd3\xc6" + bytes(28) + POSTSCRIPT,):
        with pytest.raises(InputError):
            loading.load(content)
    assert not started
    assert main(["encode", str(path), "--format", "eps", "-o", str(tmp_path / "a.xgc")]) == 0
    assert len(started) == 1


def test_only_the_format_that_was_asked_for_is_read(small: RGB) -> None:
    png = file(small, "PNG")
    assert np.array_equal(loading.load(png, kind="png").rgb, small)
    with pytest.raises(InputError, match="not a picture of the format tiff"):
        loading.load(png, kind="tiff")
    for name in ("jpg", "tif", "jp2", "mpo", "MPO", "heic", "dib"):
        assert formats.kind_called(name) in formats.READ
    for name in ("xyz", "wmf", "xcodec", "", "xgc", "pdf"):
        with pytest.raises(InputError, match="it must be one of"):
            loading.load(png, kind=name)


@pytest.mark.parametrize(
    "kind",
    ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "DIB", "PPM", "TGA", "JPEG2000", "AVIF", "QOI"],
)
def test_formats_that_are_read_unasked(small: RGB, kind: str) -> None:
    found = loading.load(file(small, kind))
    assert found.rgb.shape == small.shape


def test_what_is_no_picture_is_named(small: RGB) -> None:
    cases = {
        b"II*\0\x10\0\0\0CR\2\0" + bytes(60): "raw file \\(CR2\\): develop it",
        b"FUJIFILMCCD-RAW 0201" + bytes(60): "raw file",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom": "raw file \\(CR3\\)",
        b"\0\0\0\x18ftypisom\0\0\2\0isomiso2avc1mp41": "a video",
        b"\x1aE\xdf\xa3" + bytes(60): "a video",
        b"%PDF-1.7\n" + bytes(60): "a PDF document",
        b"%": "not a picture",
        b"\xd7\xcd\xc6\x9a\0\0" + bytes(60): "not a picture",
    }
    for data, text in cases.items():
        with pytest.raises(InputError, match=text) as error:
            loading.load(data)
        assert "\n" not in str(error.value)


def test_sizes_are_checked_before_files_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise AssertionError("the file was opened")

    monkeypatch.setattr(Image, "open", fail)
    riff = b"RIFF" + (30).to_bytes(4, "little") + b"WEBPVP8X\x0a\0\0\0\0\0\0\0"
    webp = riff + (16_382).to_bytes(3, "little") * 2 + bytes(20)
    with pytest.raises(LimitError, match="16383x16383"):
        loading.load(webp)


def test_sizes_of_jpeg_xl_are_read_from_its_header() -> None:
    pytest.importorskip("pillow_jxl")
    for width, height in ((256, 256), (64, 32), (301, 77), (1600, 900), (1200, 1000), (3, 700)):
        for container in (False, True):
            data = file(np.zeros((height, width, 3), np.uint8), "JXL", use_container=container)
            assert headers.size(data) == (width, height)
            assert data.startswith(b"\xff\x0a") != container
            with pytest.raises(LimitError, match=f"{width}x{height}"):
                loading.load(data, width * height - 1)


@pytest.mark.parametrize("kind", ["HEIF", "JXL"])
def test_plugins_are_used_or_named(
    small: RGB, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module, package = formats.PLUGINS[kind]
    plugin = pytest.importorskip(module)
    if kind == "HEIF":
        plugin.register_heif_opener()
    data = file(small, kind, quality=90)
    assert formats.mark(data[: formats.HEAD]) == kind
    assert np.abs(loading.load(data).rgb - small.astype(int)).mean() < 6
    assert formats.SUFFIXES[kind][0] in formats.suffixes()
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(DependencyError, match=f"pip install {package}") as error:
        loading.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert formats.SUFFIXES[kind][0] not in formats.suffixes()
    assert package in formats.advice(formats.SUFFIXES[kind][0].upper())


def test_plugins_are_found_in_a_fresh_process(
    small: RGB, tmp_path: Path, xcodec_process: Run
) -> None:
    for kind, name in (("HEIF", "a.HEIC"), ("JXL", "b.jxl")):
        plugin = pytest.importorskip(formats.PLUGINS[kind][0])
        if kind == "HEIF":
            plugin.register_heif_opener()
        (tmp_path / name).write_bytes(file(small, kind))
        done = xcodec_process("encode", name, "-e", "0")
        assert (done.returncode, done.stderr) == (0, b"")
