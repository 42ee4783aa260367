"""The errors that xcodec raises, all of them under one root.

XcodecError              every error of this package; its text is one line meant for a user
├── InputError           a picture or an argument that cannot be coded
├── FormatError          bytes that are not a whole, undamaged file of a version known here
│   └── TruncatedError   a file that ends before its last byte (``partial`` may still draw it)
├── LimitError           a file or a picture larger than the limits that the caller set
├── ModelError           weights that are missing, damaged or unfit for the file
└── DependencyError      a package that is not installed; the text names the extra that installs it
"""


class XcodecError(Exception):
    """Root of every error that xcodec raises on purpose."""


class InputError(XcodecError, ValueError):
    """A picture or an argument that cannot be coded."""


class FormatError(XcodecError, ValueError):
    """Bytes that are not a whole, undamaged file of a known version."""


class TruncatedError(FormatError):
    """A file that ends before its last byte."""


class LimitError(XcodecError):
    """A file or a picture larger than the limits that the caller set."""


class ModelError(XcodecError):
    """Weights that are missing, damaged or unfit for the file."""


class DependencyError(XcodecError, ImportError):
    """A package that is not installed, though what was asked for needs it."""
