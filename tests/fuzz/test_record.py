"""Runs of the fuzzer add up on record, and docs/security.md tells what is there."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

pytest.importorskip("sliplib", reason="sliplib is not installed")
pytest.importorskip("ax25", reason="pyham-ax25 is not installed")

from tests.fuzz import guided, parsers, plain, record, run, whole
from tests.fuzz.record import GUIDED, PLAIN, WHOLE, Outcome, Row

ONE = Outcome(
    executions=3000, cpu=2.0, inputs=9, depths={"points": 1000, "symbols": 2000}, slowest=0.01,
    peak=70.0, growth=2.0,
)  # fmt: skip
ROW = Row("c0de", "abc1234", PLAIN, "payload", 1, ("2026-01-02", "2026-01-02"), "a computer", ONE)


def test_the_page_and_the_report_are_those_of_the_record() -> None:
    """Else: python -m tests.fuzz.run"""
    known = record.rows()
    assert record.REPORT.read_text() == record.report(known)
    assert record.PAGE.read_text() == record.page(record.PAGE.read_text(), known)
    assert {row.target for row in known} == {*parsers.TARGETS, WHOLE}
    for row in known:
        assert row.outcome.findings == {}


def test_the_page_tells_the_limits() -> None:
    page = " ".join(record.PAGE.read_text().split())
    side, one, all_ = round(parsers.MAX_PIXELS**0.5), guided.PARSERS, guided.LIMITS[WHOLE]
    for text in (
        f"at most {side}x{side} pixels",
        f"may take {plain.HANG:.0f} s of processor time, and a process {plain.MEGABYTES} MB more",
        f"may take {one['timeout']} s, the process {one['rss_limit_mb'] >> 10} GB, most of",
        f"of packets, up to {whole.PAINTED:,} pixels",
        f"may take {all_['timeout']} s, the process {all_['rss_limit_mb'] >> 10} GB.",
    ):
        assert text in page


def test_runs_of_the_same_code_add_up() -> None:
    more = replace(
        ROW, dates=("2026-01-05", "2026-01-05"), outcome=replace(ONE, peak=50.0, slowest=1.0)
    )
    ((row,), others) = record.added([ROW], more), record.added([ROW], replace(ROW, code="other"))
    assert len(others) == 2
    assert (row.parts, row.dates) == (2, ("2026-01-02", "2026-01-05"))
    one = row.outcome
    assert (one.executions, one.cpu, one.speed()) == (6000, 4.0, 1500.0)
    assert one.depths == {"points": 2000, "symbols": 4000}
    assert (one.slowest, one.peak, one.growth, one.inputs) == (1.0, 70.0, 2.0, 9)
    assert record.deep(row) == pytest.approx(2 / 3)


def test_reports_tell_what_ran() -> None:
    finding = replace(ROW, code="new", outcome=replace(ONE, findings={"f00": "IndexError()"}))
    guided_ = replace(
        ROW, code="new", way=GUIDED, target=WHOLE, outcome=Outcome(77, 2.0, edges=123)
    )
    text = record.report([ROW, finding, guided_])
    for words in ("3,000", "1,500", "points 33.3%, symbols 66.7%", "f00 IndexError()", "77", "123"):
        assert words in text
    before, after = text.split("earlier versions")
    assert "new" in before
    assert "3,000 executions" in after
    page = record.page("a\n<!-- fuzzing: x -->\nold\n<!-- /fuzzing -->\nb", [ROW])
    assert "| payload | plain | 3,000 | 1,500 | 67% | 10 ms | +2.0 MB | 0 |" in page
    assert page.startswith("a\n<!-- fuzzing: x -->\n\n3,000 executions")
    assert page.endswith("|\n\n<!-- /fuzzing -->\nb")
    assert record.page(page, [ROW]) == page
    with pytest.raises(ValueError, match="no place"):
        record.page("nothing", [ROW])


def test_the_version_is_that_of_what_parses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = record.version()
    assert before == record.version()
    monkeypatch.setattr(record, "FOLDERS", record.FOLDERS[1:])
    assert record.version() != before


def test_outcomes_are_read_from_the_log_of_atheris() -> None:
    log = (
        "#9 NEW cov: 12 ft: 34 corp: 5/6b lim: 4 exec/s: 0 rss: 40Mb\n"
        "stat::number_of_executed_units: 789\nstat::slowest_unit_time_sec: 2\n"
        "stat::peak_rss_mb: 99\n"
    )
    found = guided.summary(log, 3.0, {"crash-1": "see log"})
    assert found == Outcome(
        789, 3.0, 5, slowest=2.0, peak=99.0, edges=12, features=34, findings={"crash-1": "see log"}
    )
    assert guided.summary(log.splitlines()[0], 1.0, {}).executions == 9  # It was ended early.


def test_time_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, ways in ((True, {PLAIN: 0.5, GUIDED: 0.5}), (False, {PLAIN: 1.0})):
        monkeypatch.setattr(guided, "is_there", lambda there=there: there)
        tasks = run.for_seconds(7200)
        assert all(task.seconds <= run.SLICES[task.way] for task in tasks)
        for way, share in ways.items():
            seconds = sum(task.seconds for task in tasks if task.way == way)
            assert seconds == pytest.approx(7200 * share)
        assert {task.target for task in tasks if task.way == PLAIN} == set(parsers.TARGETS)


class Done:
    """A process that has done what was asked at once."""

    asked: ClassVar[list[tuple[str, int]]] = []

    def __init__(self, name: str, seed: int, seconds: float, executions: int, folder: Path) -> None:
        self._executions = executions
        self.asked.append((name, seed))

    def has_ended(self) -> bool:
        return True

    def outcome(self) -> Outcome:
        return Outcome(executions=min(self._executions, 50), cpu=1.0)


def test_executions_on_record_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a run of two processes, and one that goes on."""
    monkeypatch.setattr(plain, "Worker", Done)
    monkeypatch.setattr(run, "FINDINGS", tmp_path)
    monkeypatch.setattr(run, "POLL", 0.0)
    for name in ("RUNS", "REPORT", "PAGE"):
        monkeypatch.setattr(record, name, tmp_path / name)
    record.PAGE.write_text("<!-- fuzzing: x -->\n<!-- /fuzzing -->\n")
    Done.asked.clear()
    for executions, total in ((400, 400), (1000, 1000), (900, 1000)):
        one = run.Run(2)
        one.go(one.up_to(executions))
        assert sum(row.outcome.executions for row in record.rows()) == total
    assert len(set(Done.asked)) == len(Done.asked)  # Never the same inputs again.
    assert one.findings == {}
