"""Damaged and hostile files: only xcodec's own errors come out, soon and in little memory."""

import dataclasses
import resource
import sys
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import xcodec
from tests.golden import pictures
from xcodec.coding import container, explicit_mask, primitives
from xcodec.coding.header import SIZES, START, Header, read_header, write_header
from xcodec.decoder import inspection, reading
from xcodec.sampling.mask import MAX_SCALE

MAX_PIXELS = 1 << 15
SECONDS = 1.0
MEGABYTES = 200


@cache
def files() -> tuple[bytes, ...]:
    """Small files of every kind."""
    scene, lossless = pictures.scene(24, 32), {"tone": "point", "lossless_samples": True}
    every: list[dict[str, Any]] = [
        {},
        {"rate": 0.2, "step": 4.0, "block": 8},
        {"mask": "random", "seed": 1 << 31, "density": "uniform"},
        {"rate": 0.1, **lossless},
        {"mask": pictures.checks(24, 32)},
        {"mask": pictures.diagonals(24, 32), "comment": "what is this? " * 9},
        {"mask": pictures.speckled(24, 32), **lossless},
    ]
    small = [xcodec.encode(scene, **options) for options in every]
    small += [xcodec.encode(scene[..., 1]), xcodec.encode(scene[..., 1], **lossless)]
    for alpha in (pictures.disc(24, 32), pictures.fade(24, 32)):
        for quality in (0, 100):
            rgba = np.dstack([scene, alpha])
            small.append(xcodec.encode(rgba, 0.05, alpha_quality=quality))
    small.append(xcodec.encode(pictures.scene(70, 260), 0.1, tile=128, step=40.0))
    small.append(xcodec.encode(pictures.scene(70, 260), 0.05, tile=128, **lossless))
    noise = (pictures.noise(60 * 64 * 3) % 256).astype(np.uint8).reshape(60, 64, 3)
    layered = xcodec.encode(noise, 0.4, **lossless)
    assert inspection.info(layered).layers > 1
    return (*small, layered)


def peak() -> int:
    """Most bytes that this process ever held."""
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage << 10


@pytest.fixture(scope="module", autouse=True)
def bounded() -> Iterator[None]:
    """All the memory that these tests may take together."""
    files()
    before = peak()
    yield
    assert peak() - before < MEGABYTES << 20


@pytest.fixture
def traced() -> Iterator[None]:
    """Count each allocation: exact, and slow."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


class TooSlow(AssertionError):
    """A file took longer than SECONDS."""


def allocated(before: int) -> int:
    return tracemalloc.get_traced_memory()[1] - before


def endure(data: bytes, partial: bool = False, max_pixels: int = MAX_PIXELS) -> bool:
    """Whether a file can be read; it must not take long, nor much, nor raise what is not ours."""
    tracing = tracemalloc.is_tracing()
    if tracing:
        tracemalloc.reset_peak()
    before, start = tracemalloc.get_traced_memory()[0], time.process_time()
    message = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            xcodec.decode(data, decoder="classical", partial=partial, max_pixels=max_pixels)
        took = time.process_time() - start
        if not partial:
            inspection.info(data, max_pixels=max_pixels)
    except xcodec.XcodecError as error:
        message, took = str(error), time.process_time() - start
    assert message is None or (message and "\n" not in message)
    assert allocated(before) < MEGABYTES << 20
    if not tracing and took >= SECONDS:
        raise TooSlow(f"{took:.2f} s")
    return message is None


def mended(data: bytes) -> bytes:
    """A file whose last bytes are the checksum of the rest."""
    content = data[: primitives.content_size(len(data))]
    return content + primitives.ending(content)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file with some bytes changed, cut, repeated or put in."""
    data = bytearray(draw(st.sampled_from(files())))
    for _ in range(draw(st.integers(1, 4))):
        # The header decides most: look there more often than not.
        limit = draw(st.sampled_from([12, 40, len(data)]))
        at = draw(st.integers(0, max(0, min(limit, len(data)) - 1)))
        kind = draw(st.integers(0, 5))
        if kind <= 1 and data:
            data[at] = draw(st.integers(0, 255))
        elif kind == 2 and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == 3:
            del data[at : at + draw(st.integers(1, 8))]
        elif kind == 4:
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
        else:
            del data[draw(st.integers(0, len(data))) :]
    return bytes(data)


