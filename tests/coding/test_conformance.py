"""The package against the pure-integer reference decoder, and against itself elsewhere."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import xcodec
from tests import reference
from tests.golden import pictures
from xcodec.coding import lifting
from xcodec.coding.primitives import ending
from xcodec.decoder import inspection, reading
from xcodec.sampling import mask as masks

ROOT = Path(__file__).parent.parent.parent


def agree(data: bytes) -> reference.File:
    theirs = reference.read(data)
    tiles = list(reading.tiles(reading.opened(data, 1 << 20)))
    where = [
        np.stack([tile.points.rows + tile.box.top, tile.points.cols + tile.box.left], 1)
        for tile in tiles
    ]
    assert np.concatenate(where).tolist() == [list(point) for point in theirs.points]
    assert np.concatenate([tile.symbols for tile in tiles]).tolist() == theirs.symbols
    ours = tiles[0]
    if len(tiles) == 1 and ours.header.lossless:
        tree = reference.levels(theirs.points)
        values = lifting.restore(ours.symbols, ours.tree)
        assert np.array_equal(values, reference.restore(theirs.symbols, tree))
    return theirs


@pytest.mark.parametrize("number", [5, 6, 7])
@pytest.mark.parametrize(("tone", "byte", "shift"), [("least-squares", 1, 2), ("mean", 2, 0)])
def test_a_block_of_no_side_is_refused(number: int, tone: str, byte: int, shift: int) -> None:
    """In headers of the short form, in which 5 has a meaning of its own, and of the long one."""
    data = bytearray(xcodec.encode(pictures.scene(24, 24), tone=tone, block=8, effort=0))
    assert data[byte] >> shift & 7 == 0
    data[byte] |= number << shift
    data[-2:] = ending(bytes(data[:-2]))
    with pytest.raises((reference.DamagedError, IndexError)):
        reference.read(bytes(data))
    with pytest.raises(xcodec.FormatError):
        xcodec.info(bytes(data))


@st.composite
def requests(draw: st.DrawFn) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """A picture up to 40x40 and options of ``xcodec.encode``."""
    sides = st.integers(1, 40)
    height, width = draw(sides), draw(sides)
    picture = pictures.scene(height, width)
    if draw(st.booleans()):
        noise = pictures.noise(picture.size, draw(st.integers(0, 99)))
        picture = (noise % 256).astype(np.uint8).reshape(picture.shape)
    options: dict[str, Any] = {}
    if draw(st.integers(0, 3)) > 0:
        options |= {
            "rate": draw(st.sampled_from([0.001, 0.02, 0.1, 0.5])),
            "density": draw(st.sampled_from(["sobel", "canny", "uniform"])),
            "block": draw(st.sampled_from([8, 16, 128])),
        }
        if draw(st.booleans()):
            options |= {"mask": "random", "seed": draw(st.sampled_from([0, 5, 2**32 - 1]))}
    else:
        share = draw(st.sampled_from([500, 5000, 40000, 65536]))
        marks = pictures.noise(height * width).reshape(height, width) < share
        marks[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
        options["mask"] = marks
    if draw(st.integers(0, 3)) == 0:
        picture = picture[..., 1]
    if draw(st.integers(0, 3)) == 0:
        options["tile"] = 128
    kind = draw(st.integers(0, 2))
    if kind == 0:
        options |= {"tone": "point", "lossless_samples": True}
    else:
        options["step"] = draw(st.sampled_from([0.5, 8.0, 90.0, 1900.0]))
        options["tone"] = draw(st.sampled_from(["point", "mean", "least-squares"]))
    return picture, options


@given(requests())
@settings(max_examples=80, deadline=None, derandomize=True)
def test_the_reference_decoder_agrees(request: tuple[NDArray[np.uint8], dict[str, Any]]) -> None:
    picture, options = request
    data = xcodec.encode(picture, **options)
    file = agree(data)
    assert len(file.points) == inspection.info(data).samples


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 3), (17, 129)])
@pytest.mark.parametrize("lossless", [False, True])
def test_the_reference_decoder_agrees_on_slim_pictures(
    shape: tuple[int, int], lossless: bool
) -> None:
    options: dict[str, Any] = (
        {"tone": "point", "lossless_samples": True} if lossless else {"step": 3.0}
    )
    for rate in (0.02, 0.5):
        agree(xcodec.encode(pictures.scene(*shape), rate, **options))


def test_the_reference_decoder_agrees_on_layers() -> None:
    picture = pictures.scene(200, 280)
    options: dict[str, Any]
    for options in (
        {"rate": 0.05, "step": 0.5, "density": "canny"},
        {"rate": 0.05, "tone": "point", "lossless_samples": True, "mask": "random", "seed": 3},
        {"step": 0.5, "mask": pictures.speckled(200, 280) & pictures.checks(200, 280)},
    ):
        data = xcodec.encode(picture, **options)
        assert inspection.info(data).layers > 1
        agree(data)


def test_ranks_thresholds_and_hashes_are_the_references() -> None:
    spots = np.concatenate([np.arange(300), 2048 + np.arange(5), [2**20 - 1]])
    rows, cols = spots[::3, None], spots[None, ::2]
    expected = [[reference.rank(r, c) for c in cols[0].tolist()] for r in rows[:, 0].tolist()]
    assert np.array_equal(masks.ranks(rows, cols), expected)
    for seed in (0, 1, 2**32 - 1):
        hashes = [
            [reference.random_threshold(r, c, seed) for c in cols[0].tolist()]
            for r in rows[:, 0].tolist()
        ]
        assert np.array_equal(masks._hash(rows, cols, seed), hashes)
    exponents = np.arange(16)[None, :]
    for scale in range(0, masks.MAX_SCALE + 1, 37):
        limits = masks.thresholds(masks.Density(exponents, 8, scale))
        assert limits[0].tolist() == [reference.threshold(e, scale) for e in range(16)]


DIGESTS = """
import hashlib, pathlib, numpy, sys
from xcodec.decoder import reading
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.xgc")):
    for file in reading.tiles(reading.opened(path.read_bytes(), 1 << 20)):
        points = numpy.stack([file.points.rows, file.points.cols, file.points.ranks], 1)
        for part in (points, file.symbols, file.tree.neighbours):
            data = numpy.ascontiguousarray(part, "<i4").tobytes()
            print(path.stem, hashlib.sha256(data).hexdigest())
