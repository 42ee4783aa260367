"""Weights of pixels: regions of interest, faces, and what stands out.

A weight multiplies the density of samples (suggested by the X-GANs paper, section 5.2) and the
squared error of the pixel.
"""

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from xcodec.errors import InputError
from xcodec.types import Region

REGION_WEIGHT = 4.0
"""Default weight of regions, of faces, and of the most salient pixels: docs/research/regions.md."""
MAX_WEIGHT = 64.0
"""Weights are between 1 / MAX_WEIGHT and MAX_WEIGHT."""
_SIDE = 64
"""Longer side, in pixels, of the reduced picture that saliency is computed from."""
_BLUR = 2.5
"""Sigma, in pixels of the reduced picture, that the saliency is blurred with."""
_FACE_WINDOW = 60
"""Smallest face that the cascade detects, in pixels of the reduced picture."""
_FACE_SIDE = 640
"""Longer side, in pixels, of the reduced picture in which faces are detected."""


def weights(
    rgb: NDArray[np.uint8],
    regions: Iterable[Region] = (),
    mask: NDArray[np.uint8] | None = None,
    saliency: bool = False,
) -> NDArray[np.float32] | None:
    """Return weights, float32 (height, width), with a mean of 1; None if all are equal.

    rgb      : uint8 (height, width, 3)
    regions  : clipped to the picture; where they overlap, their weights multiply
    mask     : uint8 (height, width), from 0 for weight 1 to 255 for REGION_WEIGHT
    saliency : whether to give faces and salient pixels more weight

    Raises InputError for regions outside the picture, weights outside 1/64..64, or a mask of
    another size.
    """
    shape = rgb.shape[:2]
    total = np.ones(shape, np.float32)
    for x, y, width, height, weight in regions:
        if not 1 / MAX_WEIGHT <= weight <= MAX_WEIGHT:
            raise InputError(f"the weight of a region is {weight:g}; it must be in 1/64..64")
        part = total[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
        if min(width, height) < 1 or not part.size:
            raise InputError(f"the region {x},{y},{width},{height} has no pixel of the picture")
        part *= weight
    if mask is not None:
        if mask.shape != shape:
            size = "x".join(map(str, mask.shape[::-1]))
            raise InputError(f"the region mask is {size}, the picture {shape[1]}x{shape[0]}")
        total *= REGION_WEIGHT ** (mask.astype(np.float32) / 255)
    if saliency:
        total *= REGION_WEIGHT ** np.maximum(spectral_residual(rgb), faces(rgb))
    if np.ptp(total) == 0:
        return None
    result: NDArray[np.float32] = total / total.mean(dtype=np.float64).astype(np.float32)
    return result


def spectral_residual(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the saliency 0..1 of each pixel, float32 (height, width): the spectral residual.

    Source: Hou and Zhang, "Saliency Detection: A Spectral Residual Approach", CVPR 2007.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    if np.ptp(grey) == 0:
        return np.zeros((height, width), np.float32)
    spectrum = np.fft.fft2(grey.astype(np.float64))
    amplitude = np.log(np.abs(spectrum) + 1e-9)
    residual = amplitude - cv2.blur(amplitude, (3, 3), borderType=cv2.BORDER_REPLICATE)
    found = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    found = cv2.GaussianBlur(found, (0, 0), _BLUR, borderType=cv2.BORDER_REPLICATE)
    # Scaled to the 95th percentile rather than the maximum, which may be a single pixel.
    found = np.clip(found / max(np.quantile(found, 0.95), 1e-12), 0, 1).astype(np.float32)
    wide = cv2.resize(found.reshape(size[::-1]), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide, np.float32).reshape(height, width)


def faces(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 1 within faces, else 0, float32 (height, width); all 0 without scikit-image.

    Source: the cascade of local binary patterns that comes with scikit-image.
    """
    height, width = rgb.shape[:2]
    found = np.zeros((height, width), np.float32)
    try:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade
    except ImportError:
        return found
    scale = min(1.0, _FACE_SIDE / max(height, width))
    small: NDArray[Any] = rgb
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    if min(small.shape[:2]) < _FACE_WINDOW:
        return found
    cascade = Cascade(lbp_frontal_face_cascade_filename())  # type: ignore[no-untyped-call]
    seen = cascade.detect_multi_scale(
        img=small,
        scale_factor=1.2,
        step_ratio=1,
        min_size=(_FACE_WINDOW, _FACE_WINDOW),
        max_size=(min(small.shape[:2]), min(small.shape[:2])),
    )
    for face in seen:
        top, left = int(face["r"] / scale), int(face["c"] / scale)
        bottom, right = top + int(face["height"] / scale), left + int(face["width"] / scale)
        found[top:bottom, left:right] = 1
    return found