several = settings(max_examples=1000, deadline=None, derandomize=True)


@given(damaged())
@settings(several, max_examples=300)
def test_damaged_files_are_refused(data: bytes) -> None:
    if data not in files():
        assert not endure(data)


@given(damaged(), st.booleans())
@several
def test_damage_below_a_right_checksum(data: bytes, partial: bool) -> None:
    endure(mended(data), partial)


@given(damaged())
@settings(several, max_examples=300)
def test_what_is_left_of_damaged_files(data: bytes) -> None:
    endure(data, partial=True)


@given(st.sampled_from(range(16)), st.binary(max_size=200), st.booleans())
@settings(several, max_examples=400)
def test_headers_with_anything_after_them(which: int, rest: bytes, partial: bool) -> None:
    data = files()[which]
    reader = primitives.Reader(data)
    read_header(reader, MAX_PIXELS, reading.LIMITS)
    body = data[: reader.at] + rest
    endure(body + primitives.ending(body), partial)


@given(st.binary(max_size=60), st.booleans(), st.booleans())
@settings(several, max_examples=200)
def test_anything_at_all(rest: bytes, partial: bool, begun: bool) -> None:
    body = (START if begun else b"") + rest
    endure(body + primitives.ending(body), partial)


@given(st.data())
@settings(several, max_examples=70)
def test_layers_with_checksums_of_their_own_mended(data: st.DataObject) -> None:
    whole = files()[-1]
    contents = container.read(whole, max_pixels=MAX_PIXELS, limits=reading.LIMITS)
    layers = [bytearray(layer) for layer in contents.tile()[0]]
    for _ in range(data.draw(st.integers(1, 3))):
        layer = layers[data.draw(st.integers(0, len(layers) - 1))]
        at = data.draw(st.integers(0, max(0, len(layer) - 1)))
        if data.draw(st.booleans()):
            layer[at : at + 1] = data.draw(st.binary(max_size=4))
        else:
            del layer[at:]
    if data.draw(st.integers(0, 3)) == 0:
        layers += [bytearray(data.draw(st.binary(max_size=9)))] * data.draw(st.integers(1, 40))
    endure(container.write(contents.header, [bytes(layer) for layer in layers]))


@given(st.data())
@settings(several, max_examples=70)
def test_tiles_with_checksums_of_their_own_mended(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(files()[-3:-1]))
    contents = container.read(whole, max_pixels=MAX_PIXELS, limits=reading.LIMITS)
    assert contents.finest is not None
    tiles = [list(contents.tile(number)[0]) for number in range(len(contents.grid))]
    for _ in range(data.draw(st.integers(1, 3))):
        tile = tiles[data.draw(st.integers(0, len(tiles) - 1))]
        which = data.draw(st.integers(0, len(tile) - 1))
        at = data.draw(st.integers(0, len(tile[which])))
        rest = tile[which][at + 1 :] if data.draw(st.booleans()) else b""
        tile[which] = tile[which][:at] + data.draw(st.binary(max_size=4)) + rest
    side = data.draw(st.sampled_from([contents.grid.side, 256]))
    finest = data.draw(st.sampled_from([contents.finest, 13, contents.layers - 1, 200]))
    endure(container.write_tiled(contents.header, side, finest, tiles))


@pytest.mark.long
@given(damaged(), st.booleans(), st.booleans())
@settings(max_examples=20_000, deadline=None)
def test_a_great_many_damaged_files(data: bytes, mend: bool, partial: bool) -> None:
    endure(mended(data) if mend else data, partial)