"""


def digests(**environment: str) -> str:
    """Digests of what the conformance files hold, by a process with these variables."""
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS, str(ROOT / "tests" / "golden")],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.count("\n") > 40
    return done.stdout


def has(feature: str) -> bool:
    """Whether this processor says that it has a feature; False where there is no telling."""
    try:
        return feature in Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False


@pytest.fixture(scope="module")
def usual() -> str:
    return digests()


@pytest.mark.parametrize("threads", ["1", "2"])
def test_symbols_do_not_depend_on_threads(usual: str, threads: str) -> None:
    assert digests(OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads) == usual


@pytest.mark.parametrize(
    ("kernel", "feature"), [("Prescott", "sse3"), ("Haswell", "avx2"), ("SkylakeX", "avx512f")]
)
def test_symbols_do_not_depend_on_kernels(usual: str, kernel: str, feature: str) -> None:
    if not has(feature) and not (feature == "sse3" and has("pni")):
        pytest.skip(f"this processor has no {feature}, which the kernel {kernel} needs")
    assert digests(OPENBLAS_CORETYPE=kernel) == usual


def test_bytes_do_not_depend_on_array_layouts() -> None:
    picture = pictures.scene(60, 80)
    larger = np.zeros((120, 160, 3), np.uint8)
    larger[::2, ::2] = picture
    marks = pictures.speckled(60, 80)
    layouts = [
        np.asfortranarray(picture),
        larger[::2, ::2],
        picture[::-1, ::-1].copy()[::-1, ::-1],
        np.ascontiguousarray(picture.transpose(2, 0, 1)).transpose(1, 2, 0),
    ]
    lossless = {"tone": "point", "lossless_samples": True}
    rate = {"rate": 0.05}
    options: dict[str, Any]
    for options in (
        rate,
        rate | {"tone": "mean"},
        rate | lossless,
        rate | {"density": "canny"},
        {"mask": marks},
    ):
        expected = xcodec.encode(picture, **options)
        for layout in layouts:
            assert not layout.flags.c_contiguous
            assert xcodec.encode(layout, **options) == expected
    expected = xcodec.encode(picture, mask=marks)
    assert xcodec.encode(picture, mask=np.asfortranarray(marks)) == expected
    assert xcodec.encode(picture, mask=np.repeat(marks, 2, 1)[:, ::2]) == expected
