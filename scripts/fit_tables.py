"""Fit the context models in xcodec/coding/tables.json.

Training pictures are sampled with random rates, steps and densities. Their symbols train a small
network whose single output predicts the magnitude of a symbol. The network is rounded to integers;
its predictions are divided into bins by their quantiles, and each bin gets a table of frequencies.
docs/research/contexts.md compares networks of other sizes.

    python scripts/fit_tables.py PICTURES [--limit 600] [--effort 4] [-o tables.json]

The encoder chooses symbols by their cost in the current tables. If the context model itself
changes, fit twice, first with --effort 0. Files depend on the tables, so new tables are a new
version of the format.
"""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xcodec.coding import context, explicit_mask, lifting, planes, quantizer
from xcodec.coding.rangecoder import TABLE_BITS
from xcodec.coding.synthesis import GREY
from xcodec.encoder.analysis import analyse
from xcodec.encoder.request import Request
from xcodec.pictures import loading
from xcodec.pictures.colour import to_ycocg, to_ycocg_r
from xcodec.sampling import density, mask
from xcodec.sampling.density import DensityShape

TARGET = Path(context.__file__).with_name("tables.json")
CLIPS = {"coefficients": 15, "pixels": 255, "density": 15, "counts": 63}
"""Tables.clip by kind."""
BINS = 32
UNITS = 24
"""Units of the network: 16 and 48 are compared in docs/research/contexts.md."""
HEAD = 32
"""Units of the second network, used only for training, that turns a prediction into
probabilities."""
STEPS, BATCH, LR = 6000, 2048, 6e-3
MAX_SYMBOLS = 4000
"""Symbols used of a plane of a picture, so that small files matter as much as large ones."""
HIDDEN_SCALE, OUTPUT_SCALE = 1 << 14, 1 << 8
"""Factors that the weights are multiplied by before they are rounded."""


@dataclass(frozen=True)
class Observed:
    """Symbols (n, planes) of a picture, and their hierarchy."""

    kind: str
    symbols: NDArray[np.int64]
    tree: lifting.Hierarchy


def observe(job: tuple[Path, int, int]) -> list[Observed]:
    """Return the symbols of all kinds in files of a picture with random settings."""
    path, seed, effort = job
    random = np.random.default_rng(seed)
    rgb = loading.load(path).rgb
    height, width = rgb.shape[:2]
    if random.random() < 0.5 and min(height, width) > 256:
        top, left = random.integers(height - 256), random.integers(width - 256)
        rgb = rgb[top : top + 256, left : left + 256]
        height = width = 256
    planes = to_ycocg(rgb)
    rate = float(np.exp(random.uniform(np.log(0.003), np.log(0.2))))
    count = max(1, round(rate * height * width))
    settings = {
        "kind": str(random.choice(["sobel", "sobel", "sobel", "uniform", "canny"])),
        "block": int(random.choice([16, 16, 32])),
        "strength": float(random.uniform(0.3, 1.0)),
    }
    request = Request(
        rate, density=settings["kind"], block=settings["block"], strength=settings["strength"]
    )
    draft = analyse(rgb, request)
    usual = quantizer.step_of(quantizer.default_index(rate))
    step = quantizer.index_of(usual * 2 ** random.uniform(-1.2, 0.6))
    found = [Observed("coefficients", draft.quantise(step, effort), draft.tree)]

    how = str(random.choice(["blue", "random"]))
    where = density.measure(planes[..., 0], count, DensityShape(**settings), mask=how)
    points = mask.points_from_density(where, height, width, how)
    tree = lifting.hierarchy(points)
    exact = to_ycocg_r(rgb)[points.rows, points.cols] - GREY
    found.append(Observed("pixels", lifting.residuals(exact, tree), tree))

    if settings["kind"] != "uniform":
        found.append(grid(where.exponents, "density"))
    # Explicit masks are mostly random.
    marked = np.zeros((height, width), bool)
    where = density.measure(
        planes[..., 0], count, DensityShape(**settings), mask="random", seed=seed
    )
    points = mask.points_from_density(where, height, width, "random", seed)
    marked[points.rows, points.cols] = True
    found.append(grid(explicit_mask.counts_of(marked), "counts"))
    return found


def grid(values: NDArray[np.int64], kind: str) -> Observed:
    """Return the symbols of a grid of values (rows, cols)."""
    tree, places = planes.grid_tree(values.shape)
    return Observed(kind, lifting.residuals(values[places][:, None], tree), tree)


