"""``xcodec corrupt``."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from xcodec.choices import DISTRIBUTIONS, TASKS
from xcodec.cli.common import (
    NAME,
    PICTURE,
    as_json,
    beside,
    force,
    how_read,
    opaque,
    quiet,
    reads_pictures,
    refuse,
    report,
)

TASKS_OF = {
    "percent": ("points", "color-noise"),
    "side": ("white-block", "color-block"),
    "distribution": ("points",),
    "clutter": ("color-block",),
}
"""Tasks that have an option."""


@click.command(short_help="Damage a picture as in the paper, repeatably.")
@click.argument("source", type=PICTURE, metavar="IN")
@click.option("--task", type=click.Choice(TASKS), required=True, help="Kind of damage.")
@click.option(
    "--percent",
    type=click.IntRange(1, 99),
    metavar="N",
    help="Percentage of known points (default 5) or of noise (default 90).",
)
@click.option(
    "--side",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    metavar="N",
    help="Side of the block in pixels.",
)
@click.option(
    "--distribution",
    type=click.Choice(DISTRIBUTIONS),
    default="random",
    show_default=True,
    help="Distribution of points: uniform, on edges, or where the encoder samples.",
)
@click.option(
    "--clutter", type=NAME, metavar="FILE", help="The picture that a colour block is cut from."
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of the damage: the same seed gives the same damage.",
)
@click.option(
    "-o",
    "--output",
    type=NAME,
    metavar="OUT",
    help="The damaged picture, a PNG file.  [default: IN-TASK.png]",
)
@reads_pictures
@force
@as_json
@quiet
def corrupt(
    source: str,
    task: str,
    clutter: str | None,
    output: str | None,
    force: bool,
    **options: Any,
) -> None:
    """Damage the picture IN ('-': standard input) for one of the tasks of xcodec restore.

    Beside OUT.png this writes OUT.mask.png, black where the picture is damaged, OUT.truth.png, the
    original, and OUT.json with task, level, seed and the name of the clutter: all that is needed to
    repeat the damage and to measure how well it was undone.
    """
    import json

    import numpy as np

    from xcodec.pictures import loading
    from xcodec.pictures.modes import to_image
    from xcodec.restoration import damage
    from xcodec.system import files

    for option, tasks in TASKS_OF.items():
        if task not in tasks:
            refuse((option,), f"--task {task}")
    if task in TASKS_OF["clutter"] and clutter is None:
        raise click.UsageError(f"--task {task} needs --clutter FILE, which the block is cut from")
    reporting = {name: options[name] for name in ("as_json", "quiet")}
    output = beside(source, f"-{task}.png") if output is None else output
    if Path(output).suffix.lower() != ".png":
        raise click.UsageError("the damaged picture must be stored without loss: name a .png file")
    place = Path(output)
    kinds = (".mask.png", ".truth.png", ".json")
    names = [place, *(place.with_name(files.fitted(place.stem, kind)) for kind in kinds)]
    for name in names:
        files.check_target(name, force)
    how = how_read(options)
    rgb = opaque(source, how).rgb
    other = loading.read(clutter, replace(how, beside=True)).rgb if clutter is not None else None
    seed, distribution = options["seed"], options["distribution"]
    usual = {"points": 5, "color-noise": 90}.get(task, options["side"])
    level = usual if options["percent"] is None else options["percent"]
    rng = np.random.default_rng(seed)
    done = damage.corrupt(rgb, task, level, rng, distribution=distribution, clutter=other)
    mask = np.where(done.known, np.uint8(255), np.uint8(0))
    for name, picture in zip(names, (done.rgb, mask, rgb), strict=False):
        loading.save(to_image(picture), name, "PNG", force)
    facts = {"task": task, "level": level, "seed": seed}
    if task == "points":
        facts["distribution"] = distribution
    if clutter is not None:
        facts["clutter"] = Path(clutter).name
    files.write(names[-1], json.dumps(facts | {"source": Path(source).name}).encode(), force)
    share = 100 * float(done.known.mean())
    text = f"{output}: {share:.1f} % of {rgb.shape[1]}x{rgb.shape[0]} pixels are undamaged"
    report(text, facts | {"known": done.known.mean().item()}, output, **reporting)
