"""Tuning sample values through the generator, for efforts 8 and 9. Imports torch.

The generator starts from the fill of the samples. The gradient of its error with respect to the
fill tells how the fill should change. Rate-distortion optimised quantisation moves the symbols that
way as far as their bits allow, and the next round starts from the new fill
(docs/research/tuning.md).
"""

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from xcodec.coding import quantizer
from xcodec.encoder import analysis
from xcodec.encoder.analysis import Analysis
from xcodec.encoder.request import Request
from xcodec.kriging.fill import fill_matrix
from xcodec.pictures.colour import from_ycocg, to_ycocg
from xcodec.reconstruction import model_files, torch_painter, torch_weights
from xcodec.reconstruction.classical import fill
from xcodec.reconstruction.conditions import conditions, to_network
from xcodec.reconstruction.tiling import WHOLE
from xcodec.system import threads
from xcodec.system.processor import has_bf16
from xcodec.types import RGB, Fill, Floats

CAUTION = 1.15
"""After a round without improvement, steps along the gradient are divided by this much more
(docs/research/tuning.md)."""
RAISED, LOWERED = 1.2, 0.95
"""Factors on the Lagrange multiplier after a file that is too large, and after one that fits."""


def tune(
    rgb: RGB,
    draft: Analysis,
    request: Request,
    step: int,
    symbols: NDArray[np.int32],
    rounds: int,
    limit: int | None = None,
) -> bytes:
    """Write a picture's file with symbols tuned through the generator that the file names.

    rgb     : uint8 (height, width, 3)
    step    : index of ``quantizer.step_of``
    symbols : int32 (n, planes), to start from
    rounds  : number of steps along the gradient
    limit   : largest size of the file in bytes; None: the least error + multiplier * bits wins

    Pictures of more than ``tiling.WHOLE`` pixels are not tuned. Raises ModelError if the
    generator's weights are missing.
    """
    start = analysis.write_symbols(draft, request, step, symbols)
    if draft.problem is None or rgb.shape[0] * rgb.shape[1] > WHOLE:
        return start
    viewer = _Viewer(rgb, draft, request, step)
    best, data, multiplier, caution = np.inf, start, 1.0, 1.0
    here = symbols
    for _ in range(rounds + 1):
        written = analysis.write_symbols(draft, request, step, here)
        error, gradient = threads.with_openmp(partial(viewer.error_of, here))
        cost = error + draft.problem.multiplier(quantizer.step_of(step)) * 8 * len(written)
        fits = limit is None or len(written) <= limit
        if fits and (error if limit is not None else cost) < best:
            best, data = (error if limit is not None else cost), written
        elif fits:
            caution *= CAUTION
        if limit is not None:
            multiplier *= LOWERED if fits else RAISED
        here = viewer.toward(here, gradient / caution, multiplier)
    return data


class _Viewer:
    """The generator's error on one sampled picture, and its gradient."""

    def __init__(self, rgb: RGB, draft: Analysis, request: Request, step: int) -> None:
        generator, _ = torch_weights.load(model_files.find(request.model))
        weights = request.weights
        self._device = torch_painter.choose("auto")
        self._generator = generator.to(self._device).requires_grad_(False)
        self._draft, self._step = draft, step
        self._matrix = fill_matrix(draft.points)
        self._shape = rgb.shape
        self._weights = np.ones(rgb.shape[:2], np.float32) if weights is None else weights
        self._counts = torch.from_numpy(self._weights).to(self._device)
        target = to_network(np.moveaxis(rgb, -1, 0))
        self._target = torch.from_numpy(target)[None].to(self._device)
        zeros = np.zeros_like(draft.coefficients, np.int32)
        self._deviation = fill(draft.samples(zeros, step)).deviation

    def error_of(self, symbols: NDArray[np.int32]) -> tuple[float, Floats]:
        """Squared error of the generator in grey levels, summed over R, G and B, and the gradient
        of half of it with respect to the fill, (height, width, 3). ``toward`` starts from it.
        """
        samples = self._draft.samples(symbols, self._step)
        self._fill = from_ycocg((self._matrix @ samples.values).reshape(self._shape))
        seen = conditions(samples, Fill(self._fill, self._deviation))
        x = torch.from_numpy(seen)[None].to(self._device).requires_grad_()
        half = self._device.type == "cpu" and has_bf16()
        with torch.autocast(self._device.type, torch.bfloat16, enabled=half):
            picture = self._generator(x)
        error = ((picture.clamp(-1, 1) - self._target).square() * self._counts).sum() / 2
        (slope,) = torch.autograd.grad(error, x)
        # A grey level is 2 / 255 on the network's scale.
        grey = 255 / 2
        gradient = slope[0, :3].permute(1, 2, 0).cpu().numpy().astype(np.float64) * grey
        gradient /= self._weights[..., None]
        return 2 * error.item() * grey**2, gradient

    def toward(
        self, symbols: NDArray[np.int32], gradient: Floats, multiplier: float
    ) -> NDArray[np.int32]:
        """Choose symbols whose fill is closer to the last fill minus a gradient."""
        assert self._draft.problem is not None
        # The error's weights apply to the moments, too; steps are those of an unweighted pixel.
        wanted = to_ycocg(self._fill - gradient).astype(np.float64) - self._draft.origin
        weighed = wanted * self._weights[..., None]
        moments = self._matrix.T @ weighed.reshape(-1, 3)[:, : symbols.shape[1]]
        step = quantizer.step_of(self._step)
        return self._draft.problem.refine(symbols, step, moments, multiplier)
