"""Benchmarks over links that lose packets."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from xcodec.__main__ import main
from xcodec.evaluation.measures.metrics import Meter
from xcodec.evaluation.peers import codecs, ssdv
from xcodec.evaluation.peers.rivals import RIVALS
from xcodec.evaluation.peers.xcodecs import Variant
from xcodec.evaluation.runs import direwolf, links
from xcodec.evaluation.runs.channels import BURSTS, RANDOM, arrived, heard
from xcodec.evaluation.runs.measuring import Measuring
from xcodec.evaluation.runs.records import digest_of
from xcodec.evaluation.runs.state import State


@pytest.mark.parametrize("channel", [RANDOM, BURSTS])
@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3, 0.7])
def test_links_lose_the_given_share(channel: str, loss: float) -> None:
    draws = np.array([arrived(channel, loss, seed) for seed in range(400)])
    assert 1 - draws.mean() == pytest.approx(loss, abs=0.02)
    assert np.array_equal(draws[7], arrived(channel, loss, 7))


def test_bursts_have_their_mean_length() -> None:
    def runs(channel: str) -> float:
        lost = ~np.array([arrived(channel, 0.3, seed) for seed in range(200)])
        starts = lost[:, 1:] & ~lost[:, :-1]
        return float(lost[:, 1:].sum() / starts.sum())

    assert runs(BURSTS) == pytest.approx(3, rel=0.15)
    assert runs(RANDOM) == pytest.approx(1 / 0.7, rel=0.15)


def test_higher_losses_never_deliver_more_packets() -> None:
    for seed in range(20):
        few, many = arrived(RANDOM, 0.4, seed), arrived(RANDOM, 0.2, seed)
        assert not (few & ~many).any()


@pytest.mark.parametrize("channel", [RANDOM, BURSTS])
def test_more_packets_than_a_picture_of_xcodec_has_can_arrive(channel: str) -> None:
    """Files of other codecs may need so many: they never arrived."""
    assert arrived(channel, 0.0, 3, count=300).sum() == 300
    many = arrived(channel, 0.3, 3, count=300)
    assert (many[:255] == arrived(channel, 0.3, 3)).all()
    assert 0 < many[255:].sum() < 45


def measured(rgb: NDArray[np.uint8], folder: Path, party: str, options: str) -> dict[str, Any]:
    """The row of a party in a record of one picture over a link that loses nothing."""
    Image.fromarray(rgb).save(folder / "a.png")
    record, state = folder / "links.json", folder / "state.sqlite"
    command = f"bench links {folder} {options} --planned 0.1 --losses 0 --channels random"
    command += f" -E effort=0 -j 1 --state {state} -o {record}"
    assert main(command.split()) == 0
    rows = json.loads(record.read_text())["figures"]["rows"]
    (row,) = (row for row in rows if row["party"] == party)
    return dict(row)


def of_grey(rgb: NDArray[np.uint8]) -> float:
    """The PSNR of mid-grey in place of a picture."""
    psnr = Meter(rgb).measure(np.full_like(rgb, 128), ["psnr"])["psnr"]
    assert psnr is not None
    return psnr


def test_a_large_file_arrives_in_small_packets(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    options = "--bytes 10600 --packet-size 40 --peers jpeg"
    row = measured(noise, tmp_path, "jpeg", options)
    assert row["packets"] == -(-row["bytes"] // 40) > 255
    assert row["psnr"] > of_grey(noise) + 0.5


def test_a_file_needs_no_more_packets_than_its_bytes_fill(tmp_path: Path) -> None:
    plain = np.full((64, 64, 3), 90, np.uint8)
    options = "--bytes 2000 --packet-size 200 --peers webp"
    row = measured(plain, tmp_path, "webp", options)
    assert 0 < row["bytes"] <= 200
    assert row["packets"] == 1


def test_a_picture_without_a_file_so_small_is_grey(
    small: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ended with "not an xcodec file"."""
    monkeypatch.setattr(Variant, "write", lambda *_: b"")
    options = "--bytes 200 --packet-size 100 --peers="
    row = measured(small, tmp_path, "plain .xgc, nothing lost", options)
    assert (row["bytes"], row["psnr"]) == (0, pytest.approx(of_grey(small), rel=1e-5))


