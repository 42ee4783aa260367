"""How good a picture is that was scaled down, encoded within a budget, and scaled up again.

python benchmarks/scale_to_fit.py PICTURE ... --bytes 340,1000 --sides 160,224,320,448,640

Prints the mean loss in dB against the best of the sizes, by pixels for each byte: what
xcodec.encoder.reduction.PIXELS_PER_BYTE was chosen by (docs/research/scale-to-fit.md).
"""

import argparse
from pathlib import Path

import numpy as np

import xcodec
from xcodec.pictures import loading
from xcodec.pictures.modes import Picture
from xcodec.pictures.quality import decibels


def measured(picture: Picture, side: int | None, size: int) -> tuple[float, float]:
    """Pixels for each byte, and PSNR in dB at the original's size.

    side : longer side in pixels; 0: that of the picture; None: as the bytes can show
    size : of the file in bytes
    """
    data = xcodec.encode(picture, max_bytes=size, max_side=side)
    info = xcodec.info(data)
    decoded = np.asarray(xcodec.decode(data, original_size=True).convert("RGB"), np.float64)
    error = float(np.mean(np.square(decoded - picture.rgb)))
    return info.width * info.height / size, float(decibels(error))


def main() -> None:
    parser = argparse.ArgumentParser(description="PSNR after scaling back, by size and bytes.")
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--bytes", default="340,1000,2400,6000")
    parser.add_argument(
        "--sides", default="160,224,320,448,640,896,1280", help="0: full size; auto"
    )
    options = parser.parse_args()
    sides = [None if side == "auto" else int(side) for side in options.sides.split(",")]
    pictures = [loading.load(path) for path in options.pictures]
    print("| bytes | longer side | pixels for a byte | loss in dB, mean | most |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for size in map(int, options.bytes.split(",")):
        found = np.array([[measured(each, side, size) for side in sides] for each in pictures])
        losses = found[..., 1].max(1, keepdims=True) - found[..., 1]
        for place, side in enumerate(sides):
            share, loss = found[:, place, 0].mean(), losses[:, place]
            name = "auto" if side is None else side or "full"
            row = size, name, f"{share:.0f}", f"{loss.mean():.2f}", f"{loss.max():.2f}"
            print(f"| {' | '.join(map(str, row))} |")


if __name__ == "__main__":
    main()
