"""Packets carry no transparency, and say so."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
from tests.conftest import Run

TEXT = "packets carry no transparency: the picture becomes opaque"


@pytest.fixture
def transparent(small: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(small[:48, :64])
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def test_from_python(transparent: Image.Image) -> None:
    for image in (transparent, np.asarray(transparent)):
        with pytest.warns(UserWarning, match=TEXT) as caught:
            xcodec.encode_packets(image, 100, 2, effort=0)
        assert [each.filename for each in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        xcodec.encode_packets(transparent.convert("RGB"), 100, 2, effort=0)


@pytest.mark.parametrize("armor", [(), ("--armor", "base64")])
def test_from_the_command_line(
    transparent: Image.Image, tmp_path: Path, xcodec_process: Run, armor: tuple[str, ...]
) -> None:
    transparent.save(tmp_path / "a.png")
    transparent.convert("RGB").save(tmp_path / "b.png")
    command = "--packet-size", 150, "--packets", 2, "-e", 0, *armor
    done = xcodec_process("encode", "a.png", *command)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().strip() == f"xcodec: warning: {TEXT}"
    assert not xcodec_process("encode", "b.png", *command).stderr
