"""The values of samples: pixels, local means, or a least-squares fit.

The fit is the tonal optimisation of codecs that inpaint by diffusion: it minimises ||M v - x||^2
over the values v, where M is the classical fill as a linear map and x the picture.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.kriging.sparse import Matrix
from xcodec.types import Floats, Points

MEAN_RADIUS = 0.3
"""Sigma of a local mean, relative to the spacing of the samples. No comparison is on record."""
ITERATIONS = 4
"""Steps of the conjugate gradients. No comparison is on record."""


def pixels(planes: Floats, points: Points) -> Floats:
    """Return planes (height, width, c) at the points, (n, c): the samples of the X-GANs paper."""
    values: Floats = planes[points.rows, points.cols]
    return values


def local_means(planes: Floats, points: Points, radius: float = MEAN_RADIUS) -> Floats:
    """Return Gaussian means around the points, (n, c), wider where samples are sparse.

    planes : float32 (height, width, c)
    radius : sigma, relative to the local spacing of the samples
    """
    mask = np.zeros((points.height, points.width), np.float32)
    mask[points.rows, points.cols] = 1.0
    # The local density is that of the mask, over windows of twelve samples on average.
    window = 1.5 * np.sqrt(12.0 * mask.size / max(len(points), 1))
    border = cv2.BORDER_REFLECT_101 if min(mask.shape) > 1 else cv2.BORDER_REPLICATE
    density = cv2.GaussianBlur(mask, (0, 0), max(window / 3, 0.5), borderType=border)
    spacing = 1.0 / np.sqrt(np.maximum(density[points.rows, points.cols], 1e-6))
    octave = np.clip(np.rint(2 * np.log2(radius * spacing)), -2, 14).astype(int)
    values = np.empty((len(points), planes.shape[2]), np.float32)
    for level in np.unique(octave):
        here = octave == level
        blurred = cv2.GaussianBlur(planes, (0, 0), 2.0 ** (level / 2), borderType=border)
        blurred = blurred.reshape(planes.shape)
        values[here] = blurred[points.rows[here], points.cols[here]]
    return values


def least_squares(
    gram: Matrix, moments: Floats, start: Floats, iterations: int = ITERATIONS
) -> Floats:
    """Return values (n, c) whose fill fits the picture best, by conjugate gradients.

    gram, moments : (n, n) and (n, c), from kriging.fill.normal_equations
    start         : (n, c), initial values: local means
    iterations    : number of steps
    """
    values = start.astype(np.float64)
    residual = moments - gram @ values
    # Jacobi preconditioner: a sample in a sparse area influences more pixels.
    diagonal = np.maximum(gram.diagonal(), 1e-6)[:, None]
    preconditioned = residual / diagonal
    direction = preconditioned
    energy = (residual * preconditioned).sum(0)
    for _ in range(iterations):
        spread = gram @ direction
        curvature: NDArray[np.float64] = np.maximum((direction * spread).sum(0), 1e-12)
        length = energy / curvature
        values = values + length * direction
        residual = residual - length * spread
        preconditioned = residual / diagonal
        before, energy = energy, (residual * preconditioned).sum(0)
        direction = preconditioned + energy / np.maximum(before, 1e-12) * direction
    return values
