"""Pictures that grow while their packets come in: as a generator, from a folder, by UDP."""

import itertools
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
from xcodec.__main__ import main
from xcodec.coding import packets
from xcodec.coding.primitives import ending
from xcodec.decoder import reading
from xcodec.links import armor, packet_files, transports
from xcodec.links.receiving import Collection, samples_in
from xcodec.links.transports import Message

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sent(small: NDArray[np.uint8]) -> list[bytes]:
    return xcodec.encode_packets(small, 80, 7, loss=0.3, effort=0)


def test_a_picture_grows(small: NDArray[np.uint8], sent: list[bytes]) -> None:
    strange = xcodec.encode_packets(small[::-1].copy(), 80, 7, loss=0.3, effort=0)
    order = [sent[4], strange[0], sent[4], b"?" * 80, *sent[:4], *sent[5:]]
    states = list(xcodec.receive(order, decoder="classical"))
    errors = [np.square(small - np.asarray(each.image, float)).mean() for each in states]
    assert len(states) > 2
    assert errors[-1] < errors[0] / 3
    assert states[0].packets == 1
    assert [each.needed for each in states[:-1]] == [each.packets for each in states[1:]]
    assert states[-1].needed is None
    assert states[-1].strays == 1
    assert states[-1].damaged == 1
    whole = xcodec.decode_packets(sent, decoder="classical")
    assert whole.tobytes() == states[-1].image.tobytes()


@pytest.mark.parametrize("loss", [0.1, 0.3])
def test_a_foreign_packet_spoils_nothing(small: NDArray[np.uint8], loss: float) -> None:
    """One with the header of the others and a right checksum, whose shares contradict theirs. With
    a loss of 0.1, six of eight packets are needed to begin with: few tell which one it is."""
    sent = xcodec.encode_packets(small, 80, 8, loss=loss, effort=0)
    whole = packets.restored(map(packets.parse, sent), reading.LIMITS)
    size = len(packets.parse(sent[0]).body)
    for index, place in itertools.product((2, 100), range(9)):
        head = sent[0][:3] + bytes([index]) + sent[0][4 : -size - 2]
        foreign = head + random.Random(index).randbytes(size)
        foreign += ending(foreign)
        assert packets.parse(foreign).picture == packets.parse(sent[0]).picture
        received = [*sent[:place], foreign, *sent[place:]]
        collection = Collection()
        for each in received:
            collection.add(each)
        assert collection.restored() == whole
        assert collection.have == 8
        assert collection.left_out() == "packets left out: 1 of other pictures"
    seen = xcodec.decode_packets(sent, decoder="classical")
    with pytest.warns(UserWarning, match="1 of other pictures"):
        assert xcodec.decode_packets(received, decoder="classical").tobytes() == seen.tobytes()


def test_packets_take_little_longer_than_a_file(photo: NDArray[np.uint8]) -> None:
    """Beside a file of as many samples, decoded by turns: the machine may be busy."""
    picture = np.ascontiguousarray(photo[:256, :256])
    data = xcodec.encode_packets(picture, 256, 10, loss=0.3, effort=0)
    collection = Collection()
    for each in data:
        collection.add(each)
    samples = len(samples_in(collection.restored(), len(data[0])).points)
    file = xcodec.encode(picture, samples / picture[..., 0].size, density="uniform", effort=0)
    seconds: dict[str, list[float]] = {"packets": [], "file": []}
    for _ in range(4):
        for name, times in seconds.items():
            start = time.process_time()
            if name == "packets":
                xcodec.decode_packets(data, decoder="classical")
            else:
                xcodec.decode(file, decoder="classical")
            times.append(time.process_time() - start)
    assert min(seconds["packets"]) < 2 * min(seconds["file"])


def test_a_folder_is_watched(sent: list[bytes], tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out.png"
    folder.mkdir()

    def deliver() -> None:
        for index in (3, 0, 5, 6, 1, 2, 4):
            time.sleep(0.05)
            (folder / f"{index}.xgp").write_bytes(sent[index])

    sender = threading.Thread(target=deliver)
    sender.start()
    options = ("--decoder", "classical", "--idle", "20")
    assert main(["receive", "--watch", str(folder), "-o", str(out), *options]) == 0
    sender.join()
    with Image.open(out) as image:
        whole = xcodec.decode_packets(sent, decoder="classical")
        assert image.convert("RGB").tobytes() == whole.tobytes()


def test_a_folder_where_nothing_comes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.png"
    options = ["-o", str(out), "--idle", "0.05"]
    assert main(["receive", "--watch", str(tmp_path), *options]) == 1
    assert "no packet" in capsys.readouterr().err
    assert main(["receive", "--watch", str(tmp_path / "none"), *options]) == 1
    assert "no such folder" in capsys.readouterr().err
    assert not out.exists()


def test_a_file_that_is_still_being_written_is_read_again(
    sent: list[bytes], tmp_path: Path
) -> None:
    path = tmp_path / "a.xgp"
    path.write_bytes(sent[0][:30])
    with transports.connect(str(tmp_path), listening=True) as folder:
        assert folder.receive(1) == Message(sent[0][:30])
        path.write_bytes(sent[0])
        path.rename(tmp_path / "any name")
        assert folder.receive(1) == Message(sent[0])
        assert folder.receive(0.3) is None


def test_text_is_no_packet_whatever_its_last_bytes(sent: list[bytes]) -> None:
    """One text in 65,536 ends with its own CRC-16."""
    text = armor.lines(sent[:2], "base64")
    ends = (text + f"{number}\n".encode() for number in itertools.count())
    unlucky = next(end + ending(end) for end in ends if ending(end).isalnum())
    assert packets.sound(unlucky)
    assert packet_files.split(unlucky)[:2] == sent[:2]
    assert packet_files.split(sent[0]) == [sent[0]]


def test_the_loopback_example(picture: Path) -> None:
    out = picture.with_name("received.png")
    command = [sys.executable, str(ROOT / "examples" / "loopback.py"), str(picture), str(out)]
    options = {"--packet-size": 90, "--packets": 8, "--pause": 0.01, "--decoder": "classical"}
    command += [str(part) for option in options.items() for part in option]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    first, *states = done.stdout.splitlines()
    assert first == "8 packets, 720 bytes"
    decibels = [float(line.split(": ")[1].split()[0]) for line in states]
    assert len(decibels) >= 2
    assert decibels[-1] > decibels[0] + 3
    with Image.open(out) as image:
        assert image.size == (120, 96)


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_the_loopback_example_within_few_bytes(
    photo: NDArray[np.uint8], tmp_path: Path, loss: float
) -> None:
    """The picture is scaled down; without a planned loss, one packet does not tell its size."""
    source, out = tmp_path / "a.png", tmp_path / "b.png"
    Image.fromarray(photo[:256, :256]).save(source)
    command = [sys.executable, str(ROOT / "examples" / "loopback.py"), str(source), str(out)]
    command += ["--packet-size", "40", "--packets", "2", "--pause", "0.01", "--loss", str(loss)]
    command += ["--decoder", "classical"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    with Image.open(out) as image:
        assert image.size == (256, 256)