def train(known: NDArray[np.int64], tokens: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Train a network that predicts tokens; return its integer layers, (UNITS, FEATURES) and
    (UNITS,).

    known  : features (n, FEATURES)
    tokens : (n,)
    """
    torch.manual_seed(0)
    x = known[:, :-1].astype(np.float32)
    mean, spread = x.mean(0), x.std(0) + 1e-3
    inputs, wanted = torch.from_numpy((x - mean) / spread), torch.from_numpy(tokens)
    first, second = nn.Linear(x.shape[1], UNITS), nn.Linear(UNITS, 1)
    head = nn.Sequential(nn.Linear(1, HEAD), nn.ReLU(), nn.Linear(HEAD, context.TOKENS))
    network = nn.Sequential(first, nn.ReLU(), second, head)
    optimizer = torch.optim.AdamW(network.parameters(), LR)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(len(inputs), (BATCH,))
        loss = nn.functional.cross_entropy(network(inputs[chosen]), wanted[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    weights = first.weight.detach().numpy() / spread
    biases = first.bias.detach().numpy() - weights @ mean
    hidden = np.rint(HIDDEN_SCALE * np.column_stack([weights, biases]))
    output = np.rint(OUTPUT_SCALE * second.weight.detach().numpy()[0])
    return hidden.astype(np.int64), output.astype(np.int64)


def fit_plane(
    model: context.Tables, plane: int, known: NDArray[np.int64], tokens: NDArray[np.int64]
) -> float:
    """Set the thresholds and frequencies of a plane, given its layers; return bits per symbol."""
    guess = context.guesses(model, plane, known)
    # Narrow bins where magnitudes are large and rare: there tables differ most.
    upper = 1 - 0.2 * 2.0 ** (-np.arange(BINS // 2) / 1.5)
    cuts = np.quantile(guess, np.concatenate([np.linspace(0, 0.8, BINS // 2 + 1)[1:-1], upper]))
    model.thresholds[plane] = np.rint(cuts).astype(np.int64)
    bins = np.searchsorted(model.thresholds[plane], guess, side="right")
    counts = np.zeros((BINS, context.TOKENS))
    np.add.at(counts, (bins, tokens), 1)
    # The table of a rare bin is mixed with those of its neighbours and of the whole plane.
    overall = counts.sum(0) + 1e-3
    around = np.pad(counts, ((1, 1), (0, 0)))
    around = around[2:] + around[:-2]
    around /= np.maximum(around.sum(1, keepdims=True), 1)
    counts += 4 * overall / overall.sum() + 20 * around
    model.frequencies[plane] = [to_frequencies(row) for row in counts]
    shares = model.frequencies[plane] / (1 << TABLE_BITS)
    return float(-np.log2(shares[bins, tokens]).mean())


def to_frequencies(counts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return integers in proportion to counts, at least 1, that sum to 2 ** TABLE_BITS."""
    total = 1 << TABLE_BITS
    result = 1 + np.floor(counts / counts.sum() * (total - len(counts))).astype(np.int64)
    result[result.argmax()] += total - result.sum()
    return result


def fit(kind: str, observed: list[Observed]) -> dict[str, object]:
    """Return the entry of tables.json for a kind of symbols."""
    planes = observed[0].symbols.shape[1]
    model = context.Tables(
        clip=CLIPS[kind],
        hidden=np.zeros((planes, UNITS, context.FEATURES), np.int64),
        output=np.zeros((planes, UNITS), np.int64),
        thresholds=np.zeros((planes, BINS - 1), np.int64),
        frequencies=np.zeros((planes, BINS, context.TOKENS), np.int64),
    )
    random = np.random.default_rng(0)
    for plane in range(planes):
        every, all_tokens = [], []
        for one in observed:
            size = np.abs(one.symbols)
            shown = np.minimum(size, model.clip)
            levels = range(len(one.tree))
            known = np.concatenate([context.features(one.tree, i, plane, shown) for i in levels])
            chosen = random.permutation(len(known))[:MAX_SYMBOLS]
            every.append(known[chosen])
            all_tokens.append(context.tokens_of(size[chosen, plane])[0])
        known, tokens = np.concatenate(every), np.concatenate(all_tokens)
        hidden, output = train(known, tokens)
        model.hidden[plane], model.output[plane] = hidden, output
        guess = context.guesses(model, plane, known)
        if np.corrcoef(guess, np.minimum(tokens, 8))[0, 1] < 0:
            model.output[plane] *= -1
        bits = fit_plane(model, plane, known, tokens)
        click.echo(f"{kind}, plane {plane}: {bits:.4f} bits per symbol, {len(tokens)} symbols")
    arrays = {key: value for key, value in vars(model).items() if key != "clip"}
    return {"clip": model.clip} | {name: array.tolist() for name, array in arrays.items()}


@click.command()
@click.argument("pictures", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--limit", default=600, help="Largest number of pictures.")
@click.option("--jobs", default=2, help="Number of processes.")
@click.option("--effort", default=4, help="Effort of the encoder that chooses symbols.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=TARGET)
def main(pictures: Path, limit: int, jobs: int, effort: int, output: Path) -> None:
    """Fit the context models on the pictures of a folder."""
    paths = sorted(p for p in pictures.iterdir() if p.suffix in (".jpg", ".png"))
    chosen = np.random.default_rng(0).permutation(len(paths))[:limit]
    with ProcessPoolExecutor(jobs) as pool:
        wanted = [(paths[i], int(i), effort) for i in chosen]
        found = list(pool.map(observe, wanted, chunksize=8))
    everything = [one for some in found for one in some]
    fitted = {
        kind: fit(kind, [one for one in everything if one.kind == kind]) for kind in context.KINDS
    }
    output.write_text(json.dumps(fitted, separators=(",", ":")) + "\n", encoding="utf-8")
    click.echo(f"wrote {output} from {len(chosen)} pictures")


if __name__ == "__main__":
    main()
