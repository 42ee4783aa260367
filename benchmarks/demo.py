"""Encode a photo, decode it with both decoders, and compare with JPEG.

    python benchmarks/demo.py [--rate 0.02] [--picture astronaut|chelsea|coffee] [--output demo]

Writes the .xgc file, and the decoded picture and a comparison as PNG. scikit-image has the photos.
"""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data as photos
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import xcodec
from xcodec import codec
from xcodec.__main__ import main as run
from xcodec.choices import CODED
from xcodec.cli.common import usage
from xcodec.types import RGB

PICTURES = ("astronaut", "chelsea", "coffee")
CAPTION = 56
"""Height of the caption below a picture, in pixels."""


@dataclass(frozen=True)
class Result:
    """The photo encoded in one way: its name, the size of the file, and the decoded picture."""

    name: str
    bytes: int
    picture: RGB

    def figures(self, original: RGB) -> tuple[float, float, float]:
        """Bits per pixel, PSNR in dB over R, G and B, and SSIM (7x7, mean of the channels)."""
        height, width = original.shape[:2]
        return (
            8 * self.bytes / (height * width),
            float(peak_signal_noise_ratio(original, self.picture)),
            float(structural_similarity(original, self.picture, channel_axis=-1)),
        )


def jpegs(original: RGB) -> list[Result]:
    """The photo as JPEG at every quality, lowest first."""
    results = []
    for quality in range(1, 96):
        file = io.BytesIO()
        Image.fromarray(original).save(file, "JPEG", quality=quality, optimize=True)
        picture = np.asarray(Image.open(file))
        results.append(Result(f"JPEG, quality {quality}", file.tell(), picture))
    return results


def dots(data: bytes, shape: tuple[int, ...]) -> RGB:
    """The samples of a file on black, each enlarged to 3x3 pixels."""
    points, values = codec.decode_samples(data)
    canvas = np.zeros(shape, np.uint8)
    around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    for offset in sorted(around, key=lambda o: -abs(o[0]) - abs(o[1])):  # The centre last.
        rows, cols = np.clip(points + offset, 0, np.array(shape[:2]) - 1).T
        canvas[rows, cols] = values
    return canvas


def side_by_side(panels: list[tuple[str, RGB]]) -> Image.Image:
    """Pictures of the same size in a row, with captions below."""
    height, width = panels[0][1].shape[:2]
    sheet = Image.new("RGB", (len(panels) * width, height + CAPTION), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=18)
    for i, (caption, picture) in enumerate(panels):
        sheet.paste(Image.fromarray(picture), (i * width, 0))
        draw.multiline_text((i * width + 8, height + 6), caption, "black", font)
    return sheet


def demo(name: str, rate: float, folder: Path) -> None:
    """Encode a photo of scikit-image, print a table and write the pictures to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    original: RGB = np.asarray(getattr(photos, name)())
    data = xcodec.encode(original, rate)
    info = xcodec.info(data)
    decoded = xcodec.decode(data)
    generator = Result("xcodec, generator", len(data), np.asarray(decoded))
    classical = Result(
        "xcodec, classical fill", len(data), np.asarray(xcodec.decode(data, decoder="classical"))
    )
    peers = jpegs(original)
    smallest = min(peers, key=lambda peer: peer.bytes)
    nearest = min(peers, key=lambda peer: abs(peer.bytes - len(data)))

    file = folder / f"{name}{CODED}"
    file.write_bytes(data)
    decoded.save(folder / f"{name}.png")
    panels = [
        (f"original\n{original.nbytes} bytes", original),
        (
            f"{info.samples} samples\n{100 * info.rate:.2f} % of the pixels",
            dots(data, original.shape),
        ),
    ]
    for result in (classical, generator, nearest):
        bpp, psnr, ssim = result.figures(original)
        text = f"{result.name}\n{result.bytes} bytes, {psnr:.2f} dB, SSIM {ssim:.3f}"
        panels.append((text, result.picture))
    sheet = folder / f"{name}-side-by-side.png"
    side_by_side(panels).save(sheet)

    height, width = original.shape[:2]
    print(f"{name}, {width}x{height} pixels, from scikit-image; {info.samples} samples\n")
    print(f"{'':24}{'bytes':>8}{'bpp':>8}{'PSNR':>8}{'SSIM':>8}")
    rows = [generator, classical, smallest] + [nearest] * (nearest is not smallest)
    for result in rows:
        bpp, psnr, ssim = result.figures(original)
        print(f"{result.name:24}{result.bytes:8}{bpp:8.3f}{psnr:8.2f}{ssim:8.3f}")
    print(f"\nwritten: {file}, {folder / name}.png, {sheet}")


@click.command(help="Encode a photo and compare with JPEG.")
@click.option(
    "--picture", type=click.Choice(PICTURES), default=PICTURES[0], show_default=True, help="Photo."
)
@click.option("--rate", default=0.02, show_default=True, help="Fraction of the pixels.")
@click.option(
    "--output", type=Path, default=Path("demo"), show_default=True, help="Folder for the results."
)
def main(picture: str, rate: float, output: Path) -> None:
    """Run the demo."""
    with usage():
        demo(picture, rate, output)


if __name__ == "__main__":
    sys.exit(run(command=main, name=Path(__file__).name))
