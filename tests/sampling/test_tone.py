"""Values of samples (xcodec/sampling/tone.py) and their density (density.py)."""

import numpy as np
import pytest

import xcodec
from tests.golden import pictures
from xcodec.choices import DENSITIES
from xcodec.errors import OptionError
from xcodec.kriging.fill import normal_equations
from xcodec.pictures.colour import to_ycocg
from xcodec.reconstruction.classical import fill
from xcodec.sampling import density, tone
from xcodec.sampling.density import DensityShape
from xcodec.sampling.mask import points_from_density
from xcodec.types import Points, Samples

PICTURE = pictures.scene(90, 120)
PLANES = to_ycocg(PICTURE)


def error(values: np.ndarray, points: Points) -> float:
    """Squared error of the classical fill, in YCoCg."""
    planes = to_ycocg(fill(Samples(points, values)).rgb)
    return float(np.square(planes - PLANES).mean())


@pytest.mark.parametrize("kind", DENSITIES)
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_least_squares_fits_best_and_means_beat_pixels(kind: str, rate: float) -> None:
    where = density.measure(PLANES[..., 0], round(rate * 90 * 120), DensityShape(kind))
    points = points_from_density(where, 90, 120)
    means = tone.local_means(PLANES, points)
    fitted = tone.least_squares(*normal_equations(points, PLANES), means)
    errors = [error(v, points) for v in (fitted, means, tone.pixels(PLANES, points))]
    assert errors == sorted(errors)
    assert errors[0] < 0.95 * errors[1]


def test_least_squares_approaches_the_solution() -> None:
    where = density.measure(PLANES[..., 0], 150)
    points = points_from_density(where, 90, 120)
    gram, moments = normal_equations(points, PLANES)
    best = np.linalg.solve(gram.toarray(), moments)
    start = tone.local_means(PLANES, points)
    six, many = (tone.least_squares(gram, moments, start, n) for n in (6, 60))
    assert error(many, points) == pytest.approx(error(best, points), rel=1e-3)
    assert error(six, points) < 1.02 * error(best, points)


def test_the_tone_of_a_file_shows_in_its_picture() -> None:
    found = []
    for name in ("least-squares", "mean", "point"):
        data = xcodec.encode(PICTURE, 0.05, tone=name, step=2.0)
        assert xcodec.info(data).tone == name
        painted = np.asarray(xcodec.decode(data, decoder="classical"), float)
        found.append(np.square(painted - PICTURE).mean())
    assert found == sorted(found)


def test_pixels_are_pixels_and_means_of_a_flat_picture_too() -> None:
    points = points_from_density(density.measure(PLANES[..., 0], 300), 90, 120)
    assert np.array_equal(tone.pixels(PLANES, points), PLANES[points.rows, points.cols])
    flat = np.full((90, 120, 3), 41.0, np.float32)
    assert tone.local_means(flat, points) == pytest.approx(41.0, rel=1e-4)


def test_edges_draw_samples() -> None:
    halves = np.zeros((64, 128), np.float32)
    halves[:, 64:] = pictures.noise(64 * 64).reshape(64, 64) % 256
    for kind in ("sobel", "canny"):
        exponents = density.exponents_of(halves, DensityShape(kind, 16))
        assert exponents.min() == 0
        assert exponents[:, 5:].min() > exponents[:, :3].max()
        assert exponents.max() <= 2 * density.SPREAD
    assert not density.exponents_of(halves, DensityShape("uniform")).any()
    flatter = density.exponents_of(halves, DensityShape(strength=0.2))
    assert flatter.max() < density.exponents_of(halves, DensityShape(strength=1.5)).max()
    assert not density.exponents_of(halves, DensityShape(strength=0)).any()


def test_a_flat_picture_is_sampled_evenly() -> None:
    flat = np.full((70, 50), 99.0, np.float32)
    for kind in DENSITIES:
        assert not density.exponents_of(flat, DensityShape(kind)).any()
    picture = np.full((70, 50, 3), 99, np.uint8)
    for tone_name in ("least-squares", "mean", "point"):
        data = xcodec.encode(picture, 0.05, tone=tone_name)
        painted = np.asarray(xcodec.decode(data, decoder="classical"), int)
        assert len(data) < 40
        assert np.ptp(painted, axis=(0, 1)).max() <= 1
        assert abs(painted.mean() - 99) < 6  # Within the quantiser's step of the coarsest level.


@pytest.mark.parametrize(
    "options",
    [{"kind": "x"}, {"block": 12}, {"strength": -0.1}, {"strength": 2.1}, {"floor": 0.0}],
)
def test_arguments_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=" and ".join(options).replace("kind", "density")):
        DensityShape(**options)  # type: ignore[arg-type]