@given(damaged(), st.booleans(), st.booleans())
@settings(several, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_take_little_memory(
    traced: None, data: bytes, mend: bool, partial: bool
) -> None:
    endure(mended(data) if mend else data, partial)


def test_files_cut_at_every_byte() -> None:
    for data in (files()[0], files()[3][:200]):
        for length in range(len(data)):
            assert not endure(data[:length])
            endure(data[:length], partial=True)
            endure(data[:length] + primitives.ending(data[:length]))


def header(**fields: Any) -> Header:
    plain: dict[str, Any] = {
        "width": 64,
        "height": 64,
        "mask": "blue",
        "tone": "point",
        "lossless": False,
        "uniform": True,
        "model": 0,
        "block": 16,
        "scale": 30 * 128,
        "step": 100,
    }
    return Header(**(plain | fields))


def test_sizes_are_refused_before_anything_is_allocated(traced: None) -> None:
    for width, height in ((1 << 20, 1 << 20), (1 << 20, 1), (1, 1 << 20), (200, 200)):
        data = container.write(header(width=width, height=height), [b"x"])
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for partial in (False, True):
            with pytest.raises(xcodec.LimitError, match=f"{width}x{height}"):
                inspection.info(data, max_pixels=MAX_PIXELS)
            with pytest.raises(xcodec.LimitError):
                xcodec.decode(data, decoder="classical", partial=partial, max_pixels=MAX_PIXELS)
        assert allocated(before) < 1 << 20
    for width in (1 << 20 | 1, 1 << 30, 1 << 41):
        data = container.write(header(width=width), [b"x"])
        with pytest.raises(xcodec.FormatError, match="width"):
            inspection.info(data)


def test_a_full_picture_of_nothing_takes_a_second_at_most() -> None:
    for data in full_pictures():
        try:
            assert endure(data)
        except TooSlow:  # The better of two: processes beside this one slow it down.
            assert endure(data)
        assert inspection.info(data, max_pixels=MAX_PIXELS).samples == 180 * 180


def test_a_full_picture_of_nothing_takes_little_memory(traced: None) -> None:
    for data in full_pictures():
        assert endure(data)


def full_pictures() -> Iterator[bytes]:
    """The most samples that the limit allows, in the fewest bytes."""
    for fields in (
        {},
        {"lossless": True, "step": None},
        {"mask": "random"},
        {"uniform": False, "block": 8},
    ):
        yield container.write(header(width=180, height=180, scale=MAX_SCALE, **fields), [b""])


def test_indices_that_make_no_sense() -> None:
    start = write_header(header(), True)
    for index in (
        bytes([0, 0]),
        bytes([0, 1, 0]) + primitives.checksum(b""),
        bytes([0, 1, 200, 1]),
        bytes([1, 1]),
        bytes([0, 33]),
        bytes([0, 32]) + 32 * (bytes([0]) + primitives.checksum(b"")),
        bytes([0, 2]) + 2 * (b"\xff\xff\xff\xff\x0f" + bytes(4)),
    ):
        body = start + index
        data = body + primitives.ending(body)
        assert not endure(body)
        # One empty layer is a whole file: its symbols are what zeros decode to.
        assert endure(data) == (index[:3] == bytes([0, 1, 0]))
        endure(body, partial=True)
        assert not endure(data, partial=True) or index[:2] != bytes([0, 0])


def test_masks_that_make_no_sense(traced: None) -> None:
    explicit = header(mask="explicit", scale=0)
    nothing = explicit_mask.write_mask(np.zeros((64, 64), bool))
    bomb = primitives.pack(bytes(300 << 20))
    for layer in (
        b"",
        b"\0",
        b"\1\3",
        b"\xff\xff\xff\xff\x7f",
        bytes([len(nothing)]) + nothing,
        primitives.varint(len(bomb) + 1) + b"\0" + bomb,
        primitives.varint(len(bomb) + 1) + b"\1" + bomb,
    ):
        data = container.write(explicit, [layer])
        assert not endure(data)
        with pytest.raises(xcodec.FormatError):
            inspection.info(data)


def test_sections_that_make_no_sense(traced: None) -> None:
    start = bytearray(write_header(header(), False))
    start[2] |= 128
    bomb = primitives.pack(bytes(100 << 20))
    for sections in (
        bytes([65]),
        bytes([1, 1, 200, 1]),
        bytes([1, 65, 3]) + b"abc",
        bytes([2, 1, 1]) + b"a" + bytes([1, 1]) + b"b",
        b"\1\x41" + primitives.varint(len(bomb)) + bomb,
        b"\1\2\xff\xff\xff\xff\x0f",
    ):
        body = bytes(start) + sections
        assert not endure(body + primitives.ending(body))


def test_the_fields_of_a_header_have_bounds() -> None:
    for wrong in (
        header(scale=MAX_SCALE + 1),
        header(step=192),
        header(mask="random", seed=1 << 32),
        header(lossless=True, step=None, tone="mean"),
        header(block=8 << 5),
    ):
        data = container.write(wrong, [b"x" * 40])
        with pytest.raises(xcodec.FormatError, match="damaged"):
            inspection.info(data)
    for at, value in ((1, 0x60), (1, 0x18), (2, 5), (2, 7), (3, 64), (3, 255)):
        data = bytearray(container.write(header(), [b"x" * 40]))
        data[at] |= value
        with pytest.raises(xcodec.FormatError, match="out of range"):
            inspection.info(mended(bytes(data)))
    needless = write_header(header(width=70), False).replace(b"\x45\x3f", b"\xc5\0\x3f")
    with pytest.raises(xcodec.FormatError, match="width"):
        inspection.info(needless + primitives.ending(needless))


def test_the_fields_of_a_short_header_have_bounds() -> None:
    plain = {"tone": "least-squares", "uniform": False}
    for wrong in ({"scale": MAX_SCALE + 1}, {"step": 192}, {"block": 8 << 5}):
        data = container.write(header(**plain, **wrong), [b"x" * 40])
        assert data[1] < 128
        with pytest.raises(xcodec.FormatError, match="damaged"):
            inspection.info(data)


def test_a_header_can_be_written_in_one_way_only() -> None:
    short = header(tone="least-squares")
    for size in SIZES:
        named = container.write(dataclasses.replace(short, width=size[0], height=size[1]), [b""])
        assert len(named) == 7
        body = bytearray(named[:-2])
        body[1:3] = (int.from_bytes(body[1:3], "big") & ~0x03E0).to_bytes(2, "big")
        body += primitives.varint(size[0] - 1) + primitives.varint(size[1] - 1)
        with pytest.raises(xcodec.FormatError, match="longer than necessary"):
            inspection.info(bytes(body) + primitives.ending(body), max_pixels=1 << 21)
    long = bytearray(write_header(header(), False))
    long[1] &= ~0x18  # The tone is that of short headers.
    with pytest.raises(xcodec.FormatError, match="longer than necessary"):
        inspection.info(bytes(long) + primitives.ending(long))


def test_no_file_has_512_or_513_bytes() -> None:
    sizes = []
    for length in range(480, 540):
        data = container.write(header(), [b"x" * length])
        contents = container.read(data, max_pixels=MAX_PIXELS, limits=reading.LIMITS)
        assert contents.tile() == ([b"x" * length], True)
        sizes.append(len(data))
        for more in range(1, 4):  # With a checksum of the wrong length, or too many bytes.
            assert not endure(data + bytes(more))
    assert set(range(500, 520)) - set(sizes) == {512, 513}
    body = container.write(header(), [b"x" * 500])[: primitives.SHORT - 2]
    assert not endure(body + primitives.checksum(body))


def test_what_is_left_of_a_cut_file_holds_no_byte_of_its_checksum() -> None:
    for content in (*range(480, 540), 5000):
        file = content + primitives.ending_size(content)
        assert primitives.content_size(file) == content
        left = [primitives.content_size(length) for length in range(file)]
        assert left == sorted(left)
        assert left[-1] <= content


def test_no_sample_at_all() -> None:
    assert not endure(container.write(header(scale=0), [b"x"]))


def test_a_model_that_nobody_knows_is_named() -> None:
    data = container.write(header(model=7), [b""])
    assert inspection.info(data).model == "model 7"
    with pytest.raises(xcodec.ModelError, match="7"):
        xcodec.decode(data)
