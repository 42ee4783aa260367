"""What a region of interest gains at equal bytes: python benchmarks/regions.py PHOTOS FACES

For each picture at an odd place of a folder's sorted order, within --bytes: PSNR of the classical
fill in the middle ninth of the picture and elsewhere, with and without --roi on it; and on FACES
likewise within faces, with and without --saliency.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import xcodec
from xcodec.pictures import loading
from xcodec.sampling import saliency
from xcodec.types import RGB


def psnr(data: bytes, rgb: RGB, where: np.ndarray) -> float:
    found = np.asarray(xcodec.decode(data, decoder="classical"), float)
    return float(10 * np.log10(255**2 / np.square(found - rgb)[where].mean()))


def compare(rgb: RGB, inside: np.ndarray, size: int, effort: int, **options: object) -> dict:
    """PSNR inside and outside, without and with the options."""
    row = {}
    for name, extra in (("plain", {}), ("region", options)):
        data = xcodec.encode(rgb, size=size, effort=effort, **extra)
        row[name] = [psnr(data, rgb, inside), psnr(data, rgb, ~inside), len(data)]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--bytes", type=int, default=1000)
    parser.add_argument("--effort", type=int, default=2)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--weights", type=float, nargs="+", default=[2.0, 4.0, 16.0])
    asked = parser.parse_args()
    result: dict[str, list] = {}
    for path in sorted(asked.photos.iterdir())[::2][: asked.count]:
        rgb = loading.load(path).rgb
        height, width = rgb.shape[:2]
        x, y, w, h = width // 3, height // 3, width // 3, height // 3
        inside = np.zeros((height, width), bool)
        inside[y : y + h, x : x + w] = True
        for weight in asked.weights:
            roi = [(x, y, w, h, weight)]
            row = compare(rgb, inside, asked.bytes, asked.effort, roi=roi)
            result.setdefault(f"roi {weight:g}", []).append(row)
    for path in sorted(asked.faces.iterdir())[::2][: asked.count]:
        rgb = loading.load(path).rgb
        inside = saliency.faces(rgb) > 0
        if inside.any() and not inside.all():
            row = compare(rgb, inside, asked.bytes // 2, asked.effort, saliency=True)
            result.setdefault("saliency", []).append(row)
    for name, rows in result.items():
        gain = [np.mean([r["region"][i] - r["plain"][i] for r in rows]) for i in (0, 1)]
        print(f"{name:10} {len(rows)} pictures: {gain[0]:+.2f} dB inside, {gain[1]:+.2f} outside")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
