"""Write the conformance files anew: python -m tests.golden.regenerate

A change of these files is a change of the format: from 1.0 on, old ones stay and new ones are
added. What each file must decode to is in expected.json.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

import xcodec
from tests.golden import pictures
from tests.golden.pictures import RGB
from xcodec import codec

FOLDER = Path(__file__).parent
MAX_PIXELS = 1 << 20


def cases() -> dict[str, tuple[RGB, dict[str, Any]]]:
    """Name of each file -> the picture and what ``xcodec.encode`` is told."""
    scene = pictures.scene(72, 96)
    lossless = {"tone": "point", "lossless": True}
    return {
        "plain": (scene, {"rate": 0.05}),
        "pixel": (scene[:1, :1], {}),
        "strip": (scene[30:31, :50], {"rate": 0.1}),
        "column": (scene[:50, 40:41], {"rate": 0.2, **lossless}),
        "flat": (np.full((40, 40, 3), 77, np.uint8), {}),
        "canny": (scene, {"rate": 0.08, "density": "canny", "block": 8, "step": 9.0}),
        "mean": (scene, {"block": 32, "tone": "mean", "model": "face", "comment": "grüße"}),
        "random": (scene, {"mask": "random", "seed": 4_000_000_000, "density": "uniform"}),
        "bitmap": (scene, {"mask": pictures.checks(72, 96), "tone": "point", "step": 60.0}),
        "runs": (scene, {"mask": pictures.diagonals(72, 96), "tone": "point"}),
        "blocks": (scene, {"mask": pictures.speckled(72, 96), **lossless}),
        "lossless": (scene, {"rate": 0.06, **lossless}),
        "layers": (pictures.scene(250, 330), {"rate": 0.03, "step": 1.0}),
        "exact-layers": (pictures.scene(330, 250), {"rate": 0.05, **lossless}),
    }


def facts(data: bytes, picture: RGB) -> dict[str, Any]:
    """What a file must decode to."""
    file = codec._read(data, MAX_PIXELS, partial=False)
    points = np.stack([file.points.rows, file.points.cols], 1)
    return {
        "size": len(data),
        "samples": len(points),
        "layers": file.layers,
        "points": digest(points),
        "symbols": digest(file.symbols),
        "psnr": round(psnr(data, picture), 3),
    }


def digest(values: Any) -> str:
    """SHA-256 of integers as little-endian int32."""
    return hashlib.sha256(np.ascontiguousarray(values, "<i4").tobytes()).hexdigest()


def psnr(data: bytes, picture: RGB) -> float:
    """Decibels of the classical decoder's picture; 99 where it is exact."""
    error = np.square(np.asarray(xcodec.decode(data, decoder="classical"), float) - picture).mean()
    return float(10 * np.log10(255**2 / error)) if error else 99.0


def main() -> None:
    expected = {}
    for name, (picture, options) in cases().items():
        data = xcodec.encode(picture, **options)
        (FOLDER / f"{name}.xgc").write_bytes(data)
        expected[name] = facts(data, picture)
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
