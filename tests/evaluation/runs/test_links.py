"""Benchmarks over links that lose packets."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from xcodec.__main__ import main
from xcodec.evaluation.runs.channels import BURSTS, RANDOM, arrived


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
