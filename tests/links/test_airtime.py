"""Times on air, beside a package that makes LoRa's signals, and duty cycles."""

import importlib.util
import sys
from collections.abc import Iterator
from itertools import product
from types import ModuleType

import numpy as np
import pytest

from xcodec.links.airtime import Ax25, LoRa
from xcodec.links.pacing import HOUR, Pacer
from xcodec.links.profiles import MESHCORE, MESHTASTIC

SETTINGS = [
    *(
        (bandwidth, spreading, rate, size)
        for (spreading, bandwidth), rate, size in product(
            [(7, 500e3), (8, 62.5e3), (9, 250e3), (11, 250e3), (12, 125e3)], (5, 8), (1, 40, 231)
        )
    ),
    *((125e3, spreading, 6, 99) for spreading in range(7, 13)),
    *((250e3, 10, 7, size) for size in (2, 50, 133, 255)),
]
"""Bandwidth in Hz, spreading factor, coding rate, bytes."""


@pytest.fixture(scope="module")
def lora_phy() -> Iterator[None]:
    """The package lora-phy without its __init__.py, which asks for Python 3.12."""
    found = importlib.util.find_spec("lora_phy")
    if found is None:
        pytest.skip("the package lora-phy is not installed")
    package = ModuleType("lora_phy")
    package.__path__ = list(found.submodule_search_locations or ())
    sys.modules["lora_phy"] = package
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "lora_phy"]:
        del sys.modules[name]


@pytest.mark.usefixtures("lora_phy")
@pytest.mark.parametrize(("bandwidth", "spreading", "rate", "size"), SETTINGS)
def test_a_signal_has_this_length(bandwidth: float, spreading: int, rate: int, size: int) -> None:
    assert len(SETTINGS) == 40
    common = importlib.import_module("lora_phy.common")
    symbol = 2**spreading / bandwidth
    count = common.calc_sym_num(True, size, rate - 4, True, spreading, symbol > 0.016)
    seconds = LoRa(bandwidth, spreading, rate).seconds(size)
    assert seconds == pytest.approx((16 + 4.25 + count) * symbol, rel=0.01)
    if rate == 8:  # The package makes longer signals than that with other rates.
        transmitter = importlib.import_module("lora_phy.tx").LoRaTransmitter(
            spreading, bandwidth, bandwidth, coding_rate=rate - 4, preamble_len=16
        )
        signal = transmitter.modulate(transmitter.encode(np.arange(size, dtype=np.uint8)))
        assert seconds == pytest.approx(len(signal) / bandwidth, rel=0.01)


def test_presets_against_published_figures() -> None:
    """Of a calculator by Semtech's formula: 222 bytes at SF 11, 250 kHz, 4/5, 16 symbols."""
    assert MESHTASTIC["LongFast"].seconds(198) == pytest.approx(1.91, abs=0.03)
    assert MESHTASTIC["ShortFast"].seconds(198) == pytest.approx(0.175, abs=0.01)
    # Blocks of 16 bytes: nothing changes within one.
    narrow = MESHCORE["narrow-eu"]
    assert narrow.seconds(150) == narrow.seconds(157) > narrow.seconds(140)


def test_frames_of_ax25() -> None:
    assert Ax25(1200).seconds(256) == pytest.approx(0.35 + 1.87, abs=0.01)
    assert Ax25(9600).seconds(256) == pytest.approx(0.35 + 0.234, abs=0.01)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(("duty", "airtime"), [(0.1, 1.9), (0.1, 0.07), (0.01, 1.9), (0.01, 11.0)])
def test_a_duty_cycle_holds_in_every_hour(duty: float, airtime: float) -> None:
    clock = Clock()
    pacer = Pacer(duty, 0.0, clock, clock.sleep)
    begun = clock.now
    sent = []
    while clock.now < begun + 3 * HOUR:
        pacer.wait(airtime)
        sent.append(clock.now)
    starts = np.array(sent)
    assert (np.diff(starts) >= airtime - 1e-9).all()
    for end in np.concatenate([starts + airtime, starts + HOUR - 0.5]):
        on_air = np.clip(
            np.minimum(starts + airtime, end) - np.maximum(starts, end - HOUR), 0, None
        )
        assert on_air.sum() <= duty * HOUR + 1e-6
    # What is allowed is used: at once, and then as soon as an hour has passed.
    assert len(sent) >= 3 * int(duty * HOUR / airtime)
    assert starts[int(duty * HOUR / airtime) - 1] - begun <= duty * HOUR


def test_pauses_and_the_time_left() -> None:
    clock = Clock()
    pacer = Pacer(1.0, 5.0, clock, clock.sleep)
    assert pacer.remaining([2.0] * 4) == 17.0
    pacer.wait(2.0)
    assert pacer.remaining([2.0] * 3) == 17.0
    pacer.wait(2.0)
    assert clock.now == 1005.0
    assert pacer.remaining([]) == 0.0
