"""``xcodec compare``: a picture encoded by xcodec and other codecs, as a page."""

import math
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from xcodec.errors import InputError
from xcodec.evaluation.measures import lpips
from xcodec.evaluation.measures.metrics import METRICS, Meter
from xcodec.evaluation.pages import html, viewer
from xcodec.evaluation.pages.viewer import Gallery, View, ViewerData
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.codecs import Codec
from xcodec.evaluation.peers.xcodecs import CLASSICAL, GENERATOR, Variant
from xcodec.evaluation.runs.measuring import Measuring, OwnCoding, PeerCoding
from xcodec.evaluation.runs.records import digest_of, progress
from xcodec.evaluation.runs.state import State
from xcodec.pictures import loading
from xcodec.pictures.opening import Reading
from xcodec.system import files

RATES = (0.01, 0.02, 0.05)
PEERS = ("jpeg", "webp", "avif")
SCALED = "webp"
"""The codec that is also shown scaled down: the best of them at small sizes, and fast."""
MAX_IMAGE_BYTES = 24_000_000
"""Limit on the images of a page."""
HINT = (
    "Drag the slider, or move it with the arrow keys. Sizes are those of the real files; this page "
    "holds decoded pictures as WebP at quality {quality}. Other codecs are at the size nearest to "
    "xcodec's; if theirs is larger, they have no smaller file."
)


def build(
    source: str, rates: Iterable[float], sizes: Iterable[int], model: str, how: Reading
) -> str:
    """Return the page of a picture at some rates and within some sizes in bytes.

    source : path, or "-" for standard input
    model  : name or path of the generator's weights
    how    : how the picture is read

    Raises InputError if the picture cannot be read or encoded, ModelError if weights are missing.
    """
    picture = loading.read(source, how)
    if picture.alpha is not None:
        warnings.warn("the page shows no transparency: the picture becomes opaque", stacklevel=2)
    rgb, name = picture.rgb, Path(files.called(source)).name
    targets: list[tuple[str, float]] = [("rate", rate) for rate in rates]
    targets += [("size", size) for size in sizes]
    variant = Variant(model=model, device="auto")
    rivals = [codec for codec in map(codecs.CODECS.__getitem__, PEERS) if codec.installed]
    weights = lpips.find_weights()
    names = ["psnr", "ssim"] if METRICS["ssim"].installed else ["psnr"]
    names += ["lpips"] if weights else []
    gallery = Gallery()
    with tempfile.TemporaryDirectory() as folder, State(Path(folder) / "state") as state:
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb, weights))
        shown = viewer.picture(
            name,
            place,
            (_at(place, variant, target, rivals) for target in progress(targets)),
            names,
            gallery,
        )
    images, quality = gallery.fitted(MAX_IMAGE_BYTES)
    data: ViewerData = {
        "pictures": [shown],
        "images": images,
        "metrics": viewer.metric_data(names),
    }
    height, width = rgb.shape[:2]
    body = html.viewer(HINT.format(quality=quality), [METRICS[name].title for name in names])
    return html.page(
        name,
        f"{width}x{height} pixels, by xcodec and by other codecs at the nearest size.",
        body,
        {"viewer": data},
        "Made by xcodec compare",
        {"viewer": "Pictures"},
    )


def _at(
    place: Measuring, variant: Variant, target: tuple[str, float], rivals: list[Codec]
) -> tuple[str, list[View]]:
    own = [OwnCoding(variant, decoder, target) for decoder in (GENERATOR, CLASSICAL)]
    size = place.size(own[0])
    if not size:
        raise InputError(f"no file of this picture fits in {target[1]:.0f} bytes")
    views = [View(variant.title(coding.decoder), coding) for coding in own]
    views += _peers(place, size, rivals)
    label = f"{size:,} bytes"
    if target[0] == "rate":
        label = f"{100 * target[1]:g} % of the pixels, {label}"
    return label, views


def _peers(place: Measuring, size: int, rivals: list[Codec]) -> Iterator[View]:
    for codec in rivals:
        if peer := nearest(place, codec, size):
            yield View(codec.title, peer, f"quality {peer.quality:g}")
        if codec.name == SCALED:
            best = place.best([codec], codecs.SCALES, size, ["psnr"])
            for scaled in best.values():
                note = f"quality {scaled.quality:g} at 1/{scaled.scale:g} of the size"
                yield View(f"{codec.title}, scaled down and up", scaled, note)


def nearest(place: Measuring, codec: Codec, size: int) -> PeerCoding | None:
    """Find the quality at which a codec's file, at full resolution, is nearest to a size.

    There is none if the codec does not take the picture's sides.
    """
    trials = [PeerCoding(codec, quality) for quality in codec.qualities]
    if not place.size(trials[0]):
        return None
    low, high = 0, len(trials) - 1
    while low < high:
        middle = (low + high) // 2
        if place.size(trials[middle]) < size:
            low = middle + 1
        else:
            high = middle
    near = trials[max(low - 1, 0) : low + 1]
    return min(near, key=lambda trial: abs(math.log(place.size(trial) / size)))
