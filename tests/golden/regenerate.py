"""Regenerate the conformance files: python -m tests.golden.regenerate [--encoder | --freeze 0.2]

A change of these files is a change of the format. expected.json has what each file decodes to, and
packets.json what any first packets of packets.xgp give. encoder.json has the size and PSNR that the
present encoder reaches on the same pictures; a better encoder changes only that (--encoder).

With the first release of a series, --freeze notes its files in frozen.json: they stay, and new ones
are added beside them.
"""

import argparse
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

import xcodec
from tests.golden import pictures
from tests.golden.pictures import RGB
from xcodec.coding import packets
from xcodec.coding.header import VERSION
from xcodec.decoder import inspection, reading
from xcodec.links import receiving
from xcodec.pictures import modes, scaling
from xcodec.pictures.quality import decibels

Source = RGB | Image.Image

FOLDER = Path(__file__).parent
FROZEN = FOLDER / "frozen.json"
PACKETS, PACKET_FACTS = FOLDER / "packets.xgp", FOLDER / "packets.json"
MAX_PIXELS = 1 << 20


def cases() -> dict[str, tuple[Source, dict[str, Any]]]:
    """Return the picture and the options of ``xcodec.encode`` for each file, by name."""
    scene = pictures.scene(72, 96)
    lossless = {"tone": "point", "lossless_samples": True}
    return {
        "plain": (scene, {"rate": 0.05}),
        "pixel": (scene[:1, :1], {}),
        "strip": (scene[30:31, :50], {"rate": 0.1}),
        "column": (scene[:50, 40:41], {"rate": 0.2, **lossless}),
        "flat": (np.full((40, 40, 3), 77, np.uint8), {}),
        "canny": (scene, {"rate": 0.08, "density": "canny", "block": 8, "step": 9.0}),
        "mean": (scene, {"block": 32, "tone": "mean", "model": "face", "comment": "grüße"}),
        "random": (scene, {"mask": "random", "seed": 4_000_000_000, "density": "uniform"}),
        "bitmap": (scene, {"mask": pictures.checks(72, 96), "tone": "point", "step": 60.0}),
        "runs": (scene, {"mask": pictures.diagonals(72, 96), "tone": "point"}),
        "blocks": (scene, {"mask": pictures.speckled(72, 96), **lossless}),
        "lossless": (scene, {"rate": 0.06, **lossless}),
        "layers": (pictures.scene(250, 330), {"rate": 0.03, "step": 1.0}),
        "dense": (pictures.scene(256, 256), {"rate": 0.3, "step": 150.0}),
        "grey": (scene[..., 1], {"rate": 0.05}),
        "grey-lossless": (scene[..., 1], {"rate": 0.05, **lossless}),
        "grey-layers": (pictures.scene(300, 400)[..., 1], {"rate": 0.1, "step": 1.0}),
        "grey-mask": (scene[..., 1], {"mask": pictures.diagonals(72, 96)}),
        "colour-of-greys": (np.repeat(pictures.scene(128, 128)[..., :1], 3, 2), {}),
        "bilevel": (Image.fromarray(scene[..., 1] > 128), {"rate": 0.05}),
        "deep": (Image.fromarray(scene[..., 1].astype(np.uint16) * 257), {"rate": 0.05}),
        "cmyk": (Image.fromarray(scene).convert("CMYK"), {"rate": 0.05}),
        "opaque": (with_alpha(scene, np.full((72, 96), 255, np.uint8)), {}),
        "alpha-mask": (with_alpha(scene, pictures.disc(72, 96)), {"alpha_quality": 100}),
        "alpha-plane": (with_alpha(scene, pictures.fade(72, 96)), {"alpha_quality": 100}),
        "alpha-samples": (with_alpha(scene, pictures.fade(72, 96)), {"alpha_quality": 30}),
        "alpha-cut": (
            with_alpha(pictures.scene(144, 192), pictures.disc(144, 192)),
            {"alpha_quality": 0},
        ),
        "alpha-grey": (with_alpha(scene, pictures.disc(72, 96)).convert("LA"), {}),
        "regions": (scene, {"rate": 0.05, "roi": [(20, 10, 40, 30, 64.0)], "block": 8}),
        "grey-tiles": (pictures.scene(200, 300)[..., 1], {"rate": 0.03, "tile": 128}),
        "alpha-tiles": (
            with_alpha(pictures.scene(150, 280), pictures.fade(150, 280)),
            {"rate": 0.03, "tile": 128},
        ),
        "metadata": (described(scene), {"keep": True}),
        "exact-layers": (pictures.scene(330, 250), {"rate": 0.05, **lossless}),
        "tiles": (pictures.scene(200, 330), {"rate": 0.04, "step": 9.0, "tile": 128}),
        "exact-tiles": (pictures.scene(200, 190), {"rate": 0.08, "tile": 128, **lossless}),
        "masked-tiles": (
            pictures.scene(130, 400),
            {"mask": pictures.corners(130, 400), "tile": 128},
        ),
        "reduced": (pictures.scene(300, 400), {"rate": 0.05, "max_side": 160}),
        "grey-reduced": (pictures.scene(497, 301)[..., 1], {"rate": 0.05, "max_side": 100}),
        # A share of a table is exactly a half there, which counts as 0.
        "half": (pictures.scene(56, 56), {"rate": 0.3, "step": 6.0, "effort": 0}),
        "random-tiles": (pictures.scene(200, 100), {"mask": "random", "seed": 3, "tile": 128}),
    }


def with_alpha(rgb: RGB, alpha: NDArray[np.uint8]) -> Image.Image:
    """A picture with alpha, uint8 (height, width)."""
    return Image.fromarray(np.dstack([rgb, alpha]))


