"""Former findings of the fuzzer do not come back, and the whole decoder's first inputs pass."""

import time
from pathlib import Path

import pytest

from tests.fuzz import whole

REGRESSIONS = Path(__file__).parent / "regressions"
FILES = sorted(path for path in REGRESSIONS.iterdir() if path.suffix == ".bin")
"""Their names begin with the target: whole, container, payload, packets or armor."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_findings_stay_fixed(path: Path) -> None:
    target = path.name.partition("-")[0]
    start = time.process_time()
    if target == "whole":
        whole.one(path.read_bytes())
    else:
        from tests.fuzz import parsers  # It needs packages of links.

        parsers.one(target, path.read_bytes())
    assert time.process_time() - start < 10  # Seconds of processor time, whatever else runs.


def test_first_inputs_pass() -> None:
    inputs = whole.corpus()
    assert {data[0] for data in inputs.values()} == set(range(whole.WAYS))
    for number, (name, data) in enumerate(inputs.items()):
        if name.startswith("packets") or number % 7 == 0:
            whole.one(data)


def test_other_exceptions_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr(whole.reading, "opened", broken)
    with pytest.raises(IndexError):
        whole.one(b"\0XG")
