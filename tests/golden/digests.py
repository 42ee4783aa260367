"""Digests of files and pictures of format version 5, none of which may change by accident.

Encoders and decoders compute with floats, whose last bits depend on the processor and on versions
of libraries. Therefore ``digests.json`` has digests for each fingerprint of the arithmetic; a
machine with another fingerprint has nothing to compare with.

    python -m tests.golden.digests            # compare with digests.json
    python -m tests.golden.digests --write    # record the digests of this machine, on purpose
"""

import argparse
import hashlib
import json
import sys
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import ExifTags, Image

import xcodec
from xcodec.coding.header import VERSION
from xcodec.reconstruction import integer_painter
from xcodec.types import RGB

RECORD = Path(__file__).with_name("digests.json")
EFFORTS = (0, 4, 7)
SHAPE = (112, 96)
"""Height and width of most pictures."""


def fingerprint() -> str:
    """The digest of what this machine and its libraries compute for fixed problems."""
    random = np.random.default_rng(1)
    matrix, vectors = random.normal(size=(7, 7)), random.normal(size=(7, 300))
    solved = np.linalg.solve(matrix @ matrix.T + np.eye(7), vectors)
    product = scipy.sparse.csr_array(random.normal(size=(90, 90))) @ random.normal(size=(90, 3))
    plane = random.normal(size=(64, 64)).astype(np.float32)
    filtered = cv2.filter2D(plane, -1, random.normal(size=(3, 3)).astype(np.float32))
    results = [solved, np.exp(solved), np.einsum("ij,ij->j", solved, vectors), product, filtered]
    results.append(_convolved(random))
    versions = f"{np.__version__} {cv2.__version__} {scipy.__version__}".encode()
    return _digest(versions + b"".join(each.tobytes() for each in results))


def _convolved(random: np.random.Generator) -> NDArray[np.float32]:
    """The output of a convolution in OpenCV's network module."""
    kernel = random.normal(size=(16, 8, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "kernel"], ["y"], pads=[1, 1, 1, 1])],
        "fingerprint",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 40, 48])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16, 40, 48])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    network = cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))
    network.setInput(random.normal(size=(1, 8, 40, 48)).astype(np.float32))
    return np.asarray(network.forward())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _digest_of_array(values: Any) -> str:
    """The digest of an array or image, its type and shape included."""
    array = np.ascontiguousarray(values)
    return _digest(f"{array.dtype} {array.shape}".encode() + array.tobytes())


# Pictures


@cache
def _astronaut() -> RGB:
    from skimage import data

    return np.asarray(data.astronaut(), np.uint8)


