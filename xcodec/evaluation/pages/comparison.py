"""``xcodec compare``: one picture of the user's, through xcodec and its peers, as a page."""

import math
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from xcodec.errors import InputError
from xcodec.evaluation.measures import lpips
from xcodec.evaluation.measures.metrics import METRICS, Meter
from xcodec.evaluation.pages import html, viewer
from xcodec.evaluation.pages.viewer import Gallery, View
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.codecs import Codec
from xcodec.evaluation.peers.xcodecs import CLASSICAL, GENERATOR, Variant
from xcodec.evaluation.runs.measuring import Measuring, Own, Peer
from xcodec.evaluation.runs.records import digest_of, progress
from xcodec.evaluation.runs.state import State
from xcodec.pictures import loading
from xcodec.system import files

RATES = (0.01, 0.02, 0.05)
PEERS = ("jpeg", "webp", "avif")
SCALED = "webp"
"""The peer that is scaled down too: the strongest at small sizes, and quick."""
MOST_BYTES = 24_000_000
"""Of the images of a page."""
HINT = (
    "Drag the slider, or move it with the arrow keys. Sizes are those of the real files; on this "
    "page decoded pictures are kept as WebP at quality {quality}. Peers are at their size nearest "
    "to xcodec's: where that is larger, they have no smaller file."
)


def build(source: str, rates: Iterable[float], sizes: Iterable[int], model: str) -> str:
    """The page of a picture ("-": standard input), at rates and within numbers of bytes.

    Raises InputError where the picture can't be read or coded, ModelError without weights.
    """
    rgb = loading.load(source).rgb
    targets: list[tuple[str, float]] = [("rate", rate) for rate in rates]
    targets += [("size", size) for size in sizes]
    variant = Variant(model=model, device="auto")
    rivals = [codec for codec in map(codecs.CODECS.__getitem__, PEERS) if codec.installed]
    weights = lpips.find_weights()
    names = ["psnr", "ssim"] if METRICS["ssim"].installed else ["psnr"]
    names += ["lpips"] if weights else []
    gallery = Gallery()
    with tempfile.TemporaryDirectory() as folder:
        state = State(Path(folder) / "state")
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb, weights))
        shown = viewer.picture(
            files.called(source),
            place,
            (_at(place, variant, target, rivals) for target in progress(targets)),
            names,
            gallery,
        )
        state.close()
    pictures, quality = gallery.fitted(MOST_BYTES)
    metrics = [{"key": n, "title": METRICS[n].title, "digits": METRICS[n].digits} for n in names]
    data = {"viewer": {"pictures": [shown], "images": pictures, "metrics": metrics}}
    height, width = rgb.shape[:2]
    body = html.viewer(HINT.format(quality=quality), [METRICS[name].title for name in names])
    return html.page(
        Path(shown["name"]).name,
        f"{width}x{height} pixels, by xcodec and by other codecs at the nearest size.",
        body,
        data,
        "Made by xcodec compare",
        {"viewer": "Pictures"},
    )


def _at(
    place: Measuring, variant: Variant, target: tuple[str, float], rivals: list[Codec]
) -> tuple[str, list[View]]:
    own = [Own(variant, decoder, target) for decoder in (GENERATOR, CLASSICAL)]
    size = place.size(own[0])
    if not size:
        raise InputError(f"no file of this picture fits {target[1]:.0f} bytes")
    views = [View(variant.title(coding.decoder), coding) for coding in own]
    views += _peers(place, size, rivals)
    label = f"{size:,} bytes"
    if target[0] == "rate":
        label = f"{100 * target[1]:g} % of the pixels, {label}"
    return label, views


def _peers(place: Measuring, size: int, rivals: list[Codec]) -> Iterator[View]:
    for codec in rivals:
        peer = nearest(place, codec, size)
        yield View(codec.title, peer, f"quality {peer.quality:g}")
        if codec.name == SCALED:
            best = place.best(codec, codecs.SCALES, size, ["psnr"])
            for scaled in best.values():
                note = f"quality {scaled.quality:g} at 1/{scaled.scale:g} of the size"
                yield View(f"{codec.title}, scaled down and up", scaled, note)


def nearest(place: Measuring, codec: Codec, size: int) -> Peer:
    """A codec at full size with the quality whose file is nearest to a size."""
    trials = [Peer(codec, quality) for quality in codec.qualities]
    low, high = 0, len(trials) - 1
    while low < high:
        middle = (low + high) // 2
        if place.size(trials[middle]) < size:
            low = middle + 1
        else:
            high = middle
    near = trials[max(low - 1, 0) : low + 1]
    return min(near, key=lambda trial: abs(math.log(place.size(trial) / size)))
