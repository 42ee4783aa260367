"""``xcodec train``."""

from typing import Any

import click

from xcodec.cli.common import DEVICES, as_json, force, report


@click.command(short_help="Train a generator on a folder of pictures.")
@click.option("--data", required=True, metavar="DIR", help="Pictures to learn from.")
@click.option("--val", metavar="DIR", help="Pictures that choose the weights that are kept.")
@click.option(
    "--preset", default="photo", show_default=True, metavar="NAME|FILE", help="Where to start."
)
@click.option(
    "-o", "--output", metavar="FILE", help="Weights.  [default: models/PRESET.safetensors]"
)
@click.option("--steps", type=int, metavar="N", help="Stop after N steps.")
@click.option("--time-limit", type=float, metavar="MINUTES", help="Stop after so many minutes.")
@click.option("--patience", type=float, metavar="MINUTES", help="Stop after so many without gain.")
@click.option("--resume", is_flag=True, help="Continue the run that was interrupted.")
@click.option("--init", metavar="FILE", help="Weights to start from.")
@click.option("--checkpoint", metavar="DIR", help="State of the run.  [default: checkpoints/NAME]")
@click.option("--cache", metavar="DIR", help="Encoded pictures, for later runs too.")
@click.option("--workers", type=int, metavar="N", help="Processes that encode pictures.")
@click.option("--threads", type=int, metavar="N", help="Threads of torch.")
@click.option("--device", type=click.Choice(DEVICES), help="Where to train.  [default: auto]")
@click.option("--seed", type=int, metavar="N", help="Of weights, crops and encodings.")
@click.option("--batch", type=int, metavar="N", help="Crops a step.")
@click.option("--crop", type=int, metavar="N", help="Side of a crop in pixels.")
@click.option("--lr", type=float, help="Learning rate at its height.")
@force
@as_json
def train(preset: str, force: bool, as_json: bool, **options: Any) -> None:
    """Train a generator on the encoder's own samples of a folder of pictures."""
    from xcodec.training.settings import TrainSettings
    from xcodec.training.trainer import train as run

    settings = TrainSettings.from_preset(preset, overwrite=force, **options)
    card = run(settings)
    facts = {"steps": card.steps, "hours": card.hours, "best": card.best}
    text = f"{settings.weights}: {card.steps} steps in {card.hours:.2f} hours"
    report(text, facts, str(settings.weights), as_json)
