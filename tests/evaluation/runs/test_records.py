"""Records: plain JSON without paths, and work that processes share."""

import json
import math
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from xcodec.errors import InputError, ModelError, XcodecError
from xcodec.evaluation.runs import options, records


def test_pictures_are_chosen_by_position(folder: Path) -> None:
    def names(*arguments: Any) -> str:
        return "".join(path.stem for path in options.pictures(folder, *arguments))

    assert names() == "123"
    assert names("odd") == "13"
    assert names("even") == "2"
    assert names("all", [3, 1]) == "31"
    assert names("odd", [2, 3]) == "3"
    with pytest.raises(InputError, match="not a folder"):
        options.pictures(folder / "1.png")


def test_hidden_files_and_folders_are_no_pictures(folder: Path) -> None:
    """Such as those that macOS leaves beside pictures: a run ended at them."""
    (folder / "._1.png").write_bytes(b"\0\5\x16\7")
    (folder / "0.png").mkdir()
    assert [path.name for path in options.pictures(folder, "odd")] == ["1.png", "3.png"]


def test_work_is_shared_among_processes_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert records.each(math.sqrt, [9.0, 4.0, 1.0], 2) == [3, 2, 1]
    threads = records.each(os.getenv, ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], 2)
    assert threads == ["2", "1"]  # A variable that is set is kept.


def test_the_death_of_a_process_is_one_error() -> None:
    with pytest.raises(XcodecError, match="a worker was lost"):
        records.each(os._exit, [3, 3], 2)


def test_commands_hold_file_names_instead_of_paths() -> None:
    arguments = ["/data/kodak/", "--weights=/some/where", "-o", "results/a.json", "-E", "tone=mean"]
    assert records.command_line("xcodec bench rd", arguments) == (
        "xcodec bench rd kodak --weights=where -o a.json -E tone=mean"
    )
    models = ["--models", "runs/a.safetensors,photo,/b/c.safetensors"]
    assert records.command_line("xcodec bench rd", models) == (
        "xcodec bench rd --models a.safetensors,photo,c.safetensors"
    )


def test_weights_that_change_during_a_run_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"before")
    weights = {path: records.digest(path)}
    record = records.record("lossless_samples", "", "", [], weights, {"rows": []})
    assert record["weights"] == {"model.safetensors": records.digest(path)}
    path.write_bytes(b"after")
    with pytest.raises(ModelError, match="changed during the run"):
        records.record("lossless_samples", "", "", [], weights, {"rows": []})


RESULTS = Path(__file__).resolve().parents[3] / "benchmarks" / "results"
RECORD: dict[str, Any] = {
    "schema": records.SCHEMA,
    "benchmark": "lossless_samples",
    "label": "photos",
    "command": "python benchmarks/lossless_samples.py photos",
    "versions": {"xcodec": "1", "python": "3"},
    "machine": {"processor": "", "cores": 1, "system": ""},
    "pictures": {"a.png": "0123456789abcdef"},
    "weights": {},
    "figures": {"rows": [{"a": (1.23456789, math.inf, None), "b": {0.02: "[1,  2]"}, "c": True}]},
}


def test_records_are_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "record.json"
    records.prepare(path)
    records.save(path, RECORD)
    text = path.read_text()
    rows = [{"a": [1.23457, None, None], "b": {"0.02": "[1,  2]"}, "c": True}]
    assert json.loads(text)["figures"] == {"rows": rows}
    assert "[ 1.23457, null, null ]" in text
    assert records.load(path)["label"] == "photos"
    with pytest.raises(InputError, match="exists already"):
        records.save(path, RECORD)
    records.save(path, RECORD, overwrite=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 1}, "schema 1, not 2"),
        ({"schema": None}, "not a record"),
        ({"label": 3}, "label: 3 is not of type 'string'"),
        ({"pictures": {"a.png": "x"}}, "pictures/a.png"),
        ({"figures": {}}, "figures: 'rows' is a required property"),
        ({"benchmark": "rd"}, "figures: 'square' is a required property"),
        ({"benchmark": "links"}, "figures: 'square' is a required property"),
        ({"versions": {"xcodec": "1", "python": "3", "commit": "v1"}}, "versions/commit"),
        ({"more": 1}, "'more' was unexpected"),
    ],
)
def test_records_follow_the_schema(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "record.json"
    with pytest.raises(InputError, match=message):
        records.save(path, RECORD | change)
    path.write_text(json.dumps(records._plain(RECORD | change)))
    with pytest.raises(InputError, match=message):
        records.load(path)


def test_tables_line_up() -> None:
    assert records.table(["codec", "dB"], [["a", "1.00"], ["longer", "22.00"]]).split("\n") == [
        "| codec  |    dB |",
        "| ------ | ----: |",
        "| a      |  1.00 |",
        "| longer | 22.00 |",
    ]


def test_a_mean_needs_every_value() -> None:
    assert records.mean([1.0, 2.0]) == 1.5
    assert records.mean([1.0, None]) is None
    assert records.mean([]) is None


HASH = r"[0-9a-f]{7,40}(-dirty)?"


def test_the_commit_is_a_hash_even_at_a_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every copy has the tags: records name commits."""
    module = tmp_path / "records.py"
    module.touch()
    published = tmp_path / records.PUBLISHED / "photos.json"
    published.parent.mkdir(parents=True)
    published.write_text("a record")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(tmp_path)]
    for command in ("init -q", "add .", "commit -q -m one", "tag -a -m one v1"):
        subprocess.run([*git, *command.split()], check=True, capture_output=True)
    monkeypatch.setattr(records, "__file__", str(module))
    commit = records.versions()["commit"]
    assert re.fullmatch(HASH, commit)
    assert not commit.endswith("-dirty")
    published.write_text("another record")
    assert records.versions()["commit"] == commit
    module.write_text("changed")
    assert records.versions()["commit"] == f"{commit}-dirty"


def test_an_installed_package_has_no_commit_of_the_repository_that_it_lies_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / ".venv" / "records.py"
    module.parent.mkdir()
    module.touch()
    (tmp_path / ".gitignore").write_text(".venv\n")
    monkeypatch.setattr(records, "__file__", str(module))
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in ("init -q", "add .", "commit -q -m one"):
        subprocess.run([*git, *command.split()], check=True)
    assert records.commit() is None


def test_the_commits_of_published_records_are_hashes() -> None:
    found = 0
    for path in sorted(RESULTS.glob("*.json")):
        published = json.loads(path.read_text())
        if "versions" in published:
            assert re.fullmatch(HASH, published["versions"]["commit"]), path.name
            found += 1
    assert found > 40


def test_published_records_follow_the_schema() -> None:
    for path in sorted(RESULTS.glob("*.json")):
        if json.loads(path.read_text()).get("schema") == records.SCHEMA:
            records.load(path)
