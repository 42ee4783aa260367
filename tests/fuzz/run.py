"""Fuzz for some time, or up to some executions, and add to the record: python -m tests.fuzz.run

Parsers without instrumentation get half of the time, and parsers and the whole decoder with atheris
a quarter each; without atheris, the first get all of it. Up to some executions, only the first are
run. The record is written whenever a process ends, which takes five minutes at most: an interrupted
run goes on when it is started again. Findings are kept in build/fuzz/findings; once fixed, move
them to tests/fuzz/regressions.
"""

import argparse
import math
import platform
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.fuzz import corpora, guided, parsers, plain, record
from tests.fuzz.record import GUIDED, PLAIN, WHOLE, Outcome, Row
from xcodec.evaluation.runs.records import machine

FINDINGS = corpora.WORK / "findings"
SLICES = {PLAIN: 300.0, GUIDED: 60.0}
"""Most seconds of a process: with atheris, it takes 10 to 20 kB more for each execution."""
SHARES = {PLAIN: 0.5, GUIDED: 0.25, WHOLE: 0.25}
"""Of the time, with atheris."""
POLL = 0.2
"""Seconds between two looks at processes."""
ENOUGH = 20
"""Findings that end a run."""


@dataclass(frozen=True)
class Task:
    """A process to be started: so many seconds, or executions, of a target in a way."""

    way: str
    target: str
    seconds: float
    executions: int = 1 << 60


def for_seconds(seconds: float) -> list[Task]:
    """The tasks that share so many seconds of one process."""
    there = guided.is_there()
    share = {way: seconds * SHARES[way] for way in SHARES} if there else {PLAIN: seconds}
    tasks = []
    for way, targets in ((GUIDED, parsers.TARGETS), (PLAIN, parsers.TARGETS), (WHOLE, [WHOLE])):
        for target in targets if way in share else ():
            left, kind = share[way] / len(targets), PLAIN if way == PLAIN else GUIDED
            parts = math.ceil(left / SLICES[kind])
            tasks += [Task(kind, target, left / parts)] * parts
    return tasks


class Run:
    """Processes that fuzz, and the record that they add to.

    findings : those of this run
    """

    def __init__(self, jobs: int) -> None:
        self.findings: dict[str, str] = {}
        self._jobs = jobs
        self._running: list[tuple[Task, plain.Worker | guided.Worker]] = []
        self._rows, self._code = record.rows(), record.version()
        self._commit, self._machine = record.commit(), _machine()
        self._started: Counter[str] = Counter()
        FINDINGS.mkdir(parents=True, exist_ok=True)

    def up_to(self, executions: int) -> Iterator[Task]:
        """Tasks until each parser has its share of so many executions on record."""
        share = -(-executions // len(parsers.TARGETS))
        while any(self._done(name) < share for name in parsers.TARGETS):
            for name in parsers.TARGETS:
                lacking = share - self._done(name)
                for _ in range(self._jobs if lacking > 0 else 0):
                    yield Task(PLAIN, name, SLICES[PLAIN], -(-lacking // self._jobs))

    def go(self, tasks: Iterator[Task]) -> None:
        """Start tasks as others end. SIGINT ends them early, and is raised."""
        try:
            while True:
                while len(self._running) < self._jobs and (task := next(tasks, None)):
                    self._start(task)
                if not self._running or len(self.findings) >= ENOUGH:
                    return
                self._take_ended()
        finally:
            for _, worker in self._running:
                worker.interrupt()
            while self._running:
                self._take_ended()

    def _done(self, name: str) -> int:
        """The executions of a parser on record, of this version of the code."""
        return sum(row.outcome.executions for row in self._same(name))

    def _same(self, name: str) -> list[Row]:
        return [
            row for row in self._rows
            if (row.code, row.way, row.target) == (self._code, PLAIN, name)
        ]  # fmt: skip

    def _start(self, task: Task) -> None:
        if task.way == PLAIN:
            seed = sum(row.parts for row in self._same(task.target)) + self._started[task.target]
            self._started[task.target] += 1
            worker: plain.Worker | guided.Worker = plain.Worker(
                task.target, seed, task.seconds, task.executions, FINDINGS
            )
        else:
            if task.target == WHOLE:
                _prepare_whole()
            worker = guided.Worker(task.target, task.seconds, FINDINGS)
        self._running.append((task, worker))

    def _take_ended(self) -> None:
        """Wait a little, and note what processes have done that have ended."""
        time.sleep(POLL)
        for task, worker in [each for each in self._running if each[1].has_ended()]:
            self._running.remove((task, worker))
            if task.way == PLAIN:
                self._started[task.target] -= 1
            self._note(task, worker.outcome())

    def _note(self, task: Task, outcome: Outcome) -> None:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        row = Row(
            self._code, self._commit, task.way, task.target, 1, (today, today), self._machine,
            outcome,
        )  # fmt: skip
        self._rows = record.added(self._rows, row)
        record.write(self._rows)
        self.findings |= outcome.findings
        every = sum(each.outcome.executions for each in self._rows if each.code == self._code)
        print(
            f"{task.way} {task.target}: {outcome.executions:,} executions, "
            f"{outcome.speed():,.0f} a second; {every:,} in all",
            flush=True,
        )
        for name, how in outcome.findings.items():
            print(f"FINDING {name}: {how}", flush=True)


def _prepare_whole() -> None:
    """Write the inputs that the whole decoder is fuzzed from."""
    from tests.fuzz import whole  # It loads the encoder.

    for name, data in whole.corpus().items():
        (corpora.grown(WHOLE) / name).write_bytes(data)


def _machine() -> str:
    """The processor and Python."""
    known = machine()
    return f"{known['processor']}, {known['system']}, Python {platform.python_version()}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz, and add to the record.")
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--executions", type=int, help="of parsers, on record in the end")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    asked = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    run = Run(asked.jobs)
    if asked.executions:
        tasks = run.up_to(asked.executions)
    else:
        if not guided.is_there():
            print("atheris is not installed: fuzzing without it", flush=True)
        tasks = iter(for_seconds(asked.seconds * asked.jobs))
    stopped = False
    try:
        run.go(tasks)
    except KeyboardInterrupt:
        stopped = True
    print(record.REPORT.read_text(), end="")
    return 130 if stopped else 1 if run.findings else 0


if __name__ == "__main__":
    sys.exit(main())
