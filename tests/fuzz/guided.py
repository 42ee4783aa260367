"""Fuzzing by atheris, guided by coverage, in processes of ``harness``. Needs the extra ``fuzz``."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz import corpora
from tests.fuzz.record import WHOLE, Outcome

LIMITS = {WHOLE: {"max_len": 1000, "timeout": 20, "rss_limit_mb": 2048}}
PARSERS = {"max_len": 1500, "timeout": 5, "rss_limit_mb": 1024}
"""Bytes of an input, seconds, and megabytes of the process; PARSERS are those of each parser."""
STOPPED = 72
"""Exit code of libFuzzer after SIGINT."""


def is_there() -> bool:
    """Whether atheris is installed."""
    return importlib.util.find_spec("atheris") is not None


class Worker:
    """Fuzzing a target for some time, in a process of its own."""

    def __init__(self, name: str, seconds: float, folder: Path) -> None:
        """folder : for the inputs that are findings"""
        self._name, self._folder, self._cpu = name, folder, 0.0
        self._before = self._found()
        self._log = corpora.WORK / name / "log.txt"
        folders = [corpora.grown(name)]
        if name != WHOLE:
            folders.append(corpora.WORK / name / "kept")
            folders[-1].mkdir(exist_ok=True)
            for data in corpora.kept(name):
                corpora.keep(folders[-1], data)
        options = LIMITS.get(name, PARSERS) | {
            "max_total_time": max(1, round(seconds)),
            "print_final_stats": 1,
            "ignore_timeouts": 0,
            "artifact_prefix": f"{folder}/{name}-",
        }
        command = [sys.executable, "-m", "tests.fuzz.harness", name]
        command += map(str, folders)
        command += [f"-{option}={value}" for option, value in options.items()]
        with self._log.open("w") as out:
            self._process = subprocess.Popen(
                command, cwd=corpora.ROOT, stdout=out, stderr=out, start_new_session=True
            )

    def _found(self) -> set[str]:
        """The names that libFuzzer gave to findings."""
        kinds = "crash", "leak", "oom", "timeout"
        every = [self._folder.glob(f"{self._name}-{kind}-*") for kind in kinds]
        return {path.name for paths in every for path in paths if path.suffix != ".txt"}

    def interrupt(self) -> None:
        """Let it end soon."""
        self._process.send_signal(signal.SIGINT)

    def has_ended(self) -> bool:
        """Whether it has ended."""
        if self._process.returncode is None:
            number, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if number:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._cpu = usage.ru_utime + usage.ru_stime
        return self._process.returncode is not None

    def outcome(self) -> Outcome:
        """Wait for the outcome."""
        while not self.has_ended():
            time.sleep(0.1)
        log, found = self._log.read_text(errors="replace"), self._found() - self._before
        for name in found:
            (self._folder / f"{name}.txt").write_text(log)
        if not found and self._process.returncode not in (0, STOPPED, -signal.SIGINT):
            raise RuntimeError(f"{self._name}: atheris failed, see {self._log}")
        return summary(log, self._cpu, dict.fromkeys(found, "found by atheris"))


def summary(log: str, cpu: float, findings: dict[str, str]) -> Outcome:
    """Return the outcome of a run, from libFuzzer's log."""

    def last(pattern: str) -> int:
        return int((re.findall(pattern, log) or [0])[-1])

    return Outcome(
        executions=last(r"stat::number_of_executed_units:\s*(\d+)") or last(r"(?m)^#(\d+)"),
        cpu=cpu,
        inputs=last(r"corp: (\d+)"),
        slowest=float(last(r"stat::slowest_unit_time_sec:\s*(\d+)")),
        peak=float(last(r"stat::peak_rss_mb:\s*(\d+)") or last(r"rss: (\d+)")),
        edges=last(r"cov: (\d+)"),
        features=last(r"ft: (\d+)"),
        findings=findings,
    )
