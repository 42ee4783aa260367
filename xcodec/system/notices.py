"""Which warnings users see, and what they are told of the errors of libraries."""

import warnings


def only_ours() -> None:
    """Show every warning of xcodec, and none of Pillow and its plug-ins, whose cause is either an
    error or of no consequence. To be called in a block of ``warnings.catch_warnings``."""
    warnings.simplefilter("always", UserWarning)
    warnings.filterwarnings("ignore", module=r"PIL\.|pillow_")


def first_line(error: Exception) -> str:
    """Return the first line of an exception's message, or its type if it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def reason(error: Exception) -> str:
    """Return what an error of the system or a library says, in one line and without its number."""
    said = getattr(error, "strerror", None) or (error.args[-1] if error.args else "")
    return said.splitlines()[0] if isinstance(said, str) and said else first_line(error)
