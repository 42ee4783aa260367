"""One picture through the codecs: each file is written once, each figure measured once.

What was found is looked up in the state first, so that a run goes on where one was cut off.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.measures.metrics import Figures, Meter
from xcodec.evaluation.peers.codecs import Codec
from xcodec.evaluation.runs.state import State, key
from xcodec.evaluation.peers.xcodecs import Variant
from xcodec.types import RGB

NEIGHBOURS = 1
"""Files tried on each side of the largest that fits: sizes and figures don't quite ascend."""


class Coding(Protocol):
    """A codec at a setting, and what decodes its file.

    keep : whether the state holds the file itself rather than its size: it took long
    """

    keep: bool

    def file_key(self) -> list[Any]:
        """What the file depends on, the picture aside."""

    def picture_key(self) -> list[Any]:
        """What the decoded picture depends on, the file aside."""

    def write(self, rgb: RGB) -> bytes:
        """The whole file of a picture; b"" where there is none."""

    def paint(self, data: bytes, shape: tuple[int, ...]) -> RGB:
        """The picture in a file, at height and width of ``shape``."""


@dataclass(frozen=True)
class Own:
    """xcodec at a target, painted by a decoder: ("rate", 0.02) or ("size", 340)."""

    variant: Variant
    decoder: str
    target: tuple[str, float]
    keep = True

    def file_key(self) -> list[Any]:
        return [*self.variant.file_key(), list(self.target)]

    def picture_key(self) -> list[Any]:
        return self.variant.picture_key(self.decoder)

    def write(self, rgb: RGB) -> bytes:
        return self.variant.write(rgb, *self.target)

    def paint(self, data: bytes, shape: tuple[int, ...]) -> RGB:
        return self.variant.paint(data, self.decoder)


@dataclass(frozen=True)
class Peer:
    """A peer at 1/scale of the picture's size and a quality."""

    codec: Codec
    quality: float
    scale: float = 1.0
    keep = False

    def file_key(self) -> list[Any]:
        return [self.codec.name, self.codec.version, self.scale, self.quality]

    def picture_key(self) -> list[Any]:
        return []

    def write(self, rgb: RGB) -> bytes:
        return self.codec.encode(codecs.shrink(rgb, self.scale), self.quality)

    def paint(self, data: bytes, shape: tuple[int, ...]) -> RGB:
        return codecs.enlarge(self.codec.decode(data), shape)


class Measuring:
    """A picture and what becomes of it.

    rgb    : uint8 (height, width, 3)
    digest : of the pixels, which names it in the state
    meter  : of this picture
    """

    def __init__(self, rgb: RGB, digest: str, state: State, meter: Meter) -> None:
        self.rgb = rgb
        self._digest, self._state, self._meter = digest, state, meter
        self._written: dict[str, bytes] = {}

    @property
    def named(self) -> list[str]:
        """What findings of this picture depend on besides how they were made."""
        return [self._digest]

    def versions(self, names: Iterable[str]) -> dict[str, str]:
        """What figures of these names depend on besides the pictures."""
        return {name: metrics.version(name, self._meter.weights) for name in names}

    def size(self, coding: Coding) -> int:
        """Bytes of the file; 0 where there is none."""
        place = self._place(coding)
        known = self._state.get(place)
        if known is None:
            data = self.file(coding)
            return len(data)
        return len(known) if coding.keep else int(known)

    def file(self, coding: Coding) -> bytes:
        """The file, written anew unless the state holds it."""
        place = self._place(coding)
        if place in self._written:
            return self._written[place]
        known = self._state.get(place)
        data = known if coding.keep and known is not None else coding.write(self.rgb)
        if known is None:
            self._state.put(place, data if coding.keep else b"%d" % len(data))
        self._written[place] = data
        return data

    def figures(self, coding: Coding, names: Iterable[str]) -> Figures:
        """Figures of the decoded picture; there must be a file."""
        wanted = list(names)
        places = {name: self._figure_place(coding, name) for name in wanted}
        found: Figures = {}
        for name, place in places.items():
            known = self._state.get(place)
            if known is not None:
                found[name] = json.loads(known)
        missing = [name for name in wanted if name not in found]
        if missing:
            picture = coding.paint(self.file(coding), self.rgb.shape)
            for name, value in self._meter.measure(picture, missing).items():
                found[name] = value
                self._state.put(places[name], json.dumps(value).encode())
        return {name: found[name] for name in wanted}

    def best(
        self, codec: Codec, scales: Sequence[float], budget: int, aims: Sequence[str]
    ) -> dict[str, Peer]:
        """By aim, the peer's best file of at most ``budget`` bytes; nothing where none fits.

        aims : metrics
        """
        best: dict[str, tuple[float, Peer]] = {}
        for scale in scales:
            for peer in self._candidates(codec, scale, budget):
                for aim, value in self.figures(peer, aims).items():
                    if value is None:
                        continue
                    score = value if metrics.METRICS[aim].rising else -value
                    if aim not in best or score > best[aim][0]:
                        best[aim] = score, peer
        return {aim: best[aim][1] for aim in aims if aim in best}

    def _candidates(self, codec: Codec, scale: float, budget: int) -> list[Peer]:
        """The largest file that fits, found by bisection, and its neighbours that fit too."""
        trials = [Peer(codec, quality, scale) for quality in codec.qualities]
        if self.size(trials[0]) > budget:  # Most often so at large scales: nothing fits.
            return []
        low, high = 1, len(trials)
        while low < high:
            middle = (low + high) // 2
            if self.size(trials[middle]) <= budget:
                low = middle + 1
            else:
                high = middle
        near = trials[max(0, low - 1 - NEIGHBOURS) : low + NEIGHBOURS]
        return [trial for trial in near if self.size(trial) <= budget]

    def _place(self, coding: Coding) -> str:
        return key("file", self._digest, coding.file_key())

    def _figure_place(self, coding: Coding, name: str) -> str:
        version = metrics.version(name, self._meter.weights)
        return key("figure", name, version, self._digest, coding.file_key(), coding.picture_key())
