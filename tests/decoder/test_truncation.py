"""Files cut short on purpose."""

import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import xcodec
from xcodec.__main__ import main
from xcodec.errors import FormatError, InputError

GOLDEN = Path(__file__).parent.parent / "golden"


def partial(data: bytes) -> NDArray[np.uint8]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(xcodec.decode(data, decoder="classical", partial=True))


def test_a_cut_gives_all_that_so_many_bytes_can_give(small: NDArray[np.uint8]) -> None:
    data = xcodec.encode(small, 0.1, effort=0)
    errors = []
    for size in (len(data) // 4, len(data) // 2, len(data) - 1):
        cut = xcodec.truncate(data, size)
        assert size - 60 < len(cut) <= size
        assert data.startswith(cut)
        assert np.array_equal(partial(cut), partial(data[:size]))
        assert not np.array_equal(partial(cut), partial(cut[:-1]))
        errors.append(np.square(small - partial(cut).astype(float)).mean())
    assert errors == sorted(errors, reverse=True)
    assert xcodec.truncate(data, len(data)) == data


def test_layers_are_kept_whole(photo: NDArray[np.uint8]) -> None:
    data = xcodec.encode(photo, 0.3, step=8.0, effort=0)
    assert xcodec.info(data).layers > 1
    cut = xcodec.truncate(data, len(data) * 2 // 3)
    assert len(cut) < len(data) * 2 // 3
    assert np.array_equal(partial(cut), partial(data[: len(data) * 2 // 3]))


def test_what_cannot_be_cut(small: NDArray[np.uint8]) -> None:
    data = xcodec.encode(small, 0.05, effort=0)
    with pytest.raises(InputError):
        xcodec.truncate(data, 8)
    with pytest.raises(FormatError):
        xcodec.truncate(data[:-1], 40)


@pytest.mark.parametrize("name", ["random-tiles", "grey-tiles", "masked-tiles"])
def test_tiles_are_cut_anywhere(name: str) -> None:
    """Also before the end of the first one."""
    data = (GOLDEN / f"{name}.xgc").read_bytes()
    sizes = []
    for most in range(len(data)):
        with suppress(InputError):
            sizes.append(len(xcodec.truncate(data, most)))
            assert sizes[-1] <= most
    assert len(set(sizes)) > 1


def test_the_command(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encode", str(picture), "-r", "0.1", "--effort", "0"]) == 0
    whole = picture.with_suffix(".xgc")
    assert main(["truncate", str(whole), "--bytes", "150"]) == 0
    cut = picture.with_name("photo.cut.xgc")
    assert 100 < cut.stat().st_size <= 150
    assert "of" in capsys.readouterr().out
    assert main(["truncate", str(whole), "--bytes", "150"]) == 1
    out = str(picture.with_name("cut.png"))
    assert main(["decode", str(cut), "--partial", "--decoder", "classical", "-o", out]) == 0