def test_ssdv_without_small_packets_sends_nothing(
    small: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was missing, and its means were of other pictures than the others'."""
    monkeypatch.setattr(ssdv, "installed", lambda: True)
    monkeypatch.setattr(ssdv, "sizes", lambda *_: iter(()))
    options = "--bytes 200 --packet-size 100 --peers="
    row = measured(small, tmp_path, "ssdv", options)
    assert (row["packets"], row["psnr"]) == (0, pytest.approx(of_grey(small), rel=1e-5))


def test_all_tunes_of_avif_are_tried_and_its_payload_counts_apart(
    small: NDArray[np.uint8], tmp_path: Path
) -> None:
    rgb = small[:64, :64]
    avif, av1 = RIVALS["avif"], RIVALS["av1"]
    with State(tmp_path / "state.sqlite") as state:
        place = Measuring(rgb, digest_of(rgb), state, Meter(rgb))
        files, payloads = (links.files_of(place, rival, 500) for rival in (avif, av1))
        best = links.best_of(files, 500)
        assert {peer.codec.name for _, _, peer in files} == set(avif.codecs)
        assert place.figures(best, ["psnr"])["psnr"] == max(psnr for _, psnr, _ in files)
        assert all(size == place.size(peer) <= 500 for size, _, peer in payloads)
        assert max(psnr for _, psnr, _ in payloads) > max(psnr for _, psnr, _ in files)


def test_the_command(
    small: NDArray[np.uint8], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for place, part in enumerate((small[:64, :64], small[20:84, 40:104])):
        Image.fromarray(part).save(folder / f"{place}.png")
    record, state = tmp_path / "links.json", tmp_path / "state.sqlite"
    command = f"bench links {folder} --bytes 400 --packet-size 80 --planned 0.3 --losses 0,0.3"
    command += f" --seeds 2 --peers webp -E effort=0 -j 1 --state {state} -o {record}"
    assert main(command.split()) == 0
    shown = capsys.readouterr().out
    figures = json.loads(record.read_text())["figures"]
    rows = {(row["party"], row["channel"], row["loss"]): row for row in figures["rows"]}
    parties = {party for party, _, _ in rows}
    ours, parity = "xcodec, planned for 30 %", "webp with parity, planned for 30 %"
    assert parties == {ours, "plain .xgc, nothing lost", "webp", parity}
    assert all(party in shown for party in parties)
    for party in (ours, parity, "webp"):
        assert rows[party, "random", 0]["bytes"] <= 400
        assert rows[party, "random", 0]["psnr"] > rows[party, "random", 0.3]["psnr"] - 1e-9
        assert len(rows[party, "bursts", 0.3]["pictures"]["psnr"]) == 2
    assert rows[ours, "random", 0.3]["psnr"] > rows["webp", "random", 0.3]["psnr"]
    assert main([*command.split(), "-f"]) == 0  # From the state, with the same result.
    assert json.loads(record.read_text())["figures"] == figures
    assert main(["bench", "links", str(folder), "--losses", "0.95"]) == 1
    assert main(["bench", "links", str(folder), "--channels", "nowhere"]) == 1


def test_a_picture_that_is_scaled_down_is_measured_at_its_size(
    photo: NDArray[np.uint8], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also from one packet, which does not tell that size."""
    Image.fromarray(photo[:256, :256]).save(tmp_path / "a.png")
    record, state = tmp_path / "links.json", tmp_path / "state.sqlite"
    command = f"bench links {tmp_path} --bytes 90 --packet-size 45 --planned 0 --losses 0,0.5"
    command += f" --channels random --seeds 4 --peers= -E effort=0 -j 1 --state {state} -o {record}"
    assert main(command.split()) == 0
    rows = json.loads(record.read_text())["figures"]["rows"]
    by_loss = {row["loss"]: row["psnr"] for row in rows if row["party"].startswith("xcodec")}
    assert by_loss[0] > by_loss[0.5] + 3


@pytest.mark.parametrize("peer", ["jpeg", "webp"])
def test_a_codec_without_a_small_file_sends_nothing(
    small: NDArray[np.uint8], tmp_path: Path, capsys: pytest.CaptureFixture[str], peer: str
) -> None:
    """JPEG has no file of 100 bytes. WebP's smallest leaves no room for the header of parity."""
    picture = small[:64, :64]
    Image.fromarray(picture).save(tmp_path / "a.png")
    (codec,) = codecs.codecs(["webp"])
    shrunk = (codecs.shrink(picture, scale) for scale in codecs.SCALES)
    smallest = min(len(codec.encode(each, codec.qualities[0])) for each in shrunk)
    budget = 100 if peer == "jpeg" else smallest + 2
    record, state = tmp_path / "links.json", tmp_path / "state.sqlite"
    command = f"bench links {tmp_path} --bytes {budget} --packet-size {budget} --planned 0.3"
    command += f" --losses 0 --channels random --peers {peer} -E effort=0 -j 1 --state {state}"
    assert main([*command.split(), "-o", str(record)]) == 0
    rows = {row["party"]: row for row in json.loads(record.read_text())["figures"]["rows"]}
    grey = Meter(picture).measure(np.full_like(picture, 128), ["psnr"])["psnr"]
    for party in (peer, f"{peer} with parity, planned for 30 %"):
        row = rows[party]
        if party == "webp":
            assert smallest <= row["bytes"] <= budget
            assert row["psnr"] > grey
        else:
            assert (row["packets"], row["bytes"]) == (0, 0)
            assert row["psnr"] == pytest.approx(grey, rel=1e-5)


def hears() -> None:
    """Skip a test where packets cannot go through the sound of a packet radio."""
    pytest.importorskip("ax25", reason="pyham-ax25 is not installed")
    if not direwolf.installed():
        pytest.skip("needs gen_packets and atest of Direwolf")


def test_packets_are_heard_by_their_size_and_the_noise() -> None:
    hears()
    full = np.array([heard(8, 256, 0.6, seed) for seed in range(3)])
    assert 0 < full.mean() < 1
    assert np.array_equal(full[1, :5], heard(5, 256, 0.6, 1))  # The first of as many
    assert np.mean([heard(8, 40, 0.6, seed) for seed in range(3)]) > full.mean()
    assert heard(8, 256, 0, 0).all()
    assert len(heard(0, 256, 0.6, 0)) == 0


def test_audio_is_one_more_channel(
    small: NDArray[np.uint8], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hears()
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(small[:64, :64]).save(folder / "a.png")
    record, state = tmp_path / "links.json", tmp_path / "state.sqlite"
    command = f"bench links {folder} --bytes 400 --packet-size 100 --planned 0.3 --losses 0,0.5"
    command += " --channels random --audio 0,0.65,2 --seeds 2 --peers webp -E effort=0 -j 1"
    assert main([*command.split(), "--state", str(state), "-o", str(record)]) == 0
    shown = capsys.readouterr().out
    rows = json.loads(record.read_text())["figures"]["rows"]
    by_channel = {
        (row["party"], row["channel"], row.get("noise", row["loss"])): row for row in rows
    }
    assert len(by_channel) == len(rows) == 4 * (2 + 3)
    for party in ("xcodec, planned for 30 %", "webp", "webp with parity, planned for 30 %"):
        whole = by_channel[party, "random", 0]
        quiet, noisy, loud = (by_channel[party, "audio", noise] for noise in (0, 0.65, 2))
        assert (quiet["loss"], quiet["psnr"]) == (0, whole["psnr"])
        assert quiet["psnr"] >= noisy["psnr"] >= loud["psnr"]
        assert loud["loss"] == 1
        count, size = int(noisy["packets"]), -(-int(noisy["bytes"]) // int(noisy["packets"]))
        lost = [1 - heard(count, size, 0.65, seed, 0).mean() for seed in range(2)]
        assert noisy["loss"] == pytest.approx(np.mean(lost), rel=1e-4)
    assert re.search(r"400 bytes, random +\| +0 % +\| +50 % +\| +mean of 0\.\.50 % +\|", shown)
    assert re.search(r"400 bytes, audio +\| +noise 0 +\| +noise 0\.65 +\| +noise 2 +\|\n", shown)
    assert shown.count("100% lost") == 3


def test_audio_that_cannot_be_heard_is_an_error(
    small: NDArray[np.uint8],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Image.fromarray(small[:64, :64]).save(tmp_path / "a.png")
    command = ["bench", "links", str(tmp_path), "--audio", "0.5"]
    monkeypatch.setattr(direwolf, "installed", lambda: True)
    assert main([*command, "--packet-size", "257"]) == 1
    assert "packets through audio have at most 256 bytes" in capsys.readouterr().err
    assert main([*command[:-1], "0.5,-1"]) == 1
    assert "levels of noise must be 0 or more" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setenv("PATH", "")
    assert main(command) == 1
    told = capsys.readouterr().err
    assert "audio needs the programs gen_packets and atest of Direwolf" in told
    assert told.count("\n") == 1
