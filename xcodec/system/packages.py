"""Optional packages, imported when they are first needed."""

import importlib
from typing import Any

from xcodec.errors import DependencyError


def pip_command(extra: str) -> str:
    """What installs an extra, for the end of a message."""
    return f"pip install 'xcodec[{extra}]', or '.[{extra}]' in a checkout"


def require(module: str, extra: str, what: str | None = None) -> Any:
    """Import a module that an extra installs, for example ``require("skimage.data", "demo")``.

    what : what needs the module, for the message

    Raises DependencyError, which names the extra, if the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != package:
            raise  # The package is installed; one of its own dependencies is not.
        needed = f"{what} needs {package}, which" if what else package
        message = f"{needed} is not installed: {pip_command(extra)}"
        raise DependencyError(message) from error
