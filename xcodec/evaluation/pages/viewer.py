"""What the comparison viewer shows: pictures, each at several sizes, through several codecs.

The data is what ``page/viewer.js`` reads: "images", a list of data URIs, and "pictures", which name
images by their place in it.
"""

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from xcodec import codec
from xcodec.evaluation.runs.measuring import Coding, Measuring, Own
from xcodec.evaluation.runs.records import digest_of
from xcodec.types import RGB

QUALITIES = (95, 90, 85, 80, 70, 60, 50, 40, 30)
"""Of WebP, in which pages show decoded pictures: the first with which a page is small enough."""


@dataclass(frozen=True)
class View:
    """One codec's picture of one size.

    name   : for readers
    note   : how it was made: "1/2 of the size, quality 20"
    coding : the codec and its setting
    """

    name: str
    coding: Coding
    note: str = ""


@dataclass
class Gallery:
    """Images of a page, each held once."""

    _pictures: list[RGB] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    _fixed: dict[int, bytes] = field(default_factory=dict)

    def add(self, rgb: RGB) -> int:
        """The place of a picture among the images."""
        digest = digest_of(rgb)
        if digest not in self._places:
            self._places[digest] = len(self._pictures)
            self._pictures.append(rgb)
        return self._places[digest]

    def add_mask(self, shape: tuple[int, ...], positions: np.ndarray[Any, Any]) -> int:
        """The place of an image that is clear but at some positions, integers (n, 2)."""
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

    def fitted(self, limit: int) -> tuple[list[str], int]:
        """Data URIs of all images, of at most ``limit`` bytes together if any quality does that.

        Returns them and the quality of WebP.
        """
        for quality in QUALITIES:
            images = list(self._encoded(quality))
            if sum(map(len, images)) <= limit:
                break
        return images, quality

    def _encoded(self, quality: int) -> Iterator[str]:
        for place, rgb in enumerate(self._pictures):
            data, kind = self._fixed.get(place), "png"
            if data is None:
                stream, kind = io.BytesIO(), "webp"
                Image.fromarray(rgb).save(stream, "WEBP", quality=quality, method=4)
                data = stream.getvalue()
            yield f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def picture(
    name: str,
    place: Measuring,
    sizes: Iterable[tuple[str, list[View]]],
    metrics: list[str],
    gallery: Gallery,
) -> dict[str, Any]:
    """A picture of the viewer.

    sizes   : labels such as "340 bytes", and what is shown there
    metrics : names of figures under each view
    """
    height, width = place.rgb.shape[:2]
    shown = [
        {"label": label, "views": [_view(view, place, metrics, gallery) for view in views]}
        for label, views in sizes
    ]
    original = {"name": "Original", "note": "", "bytes": None, "image": gallery.add(place.rgb)}
    return {
        "name": name,
        "width": width,
        "height": height,
        "original": original | {"figures": {}, "mask": None},
        "sizes": shown,
    }


def _view(view: View, place: Measuring, metrics: list[str], gallery: Gallery) -> dict[str, Any]:
    data = place.file(view.coding)
    decoded = view.coding.paint(data, place.rgb.shape)
    figures = place.figures(view.coding, metrics)
    mask = None
    if isinstance(view.coding, Own):
        mask = gallery.add_mask(place.rgb.shape, codec.decode_samples(data)[0])
    return {
        "name": view.name,
        "note": view.note,
        "bytes": len(data),
        "image": gallery.add(decoded),
        "figures": {name: _finite(value) for name, value in figures.items()},
        "mask": mask,
    }


def _finite(value: float | None) -> float | None:
    return round(value, 5) if value is not None and np.isfinite(value) else None
