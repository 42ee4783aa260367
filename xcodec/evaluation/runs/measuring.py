"""One picture through the codecs: each file is written once, each figure measured once.

Results are looked up in the state first, so that an interrupted run continues.
"""

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product, takewhile
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from xcodec.evaluation.measures import metrics
from xcodec.evaluation.measures.metrics import Figures, Meter
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.codecs import Codec
from xcodec.evaluation.peers.xcodecs import Variant
from xcodec.evaluation.runs.state import State, key
from xcodec.pictures import loading
from xcodec.pictures.cropping import middle
from xcodec.types import RGB

REACH = 12
"""Part of the qualities, from the lowest on, that a search begins with."""
FAR = 2
"""Times the budget, at which the search ends for codecs that are not steady."""
TRIED_NEIGHBOURS = 1
"""Files tried on either side of the largest that fits: sizes and figures are not quite monotone."""


def load(path: Path, square: int | None = None) -> RGB:
    """Load a picture, or its middle square resized to a side of ``square`` pixels by Lanczos."""
    rgb = loading.load(path).rgb
    if square is None:
        return rgb
    image = Image.fromarray(np.ascontiguousarray(middle(rgb)))
    return np.asarray(image.resize((square, square), Image.Resampling.LANCZOS))


class Coding(Protocol):
    """A codec at a setting, and the decoder for its file.

    keep : whether the state stores every file itself (if encoding is slow) or only its size
    part : what of the file counts; "": the whole file
    """

    keep: bool

    @property
    def part(self) -> str: ...

    def file_key(self) -> list[Any]:
        """What the file depends on, besides the picture."""

    def picture_key(self) -> list[Any]:
        """What the decoded picture depends on, besides the file."""

    def write(self, rgb: RGB) -> bytes:
        """Encode a picture as a complete file; b"" if there is none at this setting."""

    def counts(self, data: bytes) -> dict[str, int]:
        """Return the bytes of parts of a file, besides those of the whole file."""

    def paint(self, data: bytes, shape: tuple[int, ...]) -> RGB:
        """Decode a file to a picture of the height and width of ``shape``."""


@dataclass(frozen=True)
class OwnCoding:
    """xcodec at a target, ("rate", 0.02) or ("size", 340), and one of its decoders."""

    variant: Variant
    decoder: str
    target: tuple[str, float]
    keep = True
    part = ""

    def file_key(self) -> list[Any]:
        return [*self.variant.file_key(), list(self.target)]

    def picture_key(self) -> list[Any]:
        return self.variant.picture_key(self.decoder)

    def write(self, rgb: RGB) -> bytes:
        return self.variant.write(rgb, *self.target)

    def counts(self, data: bytes) -> dict[str, int]:
        return {}

    def paint(self, data: bytes, shape: tuple[int, ...]) -> RGB:
        return self.variant.paint(data, self.decoder)


@dataclass(frozen=True)
class PeerCoding:
    """Another codec at a quality, on the picture scaled down to 1/scale."""

    codec: Codec
    quality: float
    scale: float = 1.0
    part: str = ""
    keep = False

    def file_key(self) -> list[Any]:
        return [self.codec.name, self.codec.version, self.scale, self.quality]

    def picture_key(self) -> list[Any]:
        return []

    def write(self, rgb: RGB) -> bytes:
        return self.codec.encode(codecs.shrink(rgb, self.scale), self.quality)

    def counts(self, data: bytes) -> dict[str, int]:
        return {part: count(data) for part, count in self.codec.counts.items()}

    def paint(self, data: bytes, shape: tuple[int, ...]) -> RGB:
        return codecs.enlarge(self.codec.decode(data), shape)


def counted(coding: Coding, data: bytes) -> int:
    """Return the bytes of a file that count."""
    return coding.counts(data)[coding.part] if coding.part else len(data)


