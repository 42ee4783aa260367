"""What was fuzzed, on record: runs.json, and the report and the table of docs/security.md.

Runs of the same version of the code add up. The version is a digest of those folders of xcodec that
read files and packets.
"""

import hashlib
import json
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tests.fuzz import corpora, parsers

RUNS = Path(__file__).parent / "runs.json"
REPORT = Path(__file__).parent / "report.txt"
PAGE = corpora.ROOT / "docs" / "security.md"
FOLDERS = ("coding", "decoder", "kriging", "links", "sampling")
"""What makes a version of the code."""
PLAIN, GUIDED, WHOLE = "plain", "guided", "whole"
"""Ways to fuzz, and the target that is the whole decoder."""
TITLES = {
    PLAIN: "parsers, without instrumentation: 64 MB and 5 s an execution",
    GUIDED: "guided by coverage (atheris)",
}


@dataclass(frozen=True)
class Outcome:
    """What one or more processes have done.

    executions : their number
    cpu        : seconds of processor time that they took, with all that belongs to it
    inputs     : most inputs that were altered
    depths     : how many executions came how far, by the names of ``parsers.DEPTHS``
    slowest    : processor time of the slowest execution in seconds
    peak       : most megabytes that a process held
    growth     : how many of them since it began to alter inputs
    edges      : most edges that atheris counted; ``features`` likewise
    findings   : what was raised, by the name of the input's file
    """

    executions: int = 0
    cpu: float = 0.0
    inputs: int = 0
    depths: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    peak: float = 0.0
    growth: float = 0.0
    edges: int = 0
    features: int = 0
    findings: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: "Outcome") -> "Outcome":
        most = {
            name: max(getattr(self, name), getattr(other, name))
            for name in ("inputs", "slowest", "peak", "growth", "edges", "features")
        }
        return Outcome(
            executions=self.executions + other.executions,
            cpu=self.cpu + other.cpu,
            depths=dict(Counter(self.depths) + Counter(other.depths)),
            findings=self.findings | other.findings,
            **most,
        )

    def speed(self) -> float:
        """Executions per second of processor time."""
        return self.executions / self.cpu if self.cpu else 0.0


@dataclass(frozen=True)
class Row:
    """What was fuzzed of a target in one way, with one version of the code.

    code, commit : digest of the code, and the last commit that changed it
    parts        : number of processes
    dates        : of the first and the last one
    machine      : where the last one ran
    """

    code: str
    commit: str
    way: str
    target: str
    parts: int
    dates: tuple[str, str]
    machine: str
    outcome: Outcome


def version() -> str:
    """The version of the code."""
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((corpora.ROOT / "xcodec" / folder).rglob("*")):
            if path.suffix in (".py", ".json", ".npz", ".npy"):
                digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:8]


