"""Former findings of the fuzzer do not come back, and its initial corpus passes (tests/fuzz)."""

import time
from pathlib import Path

import pytest

from tests.fuzz import target
from tests.fuzz.run import summary

REGRESSIONS = Path(__file__).parent / "regressions"
FILES = sorted(path for path in REGRESSIONS.iterdir() if path.suffix == ".bin")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_findings_stay_fixed(path: Path) -> None:
    start = time.process_time()
    target.one(path.read_bytes())
    assert time.process_time() - start < 10  # Seconds of processor time, whatever else runs.


def test_the_corpus_passes() -> None:
    corpus = target.corpus()
    assert {data[0] for data in corpus.values()} == set(range(target.WAYS))
    for number, (name, data) in enumerate(corpus.items()):
        if name.startswith("packets") or number % 7 == 0:
            target.one(data)


def test_other_exceptions_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr(target.reading, "opened", broken)
    with pytest.raises(IndexError):
        target.one(b"\0XG")


def test_reports_are_read_from_the_log() -> None:
    log = "#9 NEW cov: 12 ft: 34 corp: 5/6b\nstat::number_of_executed_units: 789\n"
    report = summary(log, 60, ["crash-1"])
    for word in ("789", "12", "34", "1 crash-1"):
        assert word in report