class Measuring:
    """Files and figures of one picture.

    rgb    : uint8 (height, width, 3)
    digest : of the pixels; it identifies the picture in the state
    meter  : of this picture
    """

    def __init__(self, rgb: RGB, digest: str, state: State, meter: Meter) -> None:
        self.rgb = rgb
        self._digest, self._state, self._meter = digest, state, meter
        self._written: dict[str, bytes] = {}
        self._painted: tuple[Coding, RGB] | None = None

    @property
    def named(self) -> list[str]:
        """What results of this picture depend on, besides how they were made."""
        return [self._digest]

    def versions(self, names: Iterable[str]) -> dict[str, str]:
        """What metrics of these names depend on, besides the pictures."""
        return {name: metrics.version(name, self._meter.weights) for name in names}

    def size(self, coding: Coding) -> int:
        """Return the bytes that count, of the file or its part; 0 if there is no file."""
        place = self._file_key(coding)
        known = self._state.get(self._size_key(place, coding.part))
        if known is None:
            return counted(coding, self.file(coding))
        return len(known) if coding.keep else int(known)

    def file(self, coding: Coding) -> bytes:
        """Return the file, which is written again unless the state stores it."""
        place = self._file_key(coding)
        if place not in self._written:
            known = self._state.get(place) if coding.keep else None
            self._written[place] = coding.write(self.rgb) if known is None else known
        data = self._written[place]
        if self._state.get(self._size_key(place, coding.part)) is None:
            sizes = {self._size_key(place, p): b"%d" % n for p, n in coding.counts(data).items()}
            sizes[place] = data if coding.keep else b"%d" % len(data)
            for at, value in sizes.items():
                if self._state.get(at) is None:
                    self._state.put(at, value)
        return data

    def picture(self, coding: Coding) -> RGB:
        """Decode the file."""
        if self._painted is None or self._painted[0] != coding:
            self._painted = coding, coding.paint(self.file(coding), self.rgb.shape)
        return self._painted[1]

    def keep(self, coding: Coding, label: Sequence[Any], decoded: bool = False) -> None:
        """Store the file under a label, for reports, whatever writes and reads such files by then.

        decoded : store its picture as well, which takes much more space
        """
        at = key("kept", self._digest, list(label))
        if self._state.get(at) is None:
            self._state.put(at, self.file(coding))
        at = key("decoded", self._digest, list(label))
        if decoded and self._state.get(at) is None:
            stream = io.BytesIO()
            image = Image.fromarray(self.picture(coding))
            if max(image.size) <= codecs.LARGEST_SIDES["WEBP"]:
                image.save(stream, "WEBP", lossless=True, method=0, quality=20)
            else:
                image.save(stream, "PNG")
            self._state.put(at, stream.getvalue())

    def kept(self, label: Sequence[Any]) -> tuple[bytes | None, RGB | None]:
        """Return the file and the picture that were stored under a label, as far as they were."""
        file, decoded = (
            self._state.get(key(kind, self._digest, list(label))) for kind in ("kept", "decoded")
        )
        if decoded is None:
            return file, None
        return file, np.asarray(Image.open(io.BytesIO(decoded)).convert("RGB"))

    def figures(self, coding: Coding, names: Iterable[str]) -> Figures:
        """Measure the decoded picture; the file must exist."""
        wanted = list(names)
        places = {name: self._figure_key(coding, name) for name in wanted}
        found: Figures = {}
        for name, place in places.items():
            known = self._state.get(place)
            if known is not None:
                found[name] = json.loads(known)
        missing = [name for name in wanted if name not in found]
        if missing:
            for name, value in self._meter.measure(self.picture(coding), missing).items():
                found[name] = value
                self._state.put(places[name], json.dumps(value).encode())
        return {name: found[name] for name in wanted}

    def best(
        self,
        settings: Sequence[Codec],
        scales: Sequence[float],
        budget: int,
        aims: Sequence[str],
        part: str = "",
    ) -> dict[str, PeerCoding]:
        """Find the best file within a budget for each aim; {} if none fits.

        settings : of a codec; those count that are best
        budget   : most bytes of the file, or of its part
        aims     : names of metrics
        part     : what of a file counts, of ``Codec.counts``; "": the whole file
        """
        best: dict[str, tuple[float, PeerCoding]] = {}
        for codec, scale in product(settings, scales):
            for peer in self._candidates(codec, scale, budget, part):
                for aim, value in self.figures(peer, aims).items():
                    if value is None:
                        continue
                    score = value if metrics.METRICS[aim].rising else -value
                    if aim not in best or score > best[aim][0]:
                        best[aim] = score, peer
        return {aim: best[aim][1] for aim in aims if aim in best}

    def _candidates(self, codec: Codec, scale: float, budget: int, part: str) -> list[PeerCoding]:
        """The largest file that fits, and its neighbours that fit too: in order of quality, or of
        size if the codec is not steady.

        It is looked for from below, where files are written quickly: further and further up, then
        by bisection.
        """
        trials = [PeerCoding(codec, quality, scale, part) for quality in codec.qualities]
        if not 0 < self.size(trials[0]) <= budget:  # The usual case for large pictures.
            return []
        if not codec.steady:
            every = takewhile(lambda trial: self.size(trial) <= FAR * budget, trials)
            fitting = sorted(filter(lambda trial: self.size(trial) <= budget, every), key=self.size)
            return fitting[-1 - 2 * TRIED_NEIGHBOURS :]
        low, high = 1, 1 + len(trials) // REACH
        while high < len(trials) and self.size(trials[high]) <= budget:
            low, high = high + 1, 2 * high
        high = min(high, len(trials))
        while low < high:
            middle = (low + high) // 2
            if self.size(trials[middle]) <= budget:
                low = middle + 1
            else:
                high = middle
        near = trials[max(0, low - 1 - TRIED_NEIGHBOURS) : low + TRIED_NEIGHBOURS]
        return [trial for trial in near if self.size(trial) <= budget]

    def _file_key(self, coding: Coding) -> str:
        return key("file", self._digest, coding.file_key())

    def _size_key(self, place: str, part: str) -> str:
        """The key of the size of a part of a file; of the whole file if the part is ""."""
        return key(part, place) if part else place

    def _figure_key(self, coding: Coding, name: str) -> str:
        version = metrics.version(name, self._meter.weights)
        return key("figure", name, version, self._digest, coding.file_key(), coding.picture_key())
