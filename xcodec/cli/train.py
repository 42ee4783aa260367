"""``xcodec train``."""

from typing import Any

import click

from xcodec.cli.common import DEVICES, as_json, force, report

LOSSES = ("pixel", "adversarial", "matching", "perceptual", "point")


@click.command(short_help="Train a network on pictures of your own.")
@click.option("--data", metavar="DIR", help="Folder of pictures to learn from.")
@click.option(
    "--dataset",
    metavar="NAME",
    help="Instead: what the datasets library reads, streamed: owner/name of a hub, or"
    " imagefolder:DIR, parquet:FILES, webdataset:FILES.",
)
@click.option("--pictures", type=int, metavar="N", help="Most to take of it.  [default: 10000]")
@click.option(
    "--val",
    metavar="DIR",
    help="Pictures that choose the weights: every other one, sorted.  [default: 2 % of all]",
)
@click.option(
    "--preset",
    default="photo",
    show_default=True,
    metavar="NAME|FILE",
    help="Settings: a preset's name, or a TOML file.",
)
@click.option(
    "--task", help="points, color-noise, white-block or color-block.  [default: preset's]"
)
@click.option(
    "--levels", type=(int, int), metavar="LOW HIGH", help="Damage.  [default: the paper's]"
)
@click.option("--clutter", metavar="DIR", help="Pictures that fill colour blocks.")
@click.option("-o", "--output", metavar="FILE", help="Weights.  [default: models/NAME.safetensors]")
@click.option("--init", metavar="FILE", help="Weights to start from.")
@click.option("--teacher", metavar="NAME|FILE", help="Learn what this model paints.")
@click.option("--steps", type=int, metavar="N", help="Stop after N steps.")
@click.option("--time-limit", type=float, metavar="MINUTES", help="Stop after so many minutes.")
@click.option("--patience", type=float, metavar="MINUTES", help="Stop after so many without gain.")
@click.option("--resume", is_flag=True, help="Go on with the run that was interrupted.")
@click.option("--checkpoint", metavar="DIR", help="State of the run.  [default: checkpoints/NAME]")
@click.option("--every", type=int, metavar="N", help="Validate and save each N steps, not minutes.")
@click.option(
    "--board", metavar="DIR", help="TensorBoard's events.  [default: in the state's folder]"
)
@click.option("--cache", metavar="DIR", help="Encoded pictures, for later runs too.")
@click.option("--weights", "features", metavar="DIR", help="VGG.  [default: XCODEC_WEIGHTS, hub]")
@click.option("--batch", type=int, metavar="N", help="Crops a batch.")
@click.option("--accumulate", type=int, metavar="N", help="Batches a step.")
@click.option("--crop", type=int, metavar="N", help="Side of a crop in pixels.")
@click.option("--lr", type=float, help="Learning rate at its height.")
@click.option("--pretrain", type=float, metavar="SHARE", help="Of the run, without adversaries.")
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(LOSSES),
    help="Leave a loss out (an ablation); more than once for more.",
)
@click.option("--point-norm", type=click.Choice(["l2", "l1", "none"]), help="Of the point loss.")
@click.option("--aggregate", type=click.Choice(["max", "mean"]), help="Of the discriminators.")
@click.option("--workers", type=int, metavar="N", help="Processes that encode pictures.")
@click.option("--threads", type=int, metavar="N", help="Threads of torch.")
@click.option("--device", type=click.Choice(DEVICES), help="Where to train.  [default: auto]")
@click.option("--seed", type=int, metavar="N", help="Of weights, crops, damage and encodings.")
@force
@as_json
def train(
    preset: str,
    force: bool,
    as_json: bool,
    without: tuple[str, ...],
    point_norm: str | None,
    aggregate: str | None,
    **options: Any,
) -> None:
    """Train a network on pictures of your own.

    A preset says what is learned: photo and face paint what the encoder sends, photo-real and
    face-real do so realistically, restore-photo, restore-face and restore-block (blocks in faces)
    undo the damage that --task names, x-gans is the paper's method and on-demand its baseline, and
    proxy is the small network that stands in for photo in the encoder.

    \b
    xcodec train --data photos --val others --time-limit 180
    xcodec train --data faces --preset restore-block --task white-block
    xcodec train --data photos --preset photo-real --init models/photo.safetensors
    xcodec train --dataset webdataset:shards/{00..99}.tar --val others --pictures 100000

    While it runs, a bar shows error, gain over the input, steps a second, the share of the time
    that was spent waiting for data (more --workers lower it) and what is left. Every few minutes
    the weights are validated, and the best are kept with settings, a digest of the data and the
    history. Ctrl-C ends a run after the step in hand; --resume goes on from there.

    The same seed gives the same weights, killed and resumed or not, where --steps, --every and
    --threads are given and no --time-limit is.

    On many processors or cards: accelerate launch -m xcodec train ..., or torchrun -m xcodec
    train ...; --batch counts for each of them. Losses, samples and learning rate: tensorboard
    --logdir checkpoints.
    """
    if (options["data"] is None) == (options["dataset"] is None):
        raise click.UsageError("pictures to learn from: --data or --dataset, one of them")
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
