"""Data of the comparison viewer: pictures at several sizes, encoded by several codecs.

``page/viewer.js`` reads it.
"""

import base64
import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypedDict

import numpy as np
from PIL import Image

import xcodec
from xcodec import codec
from xcodec.evaluation.measures.metrics import METRICS, Figures
from xcodec.evaluation.peers.codecs import LARGEST_SIDES
from xcodec.evaluation.runs.measuring import Coding, Measuring, OwnCoding, counted
from xcodec.evaluation.runs.records import digest_of
from xcodec.system.processes import cores
from xcodec.types import RGB, Ints

WEBP_QUALITIES = (95, 90, 85, 80, 70, 60, 50, 40, 30)
"""Qualities of WebP, in which pages hold decoded pictures: the first one that fits is used."""
SAMPLED = 16
"""About how many images are encoded at each quality to find the one that fits."""


class ViewData(TypedDict):
    """A picture by one codec.

    bytes : size of the file; None for the original
    image : index of the picture among the images
    mask  : index of the image of sample positions, if there is one
    """

    name: str
    note: str
    bytes: int | None
    image: int
    figures: dict[str, float | None]
    mask: int | None


class SizeData(TypedDict):
    """A picture at about one size by all codecs."""

    label: str
    views: list[ViewData]


class PictureData(TypedDict):
    """A picture at all sizes."""

    name: str
    width: int
    height: int
    original: ViewData
    sizes: list[SizeData]


class MetricData(TypedDict):
    """A metric of the viewer's table."""

    key: str
    title: str
    digits: int


class ViewerData(TypedDict):
    """Everything that the viewer reads; ``images`` are data URIs."""

    pictures: list[PictureData]
    images: list[str]
    metrics: list[MetricData]


@dataclass(frozen=True)
class View:
    """A codec at a setting, to be shown.

    name    : for readers
    note    : how the file was made, such as "quality 20 at 1/2 of the size"
    figures : by metric, if they are known
    file    : if it is known
    picture : decoded, if it is known
    """

    name: str
    coding: Coding
    note: str = ""
    figures: Figures | None = None
    file: bytes | None = None
    picture: RGB | None = None


