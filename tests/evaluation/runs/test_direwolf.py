"""Packets through the sound of Direwolf's test programs, with and without noise."""

import shutil

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from xcodec.errors import InputError, XcodecError
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.runs import direwolf
from xcodec.evaluation.runs.options import numbers

pytest.importorskip("ax25", reason="pyham-ax25 is not installed")
pytestmark = pytest.mark.skipif(
    not direwolf.installed(), reason="needs gen_packets and atest of Direwolf"
)


@pytest.fixture(scope="module")
def full() -> list[bytes]:
    """40 packets of 256 bytes, in which every byte occurs."""
    numbers = np.random.default_rng(1).integers(0, 256, (40, 256), np.uint8)
    return [bytes(row) for row in numbers]


def test_bytes_come_back(full: list[bytes]) -> None:
    awkward = [b"", b"<0x41>", b"<", b"\r\n", b"a\r\n\x00", b":", bytes(range(256)), b"\n" * 60]
    short = [bytes([first, last]) for first in (0, 10, 13, 60, 255) for last in (0, 10, 13, 60)]
    sent = [*awkward, *short, *full]
    assert direwolf.demodulated(direwolf.modulated(sent)) == sent


def test_a_frame_takes_its_bits(full: list[bytes]) -> None:
    """16 bytes of addresses, 2 of checksum, 34 flags, 32 bits of silence and stuffed bits."""
    seconds = len(direwolf.modulated(full)) / direwolf.RATE / len(full)
    least = (8 * (256 + 16 + 2 + 34) + 32) / 1200
    assert least < seconds < least * 1.03


def test_losses_grow_with_the_noise(full: list[bytes]) -> None:
    sound = direwolf.modulated(full)
    levels = (0.3, *numbers(direwolf.LEVELS, float), 1)
    lost = [1 - direwolf.kept(full, sound, level, 0).mean() for level in levels]
    assert lost[0] == 0
    assert lost[0] <= lost[1] < lost[2] < lost[3] < lost[4]
    assert lost[1] < 0.12
    assert lost[2] < 0.4
    assert 0.2 < lost[3] < 0.75
    assert lost[4] == 1


def test_noise_is_drawn_by_its_seed(full: list[bytes]) -> None:
    sound = direwolf.modulated(full[:2])
    once, again, other = (direwolf.noisy(sound, 0.5, seed) for seed in ((1, 2), (1, 2), (1, 3)))
    assert (once == again).all()
    assert (once != other).any()
    assert (direwolf.noisy(sound, 0, (1,)) == sound).all()
    added = once.astype(float) - sound
    bound = 0.5 * 5 * 0.0023 * 50 * 32767  # As gen_packets -n has it, for 50 % of amplitude
    assert 0.99 * bound < np.abs(added).max() <= bound + 1
    assert abs(added.mean()) < bound / 20


def test_a_picture_arrives_at_three_levels_of_noise(photo: NDArray[np.uint8]) -> None:
    picture = np.ascontiguousarray(photo[:256, 100:356])
    sent = xcodec.encode_packets(picture, 256, 10, loss=0.3, effort=0)
    sound = direwolf.modulated(sent)
    psnr = []
    for level in numbers(direwolf.LEVELS, float):
        came = direwolf.demodulated(direwolf.noisy(sound, level, (1,)))
        assert set(came) <= set(sent)
        assert came
        shown = np.asarray(xcodec.decode_packets(came, decoder="classical", original_size=True))
        psnr.append(metrics.psnr(picture, shown))
    flat = np.broadcast_to(picture.mean((0, 1)).round().astype(np.uint8), picture.shape)
    assert psnr[0] >= psnr[1] >= psnr[2] > metrics.psnr(picture, flat) + 3


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InputError, match="257 bytes"):
        direwolf.modulated([bytes(257)])
    with pytest.raises(InputError, match="100 bytes"):
        direwolf.modulated([bytes(100)])  # 600 characters of <0x00>


def test_a_program_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not direwolf.installed()
    assert shutil.which("atest") is None
    with pytest.raises(XcodecError, match="gen_packets failed"):
        direwolf.modulated([b"data"])
