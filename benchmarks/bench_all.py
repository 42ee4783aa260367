"""Make the published records again, one after the other, into a folder.

python benchmarks/bench_all.py DATA [--output bench] [--only NAME ...] [--jobs N] [--list]

DATA holds the pictures: kodak/, faces/val/ and photos/val/. records.toml says how each record is
made. A record that the same commit has made, without changes, is kept, and within a record nothing
is computed twice, so that an interrupted run continues. Prints how long each record took, and all
of them together.
"""

import argparse
import json
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from xcodec.errors import XcodecError
from xcodec.evaluation.runs.records import DIRTY, commit
from xcodec.system import files

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"kodak": "kodak", "faces": "faces/val", "photos": "photos/val"}
"""Folders of the pictures in DATA, by their names in records.toml."""
DONE = "done.json"
"""File in the output folder: the commit that made each record, and the seconds that it took."""


def table() -> dict[str, dict[str, str]]:
    """Return records.toml."""
    return tomllib.loads((ROOT / "benchmarks" / "records.toml").read_text(encoding="utf-8"))


def command(name: str, data: Path, output: Path, jobs: int = 1) -> list[str]:
    """Return the command that makes a record, by so many processes."""
    known = table()
    places = {key: str(data / folder) for key, folder in FOLDERS.items()}
    text = known["commands"][name].format(**known["parts"], **places)
    first, *rest = shlex.split(text)
    record = ["-o", str(output / f"{name}.json")]
    if first.endswith(".py"):
        return [sys.executable, str(ROOT / "benchmarks" / first), *rest, *record]
    state = [] if first == "speed" else ["--state", str(output / "bench.sqlite"), "-j", str(jobs)]
    start = [sys.executable, "-m", "xcodec", "bench", first]
    return [*start, *rest, *state, "-f", "-q", *record]


def duration(seconds: float) -> str:
    """Format a time."""
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def missing(data: Path) -> Iterator[Path]:
    """Yield the folders of pictures that are not there."""
    yield from (data / folder for folder in FOLDERS.values() if not (data / folder).is_dir())


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the published records again.")
    parser.add_argument("data", type=Path, help="folder with kodak/, faces/val/ and photos/val/")
    parser.add_argument("--output", type=Path, default=Path("bench"), help="folder (bench)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some of the records")
    parser.add_argument("--jobs", type=int, default=1, help="processes of each benchmark (1)")
    parser.add_argument("--list", action="store_true", help="print the commands, and run nothing")
    options = parser.parse_args()
    names = options.only or list(table()["commands"])
    unknown = set(names) - set(table()["commands"])
    if unknown:
        parser.error(f"no such records: {', '.join(sorted(unknown))}")
    data, output = options.data.resolve(), options.output.resolve()
    if options.list:
        for name in names:
            print(f"{name}: {shlex.join(command(name, data, output, options.jobs)[1:])}")
        return 0
    for folder in missing(data):
        parser.error(f"{folder}: not a folder")
    output.mkdir(parents=True, exist_ok=True)
    place = output / DONE
    done = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    now, failed = commit(), []
    whole = now is not None and not now.endswith(DIRTY)  # Else it does not tell what the code was.
    for name in names:
        known = done.get(name)
        if known and known["commit"] == now and whole and (output / f"{name}.json").exists():
            print(f"{name}: made already in {duration(known['seconds'])}", flush=True)
            continue
        start = time.monotonic()
        status = subprocess.run(
            command(name, data, output, options.jobs), cwd=ROOT, check=False
        ).returncode
        seconds = time.monotonic() - start
        if status:
            failed.append(name)
            print(f"{name}: failed after {duration(seconds)}", flush=True)
            continue
        done[name] = {"commit": now, "seconds": round(seconds, 1)}
        files.write_atomic(place, (json.dumps(done, indent=1) + "\n").encode(), overwrite=True)
        print(f"{name}: {duration(seconds)}", flush=True)
    print(f"all: {duration(sum(each['seconds'] for each in done.values()))}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except XcodecError as error:
        raise SystemExit(f"bench_all.py: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
