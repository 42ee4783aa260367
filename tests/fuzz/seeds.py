"""The inputs that fuzzing the parsers began with: small ones of every kind, made by the encoder."""

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import numpy as np

import xcodec
from tests.fuzz.mutation import text_altered
from tests.golden import pictures
from tests.golden.regenerate import described, with_alpha
from xcodec.coding import container, embedded, packets, payload
from xcodec.coding.explicit_mask import MODES
from xcodec.coding.header import Header
from xcodec.coding.lifting import hierarchy
from xcodec.coding.primitives import pack, varint
from xcodec.coding.ranges import Parameters, Range
from xcodec.links.requests import Request
from xcodec.sampling.mask import points_from_density
from xcodec.types import Density

LOSSLESS: dict[str, Any] = {"tone": "point", "lossless_samples": True}
TEXTS = 40


def files() -> Iterator[bytes]:
    """Files of pictures of few pixels and fewer samples."""
    for height, width in ((1, 1), (1, 9), (8, 8), (5, 13)):
        scene = pictures.scene(height, width)
        for picture in (scene, scene[..., 1]):
            for options in ({}, {"rate": 0.05}, LOSSLESS | {"rate": 0.05}):
                yield _encoded(picture, **options)
    scene = pictures.scene(12, 9)
    yield _encoded(scene, rate=0.3, step=1.0)
    yield _encoded(scene, rate=0.2, block=8, density="canny")
    yield _encoded(pictures.scene(40, 40), rate=0.005)
    yield _encoded(pictures.scene(64, 64), rate=0.001)
    yield _encoded(scene, mask="random", seed=1 << 31, density="uniform", rate=0.03)
    yield _encoded(scene, tone="mean", model="face", comment="grüße " * 9)
    yield _encoded(described(pictures.scene(3, 4)), keep=True)
    yield _encoded(pictures.scene(60, 50), rate=0.02, max_side=12)
    for size in ((2, 3), (12, 9)):
        for alpha in (pictures.disc(*size), pictures.fade(*size)):
            for quality in (0, 30, 100):
                picture = with_alpha(pictures.scene(*size), alpha)
                yield _encoded(picture, rate=0.01, alpha_quality=quality)
    for options in ({"step": 40.0}, LOSSLESS):
        yield _encoded(pictures.scene(2, 260), rate=0.02, tile=128, **options)
        with patch.object(payload, "LAYERED_FROM", 4):
            yield _encoded(pictures.scene(12, 9), rate=0.15, **options)
    yield from _masked()


def _encoded(picture: Any, **options: Any) -> bytes:
    return xcodec.encode(picture, effort=0, decoder="classical", **options)


def _masked() -> Iterator[bytes]:
    """Files with an explicit mask in each of the ways to write one."""
    mask = np.zeros((6, 9), bool)
    mask[[0, 2, 5], [3, 3, 8]] = True
    gaps = np.diff(np.flatnonzero(mask), prepend=-1) - 1
    ways = {
        "bitmap": pack(np.packbits(mask, bitorder="little").tobytes()),
        "runs": pack(gaps.astype(np.uint8).tobytes()),
    }
    for grey in (False, True):
        picture = pictures.scene(6, 9)[..., 1] if grey else pictures.scene(6, 9)
        yield _encoded(picture, mask=mask, **LOSSLESS)
        yield _encoded(picture, mask=mask, tile=128)
        header = Header(9, 6, "explicit", "point", False, False, 0, 16, grey, step=60)
        for name, way in ways.items():
            written = bytes([MODES.index(name)]) + way
            yield container.write(header, [varint(len(written)) + written + b"\x93\x51"])


def bundles() -> Iterator[bytes]:
    """Packets of pictures with few samples, as in a bundle."""
    plans = ([Range(1, 33)], [Range(1, 12), Range(2, 22)], [Range(2, 9), Range(3, 27)])
    for side, scale in ((64, 3300), (64, 3500), (12, 4100), (9, 4000)):
        for stages, plan in itertools.product((1, 2, 8), plans):
            yield _bundle(side, scale, stages, plan)
    for columns in (250, 520):  # Columns in two bytes; a checksum of 32 bits.
        yield _bundle(64, 3400, 2, [Range(2, columns)])


def _bundle(side: int, scale: int, stages: int, plan: list[Range]) -> bytes:
    """One packet more than needed."""
    density = Density(np.zeros((1, 1), np.int64), 128, scale)
    points = points_from_density(density, side, side)
    symbols = pictures.noise(3 * len(points), side).reshape(-1, 3) % 7 - 3
    stream, _ = embedded.write(symbols.astype(np.int32), hierarchy(points), stages)
    original = None if side == 64 else (3 * side, 3 * side)
    parameters = Parameters(0, 40, scale, stages, 0x8410, original)
    made = packets.write((side, side), parameters, plan, stream, plan[-1].threshold + 1)
    return packets.bundle(made)[len(packets.MAGIC) :]


def texts() -> Iterator[bytes]:
    """Texts and streams with packets in them."""
    rng = random.Random(1)
    yield Request(b"ab", 3, 2).written()
    for _ in range(TEXTS):
        yield text_altered(b"", rng, b"")


def _each(ways: int, made: Callable[[], Iterator[bytes]]) -> list[bytes]:
    every = dict.fromkeys(made())
    return [bytes([way]) + data for data in every for way in range(ways)]


def first_inputs() -> dict[str, list[bytes]]:
    """Return the inputs that fuzzing begins with, by target."""
    return {
        "container": _each(3, files),
        "payload": _each(4, files),
        "packets": _each(4, bundles),
        "armor": _each(2, texts),
    }
