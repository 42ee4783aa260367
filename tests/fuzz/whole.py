"""The function that is fuzzed. It may raise only xcodec's own errors.

The first byte of an input selects what is called; the rest is a file:

0, 1  read as it is, without or with ``partial``
2, 3  read with its checksum corrected, without or with ``partial``
4     decoded with its checksum corrected, if it has at most 1,024 pixels
5     read as a payload, after the header of a seed that the second byte selects
6     decoded as packets, with their checksums corrected
7     decoded as it is, ``partial``
8     decoded with its checksum corrected, at half its size
"""

import warnings
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image

import xcodec
from tests.golden import pictures
from tests.golden.regenerate import cases
from xcodec.coding import payload, primitives
from xcodec.coding.header import read_header
from xcodec.decoder import inspection, reading
from xcodec.links import receiving, sending

HEIGHT, WIDTH = 20, 28
MAX_PIXELS = 1 << 11
PAINTED = 1 << 10
WAYS = 9
DECODED: dict[int, dict[str, Any]] = {4: {}, 7: {"partial": True}, 8: {"downsample": 2}}
"""Options of decoding, by the first byte."""


@cache
def seeds() -> dict[str, bytes]:
    """Files like the conformance files, but of a corner of their pictures, which is faster."""
    found = {}
    for name, (picture, options) in cases().items():
        mask = options.get("mask")
        if isinstance(mask, np.ndarray):
            options = options | {"mask": mask[:HEIGHT, :WIDTH]}
        if isinstance(picture, Image.Image):
            corner = picture.crop((0, 0, min(WIDTH, picture.width), min(HEIGHT, picture.height)))
            corner.info = picture.info
        else:
            corner = picture[:HEIGHT, :WIDTH]
        # Files have layers from some kilobytes on; here, from 8 bytes.
        with patch.object(payload, "LAYERED_FROM", 8 if "layers" in name else 1 << 12):
            found[name] = xcodec.encode(corner, **options)
    return found


@cache
def heads() -> list[bytes]:
    """The headers of the seeds."""
    found = []
    for data in seeds().values():
        reader = primitives.Reader(data)
        read_header(reader, MAX_PIXELS, reading.LIMITS)
        found.append(data[: reader.at])
    return found


def mended(data: bytes) -> bytes:
    """Replace the last bytes of a file by the checksum of the others."""
    content = data[: primitives.content_size(len(data))]
    return content + primitives.ending(content)


def one(data: bytes) -> None:
    """Try an input; any exception that it raises is a finding."""
    if not data:
        return
    way, file = data[0] % WAYS, data[1:]
    partial = way in (1, 3)
    if way in (2, 3, 4, 8):
        file = mended(file)
    elif way == 5 and file:
        body = heads()[file[0] % len(heads())] + file[1:]
        file = body + primitives.ending(body)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if way == 6:
                read_packets(file)
            elif way in DECODED:
                xcodec.decode(file, decoder="classical", max_pixels=PAINTED, **DECODED[way])
            else:
                if way == 0:
                    inspection.info(file, max_pixels=MAX_PIXELS)
                contents = reading.opened(file, MAX_PIXELS, partial)
                for number in range(len(contents.grid)):
                    coded = reading.coded(contents, number)
                    if coded.layers:  # There is none if all of a tile is damaged.
                        reading.parsed(coded)
    except xcodec.XcodecError as error:
        if not str(error) or "\n" in str(error):
            raise AssertionError(f"an error of {str(error)!r}") from error


def read_packets(data: bytes) -> None:
    """Decode packets of up to 255 bytes, each after its length, with corrected checksums."""
    pieces = []
    while data:
        packet = data[1 : 1 + data[0]]
        content = packet[: primitives.content_size(len(packet))]
        pieces.append(content + primitives.ending(content))
        data = data[1 + data[0] :]
    if pieces:
        receiving.decode_packets(pieces, decoder="classical", max_pixels=PAINTED)


def corpus() -> dict[str, bytes]:
    """Initial inputs: the seeds, for each first byte."""
    found = {}
    for name, data in seeds().items():
        for way in (*range(5), 7, 8):
            found[f"{name}-{way}"] = bytes([way]) + data
    picture = pictures.scene(HEIGHT, WIDTH)
    for number, ask in enumerate(({"packets": 1}, {"packets": 3}, {"packets": 4, "loss": 0.5})):
        packets = sending.encode_packets(picture, 60, effort=0, **ask)  # type: ignore[arg-type]
        joined = b"".join(bytes([len(packet)]) + packet for packet in packets)
        found[f"packets-{number}"] = b"\6" + joined
    for number, head in enumerate(heads()):
        found[f"payload-{number}"] = bytes([5, number]) + head[-4:]
    return found
