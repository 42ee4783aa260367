"""Fuzzing without instrumentation, for the number of executions.

A process notes each input in a file before it tries it: so an input is known that ends the process,
by a fault of a library, by its limit on time or on memory.
"""

import argparse
import json
import mmap
import os
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import time
import traceback
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tests.fuzz import corpora, mutation, parsers
from tests.fuzz.record import Outcome

MEGABYTES = 64
"""Memory that a process may take beyond what it took for the inputs that it begins with."""
HANG = 5.0
"""Seconds of processor time that an execution may take."""
STUCK = 600.0
"""Seconds after its time at which a process is ended; it needs some to begin with."""
DEEP = 0.9
"""How often an input is altered that came deep, rather than one that was refused before."""
OVERHEAD = 5e-5
"""Seconds of an execution that takes no time."""
THRIFT = 2.0
"""The larger it is, the less often those inputs are altered that take long."""
PROGRAM = "-m", "tests.fuzz.plain"
"""What Python runs in a process."""
FINDING = "finding"
"""In place of a depth."""
_STATE = struct.Struct("<I")
"""Bytes of the input that follows."""


class _Weighted:
    """Inputs, and the sums of their weights."""

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self.sums: list[float] = []

    def add(self, data: bytes, took: float) -> None:
        self.items.append(data)
        self.sums.append((self.sums[-1] if self.sums else 0.0) + (took + OVERHEAD) ** -THRIFT)


class Fuzzer:
    """Alters inputs of a target and tries them.

    Inputs that end at a place where none ended before are altered, too: they are all that is known
    of coverage here.
    """

    def __init__(self, name: str, inputs: list[bytes], seed: int) -> None:
        """Try the inputs to begin with; tables are loaded then."""
        self.executions, self.slowest = 0, 0.0
        self.findings: dict[str, str] = {}
        self.tracebacks: dict[bytes, str] = {}
        self.new: list[bytes] = []
        self._name, self._rng = name, random.Random(seed)
        self._seen: set[int] = set()
        self._depths: Counter[str] = Counter()
        # By depth: cheap ones of one depth must not crowd out those of another.
        self._inputs: dict[str, _Weighted] = defaultdict(_Weighted)
        for data in inputs:
            self._try(data)
            self._add(data, *self._try(data))
        self._depths.clear()
        self._start, self._before = time.process_time(), _held()

    def next(self) -> bytes:
        """Return an input that is to be tried."""
        deep = self._rng.random() < DEEP
        some = [each for each in self._inputs if parsers.is_deep(self._name, each) == deep]
        inputs = self._inputs[self._rng.choice(some or list(self._inputs))]
        data = self._rng.choices(inputs.items, cum_weights=inputs.sums)[0]
        return mutation.mutated(self._name, data, self._rng, self._rng.choice(inputs.items))

    def go(self, data: bytes) -> None:
        """Try an input."""
        before = len(self._seen)
        took, depth = self._try(data)
        self.executions += 1
        self.slowest = max(self.slowest, took)
        if len(self._seen) > before:
            self.new.append(data)
            self._add(data, took, depth)

    def outcome(self) -> Outcome:
        """What was done so far."""
        peak = _held()
        return Outcome(
            executions=self.executions,
            cpu=time.process_time() - self._start,
            inputs=sum(len(each.items) for each in self._inputs.values()),
            depths=dict(self._depths),
            slowest=self.slowest,
            peak=peak,
            growth=peak - self._before,
            findings=self.findings,
        )

    def _add(self, data: bytes, took: float, depth: str) -> None:
        if depth != FINDING:
            self._inputs[depth].add(data, took)

    def _try(self, data: bytes) -> tuple[float, str]:
        """Seconds, and how far the input came."""
        start = time.thread_time()
        try:
            depth, place = parsers.run(self._name, data)
        except Exception as error:
            depth, place = FINDING, parsers.place_of(error)
            if place not in self._seen:
                self.tracebacks[data] = traceback.format_exc()
                self.findings[corpora.name_of(data)] = repr(error).splitlines()[0]
        took = time.thread_time() - start
        self._depths[depth] += 1
        self._seen.add(place)
        return took, depth


