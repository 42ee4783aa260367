"""What is fuzzed: bytes to a call that may raise nothing but xcodec's own errors.

The first byte chooses a way in, the rest is a file:

0, 1  the file as it is, whole or with ``partial``
2, 3  its checksums made right, whole or with ``partial``
4     the samples' values too: a file of at most 64 x 64 pixels is painted
5     its payload replaced, after the header of a golden file that the second byte chooses
6     packets
"""

import warnings
from functools import cache
from pathlib import Path

import xcodec
from xcodec import codec
from xcodec.coding import container

try:
    from xcodec.coding import packets
except ImportError:
    packets = None  # type: ignore[assignment]

GOLDEN = Path(__file__).parent.parent / "golden"
MAX_PIXELS = 1 << 13
PAINTED = 1 << 12
WAYS = 7


@cache
def heads() -> list[bytes]:
    """The headers of small conformance files."""
    found = []
    for path in sorted(GOLDEN.glob("*.xgc")):
        data = path.read_bytes()
        reader = container.Reader(data)
        header, layered = container._read_header(reader, 1 << 20, codec.LIMITS)
        if header.width * header.height <= MAX_PIXELS and not layered:
            found.append(data[: reader.at])
    return found


def mended(data: bytes) -> bytes:
    """A file whose last four bytes are the checksum of the others."""
    return data[:-4] + container.checksum(data[:-4])


def one(data: bytes) -> None:
    """Try one input; whatever it raises is a finding."""
    if not data:
        return
    way, file = data[0] % WAYS, data[1:]
    partial = way in (1, 3)
    if way in (2, 3, 4):
        file = mended(file)
    elif way == 5 and file:
        body = heads()[file[0] % len(heads())] + file[1:]
        file = body + container.checksum(body)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if way == 6:
                read_packets(file)
            elif way == 4:
                xcodec.decode(file, decoder="classical", max_pixels=PAINTED)
            else:
                if way == 0:
                    codec.info(file, max_pixels=MAX_PIXELS)
                codec._read(file, MAX_PIXELS, partial)
    except xcodec.XcodecError as error:
        if not str(error) or "\n" in str(error):
            raise AssertionError(f"an error of {str(error)!r}") from error


def read_packets(data: bytes) -> None:
    """Packets of up to 255 bytes, each after its length."""
    if packets is None:
        return
    pieces = []
    while data:
        pieces.append(data[1 : 1 + data[0]])
        data = data[1 + data[0] :]
    for piece in pieces:
        try:
            packets.read(piece)
        except xcodec.XcodecError:
            continue


def corpus() -> dict[str, bytes]:
    """Inputs to start from: the conformance files, by each way in."""
    found = {}
    for path in sorted(GOLDEN.glob("*.xgc")):
        data = path.read_bytes()
        if len(data) <= 4096:
            for way in range(5):
                found[f"{path.stem}-{way}"] = bytes([way]) + data
    for number, head in enumerate(heads()):
        found[f"payload-{number}"] = bytes([5, number]) + head[-4:]
    return found
