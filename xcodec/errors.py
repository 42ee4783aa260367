"""The exceptions that xcodec raises, all derived from XcodecError.

XcodecError              base class; the message is a single line written for users
├── InputError           a picture or an argument that cannot be encoded
│   └── OptionError      options out of range
│       └── ConflictError  options that contradict each other
├── FormatError          data that is not a complete, valid file of a supported version
│   └── TruncatedError   a file that ends early (``partial=True`` may still decode it)
├── LimitError           a file or a picture that exceeds the caller's limits
├── LinkError            a link that cannot be opened, or that fails
├── ModelError           weights that are missing, damaged or unsuitable for the file
└── DependencyError      a package that is not installed; the message names the extra to install
"""

from collections.abc import Sequence
from typing import Any


class XcodecError(Exception):
    """Base class of all exceptions that xcodec raises on purpose."""


class InputError(XcodecError, ValueError):
    """A picture or an argument that cannot be encoded."""


class OptionError(InputError):
    """Options out of range.

    names  : of the options
    reason : what is wrong with them, to be read after their names
    """

    def __init__(self, names: Sequence[str], reason: str) -> None:
        super().__init__(f"{' and '.join(names)} {reason}")
        self.names, self.reason = tuple(names), reason

    def __reduce__(self) -> tuple[Any, ...]:  # Workers raise it, too.
        return type(self), (self.names, self.reason)


class ConflictError(OptionError):
    """Options that contradict each other."""


class FormatError(XcodecError, ValueError):
    """Data that is not a complete, valid file of a supported version."""


class TruncatedError(FormatError):
    """A file that ends early."""


class LimitError(XcodecError):
    """A file or a picture that exceeds the caller's limits."""


class LinkError(XcodecError):
    """A link that cannot be opened, or that fails."""


class ModelError(XcodecError):
    """Weights that are missing, damaged or unsuitable for the file."""


class DependencyError(XcodecError, ImportError):
    """An optional package that is needed and not installed; the message names the extra."""