def described(rgb: RGB) -> Image.Image:
    """A picture with EXIF, XMP and the profile of another colour space than sRGB."""
    image = Image.fromarray(rgb)
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    exif[ExifTags.Base.Orientation] = 6
    image.info["exif"] = exif.tobytes()
    image.info["xmp"] = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    image.info["icc_profile"] = pictures.wide_profile()
    return image


def facts(data: bytes, picture: Source) -> dict[str, Any]:
    """Return what a file must decode to."""
    tiles = list(reading.tiles(reading.opened(data, MAX_PIXELS)))
    points = [
        np.stack([tile.points.rows + tile.box.top, tile.points.cols + tile.box.left], 1)
        for tile in tiles
    ]
    return {
        "size": len(data),
        "samples": sum(map(len, points)),
        "tiles": len(tiles),
        "layers": tiles[0].layers,
        "mode": inspection.peek(data).mode,
        "sections": {
            str(tag): each.hex() for tag, each in sorted(tiles[0].header.sections.items())
        },
        "points": digest(np.concatenate(points)),
        "symbols": digest(np.concatenate([tile.symbols for tile in tiles])),
        "psnr": round(psnr(data, picture), 3),
    }


def packet_facts(bundle: bytes) -> list[dict[str, Any]]:
    """Return what the first packets of a bundle give, for each number of them that gives more."""
    every = [packets.parse(each) for each in packets.unbundle(bundle)]
    found: list[dict[str, Any]] = []
    for count in range(1, len(every) + 1):
        known = packets.restored(every[:count], reading.LIMITS)
        if (
            found
            and found[-1]["needed"] == known.needed
            and found[-1]["complete"] == known.complete
        ):
            continue
        fact: dict[str, Any] = {
            "packets": count,
            "width": known.width,
            "height": known.height,
            "needed": known.needed,
            "complete": known.complete,
        }
        if known.parameters is not None:
            points, _, bits = receiving.symbols_in(known, every[0].length)
            fact |= asdict(known.parameters)
            fact["points"] = digest(np.stack([points.rows, points.cols], 1))
            fact["symbols"] = digest(bits.symbols)
            fact["missing"] = digest(bits.missing)
        found.append(fact)
    return found


def outcome(data: bytes, picture: Source) -> dict[str, float]:
    """Return what an encoder is measured by."""
    return {
        "size": len(data),
        "samples": inspection.info(data).samples,
        "psnr": round(psnr(data, picture), 3),
    }


def digest(values: Any) -> str:
    """SHA-256 of integers as little-endian int32."""
    return hashlib.sha256(np.ascontiguousarray(values, "<i4").tobytes()).hexdigest()


def psnr(data: bytes, picture: Source) -> float:
    """Return the PSNR in dB of the visible pixels by the classical decoder; 99 if exact."""
    seen = modes.picture_of(picture)
    coded = inspection.peek(data)
    if coded.original is not None:
        seen = scaling.reduced(seen, max(coded.width, coded.height))
    weights = np.ones(seen.rgb.shape[:2]) if seen.alpha is None else seen.alpha > 0
    found = xcodec.decode(data, decoder="classical", bit_depth=8, strip=True).convert("RGB")
    error = np.average(np.square(np.asarray(found, float) - seen.rgb).mean(-1), weights=weights)
    return float(decibels(error)) if error else 99.0


def written(name: str) -> bytes:
    """Return the file of a case, optimised for the classical decoder: independent of weights."""
    picture, options = cases()[name]
    return xcodec.encode(picture, decoder="classical", **options)


def written_packets() -> bytes:
    """Return packets.xgp: nine packets of a picture that was scaled down."""
    scene = pictures.scene(300, 400)
    return packets.bundle(xcodec.encode_packets(scene, 80, 9, loss=0.3, max_side=120))


def frozen() -> dict[str, Any]:
    """Return what frozen.json holds, by series."""
    known: dict[str, Any] = json.loads(FROZEN.read_text()) if FROZEN.exists() else {}
    return known


def to_freeze() -> dict[str, Any]:
    """Return what frozen.json should hold of the files as they are."""
    expected = json.loads((FOLDER / "expected.json").read_text())
    facts = {name: {**each, "psnr": None} for name, each in expected.items()}
    facts["packets"] = json.loads(PACKET_FACTS.read_text())
    files = {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.xg[cp]"))}
    return {
        "version": VERSION,
        "packets": packets.VERSION,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "facts": {
            name: hashlib.sha256(json.dumps(each, sort_keys=True).encode()).hexdigest()
            for name, each in facts.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the conformance files anew.")
    parser.add_argument("--encoder", action="store_true", help="encoder.json alone")
    parser.add_argument("--freeze", metavar="SERIES", help="note the files of a series")
    options = parser.parse_args()
    encoder_alone = options.encoder
    if options.freeze:
        FROZEN.write_text(json.dumps(frozen() | {options.freeze: to_freeze()}, indent=1) + "\n")
        return
    kept = {name for each in frozen().values() for name in each["files"]}
    if not encoder_alone and PACKETS.name not in kept:
        PACKETS.write_bytes(written_packets())
        PACKET_FACTS.write_text(json.dumps(packet_facts(PACKETS.read_bytes()), indent=1) + "\n")
    expected, outcomes = {}, {}
    for name, (picture, _) in cases().items():
        data = written(name)
        outcomes[name] = outcome(data, picture)
        if not encoder_alone:
            path = FOLDER / f"{name}.xgc"
            if path.name not in kept:
                path.write_bytes(data)
            expected[name] = facts(path.read_bytes(), picture)
    if not encoder_alone:
        (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    lines = ",\n".join(f' "{name}": {json.dumps(each)}' for name, each in outcomes.items())
    (FOLDER / "encoder.json").write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
