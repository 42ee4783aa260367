"""The options that say how a picture is read, in every command that reads one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.golden import pictures
from xcodec.__main__ import main
from xcodec.cli import cli
from xcodec.errors import InputError
from xcodec.pictures import loading
from xcodec.pictures.opening import Reading
from xcodec.restoration import restore

Capture = pytest.CaptureFixture[str]
SCENE = pictures.scene(48, 64)
FRAMES = [SCENE, SCENE[::-1]]


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A file of two pages."""
    path = tmp_path / "stack.tif"
    first, second = map(Image.fromarray, FRAMES)
    first.save(path, save_all=True, append_images=[second])
    return path


@pytest.mark.parametrize("name", ["encode", "corrupt", "restore", "compare"])
def test_every_command_has_them(name: str) -> None:
    known = {option for each in cli.commands[name].params for option in each.opts}
    assert {"--format", "--frame", "--salvage", "--stretch", "--max-pixels"} <= known


def corrupted(path: Path, *options: object) -> tuple[int, Path]:
    """Exit code of ``xcodec corrupt``, and the file with the picture that it read."""
    out = path.with_name("out.png")
    line = ["corrupt", path, "--task", "points", "-f", "-o", out, *options]
    return main([str(each) for each in line]), path.with_name("out.truth.png")


def test_frames(stack: Path, capsys: Capture) -> None:
    for number, frame in enumerate(FRAMES):
        code, truth = corrupted(stack, "--frame", number)
        assert code == 0
        assert np.array_equal(np.asarray(Image.open(truth)), frame)
    capsys.readouterr()
    assert corrupted(stack)[0] == 0
    assert "--frame N (0 to 1) chooses another" in capsys.readouterr().err
    assert corrupted(stack, "-q")[0] == 0
    assert capsys.readouterr().err == ""


def test_cut_files(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "in.jpg"
    Image.fromarray(SCENE).save(path, quality=95)
    path.write_bytes(path.read_bytes()[:-600])
    assert corrupted(path)[0] == 1
    assert "--salvage reads what is there" in capsys.readouterr().err
    assert corrupted(path, "--salvage")[0] == 0
    assert "cut short" in capsys.readouterr().err


def test_pictures_beside_another(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Masks may have any usual format and the one that is asked for, and one frame only."""
    known = np.indices(SCENE.shape[:2]).sum(0) % 3 == 0
    masks = [tmp_path / "mask.png", tmp_path / "mask.pcx"]
    for mask in masks:
        Image.fromarray(known).save(mask)
    source = tmp_path / "in.pcx"
    Image.fromarray(SCENE).save(source)
    out = tmp_path / "a.xgc"
    line = ["encode", str(source), "-o", str(out), "-f", "-e", "0", "--format", "pcx"]
    found = []
    for mask in masks:
        assert main([*line, "--mask", str(mask)]) == 0
        found.append(out.read_bytes())
        assert main([*line, "--roi-mask", str(mask)]) == 0
        found.append(out.read_bytes())
    assert found[:2] == found[2:]
    assert main(["encode", str(masks[0]), "-o", str(out), "-f", "--format", "pcx"]) == 1
    assert "not a picture of the format pcx" in capsys.readouterr().err
    assert main(["encode", str(stack), "-o", str(out), "-f", "--mask", str(masks[1])]) == 1
    assert "mask.pcx: PCX files are read on request only: --format pcx" in capsys.readouterr().err

    seen: list[tuple[NDArray[Any], NDArray[Any] | None]] = []

    def spy(rgb: NDArray[Any], _: str, *, known: NDArray[Any] | None, **__: Any) -> NDArray[Any]:
        seen.append((rgb, known))
        return rgb

    monkeypatch.setattr(restore, "restore", spy)
    line = ["restore", str(stack), "--task", "points", "--frame", "1", "-f"]
    assert main([*line, "--mask", str(masks[0])]) == 0
    assert main([*line, "--mask", str(stack)]) == 0
    assert np.array_equal(seen[0][0], FRAMES[1])
    assert np.array_equal(seen[0][1], known)  # type: ignore[arg-type]
    assert np.array_equal(seen[1][1], (FRAMES[1] != 0).any(-1))  # type: ignore[arg-type]


def test_compare(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Reading] = []

    def stop(_: Any, how: Reading) -> Any:
        seen.append(how)
        raise MemoryError

    monkeypatch.setattr(loading, "read", stop)
    assert main(["compare", str(stack), "--frame", "1", "--max-pixels", "9"]) == 1
    assert seen == [Reading(9, frame=1)]


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_weights_of_more_than_8_bits(kind: type, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    levels = np.linspace(0, 1 if kind is np.float32 else 65535, 256).astype(kind)
    Image.fromarray(np.tile(levels, (4, 1))).save(path)
    assert np.array_equal(loading.load_weights(path), np.tile(np.arange(256), (4, 1)))


def test_weights_are_stretched_as_pictures_are(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    levels = np.tile(np.arange(256) * 9000, (4, 1)).astype(np.int32)
    Image.fromarray(levels).save(path)
    for read in (loading.load_weights, loading.load):
        with pytest.raises(InputError, match=f"^{path}: the levels lie in .*--stretch"):
            read(path)
    weights = loading.load_weights(path, Reading(stretch=True, beside=True))
    assert np.array_equal(weights, np.tile(np.arange(256), (4, 1)))
    spots = levels.astype(np.float32)
    spots[0, 0] = np.nan
    Image.fromarray(spots / 9000).save(path)
    for read in (loading.load_weights, loading.load):
        with pytest.raises(InputError, match=f"^{path}: the picture holds values that are not num"):
            read(path)
    assert loading.load_weights(path, Reading(stretch=True))[0, 0] == 0


def test_a_mask_of_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(SCENE).save(path)
    assert loading.load_weights(path, Reading(frame=5, beside=True)).shape == SCENE.shape[:2]