def face() -> RGB:
    """A face, uint8 (112, 96, 3)."""
    part = _astronaut()[:224, 120:312]
    return np.asarray(cv2.resize(part, SHAPE[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def wide() -> RGB:
    """A picture for several tiles, uint8 (200, 320, 3)."""
    part = _astronaut()[:320]
    return np.asarray(cv2.resize(part, (320, 200), interpolation=cv2.INTER_AREA), np.uint8)


def wide_grey() -> NDArray[np.uint8]:
    """One channel of ``wide``."""
    return wide()[..., 1]


def grey() -> NDArray[np.uint8]:
    """The face in grey, uint8 (112, 96)."""
    return np.asarray(Image.fromarray(face()).convert("L"))


def soft() -> NDArray[np.uint8]:
    """The face in an ellipse with soft edges, uint8 (112, 96, 4)."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    alpha = 255 * np.clip(3 - ((rows - 56) / 25) ** 2 - ((cols - 48) / 22) ** 2, 0, 1)
    return np.dstack([face(), alpha.astype(np.uint8)])


def tagged() -> Image.Image:
    """The face with EXIF."""
    image = Image.fromarray(face())
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "a face"
    image.info["exif"] = exif.tobytes()
    return image


def mask() -> NDArray[np.bool_]:
    """A random mask of the face, bool (112, 96)."""
    return np.random.default_rng(3).random(SHAPE) < 0.04


# Cases


def _file_cases() -> dict[str, Callable[[], bytes]]:
    """How each file is made: pictures encoded, and packets joined."""
    cases: dict[str, Callable[[], bytes]] = {}

    def add(name: str, picture: Callable[[], Any], **options: Any) -> None:
        cases[name] = lambda: xcodec.encode(picture(), **options)

    def add_packets(name: str, **options: Any) -> None:
        cases[name] = lambda: b"".join(xcodec.encode_packets(face(), **options))

    for effort in EFFORTS:
        add(f"rate-e{effort}", face, rate=0.05, effort=effort)
        add(f"sparse-e{effort}", face, rate=0.012, effort=effort)
        add(f"grey-e{effort}", grey, rate=0.03, effort=effort)
        add(f"alpha-e{effort}", soft, rate=0.03, effort=effort)
        add(f"bytes-e{effort}", face, max_bytes=230, effort=effort)
        add(f"bpp-e{effort}", face, bpp=0.25, effort=effort)
        add(f"tiles-e{effort}", wide, rate=0.02, tile=128, effort=effort)
    add("bytes-alpha-e4", soft, max_bytes=400)
    add("psnr-e0", face, psnr=21.0, effort=0)
    add("psnr-e4", face, psnr=22.0)
    add("tiles-bytes-e4", wide, max_bytes=600, tile=128)
    add("tiles-psnr-e0", wide, psnr=20.0, tile=128, effort=0)
    add("tiles-grey-bytes-e0", wide_grey, max_bytes=500, tile=128, effort=0)
    add("tiles-jobs", wide, rate=0.02, tile=128, jobs=2)
    add("classical", face, rate=0.05, decoder="classical")
    add("random", face, rate=0.03, mask="random", seed=7)
    add("explicit", face, mask=mask())
    add("explicit-bytes", face, mask=mask(), max_bytes=500)
    add("lossless", face, rate=0.03, tone="point", lossless_samples=True)
    add("lossless-bytes", face, max_bytes=600, tone="point", lossless_samples=True)
    add("canny-mean", face, rate=0.03, density="canny", tone="mean")
    add("uniform-step", face, rate=0.03, density="uniform", step=40.0)
    add("roi", face, rate=0.03, roi=[(20, 20, 40, 40, 4.0)])
    add("saliency", face, rate=0.03, saliency=True)
    add("strength", face, rate=0.03, strength=1.2, floor=3.0, block=16)
    add("exact-alpha", soft, rate=0.03, alpha_quality=100)
    add("metadata", tagged, rate=0.03, keep=True, comment="of 2018")
    add_packets("packets-e0", packet_size=120, packets=4, effort=0)
    add_packets("packets-e4", packet_size=120, packets=4, loss=0.3)
    add_packets("packets-bytes-e4", packet_size=100, max_bytes=500)
    return cases


def _picture_cases() -> dict[str, tuple[str, Callable[[bytes], Any]]]:
    """The file that each picture is decoded from, and how."""
    cases: dict[str, tuple[str, Callable[[bytes], Any]]] = {}

    def add(name: str, file: str, **options: Any) -> None:
        cases[f"{file}:{name}"] = file, partial(xcodec.decode, **options)

    for file in FILES:
        if not file.startswith("packets"):
            add("classical", file, decoder="classical")
    for file in ("rate-e4", "sparse-e4", "grey-e4", "alpha-e4", "lossless", "tiles-e4", "explicit"):
        add("generator", file)
    add("realism", "rate-e4", realism=0.5)
    add("face", "rate-e4", model="face")
    add("half", "tiles-e4", downsample=2)
    add("eighth", "tiles-e4", downsample=8, decoder="classical")
    add("part", "tiles-e4", region=(100, 50, 90, 70))
    add("part-classical", "tiles-e4", region=(100, 50, 90, 70), decoder="classical")
    cases["cut"] = "rate-e4", lambda data: xcodec.decode(data[:-30], partial=True)
    cases["deep"] = "rate-e4", lambda data: xcodec.codec.decode_array(data, 16)
    cases["samples"] = (
        "rate-e4",
        lambda data: np.concatenate(xcodec.codec.decode_samples(data), 1),
    )
    cases["reconstruct"] = "rate-e4", lambda _: _reconstructed()
    return cases


def _reconstructed() -> Image.Image:
    """The face from the pixels of ``mask``, without a file."""
    where = np.argwhere(mask())
    return xcodec.reconstruct(where, face()[where[:, 0], where[:, 1]], SHAPE)


FILES = _file_cases()
PICTURES = _picture_cases()


@cache
def file_of(name: str) -> bytes:
    """One of FILES, made by the present encoder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return FILES[name]()


def digest_of_file(name: str) -> str:
    """The digest of one of FILES."""
    return _digest(file_of(name))


def digest_of_picture(name: str) -> str:
    """The digest of one of PICTURES, in float32 wherever it is painted."""
    file, decoded = PICTURES[name]
    in_floats = patch.object(integer_painter, "painter", lambda paths: None)
    with in_floats, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return _digest_of_array(decoded(file_of(file)))


def present() -> dict[str, str]:
    """All digests by name, computed now."""
    files = {name: digest_of_file(name) for name in FILES}
    return files | {name: digest_of_picture(name) for name in PICTURES}


@cache
def recorded() -> dict[str, str]:
    """The recorded digests by name; empty if there are none for this machine's arithmetic."""
    digests: dict[str, str] = json.loads(RECORD.read_text())["digests"].get(fingerprint(), {})
    return digests


def main() -> int:
    """Compare or record all digests. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Compare digests of files and pictures.")
    parser.add_argument("--write", action="store_true", help="record those of this machine")
    write = parser.parse_args().write
    digests = present()
    if write:
        before = json.loads(RECORD.read_text())["digests"]
        record = {"version": VERSION, "digests": before | {fingerprint(): digests}}
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        recorded.cache_clear()
    known = recorded()
    different = sorted(name for name, each in digests.items() if each != known.get(name))
    same = f"{len(digests) - len(different)} of {len(digests)} as recorded"
    sys.stdout.write(" ".join([same, *different]) + "\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
