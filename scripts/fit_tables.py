"""Fit the context models that ship as xcodec/coding/tables.json.

Every training picture is sampled at random rates, steps and densities; its symbols give the weights
of the linear guess (non-negative least squares), the cuts of its bins (quantiles) and the tables.

    python scripts/fit_tables.py PICTURES [--limit 600] [-o tables.json]

Files depend on the tables: a refit is a format change.
"""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from xcodec import images
from xcodec.analysis import GREY, Request, analyse
from xcodec.coding import context, layers, lifting, maskcode, quantizer
from xcodec.coding.rangecoder import TABLE_BITS
from xcodec.sampling import density, mask

TARGET = Path(context.__file__).with_name("tables.json")
CLIPS = {"coefficients": 15, "pixels": 255, "density": 15, "counts": 63}
BINS = 16
WEIGHT_SCALE = 64


@dataclass(frozen=True)
class Observed:
    """Symbols (n, planes) of one picture with their hierarchy."""

    kind: str
    symbols: NDArray[np.int64]
    tree: lifting.Hierarchy


def observe(job: tuple[Path, int]) -> list[Observed]:
    """Everything that files of one picture would code, at random settings."""
    path, seed = job
    random = np.random.default_rng(seed)
    rgb = images.load(path).rgb
    height, width = rgb.shape[:2]
    if random.random() < 0.5 and min(height, width) > 256:
        top, left = random.integers(height - 256), random.integers(width - 256)
        rgb = rgb[top : top + 256, left : left + 256]
        height = width = 256
    planes = images.to_ycocg(rgb)
    rate = float(np.exp(random.uniform(np.log(0.003), np.log(0.3))))
    count = max(1, round(rate * height * width))
    settings = {
        "kind": str(random.choice(["sobel", "sobel", "sobel", "uniform", "canny"])),
        "block": int(random.choice([16, 16, 32])),
        "strength": float(random.uniform(0.4, 1.0)),
    }
    request = Request(
        rate, density=settings["kind"], block=settings["block"], strength=settings["strength"]
    )
    draft = analyse(rgb, request)
    usual = quantizer.step_of(quantizer.default_index(rate))
    step = quantizer.index_of(usual * 2 ** random.uniform(-1.5, 0.7))
    found = [Observed("coefficients", draft.quantise(step), draft.tree)]

    how = str(random.choice(["blue", "random"]))
    where = density.measure(planes[..., 0], count, mask=how, **settings)
    points = mask.points_from_density(where, height, width, how)
    tree = lifting.hierarchy(points, lifting.EXACT_PARTS)
    exact = images.to_ycocg_r(rgb)[points.rows, points.cols] - GREY
    found.append(Observed("pixels", lifting.residuals(exact, tree), tree))

    if settings["kind"] != "uniform":
        found.append(grid(where.exponents, "density"))
    # Masks that callers give are random more often than not.
    marked = np.zeros((height, width), bool)
    where = density.measure(planes[..., 0], count, mask="random", seed=seed, **settings)
    points = mask.points_from_density(where, height, width, "random", seed)
    marked[points.rows, points.cols] = True
    found.append(grid(maskcode.counts_of(marked), "counts"))
    return found


def grid(values: NDArray[np.int64], kind: str) -> Observed:
    """What the grid of these values (rows, cols) would code."""
    tree, places = layers.grid_tree(values.shape)
    return Observed(kind, lifting.residuals(values[places][:, None], tree), tree)


def fit_group(
    known: NDArray[np.int64], magnitudes: NDArray[np.int64], clip: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Weights, thresholds and frequencies of one plane and class of levels."""
    clipped = np.minimum(magnitudes, clip).astype(np.float64)
    spread = np.sqrt(0.05 + clipped.mean() + known[:, : lifting.NEIGHBOURS].mean(1))[:, None]
    weights = np.rint(WEIGHT_SCALE * nnls(known / spread, clipped / spread[:, 0])[0])
    weights = weights.astype(np.int64)
    guess = known @ weights
    # Fine cuts where magnitudes are large and rare, since that is where tables differ most.
    upper = 1 - 0.1 * 2.0 ** -np.arange(BINS // 2)
    cuts = np.quantile(guess, np.concatenate([np.linspace(0, 0.9, BINS // 2 + 1)[1:-1], upper]))
    thresholds = np.rint(cuts).astype(np.int64)
    bins = np.searchsorted(thresholds, guess, side="right")
    token = context.tokens_of(magnitudes)[0]
    counts = np.zeros((BINS, context.TOKENS))
    np.add.at(counts, (bins, token), 1)
    # A rare bin leans on the whole group's table.
    overall = counts.sum(0) + 1e-3
    counts += 4 * overall / overall.sum()
    return weights, thresholds, np.array([to_frequencies(row) for row in counts])


def to_frequencies(counts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Integers of at least one in proportion to counts, summing to 2 ** TABLE_BITS."""
    total = 1 << TABLE_BITS
    result = 1 + np.floor(counts / counts.sum() * (total - len(counts))).astype(np.int64)
    result[result.argmax()] += total - result.sum()
    return result


def fit(kind: str, observed: list[Observed]) -> dict[str, object]:
    """The entry of tables.json for one kind of symbol."""
    clip = CLIPS[kind]
    planes = observed[0].symbols.shape[1]
    weights = np.zeros((planes, context.CLASSES, context.FEATURES), np.int64)
    thresholds = np.zeros((planes, context.CLASSES, BINS - 1), np.int64)
    frequencies = np.zeros((planes, context.CLASSES, BINS, context.TOKENS), np.int64)
    for plane in range(planes):
        for group in range(context.CLASSES):
            known, magnitudes = [], []
            for one in observed:
                size = np.abs(one.symbols)
                for level in range(len(one.tree)):
                    if context.level_class(one.tree, level) == group:
                        shown = np.minimum(size, clip)
                        known.append(context.features(one.tree, level, plane, shown))
                        magnitudes.append(size[one.tree.span(level), plane])
            fitted = fit_group(np.concatenate(known), np.concatenate(magnitudes), clip)
            weights[plane, group], thresholds[plane, group], frequencies[plane, group] = fitted
    arrays = {"weights": weights, "thresholds": thresholds, "frequencies": frequencies}
    return {"clip": clip} | {name: array.tolist() for name, array in arrays.items()}


@click.command()
@click.argument("pictures", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--limit", default=600, help="How many pictures at most.")
@click.option("--jobs", default=2, help="Processes.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=TARGET)
def main(pictures: Path, limit: int, jobs: int, output: Path) -> None:
    """Fit the context models on the pictures of a folder."""
    paths = sorted(p for p in pictures.iterdir() if p.suffix in (".jpg", ".png"))
    chosen = np.random.default_rng(0).permutation(len(paths))[:limit]
    with ProcessPoolExecutor(jobs) as pool:
        found = list(pool.map(observe, [(paths[i], int(i)) for i in chosen], chunksize=8))
    everything = [one for some in found for one in some]
    fitted = {
        kind: fit(kind, [one for one in everything if one.kind == kind]) for kind in context.KINDS
    }
    output.write_text(json.dumps(fitted, separators=(",", ":")) + "\n")
    click.echo(f"wrote {output} from {len(chosen)} pictures")


if __name__ == "__main__":
    main()
