"""What is in a tree (xcodec/many/trees.py): pictures, and everything that is not read."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from xcodec.__main__ import main
from xcodec.errors import InputError
from xcodec.many import batch, trees
from xcodec.many.trees import Listing
from xcodec.pictures import formats

RGB = NDArray[np.uint8]
OTHERS = {
    "IMG_1.CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(40),
    "._a.jpg": b"\0\5\x16\7" + bytes(40),
    "Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(40),
    "clip.mp4": b"\0\0\0\x18ftypisom" + bytes(40),
    "deep/clip.MOV": b"\0\0\0\x18ftypqt  " + bytes(40),
    "deep/notes": b"text",
    "deep/.git/config": b"text",
    "drawing.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "icon.ico": b"\0\0\1\0",
}


@pytest.fixture
def tree(small: RGB, tmp_path: Path) -> Path:
    """A folder as it comes from a camera or a phone: two pictures, and what else there is."""
    folder = tmp_path / "tree"
    for name, content in OTHERS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for name in ("a.jpg", "deep/b.PNG"):
        Image.fromarray(small).save(folder / name)
    return folder


def plugin_file(small: RGB, kind: str) -> bytes:
    plugin = pytest.importorskip(formats.PLUGINS[kind][0])
    if kind == "HEIF":
        plugin.register_heif_opener()
    data = io.BytesIO()
    Image.fromarray(small).save(data, kind)
    return data.getvalue()


def test_everything_is_found_or_unread(tree: Path) -> None:
    there = trees.listing(str(tree), "encode")
    assert there == Listing(["a.jpg", "deep/b.PNG"], sorted(OTHERS))
    assert trees.pictures(str(tree), "encode") == there.found
    assert trees.kinds(there.unread) == {
        "IMG_1.CR2": 1, "clip.MOV": 1, "Thumbs.db": 1, "drawing.eps": 1, "hidden": 2,
        "icon.ico": 1, "clip.mp4": 1, "notes": 1,
    }  # fmt: skip
    assert trees.kinds(["a.mp4", "x/b.mp4", "c.avi"]) == {".mp4": 2, "c.avi": 1}


def test_summaries_add_up(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["encode", str(tree), "-o", str(tmp_path / "out"), "-e", "0", "-j", "1"]
    (tree / "bad.png").write_bytes(b"no picture")
    assert main([*line, "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert (facts["done"], facts["skipped"], facts["failed"], facts["total"]) == (2, 0, 1, 3)
    assert facts["unread"] == sum(facts["kinds"].values()) == len(OTHERS)
    everything = sum(len(files) for _, _, files in os.walk(tree))
    assert facts["total"] + facts["unread"] == everything
    assert main([*line, "--skip-existing"]) == 1
    said = capsys.readouterr().out
    assert "0 done, 2 skipped, 1 failed" in said
    assert "; 9 not read: " in said
    for part in (
        "IMG_1.CR2 (raw: develop them first)",
        "drawing.eps (--format eps)",
        "icon.ico (--format ico)",
        "Thumbs.db",
        "2 hidden",
        "clip.MOV",
        "clip.mp4",
    ):
        assert part in said
    assert main([*line, "-q", "-f"]) == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("kind", "name"), [("HEIF", "IMG_2.HEIC"), ("JXL", "c.jxl")])
def test_pictures_of_plugins(
    small: RGB, tree: Path, tmp_path: Path, kind: str, name: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tree / name).write_bytes(plugin_file(small, kind))
    line = ["encode", str(tree), "-o", str(tmp_path / "out"), "-e", "0", "-j", "1"]
    assert main(line) == 0
    assert "3 done, 0 skipped, 0 failed" in capsys.readouterr().out
    assert (tmp_path / "out" / name).with_suffix(".xgc").is_file()
    monkeypatch.setattr(formats, "find_spec", lambda module: None)
    assert main([*line, "-f"]) == 0
    said = capsys.readouterr().out
    assert "2 done, 0 skipped, 0 failed" in said
    assert f"{name} (pip install {formats.PLUGINS[kind][1]})" in said


def test_one_format_of_a_tree(small: RGB, tree: Path, tmp_path: Path) -> None:
    Image.fromarray(small).save(tree / "x.pcx")
    assert trees.listing(str(tree), "encode", "PCX").found == ["x.pcx"]
    line = ["encode", str(tree), "-o", str(tmp_path / "out"), "-e", "0", "-j", "1"]
    assert main([*line, "--format", "pcx"]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x.xgc"]
    assert main([*line, "--format", "nonsense"]) == 1


def test_a_tree_without_pictures_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.CR2").write_bytes(b"II*\0")
    (tmp_path / "b.CR2").write_bytes(b"II*\0")
    with pytest.raises(InputError, match=r"no pictures to encode; not read: 2 \.CR2 \(raw"):
        batch.tasks(str(tmp_path), str(tmp_path / "out"), "encode")
    with pytest.raises(InputError, match=r"no pictures to decode$"):
        batch.tasks(str(tmp_path), str(tmp_path / "out"), "decode")


def test_special_files_and_folders_are_not_read(tree: Path) -> None:
    os.mkfifo(tree / "pipe.png")
    (tree / "lost.png").symlink_to(tree / "nothing.png")
    (tree / "again.png").symlink_to(tree / "a.jpg")
    (tree / "loop").symlink_to(tree)
    there = trees.listing(str(tree), "encode")
    assert there.found == ["a.jpg", "again.png", "deep/b.PNG"]
    assert set(there.unread) == {*OTHERS, "pipe.png", "lost.png", "loop"}
    counted = trees.kinds(there.unread, there.special)
    assert (counted["special"], counted["hidden"]) == (3, 2)
    assert sum(counted.values()) == len(there.unread)
    for name in ("a.jpg", "pipe.png", "lost.png"):
        with pytest.raises(InputError, match=f"{name}: is not a folder"):
            batch.tasks(str(tree), str(tree / name), "encode")


def test_folders_that_cannot_be_listed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def guarded(path: str) -> object:
        if os.path.basename(path) == "deep":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    there = trees.listing(str(tree), "encode")
    assert there.found == ["a.jpg"]
    assert "deep" in there.unread
    with pytest.raises(InputError, match="deep: permission denied"):
        trees.listing(str(tree / "deep"), "encode")


def test_decoding_counts_the_rest(tmp_path: Path) -> None:
    for name in ("a.xgc", "a.png", "p/1.xgp", "p/2.xgp", "mixed/1.xgp", "mixed/x.txt", ".b.xgc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    there = trees.listing(str(tmp_path), "decode")
    assert there == Listing(["a.xgc", "p"], [".b.xgc", "a.png", "mixed/1.xgp", "mixed/x.txt"])


def test_remote_trees(small: RGB) -> None:
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    data = io.BytesIO()
    Image.fromarray(small).save(data, "PNG")
    for name in ("a.png", "b.CR2", ".c.png", "d/e.txt"):
        system.pipe_file(f"/camera/{name}", data.getvalue())
    there = trees.listing("memory://camera", "encode")
    assert there == Listing(["a.png"], [".c.png", "b.CR2", "d/e.txt"])


def test_names_with_two_slashes(small: RGB) -> None:
    """Keys of object stores may have them: a part of the name is empty then."""
    fsspec = pytest.importorskip("fsspec")
    data = io.BytesIO()
    Image.fromarray(small).save(data, "PNG")
    system = fsspec.filesystem("memory")
    for name in ("a.png", "d//b.png", "d//.c.png"):
        system.pipe_file(f"/bucket/{name}", data.getvalue())
    there = trees.listing("memory://bucket", "encode")
    assert there == Listing(["a.png", "d//b.png"], ["d//.c.png"])
    every = batch.tasks("memory://bucket", "memory://out", "encode")
    assert {task.target for task in every} == {"memory://out/a.xgc", "memory://out/d/b.xgc"}
    assert trees.read(trees.join("memory://bucket", "d//b.png")) == data.getvalue()


def test_a_url_of_this_machine_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fsspec")
    url = f"{tmp_path.as_uri()}/new/a.xgc"
    trees.write(url, b"whole")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="no space left"):
        trees.write(url, b"in part")
    found = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert found == {"a.xgc": b"whole"}


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "sub").touch()
    with pytest.raises(InputError, match=f"^{tmp_path / 'sub'}: file exists$"):
        trees.write(str(tmp_path / "sub" / "a.xgc"), b"x")
