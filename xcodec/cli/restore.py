"""``xcodec restore``."""

from dataclasses import replace
from typing import Any

import click

from xcodec.choices import DEVICES, TASKS
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
    report,
)


@click.command(short_help="Undo damage: missing pixels, noise, blocks.")
@click.argument("source", type=PICTURE, metavar="IN")
@click.option("--task", type=click.Choice(TASKS), required=True, help="The damage to undo.")
@click.option(
    "--mask",
    type=NAME,
    metavar="FILE",
    help="A picture that is black where IN is damaged.  [default: found; not for color-noise]",
)
@click.option(
    "-o",
    "--output",
    type=NAME,
    metavar="OUT",
    help="The restored picture.  [default: IN-restored.png]",
)
@click.option(
    "--model", type=NAME, metavar="NAME|PATH", help="Weights.  [default: those of the task]"
)
@click.option("--raw", is_flag=True, help="Do not put known pixels back.")
@click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Where the network runs.",
)
@reads_pictures
@force
@as_json
@quiet
def restore(
    source: str,
    task: str,
    mask: str | None,
    output: str | None,
    force: bool,
    **options: Any,
) -> None:
    """Restore the damaged picture IN ('-': standard input).

    \b
    points       all but a few pixels are missing and have one colour
    color-noise  most pixels are random colours
    white-block  a block of one colour hides part of the picture
    color-block  a square shows part of another picture

    Known pixels are kept. In noise they are unknown unless a --mask marks them. Grey pictures stay
    grey. The default models are restore-photo-TASK for points and noise, and restore-face-TASK for
    blocks.
    """
    from xcodec.pictures import loading, modes
    from xcodec.restoration.restore import restore as run
    from xcodec.system import files

    reporting = {name: options.pop(name) for name in ("as_json", "quiet")}
    output = beside(source, "-restored.png") if output is None else output
    files.check_target(output, force)
    kind = loading.kind_of(output)
    how = how_read(options)
    picture = opaque(source, how)
    known = loading.load_mask(mask, replace(how, beside=True)) if mask is not None else None
    restored = run(picture.rgb, task, known=known, **options)
    colour = modes.COLOUR if picture.source == modes.COLOUR else modes.PLAIN
    loading.save(modes.image_of(restored, None, picture.grey, colour), output, kind, force)
    facts = {"width": restored.shape[1], "height": restored.shape[0], "task": task}
    text = f"{output}: {restored.shape[1]}x{restored.shape[0]} pixels"
    report(text, facts, output, **reporting)