def commit() -> str:
    """The last commit that changed the version, with "-dirty" after further changes; empty outside
    a repository."""
    paths = [f"xcodec/{folder}" for folder in FOLDERS]

    def git(*words: str) -> str:
        command = ["git", *words, "--", *paths]
        return subprocess.run(
            command, cwd=corpora.ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changes = git("status", "--porcelain")
        return git("log", "-1", "--format=%h") + ("-dirty" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def rows() -> list[Row]:
    """What is on record, the newest version of the code last."""
    if not RUNS.exists():
        return []
    found = json.loads(RUNS.read_text())
    return [
        Row(**each | {"dates": tuple(each["dates"]), "outcome": Outcome(**each["outcome"])})
        for each in found
    ]


def added(known: list[Row], new: Row) -> list[Row]:
    """The rows with one more, which is added to that of the same code, way and target."""

    def same(row: Row) -> bool:
        return (row.code, row.way, row.target) == (new.code, new.way, new.target)

    for row in filter(same, known):
        dates = min(row.dates[0], new.dates[0]), max(row.dates[1], new.dates[1])
        outcome = row.outcome + new.outcome
        new = replace(new, parts=row.parts + new.parts, dates=dates, outcome=outcome)
    return [*(row for row in known if not same(row)), new]


def write(known: list[Row]) -> None:
    """Write the record, the report, and the table of docs/security.md."""
    RUNS.write_text(json.dumps([asdict(row) for row in known], indent=1) + "\n")
    REPORT.write_text(report(known))
    PAGE.write_text(page(PAGE.read_text(), known))


def newest(known: list[Row]) -> list[Row]:
    """The rows of the version that was fuzzed last."""
    return [row for row in known if row.code == known[-1].code] if known else []


def report(known: list[Row]) -> str:
    """What is on record as text, for people."""
    here = newest(known)
    lines = []
    for row in here[-1:]:
        lines += [f"xcodec {row.code}, commit {row.commit}; {row.machine}"]
    for way, title in TITLES.items():
        those = _sorted(row for row in here if row.way == way)
        if those:
            lines += ["", title, *_lines(those, way)]
    earlier = [row for row in known if row not in here]
    if earlier:
        lines += ["", "earlier versions"]
    for row in earlier:
        one, name = row.outcome, f"{row.commit} {row.way} {row.target}"
        lines.append(f"{name:30}{one.executions:>12,} executions, {len(one.findings)} findings")
    findings = {name: how for row in known for name, how in row.outcome.findings.items()}
    if findings:
        lines += ["", "findings", *(f"{name} {how}" for name, how in findings.items())]
    return "\n".join(lines) + "\n"


def _sorted(those: Iterable[Row]) -> list[Row]:
    """Rows of a way, in the order of the targets."""
    order = [*parsers.TARGETS, WHOLE]
    return sorted(those, key=lambda row: order.index(row.target))


def _lines(those: list[Row], way: str) -> list[str]:
    more = "  slowest     memory" if way == PLAIN else "   edges  features  memory"
    lines = [f"{'target':10}  executions  a second  inputs{more}  findings  dates"]
    for row in those:
        one = row.outcome
        held = f"{1000 * one.slowest:>6.0f} ms  +{one.growth:>5.1f} MB"
        if way == GUIDED:
            held = f"{one.edges:>8,}  {one.features:>8,}{one.peak:>5.0f} MB"
        lines.append(
            f"{row.target:10}{one.executions:>12,}{one.speed():>10,.0f}{one.inputs:>8,}{held}"
            f"{len(one.findings):>10}  {' to '.join(dict.fromkeys(row.dates))}"
        )
    if way == PLAIN:
        total = sum((row.outcome for row in those), Outcome())
        lines.append(f"{'together':10}{total.executions:>12,}{total.speed():>10,.0f}")
        lines += ["", "where executions ended", *map(_ended, those)]
    return lines


def _ended(row: Row) -> str:
    depths, total = row.outcome.depths, max(row.outcome.executions, 1)
    names = [*parsers.DEPTHS[row.target], "finding"]
    shares = [f"{name} {depths[name] / total:.1%}" for name in names if depths.get(name)]
    return f"{row.target:10}  {', '.join(shares)}"


def deep(row: Row) -> float:
    """The share of executions that came as deep as they should."""
    depths = row.outcome.depths
    count = sum(n for name, n in depths.items() if parsers.is_deep(row.target, name))
    return count / max(row.outcome.executions, 1)


def page(text: str, known: list[Row]) -> str:
    """A page with the table between its two comments written anew."""
    here = newest(known)
    lines = [
        "| target | way | executions | a second | deep | slowest | memory | findings |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for way in TITLES:
        for row in _sorted(row for row in here if row.way == way):
            one = row.outcome
            cells = ["–", "–", f"{one.peak:.0f} MB"]
            if way == PLAIN:
                held = f"+{one.growth:.1f} MB"
                cells = [f"{deep(row):.0%}", f"{1000 * one.slowest:.0f} ms", held]
            lines.append(
                f"| {row.target} | {way} | {one.executions:,} | {one.speed():,.0f} | "
                f"{' | '.join(cells)} | {len(one.findings)} |"
            )
    total = sum(row.outcome.executions for row in here if row.way == PLAIN)
    last = here[-1] if here else None
    said = ""
    if last:
        said = (
            f"{total:,} executions of parsers without instrumentation, commit {last.commit}, "
            f"{last.dates[1]}, {last.machine}.\n\n"
        )
    begin, end = "<!-- fuzzing: ", "<!-- /fuzzing -->"
    before, found, rest = text.partition(begin)
    comment, line, old = rest.partition("\n")
    _, ended, after = old.partition(end)
    if not (found and ended):
        raise ValueError("the page has no place for the table of fuzzing")
    return "".join([before, begin, comment, line, "\n", said, "\n".join(lines), "\n\n", end, after])
