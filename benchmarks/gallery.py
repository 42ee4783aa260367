"""Make the gallery of the documentation: eight pictures in 200 to 1,000 bytes, by xcodec, WebP and
AVIF.

    python benchmarks/gallery.py [--only astronaut] [--bytes 200,340,600,1000] [-o docs]

Writes a sheet of each picture, docs/gallery/*.webp, its lines of the gallery's part of
docs/index.md, and the portrait of README.md, docs/portrait.jpg. WebP and AVIF are at their best: of
all qualities at seven scales, the file with the highest PSNR that fits. The pictures come with
scikit-image and matplotlib; all are in the public domain.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from matplotlib import cbook
from PIL import Image, ImageDraw, ImageFont
from skimage import data as photos

import xcodec
from xcodec.__main__ import main as run
from xcodec.evaluation.measures.metrics import Meter, psnr
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.rivals import RIVALS
from xcodec.evaluation.runs.measuring import Measuring
from xcodec.evaluation.runs.options import numbers, texts
from xcodec.evaluation.runs.records import digest_of
from xcodec.evaluation.runs.state import State
from xcodec.system.files import write_atomic
from xcodec.types import RGB

PEERS = ("webp", "avif")
SIDE = 256
"""Width of a picture on a sheet, in pixels."""
LINE = 18
"""Height of a line of text, in pixels."""
QUALITY = 88
"""Of the sheets."""
PORTRAIT = 340
"""Bytes of the README's portrait."""
Panel = tuple[RGB | None, str]
"""A picture of a sheet, and the text below it."""
PART = re.compile(r"(<!-- gallery: [^>]*-->\n).*?(<!-- end -->)", re.S)
"""The gallery's part of a page."""
ENTRY = re.compile(r"\[!\[.*?\]\(gallery/(\w+)\.webp\)\]\(gallery/\w+\.webp\)\n")
"""A picture of that part, by its name."""


@dataclass(frozen=True)
class Subject:
    """A picture of the gallery.

    read   : function that returns it, uint8 (height, width) or (height, width, 3)
    title  : what it shows, and who made it
    box    : left, upper, right and lower edge of the part that is shown; None: all of it
    """

    read: Callable[[], Any]
    title: str
    box: tuple[int, int, int, int] | None = None

    @property
    def rgb(self) -> RGB:
        """The picture, uint8 (height, width, 3)."""
        image = Image.fromarray(self.read()).convert("RGB")
        return np.asarray(image.crop(self.box) if self.box else image)


def _hopper() -> Any:
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        return np.asarray(Image.open(file))


HEAD = Subject(photos.astronaut, "An astronaut's portrait (NASA)", (96, 0, 352, 256))
"""The README's portrait."""
SUBJECTS = {
    "astronaut": Subject(photos.astronaut, "An astronaut's portrait (NASA)", (60, 0, 444, 384)),
    "hopper": Subject(_hopper, "Rear Admiral Grace Hopper (US Navy)", (16, 0, 496, 480)),
    "chelsea": Subject(photos.chelsea, "A cat (Stéfan van der Walt)", (80, 0, 380, 300)),
    "coffee": Subject(photos.coffee, "A cup of coffee (Rachel Michetti)", (60, 20, 440, 400)),
    "rocket": Subject(photos.rocket, "A rocket before its launch (SpaceX)", (107, 0, 534, 427)),
    "camera": Subject(photos.camera, "A photographer (Lav Varshney)"),
    "coins": Subject(photos.coins, "Greek coins from Pompeii (Brooklyn Museum)", (0, 0, 303, 303)),
    "hubble": Subject(
        photos.hubble_deep_field, "Galaxies in Hubble's deep field (NASA)", (180, 80, 692, 592)
    ),
}


@dataclass(frozen=True)
class Shown:
    """A file of a picture, decoded; bytes are 0, and there is no picture, where none fits."""

    codec: str
    budget: int
    bytes: int = 0
    psnr: float | None = None
    picture: RGB | None = None


def own(rgb: RGB, budget: int) -> Shown:
    """The picture by xcodec, at its full size."""
    data = xcodec.encode(rgb, max_bytes=budget)
    picture = np.asarray(xcodec.decode(data, original_size=True).convert("RGB"))
    return Shown("xcodec", budget, len(data), psnr(rgb, picture), picture)


def peer(place: Measuring, name: str, budget: int) -> Shown:
    """The picture by another codec, at its best."""
    rival = RIVALS[name]
    best = place.best(rival.settings, codecs.SCALES, budget, ["psnr"]).get("psnr")
    if best is None:
        return Shown(rival.title, budget)
    picture = place.picture(best)
    return Shown(rival.title, budget, place.size(best), psnr(place.rgb, picture), picture)


def files(rgb: RGB, budgets: Sequence[int]) -> Iterator[Shown]:
    """Every file of a picture, codec by codec."""
    yield from (own(rgb, budget) for budget in budgets)
    with measuring(rgb) as place:
        yield from (peer(place, name, budget) for name in PEERS for budget in budgets)


@contextmanager
def measuring(rgb: RGB) -> Iterator[Measuring]:
    """Files of other codecs, none of which is written twice."""
    with tempfile.TemporaryDirectory() as folder, State(Path(folder) / "state") as state:
        yield Measuring(rgb, digest_of(rgb), state, Meter(rgb))


