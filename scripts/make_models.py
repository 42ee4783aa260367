"""Train the shipped sets of weights further, and keep what is better.

python scripts/make_models.py DATA --minutes 25 [--only photo,face] [--device cuda] [--work DIR]

DATA holds photos/train, photos/train2, photos/val, faces/train and faces/val; any other folder of
pictures serves for all sets. Folders may hold packs, from pack_pictures.py, in place of pictures.
models/recipe.toml says how each set is trained, and in which order. The minutes are shared out; on
a graphics card, sets that do not need each other are trained side by side. A set comes into
models/, with the figures of its run on its card, if its validation is better than that of the
weights that were there. An interrupted run continues where it ended.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xcodec.errors import XcodecError
from xcodec.reconstruction import model_files, ranges
from xcodec.system import files
from xcodec.training.settings import TrainSettings

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "models"
PARTS = "<!-- last run: by scripts/make_models.py -->", "<!-- end -->"
"""Around the figures of a run on a card."""


@dataclass(frozen=True)
class Entry:
    """A set of weights in the recipe; models/recipe.toml describes the fields."""

    name: str
    preset: str
    start: str
    data: list[str]
    val: str
    share: float
    task: str | None = None
    teacher: str | None = None
    clutter: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def needs(self) -> set[str]:
        """Other sets that it is made from."""
        return {self.start, self.teacher or self.start} - {self.name}


def recipe(path: Path = MODELS / "recipe.toml") -> dict[str, Entry]:
    """Return the entries of a recipe, in its order."""
    known = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: Entry(name, **values) for name, values in known.items()}


def stages(entries: Sequence[Entry], together: bool) -> Iterator[list[Entry]]:
    """Yield sets that are trained at the same time, so that each comes after those it needs.

    together : whether sets that do not need each other are trained at the same time
    """
    left = list(entries)
    while left:
        names = {each.name for each in left}
        ready = [each for each in left if not each.needs & names]
        ready = ready if together else ready[:1]
        yield ready
        left = [each for each in left if each not in ready]


def minutes_of(plan: Sequence[Sequence[Entry]], minutes: float) -> list[float]:
    """Return the minutes of each stage, in proportion to its largest share."""
    shares = [max(each.share for each in stage) for stage in plan]
    return [minutes * share / sum(shares) for share in shares]


def pictures(data: Path, entry: Entry, work: Path) -> Path:
    """Return a folder with all training pictures of a set."""
    folders = [data / name for name in entry.data if (data / name).is_dir()] or [data]
    if len(folders) == 1:
        return folders[0]
    joined = work / "pictures" / "+".join(folder.name for folder in folders)
    joined.mkdir(parents=True, exist_ok=True)
    links = {
        joined / f"{folder.name}-{'-'.join(file.relative_to(folder).parts)}": file.resolve()
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file()
    }
    for link in joined.iterdir():  # Those of a folder of before are not mixed with these.
        if links.get(link) != link.resolve():
            link.unlink()
    for link, file in links.items():
        if not link.exists():
            link.symlink_to(file)
    return joined


def command(
    entry: Entry, data: Path, work: Path, minutes: float, device: str, models: Path = MODELS
) -> list[str]:
    """Return the command that trains a set for some minutes, or continues to."""
    preset = work / f"{entry.name}.toml"
    lines = [f"{name} = {json.dumps(value)}" for name, value in entry.settings.items()]
    lines = [f'base = "{entry.preset}"', f'preset = "{entry.preset}"', *lines]
    preset.write_text("\n".join(lines), encoding="utf-8")
    asked = ["--preset", str(preset), "--data", str(pictures(data, entry, work))]
    if (data / entry.val).is_dir():
        asked += ["--val", str(data / entry.val)]
    asked += ["--task", entry.task] if entry.task else []
    asked += ["--teacher", str(weights(models, entry.teacher))] if entry.teacher else []
    if entry.clutter and (data / entry.clutter).is_dir():
        asked += ["--clutter", str(data / entry.clutter)]
    resumed = state(entry, work).exists()
    begun = ["--resume"] if resumed else ["--init", str(weights(models, entry.start))]
    places = ["-o", str(weights(work, entry.name)), "--checkpoint", str(state(entry, work).parent)]
    length = ["--time-limit", f"{minutes:g}", "--device", device, "--cache", str(work / "cache")]
    start = [sys.executable, "-m", "xcodec", "train"]
    return [*start, *asked, *begun, *places, *length, "-f"]


def weights(folder: Path, name: str) -> Path:
    """Return the file of a set in a folder."""
    return folder / f"{name}.safetensors"


def state(entry: Entry, work: Path) -> Path:
    """Return the file of the state of a set's run, whose folder may be there before it."""
    return TrainSettings.of(data=work, checkpoint=work / "states" / entry.name).state