def _held() -> float:
    """Most megabytes that this process ever held."""
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def limit_memory(megabytes: int = MEGABYTES) -> None:
    """Let allocations fail that would take more than so many megabytes besides those held now."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux, whose limit on data counts what is mapped, too.
        now = re.findall(r"VmData:\s*(\d+) kB", status.read_text())[0]
        limit = (int(now) << 10) + (megabytes << 20)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))


def work(name: str, seed: int, seconds: float, executions: int, folder: Path) -> Outcome:
    """Fuzz a target for some time, or some executions, whichever ends first; SIGINT ends it, too.

    folder : for inputs that are findings
    """
    fuzzer = Fuzzer(name, corpora.inputs(name), seed)
    limit_memory()
    end = time.monotonic() + seconds
    with _state(name, seed).open("w+b") as file:
        file.truncate(_STATE.size + parsers.LENGTH + 1)
        with mmap.mmap(file.fileno(), 0) as state, suppress(KeyboardInterrupt):
            for count in range(executions):
                if count % 16 == 0 and time.monotonic() > end:
                    break
                data = fuzzer.next()
                state[: _STATE.size] = _STATE.pack(len(data))
                state[_STATE.size : _STATE.size + len(data)] = data
                # Unless it is set again in time, this signal ends the process.
                signal.setitimer(signal.ITIMER_PROF, HANG)
                fuzzer.go(data)
    signal.setitimer(signal.ITIMER_PROF, 0)
    for data, trace in fuzzer.tracebacks.items():
        _report(folder, name, data, trace)
    for data in fuzzer.new:
        corpora.keep(corpora.grown(name), data)
    return fuzzer.outcome()


def _state(name: str, seed: int) -> Path:
    """The file that holds the input at hand."""
    return corpora.grown(name).parent / f"{seed}.input"


def _report(folder: Path, name: str, data: bytes, trace: str) -> None:
    """Write a finding and what is known of it."""
    path = folder / f"{name}-{corpora.name_of(data)}.bin"
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(trace)


class Worker:
    """``work`` in a process of its own."""

    def __init__(self, name: str, seed: int, seconds: float, executions: int, folder: Path) -> None:
        self._name, self._folder, self._end = name, folder, time.monotonic() + seconds + STUCK
        self._state, self._interrupted = _state(name, seed), False
        self._state.unlink(missing_ok=True)
        command = [
            sys.executable, *PROGRAM, name, str(folder), "--seed", str(seed),
            "--seconds", str(seconds), "--executions", str(executions),
        ]  # fmt: skip
        # Threads would take memory, and processors from other workers.
        alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, cwd=corpora.ROOT, stdout=subprocess.PIPE, env=alone, start_new_session=True
        )

    def interrupt(self) -> None:
        """Let it end soon."""
        self._interrupted = True
        self._process.send_signal(signal.SIGINT)

    def has_ended(self) -> bool:
        """Whether it has ended; it is killed if it should have, long ago."""
        if time.monotonic() > self._end:
            self._process.kill()
        return self._process.poll() is not None

    def outcome(self) -> Outcome:
        """Wait for the outcome. That of a process that died is its last input, as a finding."""
        out, _ = self._process.communicate()
        code = self._process.returncode
        if code == 0:
            self._state.unlink(missing_ok=True)
            return Outcome(**json.loads(out))
        if self._interrupted:
            return Outcome()
        if code > 0 or not self._state.exists():
            raise RuntimeError(f"{self._name}: the fuzzing process failed")
        held = self._state.read_bytes()
        data = held[_STATE.size :][: _STATE.unpack_from(held)[0]]
        reasons = {-signal.SIGPROF: f"more than {HANG:g} s", -signal.SIGKILL: "no end"}
        how = reasons.get(code, f"the process ended with {code}")
        _report(self._folder, self._name, data, how + "\n")
        return Outcome(findings={corpora.name_of(data): how})


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz a target; print the outcome.")
    parser.add_argument("name", choices=parsers.TARGETS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--executions", type=int, default=1 << 60)
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Shells may have it ignored.
    outcome = work(asked.name, asked.seed, asked.seconds, asked.executions, asked.folder)
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
