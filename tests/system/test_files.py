"""Reading and writing whole files (xcodec/system/files.py)."""

import errno
import io
import os
import pathlib
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from xcodec.errors import InputError, LimitError
from xcodec.system import files

TraceFunction = Callable[[FrameType, str, Any], Any]


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("overwrite", [False, True])
def test_writes_and_reads_back(tmp_path: Path, overwrite: bool) -> None:
    target = tmp_path / "a.bin"
    files.write(target, b"bytes", overwrite)
    assert files.read(target) == b"bytes"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_new_files_heed_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_who_may_read_a_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    for mode in (0o600, 0o664):
        target.chmod(mode)
        files.write(target, b"new", overwrite=True)
        assert stat.S_IMODE(target.stat().st_mode) == mode


def test_never_overwrites_unasked(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with pytest.raises(InputError, match="exists already"):
        files.write(target, b"new")
    assert target.read_bytes() == b"old"
    files.write(target, b"new", overwrite=True)
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


def test_of_many_writers_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody sees the file in the check beforehand: only the last step may decide.
    monkeypatch.setattr(files, "check_target", lambda *_: None)
    results: list[str] = []
    barrier = threading.Barrier(8)

    def work(i: int) -> None:
        barrier.wait()
        try:
            files.write(tmp_path / "a", b"%d" % i)
            results.append(f"won {i}")
        except InputError:
            results.append("lost")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("lost") == 7
    assert f"won {(tmp_path / 'a').read_text()}" in results
    assert os.listdir(tmp_path) == ["a"]


def test_folders_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(files, "check_target", lambda *_: None)
    monkeypatch.setattr(os, "link", refuse)
    files.write(tmp_path / "a", b"x")
    with pytest.raises(InputError, match="exists already"):
        files.write(tmp_path / "a", b"y")
    assert (tmp_path / "a").read_bytes() == b"x"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("existing", [False, True])
def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: bool
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / "a"
    if existing:
        target.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError) as error:
        files.write(target, b"new", overwrite=existing)
    assert one_line(error) == f"{target}: no space left on device; nothing was written"
    assert os.listdir(tmp_path) == (["a"] if existing else [])
    assert not existing or target.read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_device() -> None:
    with pytest.raises(InputError, match="no space left on device"):
        files.write("/dev/full", b"x", overwrite=True)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_interruption_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write(tmp_path / "a", b"x")
    assert os.listdir(tmp_path) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Closed late.
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_signal_anywhere_leaves_nothing_behind(tmp_path: Path, overwrite: bool) -> None:
    """Signals strike between any two lines, those that clear up too."""
    target = tmp_path / "a"
    steps = 0
    interrupted = True
    while interrupted:
        steps += 1
        left = steps

        def strike(frame: FrameType, event: str, _: object) -> TraceFunction:
            nonlocal left
            if frame.f_code.co_filename in (files.__file__, pathlib.__file__):
                left -= 1
                if left == 0:
                    raise KeyboardInterrupt
            return strike

        before = sys.gettrace()
        sys.settrace(strike)
        try:
            files.write(target, b"new", overwrite)
            interrupted = False
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        assert os.listdir(tmp_path) in ([], ["a"])
        if target.exists():
            assert target.read_bytes() == b"new"
            target.unlink()
    assert steps > 50


def test_overwriting_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    files.write(tmp_path / "link", b"new", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_targets_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory"):
        files.check_target(tmp_path, overwrite=True)
    with pytest.raises(InputError, match="new/: is the name of a folder"):
        files.check_target(f"{tmp_path}/new/")
    with pytest.raises(InputError, match="no directory"):
        files.check_target(tmp_path / "none" / "a")
    (tmp_path / "link").symlink_to(tmp_path / "none" / "a")
    with pytest.raises(InputError, match=r"link: is a link into .*none, which is not there"):
        files.check_target(tmp_path / "link", overwrite=True)


def test_folders_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").touch()
    (tmp_path / "link").symlink_to("there")
    monkeypatch.setattr(os, "access", lambda path, _: path != str(tmp_path))
    for name in ("there", "new", "link"):
        with pytest.raises(InputError, match="no permission to write into its folder"):
            files.check_target(tmp_path / name, overwrite=True)
    files.check_target(os.devnull)


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name, reason in [
        ("empty", "the file is empty"),
        ("none", "no such file or directory"),
        (".", "is a directory"),
    ]:
        with pytest.raises(InputError, match=reason) as error:
            files.read(tmp_path / name)
        assert one_line(error).startswith(str(tmp_path))


def test_reads_no_more_than_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read(tmp_path / "a", max_bytes=5) == b"12345"
    with pytest.raises(LimitError, match="longer than 4 bytes"):
        files.read(tmp_path / "a", max_bytes=4)


def test_standard_streams(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"in")))
    assert files.read("-") == b"in"
    with pytest.raises(InputError, match="standard input: is empty, or was read already"):
        files.read("-")
    files.write("-", b"out")
    assert capsysbinary.readouterr().out == b"out"
