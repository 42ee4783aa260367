"""Folders outside the package: the user's cache, and weights that the user provides."""

import os
from pathlib import Path

import platformdirs

from xcodec.errors import InputError

WEIGHTS = "XCODEC_WEIGHTS"
"""Environment variable that names a folder with the backbones of losses and metrics (VGG,
SqueezeNet)."""


def cache() -> Path:
    """Return xcodec's folder among the user's caches; it need not exist yet.

    Raises InputError if the user has no home folder.
    """
    try:
        return platformdirs.user_cache_path("xcodec")
    except RuntimeError as error:
        raise InputError("no home folder for the cache: set HOME or XDG_CACHE_HOME") from error


def weights(given: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the folder of backbones: ``given``, else the value of XCODEC_WEIGHTS, else None."""
    named = given or os.environ.get(WEIGHTS)
    return Path(named) if named else None