def sheet(rgb: RGB, shown: Sequence[Shown], budgets: Sequence[int]) -> Image.Image:
    """A row for each codec, and a column for each size after the original."""
    rows: dict[str, list[Panel]] = {}
    for each in shown:
        row = rows.setdefault(each.codec, [(None, "")] * (1 + len(budgets)))
        row[1 + budgets.index(each.budget)] = panel(each)
    grid = list(rows.values())
    grid[0][0] = original(rgb)
    return drawn(grid)


def panel(shown: Shown) -> Panel:
    """A file's picture, and its figures."""
    if shown.picture is None:
        return None, f"{shown.codec}: nothing\nin {shown.budget:,} bytes"
    return shown.picture, f"{shown.codec}\n{shown.bytes:,} bytes, {shown.psnr:.1f} dB"


def original(rgb: RGB) -> Panel:
    """A picture as it was."""
    return rgb, f"original\n{rgb.shape[1]}x{rgb.shape[0]} pixels, {rgb.nbytes:,} bytes"


def portrait() -> Image.Image:
    """A picture, its samples, and what each codec makes of as many bytes."""
    rgb = HEAD.rgb
    data = xcodec.encode(rgb, max_bytes=PORTRAIT)
    points, values = xcodec.decode_samples(data)
    dots = np.zeros_like(rgb)
    dots[tuple(points.T)] = values
    panels = [original(rgb), (cv2.dilate(dots, np.ones((3, 3))), f"its {len(points):,} samples")]
    for title, options in (
        ("xcodec", {}),
        ("xcodec, drawn realistically", {"model": "face", "realism": 1.0}),
    ):
        picture = np.asarray(xcodec.decode(data, **options))
        panels.append(panel(Shown(title, PORTRAIT, len(data), psnr(rgb, picture), picture)))
    with measuring(rgb) as place:
        best = peer(place, "webp", PORTRAIT)
    panels.append(panel(replace(best, codec=f"{best.codec}, scaled down and up")))
    return drawn([panels])


def drawn(grid: Sequence[Sequence[Panel]]) -> Image.Image:
    """Pictures of one shape in rows, the first of which begins with one."""
    shape = np.shape(grid[0][0][0])
    height = round(SIDE * shape[0] / shape[1])
    canvas = Image.new("RGB", (SIDE * len(grid[0]), (height + 2 * LINE) * len(grid)), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=13)
    for row, panels in enumerate(grid):
        for column, (picture, text) in enumerate(panels):
            left, top = column * SIDE, row * (height + 2 * LINE)
            if picture is not None:
                small = Image.fromarray(picture).resize((SIDE, height), Image.Resampling.LANCZOS)
                canvas.paste(small, (left, top))
            draw.multiline_text((left + 6, top + height + 2), text, "black", font)
    return canvas


def described(shown: Sequence[Shown]) -> str:
    """The figures of a sheet as text, for those who do not see it."""
    parts = []
    for codec in dict.fromkeys(each.codec for each in shown):
        told = [
            f"{each.psnr:.1f} dB in {each.bytes:,} bytes"
            if each.psnr is not None
            else f"nothing in {each.budget:,} bytes"
            for each in shown
            if each.codec == codec
        ]
        parts.append(f"{codec} {', '.join(told)}")
    return "; ".join(parts)


@click.command(help="Make the gallery of the documentation.")
@click.option("--only", default="", help="Some pictures, separated by commas.")
@click.option("--bytes", "budgets", default="200,340,600,1000", show_default=True, help="Sizes.")
@click.option("-o", "--output", type=Path, default=Path("docs"), show_default=True)
def main(only: str, budgets: str, output: Path) -> None:
    """Write the sheets and their figures, and the portrait."""
    names = texts(only) or tuple(SUBJECTS)
    if unknown := set(names) - set(SUBJECTS):
        raise xcodec.InputError(f"no such pictures: {', '.join(sorted(unknown))}")
    sizes = numbers(budgets, int)
    if not sizes:
        raise xcodec.InputError("there is no size to show")
    page = output / "index.md"
    text = page.read_text(encoding="utf-8")
    # Pictures that are not asked for stay as they are.
    entries = {found[1]: found[0] for found in ENTRY.finditer(text)}
    (output / "gallery").mkdir(parents=True, exist_ok=True)
    for name in names:
        subject = SUBJECTS[name]
        shown = list(files(subject.rgb, sizes))
        path = output / "gallery" / f"{name}.webp"
        sheet(subject.rgb, shown, sizes).save(path, quality=QUALITY, method=6)
        place = f"gallery/{path.name}"
        entries[name] = f"[![{subject.title}: {described(shown)}]({place})]({place})\n"
        click.echo(f"{path}")
    portrait().save(output / "portrait.jpg", quality=QUALITY)
    lines = "\n".join(["", *(entries[name] for name in SUBJECTS if name in entries), ""])
    made = PART.sub(lambda part: part[1] + lines + part[2], text)
    write_atomic(page, made.encode(), overwrite=True)


if __name__ == "__main__":
    sys.exit(run(command=main, name=Path(__file__).name))
