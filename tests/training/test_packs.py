"""Packs: they carry what training needs, fit a size, and are refused if they cannot be used."""

import importlib
import itertools
import json
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

import xcodec
from tests.training.conftest import SMALL, smooth
from xcodec.errors import FormatError, InputError
from xcodec.pictures import loading
from xcodec.pictures.quality import decibels
from xcodec.training import cache, calibration, dataset, packing, packs, trainer, validation
from xcodec.training.filler import Filler
from xcodec.training.packing import Copy
from xcodec.training.settings import TrainSettings
from xcodec.types import RGB

ROOT = Path(__file__).resolve().parents[2]
RECIPE = """
[photo]
preset = "photo"
start = "photo"
data = ["photos/train", "photos/more"]
val = "photos/val"
share = 1
settings = { variants = 2, crop = 32, vary = true }

[points]
preset = "restore-photo"
start = "photo"
task = "points"
data = ["photos/train"]
val = "photos/val"
share = 1
"""

pytestmark = pytest.mark.skipif(not features.check("avif"), reason="Pillow has no AVIF")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """scripts/pack_pictures.py, which follows a small recipe."""
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        module = importlib.import_module("pack_pictures")
        known = module.recipe(path)
        patch.setattr(module, "recipe", lambda: known)
        yield module


def pictures(folder: Path) -> Path:
    (folder / "photos").mkdir(parents=True)
    for name, count in (("train", 2), ("more", 1), ("val", 2)):
        smooth(folder / "photos" / name, count)
    return folder


def packed(script: ModuleType, data: Path, *more: str) -> Path:
    """The packs of a folder."""
    output = data.parent / "packs"
    places = ["-o", str(output), "--work", str(data.parent / "work"), "--jobs", "1"]
    assert script.main([str(data), *places, *more]) == 0
    return output


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, for tests that do not change them."""
    return pictures(tmp_path_factory.mktemp("data") / "pictures")


@pytest.fixture(scope="module")
def whole(script: ModuleType, data: Path) -> Path:
    """Their packs."""
    return packed(script, data)


def settings_of(folder: Path, tmp: Path, **more: Any) -> TrainSettings:
    """Those of the recipe's set "photo" for packs."""
    places: dict[str, Any] = {"data": folder / "photos/train", "val": folder / "photos/val"}
    return TrainSettings.from_preset(
        "photo",
        cache=tmp / "cache",
        output=tmp / "tiny.safetensors",
        checkpoint=tmp / "checkpoint",
        variants=2,
        crop=32,
        vary=True,
        ready=6,
        **places | more,
    )


