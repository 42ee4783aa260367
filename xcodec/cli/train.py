"""``xcodec train``."""

from typing import Any

import click
import cloup

from xcodec.choices import AGGREGATES, DEVICES, LOSSES, POINT_NORMS, TASKS
from xcodec.cli.common import FILE, NAME, as_json, force, report


@cloup.command(short_help="Train a network on your own pictures.")
@cloup.option_group(
    "Pictures",
    cloup.option(
        "--data", type=FILE, metavar="DIR", help="Folder of training pictures, or of packs of them."
    ),
    cloup.option(
        "--dataset",
        metavar="NAME",
        help="Instead of a folder, a dataset that the datasets library streams: owner/name of a"
        " hub, or imagefolder:DIR, parquet:FILES, webdataset:FILES.",
    ),
    cloup.option(
        "--pictures", type=int, metavar="N", help="Use N pictures of the dataset.  [default: 10000]"
    ),
    cloup.option(
        "--val",
        type=FILE,
        metavar="DIR",
        help="Folder of validation pictures; the 1st, 3rd, ... are used.  [default: 2 % of all]",
    ),
    cloup.option(
        "--clutter",
        type=FILE,
        metavar="DIR",
        help="Folder of pictures that colour blocks are cut from.  [default: training pictures]",
    ),
    cloup.option(
        "--cache", type=FILE, metavar="DIR", help="Folder of encoded pictures, kept for later runs."
    ),
)
@cloup.option_group(
    "Network and task",
    cloup.option(
        "--preset",
        default="photo",
        show_default=True,
        type=NAME,
        metavar="NAME|FILE",
        help="Name of a preset, or a TOML file of settings.",
    ),
    cloup.option(
        "--task",
        metavar="TASK",
        help=f"Damage to undo: {', '.join(TASKS)}.  [default: the preset's]",
    ),
    cloup.option(
        "--levels",
        type=(int, int),
        metavar="LOW HIGH",
        help="Range of the damage.  [default: the paper's]",
    ),
    cloup.option("--init", type=FILE, metavar="FILE", help="Weights to start from."),
    cloup.option(
        "--teacher",
        type=NAME,
        metavar="NAME|FILE",
        help="Learn from the pictures of this model instead.",
    ),
)
@cloup.option_group(
    "Length of the run",
    cloup.option("--steps", type=int, metavar="N", help="Stop after N steps."),
    cloup.option(
        "--time-limit", type=float, metavar="MINUTES", help="Stop after this many minutes."
    ),
    cloup.option(
        "--patience",
        type=float,
        metavar="MINUTES",
        help="Stop after this many minutes without improvement.",
    ),
    cloup.option("--resume", is_flag=True, help="Continue an interrupted run."),
    cloup.option(
        "--every",
        type=int,
        metavar="N",
        help="Validate and save the state every N steps instead of every few minutes.",
    ),
)
@cloup.option_group(
    "Optimisation and losses",
    cloup.option("--batch", type=int, metavar="N", help="Crops in a batch."),
    cloup.option("--accumulate", type=int, metavar="N", help="Batches in a step."),
    cloup.option("--crop", type=int, metavar="N", help="Side of a crop in pixels."),
    cloup.option("--lr", type=float, metavar="RATE", help="Peak learning rate."),
    cloup.option(
        "--pretrain",
        type=float,
        metavar="0..1",
        help="Fraction of the run before the adversarial losses start.",
    ),
    cloup.option(
        "--without",
        multiple=True,
        type=click.Choice(LOSSES),
        help="Leave out a loss; may be repeated.",
    ),
    cloup.option("--point-norm", type=click.Choice(POINT_NORMS), help="Norm of the point loss."),
    cloup.option(
        "--aggregate",
        type=click.Choice(AGGREGATES),
        help="Train against the best discriminator (max) or all of them (mean).",
    ),
    cloup.option(
        "--weights",
        "features",
        type=FILE,
        metavar="DIR",
        help="Folder of VGG's weights.  [default: XCODEC_WEIGHTS, torch's hub cache]",
    ),
)
@cloup.option_group(
    "Machine",
    cloup.option("--device", type=click.Choice(DEVICES), help="Where to train.  [default: auto]"),
    cloup.option("--threads", type=int, metavar="N", help="Threads of torch."),
    cloup.option("--workers", type=int, metavar="N", help="Processes that encode pictures."),
    cloup.option(
        "--seed",
        type=int,
        metavar="N",
        help="Seed of weights, crops, damage and encodings.  [default: 0]",
    ),
)
@cloup.option_group(
    "Output",
    cloup.option(
        "-o",
        "--output",
        type=FILE,
        metavar="FILE",
        help="Weights.  [default: models/NAME.safetensors]",
    ),
    force,
    cloup.option(
        "--checkpoint",
        type=FILE,
        metavar="DIR",
        help="Folder of the run's state.  [default: checkpoints/NAME]",
    ),
    cloup.option(
        "--board",
        type=FILE,
        metavar="DIR",
        help="Folder of TensorBoard's events.  [default: beside the state]",
    ),
    as_json,
)
def train(
    preset: str,
    force: bool,
    as_json: bool,
    without: tuple[str, ...],
    point_norm: str | None,
    aggregate: str | None,
    **options: Any,
) -> None:
    """Train a network on your own pictures.

    Presets: photo and face reconstruct what the encoder sends; photo-real and face-real do so
    realistically. restore-photo, restore-face and restore-block (blocks in faces) undo the damage
    of --task. x-gans is the paper's method, on-demand its baseline. proxy is the small network that
    stands in for photo in the encoder.

    \b
    xcodec train --data photos --val others --time-limit 180
    xcodec train --data faces --preset restore-block --task white-block
    xcodec train --data photos --preset photo-real --init models/photo.safetensors
    xcodec train --dataset webdataset:shards/{00..99}.tar --val others --pictures 100000

    The progress bar shows error, gain over the input, steps a second, the fraction of the time
    spent waiting for data (more --workers lower it) and the time left. The weights are validated
    every few minutes, and the best are kept, with their settings, a digest of the data and the
    history. Ctrl-C ends a run after the current step; --resume continues it.

    With --steps, --every and --threads, and without --time-limit, the same seed gives the same
    weights, interrupted or not.

    On several processors or GPUs: accelerate launch -m xcodec train ..., or torchrun -m xcodec
    train ...; --batch is for each process. Losses, samples and learning rate: tensorboard --logdir
    checkpoints.
    """
    if (options["data"] is None) == (options["dataset"] is None):
        raise click.UsageError("name the pictures to learn from: either --data or --dataset")
    from xcodec.system import packages

    packages.require("torch", "train", "training")
    from xcodec.training.settings import TrainSettings
    from xcodec.training.trainer import train as run

    losses: dict[str, Any] = dict.fromkeys(without, 0.0)
    losses |= {"point_norm": point_norm} if point_norm else {}
    losses |= {"aggregate": aggregate} if aggregate else {}
    options["resume"] = options["resume"] or None
    settings = TrainSettings.from_preset(preset, overwrite=force, losses=losses, **options)
    card = run(settings)
    facts = {"steps": card.steps, "hours": card.hours, "best": card.best}
    text = f"{settings.weights}: {card.steps} steps in {card.hours:.2f} hours"
    report(text, facts, str(settings.weights), as_json)
