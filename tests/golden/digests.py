"""Digests of files and pictures made at baseline-2 (commit f5e58dc): nothing of them may change.

Encoders and decoders compute with floats, whose last bits depend on the processor and on the
libraries. So ``digests.json`` also holds a fingerprint of both: elsewhere, nothing can be compared.

    python -m tests.golden.digests            # compare with digests.json
    python -m tests.golden.digests --write    # make it anew, on purpose
"""

import argparse
import hashlib
import json
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy.sparse
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import xcodec

RECORD = Path(__file__).parent / "digests.json"
EFFORTS = (0, 4, 7)
SLOW = ("bytes-e7", "bpp-e7", "bpp-e4", "bytes-alpha-e4", "tiles-bytes-e4", "psnr-e4")
"""Files that take seconds."""


def fingerprint() -> str:
    """What the arithmetic of this machine and its libraries gives for one fixed problem."""
    random = np.random.default_rng(1)
    matrix, vectors = random.normal(size=(7, 7)), random.normal(size=(7, 300))
    solved = np.linalg.solve(matrix @ matrix.T + np.eye(7), vectors)
    product = scipy.sparse.csr_array(random.normal(size=(90, 90))) @ random.normal(size=(90, 3))
    picture = random.normal(size=(64, 64)).astype(np.float32)
    seen = cv2.filter2D(picture, -1, random.normal(size=(3, 3)).astype(np.float32))
    parts = [solved, np.exp(solved), np.einsum("ij,ij->j", solved, vectors), product, seen]
    versions = f"{np.__version__} {cv2.__version__} {scipy.__version__}".encode()
    parts.append(_convolved(random))
    return digest(versions + b"".join(each.tobytes() for each in parts))


def _convolved(random: np.random.Generator) -> np.ndarray:
    """What a small network of OpenCV's gives."""
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


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def digest_of(array: Any) -> str:
    array = np.ascontiguousarray(array)
    return digest(f"{array.dtype} {array.shape}".encode() + array.tobytes())


@cache
def _astronaut() -> np.ndarray:
    from skimage import data

    return np.asarray(data.astronaut(), np.uint8)


def face() -> np.ndarray:
    """A face of 112x96 pixels."""
    return cv2.resize(_astronaut()[:224, 120:312], (96, 112), interpolation=cv2.INTER_AREA)


def wide() -> np.ndarray:
    """A picture of 320x200 pixels, for tiles."""
    return cv2.resize(_astronaut()[:320], (320, 200), interpolation=cv2.INTER_AREA)


def grey() -> np.ndarray:
    return np.asarray(Image.fromarray(face()).convert("L"))


def soft() -> np.ndarray:
    """A face with soft edges of transparency."""
    rows, cols = np.mgrid[:112, :96]
    alpha = 255 * np.clip(3 - ((rows - 56) / 25) ** 2 - ((cols - 48) / 22) ** 2, 0, 1)
    return np.dstack([face(), alpha.astype(np.uint8)])


def tagged() -> Image.Image:
    image = Image.fromarray(face())
    exif = Image.Exif()
    exif[0x010E] = "a face"
    image.info["exif"] = exif.tobytes()
    return image


def mask() -> np.ndarray:
    return np.random.default_rng(3).random((112, 96)) < 0.04


def encodes() -> dict[str, Callable[[], bytes]]:
    """Files by name."""
    cases: dict[str, Callable[[], bytes]] = {}

    def add(name: str, picture: Callable[[], Any], **options: Any) -> None:
        cases[name] = lambda: xcodec.encode(picture(), **_known(options))

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
    add("tiles-grey-bytes-e0", lambda: wide()[..., 1], max_bytes=500, tile=128, effort=0)
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
    return cases


def packets() -> dict[str, Callable[[], bytes]]:
    """Packets, joined, by name."""
    ask = {
        "packets-e0": dict(packet_size=120, packets=4, effort=0),
        "packets-e4": dict(packet_size=120, packets=4, loss=0.3),
        "packets-bytes-e4": dict(packet_size=100, max_bytes=500),
    }
    return {
        name: lambda options=options: b"".join(xcodec.encode_packets(face(), **_known(options)))
        for name, options in ask.items()
    }


def decodes(files: dict[str, bytes]) -> dict[str, Callable[[], Any]]:
    """Pictures by name."""
    cases: dict[str, Callable[[], Any]] = {}

    def add(name: str, file: str, **options: Any) -> None:
        cases[f"{file}:{name}"] = lambda: xcodec.decode(files[file], **options)

    for file in files:
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
    cut = files["rate-e4"][:-30]
    cases["cut"] = lambda: xcodec.decode(cut, partial=True)
    cases["deep"] = lambda: xcodec.codec.decode_array(files["rate-e4"], 16)
    cases["samples"] = lambda: np.concatenate(xcodec.codec.decode_samples(files["rate-e4"]), 1)
    where = np.argwhere(mask())
    cases["reconstruct"] = lambda: xcodec.reconstruct(
        where, face()[where[:, 0], where[:, 1]], (112, 96)
    )
    return cases


def _known(options: dict[str, Any]) -> dict[str, Any]:
    old = {"max_bytes": "size", "lossless_samples": "lossless"}
    return {old.get(name, name): value for name, value in options.items()}


def all_of_them(quick: bool = False) -> dict[str, str]:
    """Digests by name.

    quick : leave out the files that take longest, and what is decoded from them
    """
    files = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for name, work in (encodes() | packets()).items():
            if not (quick and name in SLOW):
                files[name] = work()
        found = {name: digest(data) for name, data in files.items()}
        found |= {name: digest_of(work()) for name, work in decodes(files).items()}
    return found


def recorded() -> dict[str, str]:
    """Digests of baseline-2, empty where this machine's arithmetic is another."""
    record = json.loads(RECORD.read_text())
    digests: dict[str, str] = record["digests"].get(fingerprint(), {})
    return digests


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    here = all_of_them()
    if parser.parse_args().write:
        record = {"commit": "f5e58dc", "digests": {fingerprint(): here}}
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    known = recorded()
    different = sorted(name for name in here if here[name] != known.get(name))
    print(f"{len(here) - len(different)} of {len(here)} as recorded;", *different)
    sys.exit(bool(different))
