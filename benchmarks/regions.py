"""What a region of interest gains at equal bytes: python benchmarks/regions.py PHOTOS FACES

The pictures at odd positions of PHOTOS, in sorted order, are encoded within --bytes, with and
without a region of interest in the middle ninth. The PSNR of the classical decoder is compared
inside and outside the region. The same is done for FACES with half the bytes, with and without
saliency; there, the region is the detected face. docs/research/regions.md has the results.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import xcodec
from xcodec.pictures import loading
from xcodec.pictures.quality import decibels
from xcodec.sampling import saliency
from xcodec.types import RGB

Mask = NDArray[np.bool_]


def psnr(data: bytes, rgb: RGB, where: Mask) -> float:
    """PSNR in dB of the classical decoder's picture within a mask (height, width)."""
    found = np.asarray(xcodec.decode(data, decoder="classical"), float)
    return float(decibels(np.square(found - rgb)[where].mean()))


def compare(
    rgb: RGB, inside: Mask, max_bytes: int, effort: int, **region: Any
) -> dict[str, list[float]]:
    """PSNR inside and outside and the bytes, by "plain" and "region": without and with it."""
    row = {}
    for name, options in (("plain", {}), ("region", region)):
        data = xcodec.encode(rgb, max_bytes=max_bytes, effort=effort, **options)
        row[name] = [psnr(data, rgb, inside), psnr(data, rgb, ~inside), len(data)]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what regions of interest gain.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--bytes", type=int, default=1000)
    parser.add_argument("--effort", type=int, default=2)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--weights", type=float, nargs="+", default=[2.0, 4.0, 16.0])
    arguments = parser.parse_args()
    result: dict[str, list[dict[str, list[float]]]] = {}
    for path in sorted(arguments.photos.iterdir())[::2][: arguments.count]:
        rgb = loading.load(path).rgb
        height, width = rgb.shape[:2]
        x, y, w, h = width // 3, height // 3, width // 3, height // 3
        inside = np.zeros((height, width), bool)
        inside[y : y + h, x : x + w] = True
        for weight in arguments.weights:
            roi = [(x, y, w, h, weight)]
            row = compare(rgb, inside, arguments.bytes, arguments.effort, roi=roi)
            result.setdefault(f"roi {weight:g}", []).append(row)
    for path in sorted(arguments.faces.iterdir())[::2][: arguments.count]:
        rgb = loading.load(path).rgb
        inside = saliency.faces(rgb) > 0
        if inside.any() and not inside.all():
            row = compare(rgb, inside, arguments.bytes // 2, arguments.effort, saliency=True)
            result.setdefault("saliency", []).append(row)
    for name, rows in result.items():
        gain = [np.mean([r["region"][i] - r["plain"][i] for r in rows]) for i in (0, 1)]
        print(f"{name:10} {len(rows)} pictures: {gain[0]:+.2f} dB inside, {gain[1]:+.2f} outside")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