@dataclass
class Gallery:
    """The images of a page, each stored once."""

    _pictures: list[RGB] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    _fixed: dict[int, bytes] = field(default_factory=dict)

    def add(self, rgb: RGB) -> int:
        """Add a picture; returns its index among the images."""
        digest = digest_of(rgb)
        if digest not in self._places:
            self._places[digest] = len(self._pictures)
            self._pictures.append(rgb)
        return self._places[digest]

    def add_mask(self, shape: tuple[int, ...], positions: Ints) -> int:
        """Add an image that is transparent except at positions (n, 2); returns its index."""
        mask = np.zeros(shape[:2], np.uint8)
        mask[tuple(positions.T)] = 1
        image = Image.fromarray(mask).convert("P")
        image.putpalette([0, 0, 0, 255, 64, 64])
        stream = io.BytesIO()
        image.save(stream, "PNG", transparency=b"\x00\xff", bits=1, optimize=True)
        place = len(self._pictures)
        self._fixed[place] = stream.getvalue()
        self._pictures.append(np.zeros((1, 1, 3), np.uint8))
        return place

    def absorb(self, other: "Gallery", picture: PictureData) -> PictureData:
        """Take over the images of another gallery.

        picture : refers to them

        Returns the picture with their indices in this gallery.
        """
        first = len(self._pictures)
        self._pictures += other._pictures
        self._places |= {name: first + place for name, place in other._places.items()}
        self._fixed |= {first + place: data for place, data in other._fixed.items()}

        def moved(view: ViewData) -> ViewData:
            mask = None if view["mask"] is None else first + view["mask"]
            return view | {"image": first + view["image"], "mask": mask}

        sizes = [size | {"views": list(map(moved, size["views"]))} for size in picture["sizes"]]
        return picture | {"original": moved(picture["original"]), "sizes": sizes}

    def fitted(self, limit: int) -> tuple[list[str], int]:
        """Return data URIs of all images, and the quality of WebP that was used.

        They have at most ``limit`` bytes together, unless the lowest quality needs more.
        """
        # Some of the images tell where to begin; all of them at every quality would take minutes.
        some = range(0, len(self._pictures), max(1, len(self._pictures) // SAMPLED))
        share = len(some) / max(1, len(self._pictures))
        place = next(
            (
                at
                for at, quality in enumerate(WEBP_QUALITIES)
                if sum(map(len, self._encoded(some, quality))) <= limit * share
            ),
            len(WEBP_QUALITIES) - 1,
        )
        every = range(len(self._pictures))
        fitting: tuple[list[str], int] | None = None
        while True:
            images = self._encoded(every, WEBP_QUALITIES[place])
            fits = sum(map(len, images)) <= limit
            if fits:
                fitting = images, WEBP_QUALITIES[place]
            elif fitting:
                return fitting
            step = -1 if fits else 1
            if not 0 <= place + step < len(WEBP_QUALITIES):
                return images, WEBP_QUALITIES[place]
            place += step

    def _encoded(self, places: Iterable[int], quality: int) -> list[str]:
        with ThreadPoolExecutor(cores()) as pool:  # Pillow encodes without holding the lock.
            return list(pool.map(partial(self._data_uri, quality), places))

    def _data_uri(self, quality: int, place: int) -> str:
        data, kind = self._fixed.get(place), "png"
        if data is None:
            stream, kind = io.BytesIO(), "webp"
            image = Image.fromarray(self._pictures[place])
            image.thumbnail((LARGEST_SIDES["WEBP"],) * 2)  # It does nothing to smaller ones.
            image.save(stream, "WEBP", quality=quality, method=4)
            data = stream.getvalue()
        return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def picture(
    name: str,
    place: Measuring,
    sizes: Iterable[tuple[str, list[View]]],
    metrics: list[str],
    gallery: Gallery,
) -> PictureData:
    """Return the data of a picture.

    sizes   : labels such as "340 bytes", and the codecs to show
    metrics : their names
    """
    height, width = place.rgb.shape[:2]
    shown: list[SizeData] = [
        {"label": label, "views": [_view(view, place, metrics, gallery) for view in views]}
        for label, views in sizes
    ]
    original: ViewData = {
        "name": "Original",
        "note": "",
        "bytes": None,
        "image": gallery.add(place.rgb),
        "figures": {},
        "mask": None,
    }
    return {
        "name": name,
        "width": width,
        "height": height,
        "original": original,
        "sizes": shown,
    }


def metric_data(names: Iterable[str]) -> list[MetricData]:
    """Return the data of metrics."""
    return [
        {"key": name, "title": METRICS[name].title, "digits": METRICS[name].digits}
        for name in names
    ]


def _view(view: View, place: Measuring, metrics: list[str], gallery: Gallery) -> ViewData:
    data = view.file or place.file(view.coding)
    decoded = view.picture
    if decoded is None:
        decoded = view.coding.paint(data, place.rgb.shape)
    figures = view.figures or place.figures(view.coding, metrics)
    mask = None
    if isinstance(view.coding, OwnCoding):
        coded = xcodec.info(data)  # It may be scaled down; the page stretches the mask.
        shape = coded.height, coded.width
        mask = gallery.add_mask(shape, codec.decode_samples(data)[0])
    return {
        "name": view.name,
        "note": view.note,
        "bytes": counted(view.coding, data),
        "image": gallery.add(decoded),
        "figures": {name: _finite(figures.get(name)) for name in metrics},
        "mask": mask,
    }


def _finite(value: float | None) -> float | None:
    return round(value, 5) if value is not None and np.isfinite(value) else None
