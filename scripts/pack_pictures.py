"""Pack pictures and their encodings, to train where the pictures are not.

python scripts/pack_pictures.py DATA -o packs [--only photo,face] [--size 60] [--variants 4]
                                     [--minutes N] [--jobs N]

DATA is a folder as for make_models.py, which then takes the folder of packs in its place. Pictures
are encoded as the sets of models/recipe.toml, or some of them, need it. Those that validate are
copied byte for byte, so that figures of runs on both machines can be compared. An interrupted run,
or one that --minutes ended, continues. What has no encoding in a pack is encoded where it is used.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from make_models import ROOT, Entry, recipe

from xcodec.errors import XcodecError
from xcodec.system.processes import cores, workers
from xcodec.training import cache, packing
from xcodec.training.packing import Copy
from xcodec.training.packs import VERSIONS
from xcodec.training.settings import TrainSettings

Item = TypeVar("Item", Copy, cache.Job)


@dataclass(frozen=True)
class Folder:
    """A folder below DATA to pack.

    name : below DATA; "" for DATA itself
    root : folder of its copies
    sets : that are trained on it; none if it validates or has clutter
    """

    name: str
    root: Path
    copies: list[Copy]
    sets: list[Entry]

    @property
    def made(self) -> list[Path]:
        """The copies that are there."""
        return [path for copy in self.copies if (path := copy.made) is not None]


def folders(data: Path, work: Path, entries: Sequence[Entry], side: int) -> list[Folder]:
    """Return what to pack for some sets of the recipe; all of DATA if none of their folders exists.

    work : folder of copies
    side : limit on the sides of copies
    """
    from xcodec.training.validation import PICTURES

    trained: dict[str, list[Entry]] = {}
    for entry in entries:
        for name in entry.data:
            trained.setdefault(name, []).append(entry)
        if entry.clutter:
            trained.setdefault(entry.clutter, [])
    there = {name: sets for name, sets in trained.items() if (data / name).is_dir()}
    found = []
    for name, sets in (there or {"": list(entries)}).items():
        root = work / "copies" / name
        found.append(Folder(name, root, _copies(data / name, root, side), sets))
    for name in sorted({entry.val for entry in entries if (data / entry.val).is_dir()}):
        root = work / "unchanged" / name
        # Every other one of them validates.
        found.append(Folder(name, root, _copies(data / name, root, None)[: 2 * PICTURES], []))
    return found


def _copies(folder: Path, root: Path, side: int | None) -> list[Copy]:
    every = cache.pictures(folder)
    return [Copy(picture, root / picture.relative_to(folder), side) for picture in every]


def encodings(packed: Sequence[Folder], work: Path, variants: int | None) -> list[cache.Job]:
    """Return the encodings of copies that are needed first elsewhere, then the others."""
    from xcodec.training import dataset, validation

    roots = {folder.name: folder.root for folder in packed}
    found: dict[Path, tuple[int, cache.Job]] = {}
    for folder in packed:
        for entry in folder.sets:
            if entry.task:  # What networks that restore see is made faster than read.
                continue
            settings = TrainSettings.from_preset(
                entry.preset,
                data=folder.root,
                val=roots.get(entry.val),
                cache=work,
                **entry.settings,
            )
            training, choosing = dataset.split(settings)
            for jobs in validation.encodings(choosing, work).values():
                found |= {cache.beside(job): (-1, job) for job in jobs}
            for place, job in enumerate(dataset.jobs(training, settings)):
                number = place // len(training)
                if variants is None or number < variants:
                    found[cache.beside(job)] = number, job
    return [job for _, job in sorted(found.values(), key=lambda each: each[0])]


def do(work: Callable[[Item], str], items: Sequence[Item], jobs: int, end: float) -> None:
    """Do work in processes, up to a time, and print what went wrong."""
    from xcodec.evaluation.runs.records import progress

    with workers(max(min(jobs, len(items)), 1)) as pool:
        for problem in progress(pool.map(work, items), len(items)):
            if problem:
                print(f"left out: {problem}", file=sys.stderr)
            if time.monotonic() > end:
                break


def pack(options: argparse.Namespace, entries: Sequence[Entry]) -> None:
    """Make the packs for some sets of the recipe. Raises XcodecError."""
    end = time.monotonic() + 60 * options.minutes
    packing.check()
    data = options.data.resolve()
    # Copies and encodings of other pictures, or made in another way, are not mixed with these.
    made_as = f"{data} {options.side} {packing.QUALITY} {VERSIONS}"
    work = options.work.resolve() / sha256(made_as.encode()).hexdigest()[:16]
    packed = folders(data, work, entries, options.side)
    every = [copy for folder in packed for copy in folder.copies]
    missing = [copy for copy in every if copy.made is None]
    print(f"{len(every)} pictures, {len(missing)} to copy", flush=True)
    do(packing.copied, missing, options.jobs, float("inf"))
    for folder in packed:
        for stale in set(cache.within(folder.root)) - set(folder.made):
            stale.unlink()
    jobs = encodings(packed, work, options.variants)
    missing_jobs = [job for job in jobs if not cache.beside(job).exists()]
    print(f"{len(jobs)} encodings, {len(missing_jobs)} to make", flush=True)
    do(packing.encoded, missing_jobs, options.jobs, end)
    pictures: dict[Path, list[Path]] = {path: [] for folder in packed for path in folder.made}
    for job in jobs:
        if cache.beside(job).exists():
            pictures[job.picture].append(cache.beside(job))
    for folder in packed:
        mine = {path: pictures[path] for path in folder.made}
        place, name = options.output / folder.name, Path(folder.name).name or data.name
        for path in packing.write(mine, folder.root, place, name, int(options.size * 2**20)):
            print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB", flush=True)
    there = sum(map(len, pictures.values()))
    print(f"{len(pictures)} pictures with {there} of {len(jobs)} encodings")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Pack pictures, to train where they are not.")
    parser.add_argument("data", type=Path, help="folder of pictures")
    parser.add_argument("-o", "--output", type=Path, default=Path("packs"), help="folder (packs)")
    parser.add_argument("--only", default="", help="for some sets, separated by commas")
    parser.add_argument("--size", type=float, default=60, help="of a pack, at most, in MiB (60)")
    parser.add_argument(
        "--side", type=int, default=packing.SIDE, help="cut larger pictures to this side (512)"
    )
    parser.add_argument("--variants", type=int, help="encodings of a picture for a set (all)")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="end encoding after this time"
    )
    parser.add_argument("--jobs", type=int, default=cores(), help="processes (one for each core)")
    parser.add_argument("--work", type=Path, default=ROOT / "checkpoints" / "packs")
    options = parser.parse_args(arguments)
    known = recipe()
    names = [name for name in options.only.split(",") if name] or list(known)
    if unknown := set(names) - set(known):
        parser.error(f"no such sets: {', '.join(sorted(unknown))}")
    if not options.data.is_dir():
        parser.error(f"{options.data}: not a folder")
    try:
        pack(options, [known[name] for name in names])
    except XcodecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
