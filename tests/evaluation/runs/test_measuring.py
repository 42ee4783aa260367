"""One picture through the codecs: the best file within a budget, and nothing computed twice."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from xcodec.errors import XcodecError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import codecs
from xcodec.evaluation.peers.xcodecs import Variant, source_digest
from xcodec.evaluation.runs.measuring import Measuring, OwnCoding, PeerCoding
from xcodec.evaluation.runs.state import State

RGB = NDArray[np.uint8]
AIMS = ["psnr"]


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state.sqlite")


def measuring(rgb: RGB, state: State, weights: Path | None = None) -> Measuring:
    return Measuring(rgb, "digest", state, metrics.Meter(rgb, weights))


@pytest.mark.parametrize("budget", [180, 300, 500, 900])
@pytest.mark.parametrize("name", ["jpeg", "webp", "jpegxl"])
def test_the_best_file_is_the_best_of_all(budget: int, name: str, small: RGB, state: State) -> None:
    if name == "jpegxl":
        pytest.importorskip("pillow_jxl", reason="pillow-jxl-plugin is not installed")
    (codec,), scales = codecs.codecs([name]), (1.0, 2.0, 4.0)
    best = measuring(small, state).best([codec], scales, budget, AIMS)
    every = [
        codecs.enlarge(codec.decode(data), small.shape)
        for scale in scales
        for quality in codec.qualities
        if len(data := codec.encode(codecs.shrink(small, scale), quality)) <= budget
    ]
    if not every:
        assert best == {}
        return
    highest = max(metrics.psnr(small, picture) for picture in every)
    data = best["psnr"].write(small)
    assert len(data) <= budget
    found = metrics.psnr(small, best["psnr"].paint(data, small.shape))
    assert found == pytest.approx(highest, abs=0.02)


def test_a_codec_may_take_a_picture_only_scaled_down(state: State) -> None:
    (webp,) = codecs.codecs(["webp"])
    rgb = np.zeros((2, 17_000, 3), np.uint8)
    place = measuring(rgb, state)
    assert place.size(PeerCoding(webp, 40)) == 0
    assert place.best([webp], [1.0], 2000, AIMS) == {}
    best = place.best([webp], [1.0, 2.0], 2000, AIMS)["psnr"]
    assert best.scale == 2
    place.keep(best, ["label"], decoded=True)
    picture = place.kept(["label"])[1]
    assert picture is not None
    assert (picture == place.picture(best)).all()


def test_each_aim_has_a_best_file_of_its_own(small: RGB, state: State, weights: Path) -> None:
    (codec,) = codecs.codecs(["webp"])
    place = measuring(small, state, weights)
    best = place.best([codec], codecs.SCALES, 300, ["psnr", "lpips"])
    figures = {aim: place.figures(peer, ["psnr", "lpips"]) for aim, peer in best.items()}
    assert figures["psnr"]["psnr"] >= figures["lpips"]["psnr"]
    assert figures["lpips"]["lpips"] <= figures["psnr"]["lpips"]
    assert set(measuring(small, state).best([codec], [1.0], 2000, ["psnr", "lpips"])) == {"psnr"}


def test_no_file_is_written_twice_even_by_another_run(small: RGB, state: State) -> None:
    (webp,) = codecs.codecs(["webp"])
    coded: list[float] = []

    def write(image: Image.Image, quality: float) -> bytes:
        coded.append(quality)
        return webp.write(image, quality)

    counted = replace(webp, write=write)
    place = measuring(small, state)
    first = place.best([counted], [2.0], 400, AIMS)
    # Files are written again to be measured, never for their size.
    assert len(coded) < 25
    coded.clear()
    assert place.best([counted], [2.0], 400, AIMS) == first
    assert measuring(small, state).best([counted], [2.0], 400, AIMS) == first
    assert coded == []


def test_files_of_xcodec_are_kept_whole(
    small: RGB, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    coding = OwnCoding(Variant(decoders=("classical",)), "classical", ("rate", 0.05))
    data = measuring(small, state).file(coding)
    figures = measuring(small, state).figures(coding, AIMS)

    def no_more(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Variant, "write", no_more)
    assert measuring(small, state).file(coding) == data
    assert measuring(small, state).size(coding) == len(data)
    monkeypatch.setattr(Variant, "paint", no_more)
    assert measuring(small, state).figures(coding, AIMS) == figures
    with pytest.raises(AssertionError):  # Another effort is another file.
        measuring(small, state).size(replace(coding, variant=Variant(effort=0)))
    with pytest.raises(AssertionError):  # Another picture too.
        Measuring(small, "other", state, metrics.Meter(small)).size(coding)


def test_there_is_no_file_within_too_small_a_budget(small: RGB, state: State) -> None:
    coding = OwnCoding(Variant(decoders=("classical",)), "classical", ("size", 5))
    assert measuring(small, state).size(coding) == 0
    assert measuring(small, state).size(coding) == 0
    (jpeg,) = codecs.codecs(["jpeg"])
    assert measuring(small, state).best([jpeg], [1.0, 2.0], 40, AIMS) == {}


def test_known_figures_are_reused_and_missing_ones_added(small: RGB, state: State) -> None:
    (jpeg,) = codecs.codecs(["jpeg"])
    peer = PeerCoding(jpeg, 20)
    place = measuring(small, state)
    assert place.figures(peer, ["psnr"])["psnr"] == metrics.psnr(
        small, jpeg.decode(jpeg.encode(small, 20))
    )
    both = place.figures(peer, ["psnr", "ssim"])
    assert both["ssim"] == metrics.ssim(small, jpeg.decode(jpeg.encode(small, 20)))


def test_a_damaged_state_is_one_clear_error(tmp_path: Path) -> None:
    """Damaged behind its first page, so that it opens."""
    path = tmp_path / "state.sqlite"
    with State(path) as state:
        for number in range(200):
            state.put(str(number), bytes(1000))
    data = bytearray(path.read_bytes())
    data[4096:] = b"?" * (len(data) - 4096)
    path.write_bytes(data)
    with State(path) as state:
        for use in (lambda: state.get("7"), lambda: state.put("7", b"")):
            with pytest.raises(XcodecError, match=f"{path}: not usable as a state file: .*malf"):
                use()


def test_sources_are_read_in_any_locale() -> None:
    """Some hold letters beyond ASCII."""
    line = "from xcodec.evaluation.peers import xcodecs; print(xcodecs.source_digest())"
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", line]
    done = subprocess.run(
        command, env=os.environ | ascii_only, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == source_digest(), done.stderr
