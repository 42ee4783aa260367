"""Parsers bear hostile inputs: former findings, the inputs in the repository, and new ones."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("sliplib", reason="sliplib is not installed")
pytest.importorskip("ax25", reason="pyham-ax25 is not installed")

from tests.fuzz import corpora, file_parts, guided, parsers, plain
from xcodec.decoder import reading

TARGETS = list(parsers.TARGETS)
REPLACED = """
import os, pathlib, numpy
from tests.fuzz import corpora, parsers, plain
from tests.fuzz.plain import MEGABYTES

calls = 0

def replaced(way, data):
    global calls
    calls += 1
    if calls > 2 * len(corpora.inputs("armor")):
        {bad}
    return "nothing"

corpora.WORK = pathlib.Path({work!r})
parsers.TARGETS["armor"] = replaced
plain.HANG = {hang}
plain.main()
"""
"""A process that fuzzes a parser that does something bad once it fuzzes."""


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_in_the_repository_reach_every_depth(name: str) -> None:
    """Else the format has changed: python -m tests.fuzz.corpora --anew"""
    inputs = corpora.kept(name)
    reached = {parsers.run(name, data)[0] for data in inputs}
    assert reached == set(parsers.DEPTHS[name])
    assert sum(map(len, inputs)) <= corpora.MOST_BYTES


@pytest.mark.parametrize("name", TARGETS)
def test_altered_inputs_are_borne_and_most_come_deep(name: str) -> None:
    fuzzer = plain.Fuzzer(name, corpora.kept(name), 1)
    for _ in range(400):
        fuzzer.go(fuzzer.next())
    outcome = fuzzer.outcome()
    assert outcome.findings == {}
    assert outcome.executions == sum(outcome.depths.values()) == 400
    deep = sum(n for depth, n in outcome.depths.items() if parsers.is_deep(name, depth))
    assert deep > (80 if name == "armor" else 200)
    assert outcome.slowest < plain.HANG


def test_a_seed_gives_the_same_inputs_again() -> None:
    inputs = corpora.kept("payload")
    made = [plain.Fuzzer("packets", inputs[:1], seed).next() for seed in (1, 1, 2, 3, 4)]
    assert made[0] == made[1]
    assert len(set(made)) > 1


@pytest.mark.parametrize("name", ["container", "payload"])
def test_files_are_taken_apart_and_put_together(name: str) -> None:
    """As they were, unless something in them was damaged."""
    same = 0
    for data in corpora.kept(name):
        parts = file_parts.apart(data[1:])
        same += parts is not None and file_parts.together(parts) == data[1:]
    assert same > 5


def test_other_exceptions_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError("here")

    inputs = corpora.kept("payload")
    fuzzer = plain.Fuzzer("payload", inputs, 1)
    monkeypatch.setattr(reading, "opened", broken)
    for _ in range(20):
        fuzzer.go(fuzzer.next())
    assert list(fuzzer.outcome().findings.values()) == ["IndexError('here')"]
    assert "broken" in next(iter(fuzzer.tracebacks.values()))


HANG = 0.5
CASES = {
    "raise IndexError": "IndexError()",
    "numpy.empty(MEGABYTES + 1 << 20, 'u1')": "MemoryError",
    "while True: pass": "more than 0.5 s",
    "os.abort()": "the process ended with -6",
}
"""What a parser might do, and what a finding should say of it."""


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., plain.Worker]:
    """A function that starts a process that fuzzes, in a folder of its own."""
    monkeypatch.setattr(corpora, "WORK", tmp_path / "work")
    monkeypatch.setattr(plain, "HANG", HANG)

    def start(name: str, seed: int, seconds: float, executions: int, bad: str) -> plain.Worker:
        program = REPLACED.format(bad=bad, work=str(corpora.WORK), hang=HANG)
        monkeypatch.setattr(plain, "PROGRAM", ("-c", program))
        return plain.Worker(name, seed, seconds, executions, tmp_path)

    return start


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
@pytest.mark.parametrize("bad", CASES)
def test_findings_may_end_the_process(
    bad: str, tmp_path: Path, process: Callable[..., plain.Worker]
) -> None:
    found = process("armor", 7, 40, 20, bad).outcome().findings
    ((name, how),) = found.items()
    assert CASES[bad] in how
    assert corpora.name_of((tmp_path / f"armor-{name}.bin").read_bytes()) == name
    assert (tmp_path / f"armor-{name}.txt").exists()


def test_a_process_stops_at_its_time_and_when_it_is_interrupted(
    process: Callable[..., plain.Worker],
) -> None:
    timed = process("container", 0, 0.5, 1 << 40, "pass")
    endless = process("container", 1, 600, 1 << 40, "pass")
    outcome = timed.outcome()
    assert outcome.executions > 0
    assert outcome.findings == {}
    endless.interrupt()
    assert endless.outcome().findings == {}


def test_atheris_fuzzes_a_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed")
    monkeypatch.setattr(corpora, "WORK", tmp_path / "work")
    folder = tmp_path / "findings"
    folder.mkdir()
    outcome = guided.Worker("container", 1, folder).outcome()
    assert outcome.executions > 100
    assert outcome.edges > 100
    assert outcome.findings == {}
    assert corpora.read(corpora.grown("container"))
