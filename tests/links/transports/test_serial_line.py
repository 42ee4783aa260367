"""Packets over a serial line: noise, speeds, devices that are missing, taken or torn away."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.links.transports import lines
from xcodec.errors import DependencyError, InputError, LinkError
from xcodec.links import transports

pytest.importorskip("serial", reason="pyserial is not installed")
pytest.importorskip("sliplib", reason="sliplib is not installed")
SECONDS = 10


@pytest.fixture
def wire() -> Iterator[lines.Wire]:
    """Two lines whose other ends the test reads and writes."""
    wire = lines.Wire()
    yield wire
    wire.close()


def test_noise_costs_no_frame(wire: lines.Wire) -> None:
    end, device = wire.ends[0], wire.devices[0]
    with transports.connect(f"serial:{device}?baud=57600", listening=True) as line:
        os.write(end, b"\x00\xdb\xffnoise")
        os.write(end, b"\xc0one\xdb\xdctwo\xc0")
        os.write(end, b"\xdb\xc0three\xc0\xdb\x00\xc0\xc0four")
        found = [line.receive(SECONDS), line.receive(SECONDS), line.receive(0.05)]
        os.write(end, b"!\xc0")
        found += [line.receive(SECONDS), line.receive(0)]
    assert [each and each.data for each in found] == [
        b"one\xc0two", b"three", None, b"four!", None
    ]  # fmt: skip


def test_sizes_can_be_set(wire: lines.Wire) -> None:
    with transports.connect(f"serial:{wire.devices[0]}?size=58") as line:
        assert line.size == 58
        line.send(bytes(58))
    assert os.read(wire.ends[0], 100) == b"\xc0" + bytes(58) + b"\xc0"


def test_a_device_is_for_one_process(wire: lines.Wire) -> None:
    url = f"serial:{wire.devices[0]}"
    with transports.connect(url), pytest.raises(LinkError, match="unavailable") as caught:
        transports.connect(url)
    assert "\n" not in str(caught.value)
    transports.connect(url).close()


def test_a_device_that_is_torn_away() -> None:
    wire = lines.Wire()
    with transports.connect(f"serial:{wire.devices[0]}") as line:
        wire.close()
        with pytest.raises(LinkError, match=wire.devices[0]):
            line.receive(SECONDS)
        with pytest.raises(LinkError, match=wire.devices[0]):
            line.send(b"data")


def test_wrong_devices(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=f"^{tmp_path}/none: No such file or directory$"):
        transports.connect(f"serial:{tmp_path}/none")
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(LinkError, match=f"^{file}: ") as caught:
        transports.connect(f"serial:{file}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("serial:", "a device is needed, as in serial:/dev/ttyUSB0"),
        ("serial://ttyUSB0", "a device is needed"),
        ("serial:/dev/null?baud=fast", "baud is a number from 50"),
        ("serial:/dev/null?size=4", "size is a number from 16"),
        ("serial:/dev/null?from=AB1CD", "no option 'from'; its options are baud, size"),
    ],
)
def test_wrong_urls(url: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        transports.connect(url)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(DependencyError, match=r"pip install 'xcodec\[serial\]'"):
        transports.connect("serial:/dev/null")
