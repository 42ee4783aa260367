"""Many pictures: trees, failures, stops and resumptions, lost workers, other storage."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import xcodec
from tests.conftest import Run
from xcodec.links import packet_files, sending
from xcodec.many import batch, trees
from xcodec.many.batch import DONE, FAILED, SKIPPED, Settings, Task
from xcodec.options import DecodeOptions, EncodeOptions
from xcodec.system.processes import Pool

RGB = NDArray[np.uint8]
EFFORT = EncodeOptions(effort=0)


@pytest.fixture
def tree(small: RGB, tmp_path: Path) -> Path:
    """A tree of six pictures, one file that is none, and one that claims to be."""
    folder = tmp_path / "tree"
    (folder / "deep" / "er").mkdir(parents=True)
    for i, name in enumerate(("a.png", "b.jpg", "deep/c.png", "deep/er/d.bmp", "deep/er/d.png")):
        Image.fromarray(small[i : i + 64, i : i + 64]).save(folder / name)
    (folder / "deep" / "bad.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("none either")
    (folder / ".hidden.png").write_bytes(b"not looked at")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a tree."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def encode_all(tree: Path, out: Path, jobs: int = 2) -> list[batch.Outcome]:
    every = batch.tasks(str(tree), str(out), "encode")
    return list(batch.run(every, Settings(EFFORT), jobs))


def test_trees_are_kept_and_names_stay_apart(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcomes = encode_all(tree, out)
    names = ["a.xgc", "b.xgc", "deep/c.xgc", "deep/er/d.bmp.xgc", "deep/er/d.png.xgc"]
    assert list(contents(out)) == names
    expected = xcodec.encode(Image.open(tree / "deep" / "c.png"), effort=0)
    assert contents(out)["deep/c.xgc"] == expected
    failed = [outcome for outcome in outcomes if outcome.state == FAILED]
    assert [outcome.state for outcome in outcomes].count(DONE) == 5
    assert len(failed) == 1
    assert failed[0].note == f"{tree}/deep/bad.png: not a picture of a known format"
    painted = tmp_path / "painted"
    every = batch.tasks(str(out), str(painted), "decode")
    states = {o.state for o in batch.run(every, Settings(DecodeOptions("classical")), 1)}
    assert states == {DONE}
    assert list(contents(painted)) == [name[:-4] + ".png" for name in names]


def test_a_folder_of_packets_is_one_picture(small: RGB, tmp_path: Path) -> None:
    coded = tmp_path / "coded" / "x"
    folder = coded / "packets"
    folder.mkdir(parents=True)
    for i, packet in enumerate(sending.encode_packets(small, 200, packets=3, effort=0)):
        (folder / f"{i:03}.xgp").write_bytes(packet)
    (coded / "file.xgc").write_bytes(xcodec.encode(small, effort=0))
    every = batch.tasks(str(coded.parent), str(tmp_path / "out"), "decode")
    assert [Path(task.source).name for task in every] == ["file.xgc", "packets"]
    done = list(batch.run(every, Settings(DecodeOptions("classical")), 1))
    assert {outcome.state for outcome in done} == {DONE}
    assert list(contents(tmp_path / "out")) == ["x/file.png", "x/packets.png"]
    assert not trees.is_tree(str(folder))
    assert trees.is_tree(str(coded))
    (coded / "file.xgc").unlink()
    assert trees.is_tree(str(coded))  # Folders of packets, and nothing else.
    every = batch.tasks(str(coded.parent), str(tmp_path / "out"), "decode")
    (folder / "sent.json").write_text("{}")  # After ``xcodec send``.
    assert batch.tasks(str(coded.parent), str(tmp_path / "out"), "decode") == every
    again = list(batch.run(every, Settings(DecodeOptions("classical")), 1))
    assert [outcome.read for outcome in again] == [done[1].read]
    assert not trees.is_tree(str(folder))


def test_an_empty_packet_of_a_folder_is_a_lost_one(small: RGB, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "packets"
    folder.parent.mkdir()
    packet_files.save(str(folder), sending.encode_packets(small, 200, packets=4, effort=0), False)
    (folder / "003.xgp").write_bytes(b"")
    every = batch.tasks(str(folder.parent), str(tmp_path / "out"), "decode")
    (done,) = batch.run(every, Settings(DecodeOptions("classical")), 1)
    assert done.state == DONE
    assert done.read == sum(len(data) for data in contents(folder).values())


def test_what_is_there_is_left_or_replaced_only_when_asked(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.xgc").write_bytes(b"mine")
    every = batch.tasks(str(tree), str(out), "encode")
    for overwrite, skip, state in ((False, False, FAILED), (False, True, SKIPPED)):
        todo, settled = batch.ready(every, overwrite, skip)
        assert [outcome.state for outcome in settled] == [state]
        assert len(todo) == len(every) - 1
    assert batch.ready(every, True, False) == (every, [])


@pytest.mark.parametrize(
    ("names", "results"),
    [
        (["a.jpg", "a.png", "a.png.jpg"], ["a.jpg", "a.png", "a.png.jpg"]),
        (["a.png", "a.png.jpg", "a.png.jpg.gif"], ["a", "a.png.jpg", "a.png.jpg.gif"]),
        (["a.png", "b.png", "c.tar.png"], ["a", "b", "c.tar"]),
        (["a.jpg", "d/a.png", "e/a.png"], ["a", "d/a", "e/a"]),
        (["A.jpg", "a.png", "b.png"], ["A.jpg", "a.png", "b"]),
        (["e\u0301.jpg", "\u00e9.png"], ["e\u0301.jpg", "\u00e9.png"]),
        (["a.png", "a.xgc/b.png", "c.png", "c/d.png"], ["a.png", "a.xgc/b", "c", "c/d"]),
        (["a", "a.png"], ["a", "a.png"]),
    ],
)
def test_names_that_are_made_of_names_differ(names: list[str], results: list[str]) -> None:
    assert trees.distinct(names, ".xgc") == results
    assert len({name.casefold() for name in results}) == len(names)


def test_names_of_any_tree_differ_and_hardly_change() -> None:
    """And when a file is added, other names than those that begin like its own stay."""
    parts = ["a", "b", "a.png", "a.jpg", "a.png.jpg", "a.jpg.png.gif", "b.tar", "b.tar.png", "b.x"]
    pool = [f"{part}.{suffix}" for part in parts for suffix in ("png", "jpg", "gif")]
    rng = np.random.default_rng(5)
    for _ in range(200):
        names = sorted(rng.choice(pool, 9, replace=False).tolist())
        results = dict(zip(names, trees.distinct(names, ".xgc"), strict=True))
        assert len(set(results.values())) == len(names)
        for gone in names:
            left = [name for name in names if name != gone]
            for name, result in zip(left, trees.distinct(left, ".xgc"), strict=True):
                assert (
                    result == results[name]
                    or gone in (name, results[name])
                    or (trees.stem(name) in (gone, trees.stem(gone)))
                )


def test_long_names_are_cut_and_stay_apart(small: RGB, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    long = "n" * 251
    for name in (f"{long}.png", f"{long}.jpg", f"deep/{long}.bmp", f"deep/{long[1:]}m.png"):
        Image.fromarray(small).save(folder / name)
    assert {outcome.state for outcome in encode_all(folder, out)} == {DONE}
    assert len(contents(out)) == 4
    (folder / f"{long}.png").replace(folder / "deep" / f"{long}.png")
    assert encode_all(folder, tmp_path / "more")[0].state == DONE
    assert len(contents(tmp_path / "more")) == 4


def test_decoding_beside_the_originals(xcodec_process: Run, tree: Path) -> None:
    """Results get their second names there; -f and --skip-existing know both."""
    (tree / "deep" / "bad.png").unlink()
    originals = contents(tree)
    line = ("decode", "tree", "-o", "tree", "--decoder", "classical")
    assert xcodec_process("encode", "tree", "-o", "tree", "-e", "0", "-q").returncode == 0
    done = xcodec_process(*line)
    assert done.returncode == 0
    notes = sorted(done.stderr.decode().splitlines())
    assert notes == [
        f"xcodec: warning: tree/{name}.xgc: tree/{name}.png exists: written as "
        f"tree/{name}.decoded.png"
        for name in ("a", "deep/c")
    ]
    after = contents(tree)
    assert originals.items() <= after.items()
    added = {name for name in after.keys() - originals.keys() if not name.endswith(".xgc")}
    results = {"b.png", "deep/er/d.bmp.png", "deep/er/d.png.png"}
    assert added == {"a.decoded.png", "deep/c.decoded.png"} | results
    skipped = xcodec_process(*line, "--skip-existing")
    assert b"0 done, 5 skipped, 0 failed" in skipped.stdout
    again = xcodec_process(*line)  # Those without a second name so far get one.
    assert b"3 done, 0 skipped, 2 failed" in again.stdout
    assert b"tree/a.png: exists already; -f overwrites it, --skip-existing keeps it" in again.stderr
    assert after.items() <= contents(tree).items()


def test_a_second_name_is_never_that_of_another_result(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    for name in ("a.xgc", "a.decoded.xgc"):
        (tmp_path / "in" / name).touch()
    (out / "a.png").write_bytes(b"mine")
    every = batch.tasks(str(tmp_path / "in"), str(out), "decode")
    assert [task.other for task in every] == [str(out / "a.decoded.decoded.png"), None]
    todo, settled = batch.ready(every, overwrite=False, skip=False)
    assert [Path(task.target).name for task in todo] == ["a.decoded.png"]
    assert [outcome.state for outcome in settled] == [FAILED]
    assert batch.ready(every, overwrite=True, skip=False) == (every, [])


def test_the_command_tells_what_failed(xcodec_process: Run, tree: Path, tmp_path: Path) -> None:
    done = xcodec_process("encode", "tree", "-o", "out", "-e", "0", "-j", "2", "--json")
    assert done.returncode == 1
    facts = json.loads(done.stdout)
    assert (facts["done"], facts["failed"], facts["total"]) == (5, 1, 6)
    assert facts["written"] == sum(map(len, contents(tmp_path / "out").values()))
    assert done.stderr.decode().splitlines() == [
        "xcodec: tree/deep/bad.png: not a picture of a known format"
    ]
    (tree / "deep" / "bad.png").unlink()
    again = xcodec_process("encode", "tree", "-o", "out", "-e", "0", "--skip-existing")
    assert again.returncode == 0
    assert b"0 done, 5 skipped, 0 failed" in again.stdout
    painted = xcodec_process("decode", "out", "-o", "png", "--decoder", "classical", "-q")
    assert (painted.returncode, painted.stdout, painted.stderr) == (0, b"", b"")
    assert len(contents(tmp_path / "png")) == 5


def test_wrong_usage_of_folders(xcodec_process: Run, tree: Path, picture: Path) -> None:
    for arguments, text in (
        (["encode", "tree"], b"-o OUT"),
        (["encode", "tree", "-o", "-"], b"-o - is standard output"),
        (["encode", "tree", "-o", "out", "--packet-size", "200"], b"--packet-size"),
        (["encode", "photo.png", "--skip-existing"], b"folders"),
        (["decode", "tree", "-o", "out", "--region", "0,0,5,5"], b"--region"),
    ):
        done = xcodec_process(*arguments)
        assert done.returncode == 2
        assert text in done.stderr
    empty = xcodec_process("decode", "tree", "-o", "out")
    assert (empty.returncode, empty.stderr) == (1, b"xcodec: tree: no pictures to decode\n")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        signal.SIGKILL,
    ],
)
def test_a_run_that_was_stopped_goes_on(
    xcodec_process: Run, photo: RGB, tmp_path: Path, how: signal.Signals
) -> None:
    (tmp_path / "in").mkdir()
    for i in range(16):
        Image.fromarray(photo[i : i + 128, i : i + 128]).save(tmp_path / "in" / f"{i:02}.png")
    command = [sys.executable, "-m", "xcodec", "encode", "in", "-o", "out", "-j", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
    wait_for(lambda: len(list(tmp_path.glob("out/*.xgc"))) >= 3)
    process.send_signal(how)
    process.communicate(timeout=60)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}.get(how, -how)
    made = len(list(tmp_path.glob("out/*.xgc")))
    assert made < 16
    # Workers end too, and leave no half file.
    wait_for(lambda: not list(tmp_path.glob("out/.*.part")))
    again = xcodec_process("encode", "in", "-o", "out", "--skip-existing", "--json", "-j", "2")
    assert json.loads(again.stdout)["done"] + made >= 16
    whole = xcodec_process("encode", "in", "-o", "whole", "-j", "2", "-q")
    assert whole.returncode == again.returncode == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def stubborn(folder: str) -> None:
    """A job that takes a while to clear up once it is asked to end, and is asked again."""
    try:
        (Path(folder) / f"begun {os.getpid()}").touch()
        time.sleep(60)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
        (Path(folder) / f"cleared up {os.getpid()}").touch()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_workers_clear_up_once_and_take_nothing_more(tmp_path: Path) -> None:
    workers = Pool(2)
    for _ in range(4):
        workers.submit(stubborn, str(tmp_path))
    wait_for(lambda: len(list(tmp_path.glob("begun *"))) == 2)
    processes = multiprocessing.active_children()
    workers.close(now=True)
    for process in processes:
        # The executor joins them, too; until whoever was first is done, the other knows nothing.
        wait_for(lambda process=process: not process.is_alive())  # type: ignore[misc]
    assert len(list(tmp_path.glob("begun *"))) == 2
    assert len(list(tmp_path.glob("cleared up *"))) == 2


def heard(_: object) -> tuple[bool, bool]:
    """A job that says whether its worker hears SIGINT and SIGTERM."""
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return not ignored and signal.SIGINT not in masked, signal.SIGTERM not in masked


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_waits_for_a_worker_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Pool(2)
    assert workers._executor is not None
    submit, begun = workers._executor.submit, []

    def interrupted(*job: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        begun.append(submit(*job))
        return begun[0]

    monkeypatch.setattr(workers._executor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        workers.submit(heard, None)
    assert begun[0].result(60) == (False, True)
    workers.close()


def deadly(settings: Settings, task: Task) -> batch.Outcome:
    """A worker that dies of some tasks, as it does when the system is out of memory."""
    if "deadly" in task.source:
        os.kill(os.getpid(), signal.SIGKILL)
    return batch.Outcome(task, DONE)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_lost_worker_takes_nothing_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "run_task", deadly)
    every = [Task(f"{'deadly' if i == 4 else 'good'} {i}", "-") for i in range(12)]
    outcomes = list(batch.run(every, Settings(EncodeOptions()), 2))
    assert sorted(o.task.source for o in outcomes) == sorted(t.source for t in every)
    failed = [outcome for outcome in outcomes if outcome.state == FAILED]
    assert [outcome.task for outcome in failed] == [every[4]]
    assert "worker was lost" in failed[0].note


def test_trees_may_lie_wherever_fsspec_reaches(tree: Path, tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    every = batch.tasks(f"file://{tree}", f"file://{tmp_path}/there", "encode")
    outcomes = [batch.run_task(Settings(EFFORT), task) for task in every]
    assert [outcome.state for outcome in outcomes].count(DONE) == 5
    encode_all(tree, tmp_path / "here", jobs=1)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert trees.exists(f"file://{tmp_path}/there/a.xgc")
    with pytest.raises(xcodec.InputError, match="no such folder"):
        trees.pictures(f"file://{tmp_path}/nowhere", "encode")
    with pytest.raises(xcodec.InputError, match="nosuch"):
        trees.pictures("nosuch://bucket", "encode")


CLUSTER = """
import json, os, signal
from pathlib import Path
from xcodec.many import batch, cluster
from xcodec.options import EncodeOptions