def section(run: Sequence[dict[str, Any]], best: dict[str, Any], facts: str) -> str:
    """Return what the last run of a set says on its card.

    run   : its validations, as in the history of a card
    best  : the one of the weights that were kept
    facts : pictures, device
    """
    first, last = run[0], run[-1]
    steps, spent = last["steps"] - first["steps"], 60 * (last["hours"] - first["hours"])
    rows = [
        f"| {level} | {best['fill'][level]:.2f} | {first['psnr'][level]:.2f} | {value:.2f} |"
        for level, value in best["psnr"].items()
    ]
    curve = ", ".join(f"{each['mean']:.3f}" for each in run)
    return "\n".join(
        [
            "## Last run",
            "",
            f"{steps:,} steps in {spent:.0f} minutes, {facts}.",
            "PSNR in dB of the validation pictures:",
            "",
            "| level | input | before | after |",
            "| ---: | ---: | ---: | ---: |",
            *rows,
            "",
            f"Its mean over the run: {curve}.",
        ]
    )


def kept(name: str, work: Path, models: Path, device: str) -> str:
    """Take a set over into a folder of models if it is better than what its run began with.

    Returns a line that says what became of it.
    """
    new = weights(work, name)
    card = model_files.card(new)
    every = json.loads(new.with_suffix(".history.json").read_text(encoding="utf-8"))
    run = every[json.loads((work / f"{name}.json").read_text(encoding="utf-8"))["before"] :]
    if card.best is None or card.best == run[0]:
        return f"{name}: {run[0]['mean']:.3f} dB, no better after {run[-1]['hours']:.2f} h"
    digest, count = card.settings["data_digest"], card.settings["data_pictures"]
    facts = f"{count:,} pictures (digest {digest}), {device}"
    for end in (".safetensors", ".history.json"):
        data = new.with_suffix(end).read_bytes()
        files.write_atomic(models / f"{name}{end}", data, overwrite=True)
    page = models / f"{name}.md"
    text = page.read_text(encoding="utf-8") if page.exists() else f"# `{name}`\n"
    before, _, rest = text.partition(PARTS[0])
    after = rest.partition(PARTS[1])[2].lstrip("\n")
    block = "\n\n".join([PARTS[0], section(run, card.best, facts), PARTS[1]])
    parts = (part for part in (before.rstrip(), block, after) if part)
    text = "\n\n".join(parts).rstrip() + "\n"
    files.write_atomic(page, text.encode(), overwrite=True)
    return f"{name}: {run[0]['mean']:.3f} -> {card.best['mean']:.3f} dB, kept"


def calibrate(name: str, folder: Path, models: Path, work: Path) -> None:
    """Measure the ranges of a set for painting in 8-bit integers, if the set had some before its
    weights changed. Take the grid out of a realistic set first.

    folder : of its training pictures
    work   : of the run, whose cache holds what was in packs
    """
    path = weights(models, name)
    if ranges.beside(path).is_file() and ranges.read(path) is None:
        from xcodec.training import calibration, grid  # Only here: they import torch.

        if name.endswith(model_files.REALISTIC):
            grid.level(path, folder, kept=work / "cache")
        calibration.calibrate(path, folder, kept=work / "cache")


def begin(entry: Entry, work: Path, models: Path) -> None:
    """Note how many validations there were before a run, unless it continues."""
    note = work / f"{entry.name}.json"
    if not state(entry, work).exists():
        start = model_files.card(weights(models, entry.start))
        same = start.settings.get("task", "codec") == (entry.task or "codec")
        before = len(start.history) if same else 0
        note.write_text(json.dumps({"before": before}) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train the shipped sets of weights again.")
    parser.add_argument("data", type=Path, help="folder of pictures")
    parser.add_argument("--minutes", type=float, default=25, help="for all of them (25)")
    parser.add_argument("--only", default="", help="some sets, separated by commas")
    parser.add_argument("--device", default="cpu", help="cpu (the default) or cuda")
    parser.add_argument("--work", type=Path, default=ROOT / "checkpoints" / "models")
    parser.add_argument("--models", type=Path, default=MODELS, help="folder of the sets (models)")
    options = parser.parse_args(arguments)
    known = recipe()
    names = [name for name in options.only.split(",") if name] or list(known)
    if unknown := set(names) - set(known):
        parser.error(f"no such sets: {', '.join(sorted(unknown))}")
    if not options.data.is_dir():
        parser.error(f"{options.data}: not a folder")
    if not options.minutes > 0:
        parser.error("--minutes must be above 0")
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    plan = list(stages([known[name] for name in names], options.device != "cpu"))
    failed = []
    for stage, minutes in zip(plan, minutes_of(plan, options.minutes), strict=True):
        asked = []
        for entry in stage:
            try:
                begin(entry, work, options.models)
            except XcodecError as error:
                parser.error(str(error))
            asked.append(
                command(
                    entry, options.data.resolve(), work, minutes, options.device, options.models
                )
            )
        print(f"{', '.join(entry.name for entry in stage)}: {minutes:.1f} minutes", flush=True)
        with ThreadPoolExecutor(len(stage)) as together:
            codes = list(
                together.map(lambda each: subprocess.run(each, check=False).returncode, asked)
            )
        for entry, code in zip(stage, codes, strict=True):
            if code:
                failed.append(entry.name)
                print(f"{entry.name}: failed", flush=True)
                continue
            try:
                print(kept(entry.name, work, options.models, options.device), flush=True)
                folder = pictures(options.data.resolve(), entry, work)
                calibrate(entry.name, folder, options.models, work)
            except XcodecError as error:  # The other sets are trained all the same.
                failed.append(entry.name)
                print(f"{entry.name}: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
