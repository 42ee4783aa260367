"""Fit the network that predicts symbols, xcodec/coding/network.npz (docs/format.md, section 5.2).

    python scripts/fit_network.py encode PICTURES SYMBOLS [--count 1600] [--fine]
    python scripts/fit_network.py train SYMBOLS [--check SYMBOLS] [--minutes 20] [--plane 0]

``encode`` stores the symbols that the present encoder chooses for random pictures, sizes, rates and
steps. ``train`` learns from them: each symbol's signed token from the inputs of
``coding.surroundings``, with pictures mirrored, turned and inverted at random. Weights, biases and
outputs of units are rounded as in the codec during the last two fifths of the time.

The encoder counts bits by the present network: fit twice if much changes. Files depend on the
network, so a new one is a new version of the format. docs/research/value-contexts.md has results.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import itertools

import click
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.nn import functional

from xcodec.choices import PICTURES
from xcodec.coding import network, quantizer
from xcodec.coding.context import PLANES
from xcodec.coding.lifting import NEIGHBOURS, Lifting, hierarchy
from xcodec.coding.surroundings import FACTS, LIMIT, Surroundings, inputs
from xcodec.coding.values import Values
from xcodec.encoder.analysis import analyse
from xcodec.encoder.request import Request
from xcodec.pictures import loading
from xcodec.pictures.cropping import middle
from xcodec.types import Points

TARGET = Path(network.__file__).with_name("network.npz")
UNITS = (144, 96, 96)
"""Units of both hidden layers for each plane."""
SQUARE, LARGEST = 256, 400_000
"""Half the pictures become squares of this side, the others have at most so many pixels."""
RATES, STEPS, FINE_STEPS = (0.006, 0.13), (-0.6, 0.4), (-6.5, -0.5)
"""Ranges of rates, and of steps in octaves from the default."""
MOST = 4000
"""Symbols of a plane of a picture that are learned from, so that small files matter as well."""
BATCH, RATE, DECAY, WARMUP = 4096, 2e-3, 1e-4, 200
ROUNDED_FROM = 0.6
"""Part of the time after which everything is rounded as in the codec."""
ONE, SCALE = 32, 1 << network.SHIFT
"""What 1 is among inputs and outputs of units, and among weights."""


def chosen(job: tuple[Path, int, tuple[float, float], Path]) -> None:
    """Store the symbols of a file of a picture with random settings."""
    path, seed, octaves, folder = job
    random = np.random.default_rng(seed)
    image = Image.fromarray(np.ascontiguousarray(loading.load(path).rgb))
    if random.random() < 0.5:
        square = Image.fromarray(np.ascontiguousarray(middle(np.asarray(image))))
        image = square.resize((SQUARE, SQUARE), Image.Resampling.LANCZOS)
    elif image.width * image.height > LARGEST:
        smaller = (LARGEST / (image.width * image.height)) ** 0.5
        size = int(image.width * smaller), int(image.height * smaller)
        image = image.resize(size, Image.Resampling.LANCZOS)
    rate = float(np.exp(random.uniform(*np.log(RATES))))
    usual = quantizer.step_of(quantizer.default_index(rate))
    step = quantizer.index_of(usual * 2 ** random.uniform(*octaves))
    draft = analyse(np.asarray(image), Request(rate, step))
    np.savez(
        folder / f"{path.stem}_{seed}.npz",
        rows=draft.points.rows.astype(np.int16),
        cols=draft.points.cols.astype(np.int16),
        ranks=draft.points.ranks,
        h=image.height,
        w=image.width,
        symbols=draft.quantise(step, Request.effort).astype(np.int16),
        step=step,
    )


def learned_from(job: tuple[Path, int]) -> list[tuple[NDArray[np.int8], NDArray[np.uint8]]]:
    """Inputs and signed tokens of each plane of a stored file."""
    path, seed = job
    with np.load(path) as stored:
        size = int(stored["h"]), int(stored["w"])
        rows, cols = stored["rows"].astype(np.int32), stored["cols"].astype(np.int32)
        points = Points(*size, rows, cols, stored["ranks"])
        symbols, step = stored["symbols"].astype(np.int32), int(stored["step"])
    tree = hierarchy(points)
    values, around = Values(tree, Lifting(points, tree), step, PLANES), Surroundings(points, tree)
    known: list[list[NDArray[np.int8]]] = [[] for _ in range(PLANES)]
    for octave, levels in enumerate(tree.octaves):
        values.begin(octave)
        for level in levels:
            for plane in range(PLANES):
                seen = around.of(tree.span(level), plane, symbols, values)
                known[plane].append(seen.astype(np.int8))
                values.put(level, plane, symbols[tree.span(level), plane])
        values.finish(octave)
    some = np.sort(np.random.default_rng(seed).permutation(len(symbols))[:MOST])
    tokens = network.signed_tokens(symbols[some])[0].astype(np.uint8)
    return [(np.concatenate(known[plane])[some], tokens[:, plane]) for plane in range(PLANES)]


class Variants:
    """Pictures mirrored, turned by a quarter, and inverted, as their inputs and tokens show it."""

    def __init__(self, plane: int) -> None:
        values = 4 * NEIGHBOURS + FACTS
        self._inverted = torch.ones(inputs(plane))
        self._inverted[values : values + NEIGHBOURS * (plane + 1)] = -1
        self._inverted[values + NEIGHBOURS * (plane + 1) :: 2] = -1
        self._turned = torch.arange(inputs(plane))
        rows, cols = slice(NEIGHBOURS), slice(NEIGHBOURS, 2 * NEIGHBOURS)
        self._turned[rows], self._turned[cols] = (
            self._turned[cols].clone(),
            self._turned[rows].clone(),
        )

    def __call__(
        self, known: torch.Tensor, tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Vary inputs (m, inputs) and tokens (m,) at random."""
        inverted, turned, down, across = torch.rand(4, len(known), 1) < 0.5
        known = torch.where(inverted, known * self._inverted, known)
        other = torch.where(tokens > 0, ((tokens - 1) ^ 1) + 1, 0)
        tokens = torch.where(inverted[:, 0], other, tokens)
        rows, cols, rest = known.split([NEIGHBOURS, NEIGHBOURS, known.shape[1] - 2 * NEIGHBOURS], 1)
        rows, cols = torch.where(down, -rows, rows), torch.where(across, -cols, cols)
        known = torch.cat([rows, cols, rest], 1)
        return torch.where(turned, known[:, self._turned], known), tokens