KILLED = Path("killed").absolute()

def deadly(settings, task):
    from xcodec.many.batch import run_task  # the worker's own, not the one that is replaced below
    if task.source.endswith("05.png") and not KILLED.exists():
        KILLED.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return run_task(settings, task)

if __name__ == "__main__":
    every = batch.tasks("in", "out", "encode")
    batch.run_task = deadly
    outcomes = cluster.run(every, batch.Settings(EncodeOptions()), "local")
    print(json.dumps([[outcome.task.source, outcome.state] for outcome in outcomes]))
"""


def test_a_cluster_loses_a_worker_and_no_picture(photo: RGB, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'xcodec[ray]'")
    (tmp_path / "in").mkdir()
    for i in range(16):
        Image.fromarray(photo[i : i + 128, i : i + 192]).save(tmp_path / "in" / f"{i:02}.png")
    (tmp_path / "in" / "bad.png").write_bytes(b"no picture")
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    outcomes: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    assert (tmp_path / "killed").exists()
    names = [source for source, _ in outcomes]
    assert len(names) == len(set(names)) == 17
    assert [state for _, state in outcomes].count(DONE) == 16
    encode = Settings(EncodeOptions())
    for task in batch.tasks(str(tmp_path / "in"), str(tmp_path / "alone"), "encode"):
        batch.run_task(encode, task)
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")
