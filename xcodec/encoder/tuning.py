"""Sample values tuned through the generator: what efforts 8 and 9 add. They start torch.

The fill F that the samples paint is what the generator G starts from. A gradient of the generator's
error with respect to F says where F should rather be; rate-distortion optimised quantisation moves
the symbols there as far as their bits allow, and so on from the new fill.
"""

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
from xcodec.system.processor import has_bf16
from xcodec.types import RGB, Fill, Floats

CAUTION = 1.15
"""A step along the gradient is divided by this much more after one that did not pay."""
RAISED, LOWERED = 1.2, 0.95
"""Factors on the Lagrange multiplier, after a file that was too large, and after one that fits."""


def tune(
    rgb: RGB,
    draft: Analysis,
    request: Request,
    step: int,
    symbols: NDArray[np.int32],
    rounds: int,
    limit: int | None = None,
) -> bytes:
    """The file of a picture with symbols tuned through the generator that it names.

    symbols : int32 (n, planes), where to start from
    rounds  : steps along the gradient
    limit   : bytes that the file may have; without, bits and error are weighed as ever

    Larger pictures than tiling.WHOLE are written as they are. Raises ModelError without weights.
    """
    start = analysis.write_symbols(draft, request, step, symbols)
    if draft.problem is None or rgb.shape[0] * rgb.shape[1] > WHOLE:
        return start
    viewer = _Viewer(rgb, draft, request, step)
    best, data, multiplier, caution = np.inf, start, 1.0, 1.0
    here = symbols
    for _ in range(rounds + 1):
        written = analysis.write_symbols(draft, request, step, here)
        error, gradient = viewer.error_of(here)
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
    """The generator's view of one sampled picture."""

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
        """Squared error of the generator, summed over R, G, B in grey levels, and the gradient of
        half of it with respect to the fill, (height, width, 3), kept with the fill for ``toward``.
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
        # On the network's scale a grey level is 2 / 255.
        grey = 255 / 2
        gradient = slope[0, :3].permute(1, 2, 0).cpu().numpy().astype(np.float64) * grey
        gradient /= self._weights[..., None]
        return 2 * error.item() * grey**2, gradient

    def toward(
        self, symbols: NDArray[np.int32], gradient: Floats, multiplier: float
    ) -> NDArray[np.int32]:
        """Symbols whose fill lies nearer to the last one seen less a gradient."""
        assert self._draft.problem is not None
        # Pixels count in the moments as in the error: a step is that of a pixel by itself.
        wanted = to_ycocg(self._fill - gradient).astype(np.float64) - self._draft.origin
        weighed = wanted * self._weights[..., None]
        moments = self._matrix.T @ weighed.reshape(-1, 3)[:, : symbols.shape[1]]
        step = quantizer.step_of(self._step)
        return self._draft.problem.refine(symbols, step, moments, multiplier)