def pixels_of(jobs: list[cache.Job], folder: Path) -> list[np.ndarray[Any, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    return [np.array(cache.opened(cache.encode(job)).pixels) for job in jobs]


def test_an_entry_from_a_pack_is_that_of_the_copied_picture(
    whole: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(whole, tmp_path)
    training, choosing = dataset.split(settings)
    assert (len(training), len(choosing)) == (2, 1)
    jobs = list(dataset.jobs(training, settings))
    assert [job.vary for job in jobs] == [0, 0, 32, 32]
    with monkeypatch.context() as patch:
        patch.setattr(cache, "quantised", None)  # Nothing can be encoded.
        entries = pixels_of(jobs, settings.files.cache)
    for job in jobs:
        cache.beside(job).unlink()
    for carried, made in zip(entries, pixels_of(jobs, tmp_path / "other"), strict=True):
        np.testing.assert_array_equal(carried, made)
    for job, pixels in zip(jobs[:2], entries, strict=False):
        name = job.picture.name.removesuffix(".avif")
        original = loading.load(data / "photos/train" / name).rgb
        assert decibels(np.mean((pixels[..., :3].astype(float) - original) ** 2)) > 35


def test_training_needs_the_packs_alone(
    whole: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    shutil.copytree(whole, folder)
    monkeypatch.setattr(cache, "quantised", None)
    said: list[str] = []
    monkeypatch.setattr(trainer.Monitor, "say", lambda _, text: said.append(text))
    settings = settings_of(
        folder,
        tmp_path,
        architecture=SMALL,
        steps=2,
        batch=2,
        workers=0,
        threads=1,
        device="cpu",
    )
    assert trainer.train(settings).steps == 2
    assert any(text.startswith("4 of 4 encodings came in packs") for text in said)
    originals = cache.pictures(data / "photos/val")[0::2]
    choosing = dataset.split(settings)[1]
    assert [file.name for file in choosing] == [file.name for file in originals]
    assert dataset.digest(choosing) == dataset.digest(originals)  # The same examples.


def test_packs_are_split_by_size_and_replaced(tmp_path: Path) -> None:
    root, folder = tmp_path / "copies", tmp_path / "packs"
    smooth(root, 5)
    files = {}
    for picture in cache.pictures(root):
        files[picture] = [picture.with_suffix(f".{i}.xgc") for i in range(2)]
        for file in files[picture]:
            file.write_bytes(bytes(900))
    (one,) = packing.write(files, root, folder, "some", 1 << 20)
    content = one.read_bytes()
    limit = len(content) // 2
    parts = packing.write(files, root, folder, "some", limit)
    assert len(parts) > 2
    assert sorted(folder.iterdir()) == parts
    assert all(part.stat().st_size <= limit for part in parts)
    found = packs.pictures(folder, tmp_path / "cache")
    assert [file.name for file in found] == [file.name for file in files]
    for copy, (picture, encodings) in zip(found, files.items(), strict=True):
        assert copy.read_bytes() == picture.read_bytes()
        assert all(copy.with_name(file.name).exists() for file in encodings)
    other = folder / f"some-other-2{packs.SUFFIX}"
    other.write_bytes(b"")
    assert packing.write(files, root, folder, "some", 1 << 20) == [one]
    assert set(folder.iterdir()) == {one, other}
    assert one.read_bytes() == content  # What is unpacked elsewhere stays of use.
    with pytest.raises(InputError, match="larger than a pack of 3000 bytes"):
        packing.write(files, root, folder, "some", 3000)


def test_packing_resumes(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = pictures(tmp_path / "pictures")
    coded, made = cache.coded, []
    monkeypatch.setattr(cache, "coded", lambda job: made.append(job) or coded(job))
    folder = packed(script, data, "--minutes", "0", "--variants", "1")
    assert "5 pictures with 1 of" in capsys.readouterr().out
    packed(script, data, "--variants", "1")
    every = 4 * 1 + 3  # Rates of validation; pictures.
    assert len(made) == every
    said = capsys.readouterr().out
    assert "5 pictures, 0 to copy" in said
    assert f"{every} encodings, {every - 1} to make" in said
    settings = settings_of(folder, tmp_path)
    jobs = list(dataset.jobs(dataset.split(settings)[0], settings))
    assert [cache.beside(job).exists() for job in jobs] == [True] * 2 + [False] * 2
    settings.files.cache.mkdir(exist_ok=True)
    filler = Filler(jobs[1:3], 32, 0)  # What is not there is encoded.
    assert len(filler.first(2)) == 2
    filler.close()

    changed = data / "photos/train/00.png"
    Image.fromarray(255 - np.asarray(Image.open(changed))).save(changed)
    (data / "photos/train/01.png").unlink()
    cache.digest.cache_clear()  # As in another process.
    packed(script, data, "--variants", "1")
    assert len(made) == every + 1
    found = packs.pictures(folder / "photos/train", tmp_path / "cache")
    assert len(found) == 1
    error = loading.load(found[0]).rgb.astype(float) - loading.load(changed).rgb
    assert decibels(np.mean(error**2)) > 35


def test_errors_are_one_line(
    script: ModuleType, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["-o", str(tmp_path / "packs"), "--work", str(tmp_path / "work"), "--jobs", "1"]
    small = ["--size", "0.002", "--minutes", "0", "--only", "points"]
    assert script.main([str(data), *places, *small]) == 1
    assert "larger than a pack" in capsys.readouterr().err.splitlines()[-1]
    (tmp_path / "empty").mkdir()
    assert script.main([str(tmp_path / "empty"), *places]) == 1
    assert "no pictures" in capsys.readouterr().err.splitlines()[-1]


def test_copies_are_no_larger_than_their_pictures(tmp_path: Path, photo: RGB) -> None:
    large, flat = tmp_path / "large.png", tmp_path / "flat.png"
    Image.fromarray(photo).save(large)
    Image.new("RGB", (300, 64), "red").save(flat)
    whole, part, same, bytewise = (
        Copy(large, tmp_path / "whole" / "a.png", 512),
        Copy(large, tmp_path / "part" / "a.png", 200),
        Copy(flat, tmp_path / "same" / "a.png", 512),
        Copy(large, tmp_path / "bytewise" / "a.png", None),
    )
    for copy in (whole, part, same, bytewise):
        assert copy.made is None
        assert packing.copied(copy) == ""
    assert whole.made == tmp_path / "whole" / "a.png.avif"
    assert part.made == tmp_path / "part" / "a.png.avif"
    assert loading.load(whole.made).rgb.shape == photo.shape
    assert loading.load(part.made).rgb.shape == (200, 200, 3)
    for copy in (same, bytewise):
        assert copy.made == copy.target
        assert copy.target.read_bytes() == copy.picture.read_bytes()
    (tmp_path / "text.png").write_text("no picture")
    bad = Copy(tmp_path / "text.png", tmp_path / "bad" / "a.png", 512)
    assert "text.png" in packing.copied(bad)
    assert bad.made is None


def pack_of(tmp_path: Path, index: dict[str, Any] | None = None, **how: Any) -> Path:
    """A pack of one flat picture."""
    tmp_path.mkdir(exist_ok=True)
    Image.new("RGB", (64, 64), "red").save(tmp_path / "a.png")
    path = tmp_path / f"a{packs.SUFFIX}"
    with zipfile.ZipFile(path, "w", **how) as file:
        file.writestr(packs.INDEX, json.dumps(packs.VERSIONS | (index or {})))
        file.write(tmp_path / "a.png", "../sub/a.png")
    (tmp_path / "a.png").unlink()
    return path


def test_a_pack_stays_within_its_folder(tmp_path: Path) -> None:
    pack = pack_of(tmp_path / "packs")
    (found,) = packs.pictures(pack.parent, tmp_path / "cache")
    target = tmp_path / "cache" / "packs" / cache.digest(pack)
    assert found == target / "sub" / "a.png"
    assert packs.pictures(pack.parent, tmp_path / "cache") == [found]
    assert list(target.parent.iterdir()) == [target]  # Nothing temporary is left.


@pytest.mark.parametrize("name", packs.VERSIONS)
def test_packs_of_another_version_are_refused(tmp_path: Path, name: str) -> None:
    pack = pack_of(tmp_path, {name: 99})
    with pytest.raises(InputError, match=f"{name} version 99.*make it again"):
        packs.pictures(tmp_path, tmp_path / "cache")
    assert pack.exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "compressed", "list", "none"])
def test_damaged_packs_are_one_clear_error(tmp_path: Path, damage: str) -> None:
    compressed = {"compression": zipfile.ZIP_DEFLATED} if damage == "compressed" else {}
    pack = pack_of(tmp_path, **compressed)
    data = bytearray(pack.read_bytes())
    if damage == "cut":
        del data[-40:]
    elif damage == "flipped":
        data[data.index(b"IDAT") + 6] ^= 1
    elif damage == "text":
        data = bytearray(b"no pack")
    pack.write_bytes(data)
    if damage == "list":
        with zipfile.ZipFile(pack, "w") as file:
            file.writestr(packs.INDEX, "[]")
    if damage == "none":
        assert packs.pictures(tmp_path, tmp_path / "cache")
        return
    with pytest.raises(InputError, match="damaged, or not a pack") as caught:
        packs.pictures(tmp_path, tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("a.png"))


def test_a_damaged_encoding_is_skipped_with_a_note(whole: Path, tmp_path: Path) -> None:
    settings = settings_of(whole, tmp_path)
    jobs = list(dataset.jobs(dataset.split(settings)[0], settings))
    one = bytearray(cache.beside(jobs[0]).read_bytes())
    one[-1] ^= 1
    cache.beside(jobs[0]).write_bytes(one)
    other = xcodec.encode(np.zeros((40, 50, 3), np.uint8), 0.05)
    cache.beside(jobs[1]).write_bytes(other)
    settings.files.cache.mkdir(exist_ok=True)
    with pytest.raises(FormatError):
        cache.encode(jobs[0])
    with pytest.raises(InputError, match="not of the picture"):
        cache.encode(jobs[1])
    filler = Filler(jobs, 32, 0)
    filler.first(4)
    filler.close()
    assert (len(filler.entries), filler.skipped) == (2, 2)
    assert "Error" in filler.problem


def test_pictures_are_ordered_by_their_names_in_all_packs(tmp_path: Path) -> None:
    smooth(tmp_path / "a", 4)
    for number, names in ((1, ("00.png", "03.png")), (2, ("01.png", "02.png"))):
        files = {tmp_path / "a" / name: [] for name in names}
        packing.write(files, tmp_path / "a", tmp_path / "packs", f"pack{number}", 1 << 20)
    found = packs.pictures(tmp_path / "packs", tmp_path / "cache")
    assert [file.name for file in found] == ["00.png", "01.png", "02.png", "03.png"]
    with pytest.raises(InputError, match="no such folder"):
        packs.pictures(tmp_path / "none", tmp_path / "cache")


def test_ranges_are_measured_on_pictures_in_packs(whole: Path, tmp_path: Path) -> None:
    found = calibration.chosen(whole / "photos/train", 40, tmp_path)
    assert sorted(file.name for file in found) == ["00.png.avif", "01.png.avif"]
    assert len(list(calibration.seen(found))) == 2


def test_models_are_made_from_packs(
    script: ModuleType, data: Path, whole: Path, tmp_path: Path
) -> None:
    make_models = sys.modules["make_models"]
    entry = script.recipe()["photo"]
    work = tmp_path / "made"
    work.mkdir()
    for source in (data, whole, data):  # Not all mixed.
        joined = make_models.pictures(source, entry, work)
        assert len(packs.pictures(joined, tmp_path / "cache")) == 3
    line = make_models.command(entry, whole, work, 1, "cpu")
    given = dict(itertools.pairwise(line))
    settings = settings_of(whole, tmp_path, val=Path(given["--val"]), data=Path(given["--data"]))
    training, choosing = dataset.split(settings)
    assert (len(training), len(choosing)) == (3, 1)
    jobs = list(dataset.jobs(training, settings))
    for level in validation.encodings(choosing, settings.files.cache).values():
        jobs += level
    assert all(cache.beside(job).exists() for job in jobs)
