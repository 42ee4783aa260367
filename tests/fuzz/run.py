"""Fuzz for some time and write a short report: python -m tests.fuzz.run [--seconds N]

Needs the extra ``fuzz``. Findings are kept in build/fuzz/; once fixed, move them to
tests/fuzz/regressions/.
"""

import argparse
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.fuzz import target

ROOT = Path(__file__).parent.parent.parent
WORK = ROOT / "build" / "fuzz"
REPORT = ROOT / "tests" / "fuzz" / "report.txt"


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz for some time and write a short report.")
    parser.add_argument("--seconds", type=int, default=1800)
    seconds = parser.parse_args().seconds
    corpus, findings = WORK / "corpus", WORK / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in target.corpus().items():
        (corpus / name).write_bytes(data)
    before = set(findings.iterdir())
    command = [
        sys.executable, "-m", "tests.fuzz.harness", str(corpus), f"-max_total_time={seconds}",
        "-max_len=1000", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1",
        "-ignore_timeouts=0", f"-artifact_prefix={findings}/",
    ]  # fmt: skip
    log = WORK / "log.txt"
    with log.open("w") as out:
        subprocess.run(command, cwd=ROOT, stdout=out, stderr=out, check=False)
    text = log.read_text(errors="replace")
    found = sorted(path.name for path in set(findings.iterdir()) - before)
    report = summary(text, seconds, found)
    REPORT.write_text(report)
    print(report, end="")
    return 1 if found else 0


def summary(log: str, seconds: int, found: list[str]) -> str:
    """Return the report of a run, from libFuzzer's log."""

    def last(pattern: str) -> str:
        return (re.findall(pattern, log) or ["?"])[-1]

    lines = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": sys.version.split()[0],
        "seconds": str(seconds),
        "executions": last(r"stat::number_of_executed_units:\s*(\d+)"),
        "executions a second": last(r"stat::average_exec_per_sec:\s*(\d+)"),
        "coverage (edges)": last(r"cov: (\d+)"),
        "features": last(r"ft: (\d+)"),
        "corpus": last(r"corp: (\d+)"),
        "peak memory (MB)": last(r"stat::peak_rss_mb:\s*(\d+)"),
        "crashes, hangs": f"{len(found)} {' '.join(found)}".strip(),
    }
    return "".join(f"{name:20} {value}\n" for name, value in lines.items())


if __name__ == "__main__":
    sys.exit(main())