class Predictor(nn.Module):
    """The network in floats, or with everything rounded as in the codec."""

    def __init__(self, plane: int) -> None:
        super().__init__()
        sizes = [inputs(plane), UNITS[plane], UNITS[plane], network.SIGNED]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(sizes))
        with torch.no_grad():
            self.layers[-1].weight.mul_(0.1)

    def forward(self, known: torch.Tensor, rounded: bool) -> torch.Tensor:
        """Natural logarithms of probabilities, up to a constant, (m, SIGNED)."""
        units = known
        for number, layer in enumerate(self.layers):
            weights, biases = layer.weight * SCALE, layer.bias * (SCALE * ONE)
            if rounded:
                weights, biases = _as_if(weights, torch.round), _as_if(biases, torch.round)
            units = functional.linear(units, weights, biases) / SCALE
            if rounded:
                units = _as_if(units, torch.floor)
            if number < len(self.layers) - 1:
                units = units.clamp(0, network.ACTIVE)
        return units * (np.log(2) / network.LOG_STEPS)

    def arrays(self, plane: int) -> dict[str, NDArray[np.int32]]:
        """The arrays of network.npz."""
        found = {}
        for number, layer in enumerate(self.layers):
            weights = torch.round(layer.weight * SCALE).detach().numpy().T
            biases = torch.round(layer.bias * (SCALE * ONE)).detach().numpy()
            limit = network.ACTIVE if number else LIMIT
            if (np.abs(weights).sum(0) * limit + np.abs(biases)).max() >= 1 << 24:
                raise click.ClickException("sums of products are too large for float32")
            found[f"weights{plane}{number}"] = weights.astype(np.int16)
            found[f"biases{plane}{number}"] = biases.astype(np.int32)
        return found


