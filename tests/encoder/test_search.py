"""Files within a number of bytes: never over it, near it, and better with more of it."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from xcodec.coding import quantizer
from xcodec.decoder import inspection
from xcodec.encoder import analysis
from xcodec.encoder.analysis import Analysis
from xcodec.encoder.rates import Goal, affordable
from xcodec.encoder.request import Request
from xcodec.encoder.search import Search

RGB = NDArray[np.uint8]
Coded = Callable[[int, int], bytes]


def error(picture: RGB, data: bytes) -> float:
    painted = np.asarray(xcodec.decode(data, decoder="classical"), float)
    return float(np.square(painted - picture).mean())


@pytest.fixture(scope="module")
def coded(small: RGB) -> Coded:
    """Files of the small photo by size and effort, each encoded once."""
    return cache(lambda size, effort: xcodec.encode(small, max_bytes=size, effort=effort))


def test_files_keep_to_their_size_and_larger_ones_are_better(small: RGB, coded: Coded) -> None:
    sizes = 60, 150, 400
    files = [coded(size, 4) for size in sizes]
    for size, data in zip(sizes, files, strict=True):
        assert 0.9 * size <= len(data) <= size
    errors = [error(small, data) for data in files]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 2


def test_a_size_that_nothing_fits_is_one_clear_error(small: RGB) -> None:
    with pytest.raises(xcodec.InputError, match="no file of this picture fits 8 bytes"):
        xcodec.encode(small, max_bytes=8)


@pytest.mark.parametrize("budget", [1360, 1400, 1500])
def test_the_finest_step_may_be_too_fine(budget: int) -> None:
    """The search gave up below the first step: nothing seemed to fit."""
    y, x = np.mgrid[0:40, 0:32]
    rgb = np.stack([x * 255 // 31, y * 255 // 39, (x + y) % 256], -1).astype(np.uint8)
    assert 0.9 * budget < len(xcodec.encode(rgb, max_bytes=budget)) <= budget


def test_small_pictures_fit_every_size_that_is_large_enough(small: RGB) -> None:
    """Where nearly all pixels are samples, multipliers may not make the first file small enough."""
    icon = np.ascontiguousarray(small[:24, :32])
    for size in (367, 601, 666, 874):
        assert 0.9 * size < len(xcodec.encode(icon, max_bytes=size, effort=1)) <= size
    every = np.ones(icon.shape[:2], bool)
    for size in (692, 848):
        data = xcodec.encode(icon, max_bytes=size, effort=1, mask=every)
        assert 0.9 * size < len(data) <= size
    assert len(xcodec.encode(icon, max_bytes=900, effort=1, step=0.5)) <= 900


@pytest.mark.parametrize("psnr", [38, 45, 55])
def test_a_high_psnr_may_take_nearly_all_pixels(small: RGB, psnr: int) -> None:
    icon = np.ascontiguousarray(small[:24, :32])
    data = xcodec.encode(icon, psnr=psnr, effort=1)
    assert 10 * np.log10(255**2 / error(icon, data)) >= psnr
    assert xcodec.info(data).rate > 0.5


def test_the_search_beats_a_fixed_rate_of_the_same_size(small: RGB) -> None:
    fixed = xcodec.encode(small, 0.01, decoder="classical")
    found = xcodec.encode(small, max_bytes=len(fixed), decoder="classical")
    assert error(small, found) <= error(small, fixed)


@pytest.mark.parametrize(("effort", "sizes"), [(4, (150, 400)), (7, (300,))])
def test_hardly_a_byte_is_left_over(coded: Coded, effort: int, sizes: tuple[int, ...]) -> None:
    used = [len(coded(size, effort)) / size for size in sizes]
    assert max(used) <= 1
    assert np.mean(used) >= 0.97


def test_more_effort_finds_better_files(small: RGB, coded: Coded) -> None:
    errors = [error(small, coded(300, effort)) for effort in (0, 1, 4, 7)]
    assert errors[1] < errors[0]
    # From effort 4 on, files suit the generator, which costs the fill a little.
    assert errors[2] < 1.05 * errors[1]
    assert errors[3] <= 1.02 * errors[2]


def test_bits_a_pixel_are_bytes(small: RGB, coded: Coded) -> None:
    area = small.shape[0] * small.shape[1]
    assert int(0.1042 * area / 8) == 150
    assert xcodec.encode(small, bpp=0.1042) == coded(150, 4)


@pytest.mark.parametrize("size", [150, 400])
def test_the_proxy_chooses_among_rates_and_densities_from_effort_5_on(
    small: RGB, size: int
) -> None:
    drafts: list[Analysis] = []

    def analyse(rgb: RGB, request: Request) -> Analysis:
        drafts.append(analysis.analyse(rgb, request))
        return drafts[-1]

    found = {}
    for effort in (4, 5):
        drafts.clear()
        search = Search(small, Goal(max_bytes=size), analyse=analyse)
        file = search.over_densities(Request(effort=effort))
        assert file is not None
        draft, request = file.draft, file.request
        assert draft.problem is not None
        values = draft.samples(file.symbols, file.step).values - draft.origin
        assert file.error == draft.problem.painted_error(values, quantizer.step_of(file.step))
        found[effort] = len(drafts), request.rate, file.error
    assert found[4][:2] == (1, affordable(size, Request(), small[..., 0].size))
    assert found[5][0] > 4
    assert found[5][2] < found[4][2]


def test_goals_that_hardly_anything_meets(small: RGB) -> None:
    for size in (14, 20, 40):
        assert len(xcodec.encode(small, max_bytes=size)) <= size


@pytest.mark.parametrize("decibels", [18.0, 21.0, 24.0])
def test_a_psnr_is_reached_and_hardly_exceeded(small: RGB, decibels: float) -> None:
    data = xcodec.encode(small, psnr=decibels)
    found = 10 * np.log10(255**2 / error(small, data))
    # Rounding to whole grey levels costs a little of what the search saw.
    assert decibels - 0.02 <= found <= decibels + 0.3


def test_a_psnr_costs_fewer_bytes_with_more_effort(small: RGB) -> None:
    sizes = [len(xcodec.encode(small, psnr=22, effort=effort)) for effort in (0, 1, 4)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ({"psnr": 99.9}, "reaches 99.9 dB"),
        ({"psnr": 0.0}, "psnr is 0; it must be in"),
        ({"max_bytes": 0}, "max_bytes is 0; it must be at least 1"),
        ({"bpp": 1e-9}, "bpp is 1e-09"),
        ({"bpp": 1e-5}, "one byte"),
        ({"max_bytes": 100, "psnr": 20}, "max_bytes and psnr exclude each other"),
    ],
)
def test_goals_that_make_no_sense_are_one_clear_error(
    small: RGB, goal: dict[str, float], message: str
) -> None:
    with pytest.raises(xcodec.InputError, match=message):
        xcodec.encode(small[:64, :64], **goal)  # type: ignore[arg-type]


def test_as_many_lossless_samples_as_fit(small: RGB) -> None:
    counts = []
    for size in (200, 400, 800):
        data = xcodec.encode(small, max_bytes=size, tone="point", lossless_samples=True)
        assert 0.9 * size <= len(data) <= size
        counts.append(inspection.info(data).samples)
    assert counts == sorted(counts)
    assert counts[-1] > 2 * counts[0]


def test_what_the_caller_fixed_stays(small: RGB) -> None:
    facts = inspection.info(
        xcodec.encode(small, max_bytes=300, step=60.0, density="uniform", tone="mean")
    )
    assert facts.step == pytest.approx(60, rel=0.03)
    assert (facts.uniform, facts.tone) == (True, "mean")
    assert facts.bytes <= 300


def test_an_explicit_mask_keeps_its_samples(small: RGB) -> None:
    mask = np.zeros(small.shape[:2], bool)
    mask[::9, ::9] = True
    data = xcodec.encode(small, max_bytes=300, mask=mask)
    assert len(data) <= 300
    assert inspection.info(data).samples == mask.sum()


def test_searches_share_files_but_not_their_errors(small: RGB) -> None:
    dark = small // 4
    weights = np.ones(dark.shape[:2], np.float32)
    weights[: len(dark) // 2] = 3
    within = Search(dark, Goal(max_bytes=400))
    file = within.at(Request(0.01, effort=0, decoder="classical", weights=weights))
    assert file is not None
    goal = Goal(psnr=10 * np.log10(255**2 / error(dark, file.data)) - 1e-6)
    other = within.toward(goal).finished(file, 0)
    assert other is not None
    assert other.error == pytest.approx(error(dark, other.data), rel=1e-3)
    again = within.finished(file, 0)
    assert again is not None
    assert again.error == file.error != pytest.approx(error(dark, file.data), rel=1e-2)
