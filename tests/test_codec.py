"""Whole files: their sizes, their facts, and what is left of them when they are cut."""

import dataclasses
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from tests.golden import pictures
from xcodec import codec
from xcodec.coding import container, payload, primitives, quantizer
from xcodec.coding.header import COMMENT, cost, read_header, write_header
from xcodec.decoder import inspection, reading
from xcodec.decoder.reading import LIMITS, Tile
from xcodec.encoder.analysis import quantised
from xcodec.options import EncodeOptions

RGB = NDArray[np.uint8]
LOSSLESS: dict[str, Any] = {"tone": "point", "lossless_samples": True}


def psnr(picture: RGB, painted: Any) -> float:
    error = np.square(np.asarray(painted, float) - picture).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def parse(data: bytes, max_pixels: int, partial: bool) -> Tile:
    """What a file says, without a warning."""
    contents = container.read(data, max_pixels=max_pixels, limits=LIMITS, partial=partial)
    return reading.parsed(reading.coded(contents))


def partial(data: bytes) -> RGB:
    """What is left of a file, drawn without a network; the warning is expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return np.asarray(xcodec.decode(data, decoder="classical", partial=True))


def test_the_container_is_small(small: RGB) -> None:
    for rate in (0.001, 0.01, 0.05):
        data = xcodec.encode(small, rate)
        info = inspection.info(data)
        contents = container.read(data, max_pixels=1 << 20, limits=reading.LIMITS)
        beside = len(data) - len(contents.tile()[0][0])
        # The container counts what the end of the entropy-coded data costs, too.
        assert 9 == beside <= info.container <= 12
    file = reading.single(data, 1 << 20, partial=False)
    empty = container.write(file.header, [b""])
    assert len(empty) == 9
    usual = dataclasses.replace(file.header, width=256, height=256)
    assert len(container.write(usual, [b""])) == 7
    assert len(empty) == len(data) - len(
        payload.write(
            file.header, file.density, file.points, file.tree, file.symbols, file.contexts
        )[0]
    )


def test_the_size_that_is_reported_is_the_size(small: RGB) -> None:
    for options in ({}, {"mask": "random"}, LOSSLESS, {"density": "uniform"}, {"comment": "hm"}):
        data = xcodec.encode(small, 0.03, **options)
        info = inspection.info(data)
        assert info.bytes == len(data)
        assert info.bpp == 8 * len(data) / (96 * 120)
        assert info.container + info.density + info.luma + info.chroma == len(data)
        assert min(info.container, info.density, info.luma, info.chroma) >= 0


def test_every_field_comes_back(small: RGB) -> None:
    data = xcodec.encode(
        small,
        0.04,
        step=30.0,
        density="canny",
        mask="random",
        seed=77,
        tone="mean",
        block=32,
        model="face",
        comment="a cat, größer",
    )
    info = dataclasses.asdict(inspection.info(data))
    expected = {
        "version": 5,
        "width": 120,
        "height": 96,
        "mask": "random",
        "seed": 77,
        "uniform": False,
        "block": 32,
        "tone": "mean",
        "lossless": False,
        "model": "face",
        "step": quantizer.step_of(quantizer.index_of(30.0)),
        "comment": "a cat, größer",
        "layers": 1,
    }
    assert {key: info[key] for key in expected} == expected
    plain = inspection.info(xcodec.encode(small, 0.05, block=16))
    assert (plain.seed, plain.comment, plain.block) == (None, None, 16)
    marks = pictures.speckled(96, 120)
    explicit = inspection.info(xcodec.encode(small, mask=marks, **LOSSLESS))
    assert (explicit.step, explicit.block, explicit.samples) == (None, None, marks.sum())
    assert explicit.density > 100


def test_a_finer_step_is_a_better_picture(small: RGB) -> None:
    found = []
    for step in (200.0, 80.0, 30.0, 10.0):
        data = xcodec.encode(small, 0.05, step=step)
        found.append((len(data), psnr(small, xcodec.decode(data, decoder="classical"))))
    assert found == sorted(found)


@pytest.mark.parametrize(
    "options",
    [
        {"rate": 0.2},
        {"rate": 0.2, "density": "uniform"},
        {"rate": 0.2, "mask": "random"},
        {"rate": 0.2, "mask": "random", "density": "uniform"},
        {"mask": pictures.speckled(50, 70)},
    ],
)
def test_lossless_samples_are_exact_on_noise(options: dict[str, Any]) -> None:
    noise = (pictures.noise(50 * 70 * 3, 3) % 256).astype(np.uint8).reshape(50, 70, 3)
    data = xcodec.encode(noise, **options, **LOSSLESS)
    where, colours = codec.decode_samples(data)
    assert len(where) == inspection.info(data).samples
    assert np.array_equal(colours, noise[tuple(where.T)])
    painted = np.asarray(xcodec.decode(data, decoder="classical"))
    assert np.array_equal(painted[tuple(where.T)], colours)


def test_the_steepest_colours_stay_in_range() -> None:
    """Small steps of luma beside large ones of chroma: the worst for plane after plane."""
    dull, bright = [128, 127, 128], [255, 0, 255]
    picture = np.array([[dull, bright], [bright, dull]] * 40, np.uint8).repeat(40, 1)
    picture[::3] = 255 - picture[::3]
    picture[:, ::7] = [0, 0, 255]
    every = np.ones(picture.shape[:2], bool)
    data = xcodec.encode(picture, mask=every, **LOSSLESS)
    assert np.array_equal(np.asarray(xcodec.decode(data, decoder="classical")), picture)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 2), (7, 130)])
def test_odd_shapes(shape: tuple[int, int]) -> None:
    picture = pictures.scene(*shape)
    for options in ({}, {"tone": "mean", "mask": "random"}, LOSSLESS, {"density": "canny"}):
        data = xcodec.encode(picture, 0.02, **options)
        assert xcodec.decode(data, decoder="classical").size == (shape[1], shape[0])


def test_a_flat_picture_costs_next_to_nothing() -> None:
    for level in (0, 128, 200, 255):
        picture = np.full((200, 300, 3), level, np.uint8)
        data = xcodec.encode(picture, 0.1)
        assert len(data) < 40
        assert psnr(picture, xcodec.decode(data, decoder="classical")) > 30


@pytest.mark.parametrize(
    ("options", "rate"),
    [({}, 0.03), (LOSSLESS, 0.02), ({"mask": "random"}, 0.03), ({"density": "uniform"}, 0.03)],
)
def test_a_file_cut_anywhere_is_an_error_or_partly_a_picture(
    small: RGB, options: dict[str, Any], rate: float
) -> None:
    """Each byte that is there helps: what is drawn is never a guess from bytes that are not."""
    data = xcodec.encode(small, rate, **options)
    whole = reading.single(data, 1 << 20, partial=False)
    decibels, known = [], []
    for length in range(len(data)):
        with pytest.raises(xcodec.FormatError):
            inspection.info(data[:length])
        try:
            file = parse(data[:length], 1 << 20, partial=True)
        except xcodec.FormatError:
            assert not known, "a shorter file could be drawn"
            continue
        same = file.symbols == whole.symbols
        assert (same | (file.symbols == 0)).all()
        known.append(int(np.count_nonzero(file.symbols)))
        if length % max(6, len(data) // 60) == 0:
            decibels.append(psnr(small, partial(data[:length])))
    assert len(known) > 0.6 * len(data)
    assert known == sorted(known)
    assert known[-1] > 0.5 * np.count_nonzero(whole.symbols)
    falls = np.minimum(np.diff(decibels), 0)
    assert decibels[-1] > decibels[0] + 2
    assert falls.sum() > -1.0


def test_layers_are_drawn_only_where_they_are_whole(photo: RGB) -> None:
    data = xcodec.encode(photo, 0.03, step=2.0)
    info = inspection.info(data)
    assert info.layers == 5
    contents = container.read(data, max_pixels=1 << 20, limits=reading.LIMITS)
    layers, count = contents.tile()[0], contents.layers
    whole = reading.single(data, 1 << 20, partial=False)
    start = len(data) - 4 - sum(map(len, layers))
    decibels, ends = [], np.cumsum([len(layer) for layer in layers]) + start
    for kept, end in enumerate(ends.tolist(), 1):
        file = parse(data[:end], 1 << 20, partial=True)
        assert file.whole
        octaves = file.tree.octaves
        known = file.tree.bounds[octaves[len(octaves) - count + kept - 1].stop]
        assert np.array_equal(file.symbols[:known], whole.symbols[:known])
        assert not file.symbols[known:].any()
        # A few bytes more say nothing that can be trusted, and a damaged layer ends it too.
        if kept < count:
            more = parse(data[: end + 9], 1 << 20, partial=True)
            assert np.array_equal(more.symbols, file.symbols)
            damaged = bytearray(data)
            damaged[end + 3] ^= 1
            with pytest.raises(xcodec.FormatError):
                inspection.info(bytes(damaged))
            more = parse(bytes(damaged), 1 << 20, partial=True)
            assert np.array_equal(more.symbols, file.symbols)
        decibels.append(psnr(photo, partial(data[:end])))
    assert decibels == sorted(decibels)
    assert contents.header.step == whole.header.step


def test_partial_says_so(small: RGB) -> None:
    data = xcodec.encode(small, 0.05)
    with pytest.warns(UserWarning, match="no checksum of its own"):
        xcodec.decode(data[:-30], decoder="classical", partial=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        xcodec.decode(data, decoder="classical", partial=True)


def test_unknown_sections_are_skipped_where_they_may_be(small: RGB) -> None:
    data = xcodec.encode(small, comment="kept")
    header = reading.single(data, 1 << 20, partial=False).header
    reader = primitives.Reader(data)
    read_header(reader, 1 << 20, reading.LIMITS)
    layer = data[reader.at : primitives.content_size(len(data))]
    kept = write_header(header, False)
    flagged = kept[: -1 - cost(header.sections[COMMENT])]
    for kind, skipped in ((63, True), (127, True), (191, False), (255, False)):
        body = flagged + bytes([1, kind, 3]) + b"abc" + layer
        file = body + primitives.ending(body)
        if skipped:
            assert inspection.info(file).comment is None
            assert inspection.info(file).samples == inspection.info(data).samples
        else:
            with pytest.raises(xcodec.FormatError, match="section 63"):
                inspection.info(file)


def test_another_version_is_named(small: RGB) -> None:
    rest = xcodec.encode(small)[1:]
    for start, version in ((b"\xb7", 7), (b"\xbf", 15), (b"XG\xc1", 1), (b"XG\xc3", 3)):
        with pytest.raises(xcodec.FormatError, match=rf"version {version}: .* reads 5 only"):
            inspection.info(start + rest)
    for start in (b"", b"\xc4", b"XG\xc0", b"XG\xc4", b"XGP", "ä".encode()):
        with pytest.raises(xcodec.FormatError, match="not an xcodec file"):
            inspection.info(start + b"text")


def test_any_damage_is_noticed(small: RGB) -> None:
    data = xcodec.encode(small, 0.005)
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            with pytest.raises((xcodec.FormatError, xcodec.LimitError)):
                inspection.info(bytes(damaged))


def test_quantised_samples_are_what_a_decoder_gets(small: RGB) -> None:
    direct = quantised(small, EncodeOptions(rate=0.04))
    file = reading.single(xcodec.encode(small, 0.04), 1 << 20, partial=False).samples()
    assert np.array_equal(direct.points.rows, file.points.rows)
    assert np.array_equal(direct.values, file.values)
    assert direct.step == file.step
