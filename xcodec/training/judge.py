"""Validation during a run: keeps the best weights, writes the history, and ends the run early."""

import json

from xcodec.reconstruction import model_files, torch_weights
from xcodec.system import files
from xcodec.training import validation
from xcodec.training.board import Board
from xcodec.training.dataset import BANDS, Example
from xcodec.training.learner import Learner
from xcodec.training.progress import Monitor


class Judge:
    """Validates the averaged weights, keeps the best, and writes the history.

    facts : stored beside the settings: digest of the data, name of the perceptual network
    """

    def __init__(
        self,
        learner: Learner,
        examples: dict[str, list[Example]],
        monitor: Monitor,
        board: Board,
        facts: dict[str, str | int],
    ) -> None:
        self._learner = learner
        self._examples = examples
        self._monitor = monitor
        self._board = board
        self._facts = facts

    def __call__(self) -> None:
        """Validate now; raises InputError if a file cannot be written."""
        learner, account = self._learner, self._learner.account
        path = learner.settings.weights
        perceptual = learner.criterion.perceptual
        scores = validation.validate(learner.average, self._examples, learner.device, perceptual)
        entry = {
            "steps": account.steps,
            "hours": round(account.hours, 4),
            "mean": round(scores.mean, 4),
            "psnr": scores.psnr,
            "fill": scores.fill,
        }
        if scores.perceptual is not None:
            entry["perceptual"] = scores.perceptual
        account.history.append(entry)
        better = account.best is None or self._better(entry, account.best)
        if better:
            account.best = entry
            path.parent.mkdir(parents=True, exist_ok=True)
            torch_weights.save(path, learner.average, self.card())
        if learner.settings.damage.on_demand and len(scores.psnr) == BANDS:
            account.bands = shares(list(scores.psnr.values()))
        history = json.dumps(account.history, indent=1).encode() + b"\n"
        files.write_atomic(path.with_suffix(".history.json"), history, overwrite=True)
        curves = {f"validation/{level}": psnr for level, psnr in scores.psnr.items()}
        curves["validation/mean"] = scores.mean
        examples = self._examples
        self._board.validation(account.steps, curves, learner.average, examples, learner.device)
        levels = "  ".join(f"{level}: {value:.2f}" for level, value in scores.psnr.items())
        distance = "" if scores.perceptual is None else f", perceptual {scores.perceptual:.4f}"
        self._monitor.say(
            f"validation after {account.steps} steps, {account.hours:.2f} h: {scores.mean:.3f} dB"
            f" ({scores.mean - scores.fill_mean:+.3f} over its input; {levels}){distance}"
            + (", kept" if better else "")
        )

    def _better(self, entry: dict[str, object], best: dict[str, object]) -> bool:
        keep = self._learner.settings.validation.keep
        if keep == "last":
            return True
        name = "mean" if keep == "psnr" else "perceptual"
        new, old = (float(str(one.get(name, "nan"))) for one in (entry, best))
        if old != old:  # NaN: an earlier run did not measure it.
            return True
        return new > old if keep == "psnr" else new < old

    def card(self) -> model_files.Card:
        """The card of the current weights."""
        learner, account = self._learner, self._learner.account
        return model_files.Card(
            name=learner.settings.weights.stem,
            architecture=learner.generator.architecture,
            settings=learner.settings.public() | self._facts,
            steps=account.steps,
            hours=account.hours,
            history=list(account.history),
            best=account.best,
        )

    def patience_lost(self) -> bool:
        """Whether the best PSNR improved by less than ``gain`` in the last ``patience`` minutes."""
        settings, account = self._learner.settings.validation, self._learner.account
        if settings.patience is None or account.seconds < 60 * settings.patience:
            return False
        start = account.hours - settings.patience / 60
        before = [entry["mean"] for entry in account.history if entry["hours"] <= start]
        after = [entry["mean"] for entry in account.history if entry["hours"] > start]
        return bool(before and after) and max(after) < max(before) + settings.gain


def shares(psnr: list[float]) -> list[float]:
    """The share of training samples of each band of damage; the shares sum to 1.

    In proportion to the inverse of the band's validation PSNR, so that harder bands get more (Gao
    and Grauman 2017, On-Demand Learning).

    psnr : validation PSNR of each band, dB
    """
    inverse = [1 / max(value, 1.0) for value in psnr]
    return [value / sum(inverse) for value in inverse]
