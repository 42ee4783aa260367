"""``xcodec bench points``: fills that start from the same known pixels."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

import xcodec
from xcodec import codec
from xcodec.cli import cli
from xcodec.evaluation.measures import metrics
from xcodec.evaluation.peers import classical
from xcodec.evaluation.peers.xcodecs import Variant
from xcodec.evaluation.runs import points, records

RGB = NDArray[np.uint8]


@pytest.mark.parametrize("fill", ["classical", *classical.POINT_FILLS])
@pytest.mark.parametrize("mask", points.POINT_MASKS)
def test_fills_keep_known_pixels(fill: str, mask: str, small: RGB) -> None:
    known = points.PointsCoding(Variant(), fill, mask, 0.1)
    data = known.write(small)
    where, values = codec.decode_samples(data)
    assert len(where) == pytest.approx(0.1 * 96 * 120, rel=0.01)
    assert (values == small[tuple(where.T)]).all()
    filled = known.paint(data, small.shape)
    assert filled.shape == small.shape
    assert filled.dtype == np.uint8
    assert (filled[tuple(where.T)] == values).all()
    assert metrics.psnr(small, filled) > 20


@pytest.mark.parametrize("fill", classical.POINT_FILLS)
def test_a_single_pixel_is_enough(fill: str) -> None:
    where, values = np.array([[3, 4]]), np.array([[9, 8, 7]], np.uint8)
    filled = classical.POINT_FILLS[fill](where, values, (10, 12))
    assert filled.shape == (10, 12, 3)
    assert (filled[3, 4] == values[0]).all()


def test_all_fills_of_a_run_know_the_same_pixels(folder: Path) -> None:
    output = folder / "points.json"
    command = ["bench", "points", folder, "--fractions", "0.05,0.2", "--masks", "random,blue"]
    command += ["--fills", "classical,linear", "--metrics", "psnr", "-j", 1, "-o", output]
    done = CliRunner().invoke(cli, list(map(str, command)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    record = records.load(output)
    rows = {(row["fill"], row["mask"], row["fraction"]): row for row in record["figures"]["rows"]}
    assert len(rows) == 8
    rgb = np.asarray(Image.open(folder / "2.png"))
    data = xcodec.encode(
        rgb, 0.2, tone="point", lossless_samples=True, mask="random", density="uniform", effort=0
    )
    where, values = codec.decode_samples(data)
    filled = np.asarray(xcodec.reconstruct(where, values, rgb.shape[:2], decoder="classical"))
    row = rows[points.TITLES["classical"], "random", 0.2]
    assert row["pictures"]["psnr"][1] == pytest.approx(metrics.psnr(rgb, filled), rel=1e-5)
    assert row["psnr"] == pytest.approx(np.mean(row["pictures"]["psnr"]), rel=1e-5)
    assert row["psnr"] > rows[points.TITLES["classical"], "random", 0.05]["psnr"]
    assert json.loads(output.read_text())["benchmark"] == "points"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--fills", "magic"], "no fill 'magic'"), (["--masks", "all"], "no mask 'all'")],
)
def test_mistakes_are_named(folder: Path, arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(cli, ["bench", "points", str(folder), *arguments])
    assert message in str(done.exception)
