"""Folders outside of the package: the user's caches, and weights that the user has."""

import os
from pathlib import Path

import platformdirs

WEIGHTS = "XCODEC_WEIGHTS"
"""Environment variable: a folder of the backbones of losses and metrics (VGG, SqueezeNet)."""


def cache() -> Path:
    """The user's folder for caches; it need not exist yet."""
    return platformdirs.user_cache_path("xcodec")


def weights(given: str | os.PathLike[str] | None = None) -> Path | None:
    """The folder of backbones: the one given, else what XCODEC_WEIGHTS names, if anything."""
    named = given or os.environ.get(WEIGHTS)
    return Path(named) if named else None