def _as_if(values: torch.Tensor, rounding: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Rounded values with the gradient of those that are not."""
    return values + (rounding(values) - values).detach()


@click.group()
def main() -> None:
    """Fit the network that predicts symbols."""


@main.command()
@click.argument("pictures", type=click.Path(exists=True, file_okay=False, path_type=Path), nargs=-1)
@click.argument("symbols", type=click.Path(path_type=Path))
@click.option("--count", default=1600, help="Number of files.")
@click.option("--fine", is_flag=True, help="Finer steps than usual.")
@click.option("--seed", default=0)
@click.option("--jobs", default=2, help="Number of processes.")
def encode(
    pictures: tuple[Path, ...], symbols: Path, count: int, fine: bool, seed: int, jobs: int
) -> None:
    """Store the symbols of files of random pictures."""
    paths = sorted(
        p for each in pictures for p in each.iterdir() if p.suffix in (*PICTURES, ".avif")
    )
    symbols.mkdir(parents=True, exist_ok=True)
    which = np.random.default_rng(seed).integers(len(paths), size=count)
    steps = FINE_STEPS if fine else STEPS
    wanted = [(paths[i], seed * 100_000 + n, steps, symbols) for n, i in enumerate(which)]
    with ProcessPoolExecutor(jobs) as pool, click.progressbar(length=count) as bar:
        for _ in pool.map(chosen, wanted, chunksize=4):
            bar.update(1)


@main.command()
@click.argument("symbols", type=click.Path(exists=True, file_okay=False, path_type=Path), nargs=-1)
@click.option("--check", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--plane", type=click.IntRange(0, PLANES - 1), required=True)
@click.option("--minutes", default=20.0)
@click.option("--jobs", default=2, help="Number of processes.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=TARGET)
def train(
    symbols: tuple[Path, ...],
    check: Path | None,
    plane: int,
    minutes: float,
    jobs: int,
    output: Path,
) -> None:
    """Train the network of a plane, and store it beside those of the others."""
    torch.manual_seed(0)
    files = sorted(path for each in symbols for path in each.glob("*.npz"))
    known, tokens = _data(files, plane, jobs)
    judged = _data(sorted(check.glob("*.npz")), plane, jobs) if check else (known[:1], tokens[:1])
    predictor, variants = Predictor(plane), Variants(plane)
    optimizer = torch.optim.AdamW(predictor.parameters(), RATE, weight_decay=DECAY)
    start, step = time.monotonic(), 0
    while (part := (time.monotonic() - start) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / WARMUP) * (0.5 + 0.5 * np.cos(np.pi * part))
        some = torch.randint(len(known), (BATCH,))
        seen, wanted = variants(known[some].float(), tokens[some].long())
        loss = functional.cross_entropy(predictor(seen, part > ROUNDED_FROM), wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(predictor.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 2000 == 0:
            click.echo(f"step {step}, {60 * minutes * part:.0f} s: {_bits(predictor, *judged):.4f}")
    click.echo(f"plane {plane}: {_bits(predictor, *judged):.4f} bits a token, {len(known)} symbols")
    arrays = dict(np.load(output)) if output.exists() else {}
    np.savez_compressed(output, **(arrays | predictor.arrays(plane)))


def _data(files: list[Path], plane: int, jobs: int) -> tuple[torch.Tensor, torch.Tensor]:
    with ProcessPoolExecutor(jobs) as pool:
        found = [
            each[plane]
            for each in pool.map(
                learned_from, zip(files, range(len(files)), strict=True), chunksize=4
            )
        ]
    known, tokens = (np.concatenate(each) for each in zip(*found, strict=True))
    return torch.from_numpy(known), torch.from_numpy(tokens)


def _bits(predictor: Predictor, known: torch.Tensor, tokens: torch.Tensor) -> float:
    """Mean bits of a signed token, as the codec predicts it."""
    total = 0.0
    with torch.no_grad():
        for seen, wanted in zip(known.split(1 << 14), tokens.split(1 << 14), strict=True):
            found = predictor(seen.float(), True)
            total += functional.cross_entropy(found, wanted.long(), reduction="sum").item()
    return total / len(tokens) / np.log(2)


if __name__ == "__main__":
    main()
