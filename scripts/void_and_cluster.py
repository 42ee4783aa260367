"""Generate the blue-noise tile that orders positions, xcodec/sampling/blue_noise.npy.

Every position gets a rank, such that the positions below any rank are spread evenly. The tile is
stored as data because files depend on it. Run this only to verify it (`--check`), or for a new
version of the format.

Source: Ulichney, "The Void-and-Cluster Method for Dither Array Generation", 1993, here on a torus.

    python scripts/void_and_cluster.py [--check]
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIDE = 128
POWER = 2.5
"""Exponent of the repulsion between points; no comparison is on record."""
TARGET = Path(__file__).parents[1] / "xcodec" / "sampling" / "blue_noise.npy"


def repulsion_on_torus() -> NDArray[np.int64]:
    """Return the energy of a point at the origin at each position: integers, for exact ties.

    Unlike Ulichney's Gaussian, the power law has no scale: the coarsest ranks, a hundred pixels
    apart, are spread as evenly as the finest.
    """
    d = np.minimum(np.arange(SIDE), SIDE - np.arange(SIDE)) ** 2
    return np.rint(2**40 / (1.0 + d[:, None] + d[None, :]) ** POWER).astype(np.int64)


def void_and_cluster(seed: int = 2018) -> NDArray[np.uint16]:
    """Return the ranks of all positions, (SIDE, SIDE): each of 0 .. SIDE * SIDE - 1 once."""
    kernel = np.tile(repulsion_on_torus(), (2, 2))
    area = SIDE * SIDE
    energy = np.zeros((SIDE, SIDE), np.int64)
    taken = np.zeros((SIDE, SIDE), bool)
    # A fixed random order decides between positions of equal energy.
    jitter = np.random.default_rng(seed).permutation(area).reshape(SIDE, SIDE)

    def change(position: tuple[int, int], sign: int) -> None:
        r, c = position
        energy[:] += sign * kernel[SIDE - r : 2 * SIDE - r, SIDE - c : 2 * SIDE - c]
        taken[r, c] = sign > 0

    def extreme(among: NDArray[np.bool_], largest: bool) -> tuple[int, int]:
        # Multiplied by the area, differences of energy always outweigh the order.
        key = energy * area + jitter
        key = np.where(among, key, np.iinfo(np.int64).min if largest else np.iinfo(np.int64).max)
        r, c = divmod(int(key.argmax() if largest else key.argmin()), SIDE)
        return r, c

    for flat in np.random.default_rng(seed + 1).choice(area, area // 10, replace=False):
        change(divmod(int(flat), SIDE), 1)
    while True:  # Move the tightest cluster to the largest void until nothing moves.
        cluster = extreme(taken, largest=True)
        change(cluster, -1)
        void = extreme(~taken, largest=False)
        change(void, 1)
        if void == cluster:
            break

    rank = np.zeros((SIDE, SIDE), np.uint16)
    start, start_energy = taken.copy(), energy.copy()
    for i in range(int(start.sum()) - 1, -1, -1):
        position = extreme(taken, largest=True)
        change(position, -1)
        rank[position] = i
    taken[:], energy[:] = start, start_energy
    for i in range(int(start.sum()), area):
        position = extreme(~taken, largest=False)
        change(position, 1)
        rank[position] = i
    return rank


if __name__ == "__main__":
    tile = void_and_cluster()
    assert len(np.unique(tile)) == tile.size
    if "--check" in sys.argv:
        same = bool(np.array_equal(tile, np.load(TARGET, allow_pickle=False)))
        print("the shipped tile is the script's" if same else "the shipped tile DIFFERS")
        sys.exit(not same)
    np.save(TARGET, tile, allow_pickle=False)
    print(f"wrote {TARGET}")
