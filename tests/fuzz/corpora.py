"""The inputs that fuzzing starts from: python -m tests.fuzz.corpora [--anew]

corpus/TARGET.zip           in the repository: few and small ones that reach all that is known to be
                            reached
build/fuzz/TARGET/corpus/   what fuzzing found besides; it is not in the repository

The command chooses anew what is in the repository, out of both and of the first inputs
(``seeds``): for each edge between lines of xcodec, one of the smallest and fastest inputs that take
it, and others that take it more often. ``--anew`` leaves out what is there, as a new version of the
format requires.
"""

import argparse
import hashlib
import sys
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import xcodec
from tests.fuzz import parsers

ROOT = Path(__file__).parent.parent.parent
KEPT = Path(__file__).parent / "corpus"
WORK = ROOT / "build" / "fuzz"
PACKAGE = str(Path(xcodec.__file__).parent)
MOST_SECONDS = 0.03
"""Inputs that take longer are not kept in the repository."""
BYTES_PER_SECOND = 1e5
"""How many more bytes an input may have that takes a second less."""
MOST_BYTES = 48_000
"""Limit on the bytes of a target's inputs in the repository."""

Edge = tuple[int, int, int, int]


def grown(name: str) -> Path:
    """The folder of what fuzzing found for a target; it is made if it is missing."""
    folder = WORK / name / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def name_of(data: bytes) -> str:
    """The name of an input's file."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()[:12]


def kept(name: str) -> list[bytes]:
    """The inputs of a target in the repository, in the order of their names."""
    with zipfile.ZipFile(KEPT / f"{name}.zip") as archive:
        return [archive.read(each) for each in sorted(archive.namelist())]


def read(folder: Path) -> list[bytes]:
    """The inputs in a folder, in the order of their names."""
    return [path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()]


def inputs(name: str) -> list[bytes]:
    """The inputs of a target that fuzzing starts from."""
    return list(dict.fromkeys([*kept(name), *read(grown(name))]))


def keep(folder: Path, data: bytes) -> None:
    """Write an input into a folder, under its name."""
    (folder / name_of(data)).write_bytes(data)


def pack(name: str, found: Iterable[bytes]) -> None:
    """Write the inputs of a target in the repository: the same bytes for the same inputs."""
    KEPT.mkdir(exist_ok=True)
    with zipfile.ZipFile(KEPT / f"{name}.zip", "w") as archive:
        for data in sorted(found, key=name_of):
            archive.writestr(zipfile.ZipInfo(name_of(data)), data)


def edges(name: str, data: bytes) -> set[Edge]:
    """The edges that an input takes: code, line from, line to; once, up to three times or more."""
    counts: dict[tuple[int, int, int], int] = {}
    last: dict[int, int] = {}

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            code = id(frame.f_code)
            edge = code, last.get(id(frame), 0), frame.f_lineno
            counts[edge] = counts.get(edge, 0) + 1
            last[id(frame)] = frame.f_lineno
        return local

    def traced(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        last[id(frame)] = 0
        return local

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        parsers.run(name, data)
    finally:
        sys.settrace(before)
    return {(*edge, min(count, 4).bit_length()) for edge, count in counts.items()}


def chosen(name: str, candidates: Iterable[bytes]) -> list[bytes]:
    """The smallest and fastest inputs that take all edges that the candidates take, within the
    limits."""
    taken: set[Edge] = set()
    found: list[bytes] = []
    size = 0
    seconds = {data: _seconds(name, data) for data in candidates}
    for data in sorted(seconds, key=lambda each: len(each) + BYTES_PER_SECOND * seconds[each]):
        if seconds[data] > MOST_SECONDS:
            continue
        new = edges(name, data) - taken
        if new and size + len(data) <= MOST_BYTES:
            taken |= new
            size += len(data)
            found.append(data)
    return found


def _seconds(name: str, data: bytes) -> float:
    """Processor time that an input takes, once tables are loaded."""
    parsers.run(name, data)
    start = time.process_time()
    parsers.run(name, data)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Choose the inputs in the repository anew.")
    parser.add_argument("--anew", action="store_true", help="without those that are there")
    anew = parser.parse_args().anew
    from tests.fuzz import seeds  # It loads the encoder.

    for name, first in seeds.first_inputs().items():
        every = [*first, *read(grown(name)), *([] if anew else kept(name))]
        found = chosen(name, every)
        pack(name, found)
        print(f"{name}: {len(found)} of {len(set(every))} inputs, {sum(map(len, found))} bytes")


if __name__ == "__main__":
    main()
