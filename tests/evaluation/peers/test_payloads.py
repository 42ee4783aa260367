"""AVIF's and HEIC's tunes and payloads against Pillow used directly."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from xcodec.evaluation.measures import metrics
from xcodec.evaluation.measures.metrics import Meter
from xcodec.evaluation.peers import payloads
from xcodec.evaluation.peers.rivals import RIVALS
from xcodec.evaluation.runs.measuring import Measuring
from xcodec.evaluation.runs.state import State

RGB = NDArray[np.uint8]
PICTURES = ("astronaut", "coffee", "rocket")
QUALITIES = (5.0, 40.0)


def crop(name: str) -> RGB:
    """A small part of a picture of scikit-image."""
    return np.ascontiguousarray(getattr(skimage.data, name)()[180:228, 280:344])


def direct(rgb: RGB, quality: float, tune: str) -> tuple[bytes, RGB]:
    """A file by Pillow and its pixels."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(
        file, "AVIF", quality=int(quality), speed=1, max_threads=1, advanced={"tune": tune}
    )
    return file.getvalue(), np.asarray(Image.open(file).convert("RGB"))


@pytest.mark.parametrize("name", PICTURES)
def test_avif_and_its_payload_are_the_best_of_three_tunes(name: str, tmp_path: Path) -> None:
    rgb = crop(name)
    files = {(tune, q): direct(rgb, q, tune) for tune in ("psnr", "ssim", "iq") for q in QUALITIES}
    assert len({data for data, _ in files.values()}) == 6
    # The media data is the last box; what stands before it is the same in all files.
    heads = {data.index(b"mdat") + 4 for data, _ in files.values()}
    assert heads == {275}
    settings = [replace(codec, qualities=QUALITIES) for codec in RIVALS["avif"].settings]
    assert RIVALS["av1"].codecs == RIVALS["avif"].codecs
    place = Measuring(rgb, name, State(tmp_path / "state"), Meter(rgb))
    for part, head in (("", 0), (RIVALS["av1"].part, 275)):
        sizes = {place: len(data) - head for place, (data, _) in files.items()}
        for budget in sorted(sizes.values())[1::2]:
            best = place.best(settings, [1.0], budget, ("psnr", "ssim"), part)
            fitting = [files[place][1] for place, size in sizes.items() if size <= budget]
            for aim, measure in (("psnr", metrics.psnr), ("ssim", metrics.ssim)):
                coding = best[aim]
                expected = max(measure(rgb, picture) for picture in fitting)
                assert place.figures(coding, [aim])[aim] == expected
                assert place.size(coding) == sizes[coding.codec.name[5:], coding.quality]


def test_a_payload_of_heic_is_its_slices() -> None:
    rgb = crop("astronaut")
    for codec in RIVALS["heic"].settings:
        data = codec.encode(rgb, 20)
        (media,) = payloads.media_data(data)
        # One unit, which is a slice of a picture that needs no other, after its length.
        assert int.from_bytes(media[:4], "big") == len(media) - 4 == codec.counts["payload"](data)
        assert (media[4] >> 1) & 63 in (19, 20)
    assert len({codec.encode(rgb, 20) for codec in RIVALS["heic"].settings}) == 2


@pytest.mark.parametrize(
    "data", [b"abc", b"\0\0\0\x09mdat", b"\0\0\0\0mdat", b"\0\0\0\x01mdat" + bytes(9)]
)
def test_other_files_have_no_payload(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a file of the ISO base media format"):
        payloads.av1(data)
