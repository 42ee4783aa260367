"""Reading and writing whole files: one clear error for each failure, and never a partial file."""

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from xcodec.errors import InputError, LimitError

STDIO = "-"
"""File name that stands for standard input or standard output."""
MAX_BYTES = 1 << 30
"""Default limit on the size of a file that is read."""
LONGEST_NAME = 255
"""Bytes of a file's name that common file systems allow."""

Name = str | os.PathLike[str]


def read(name: Name, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the contents of a file, or of standard input if ``name`` is "-".

    Raises InputError if it is missing, a folder, unreadable or empty, and LimitError if it is
    longer than ``max_bytes``.
    """
    stream = _stream(sys.stdin, "input") if os.fspath(name) == STDIO else None
    try:
        with nullcontext(stream) if stream is not None else open(name, "rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        raise _explained(name, error) from error
    if not data:
        reason = "the file is empty" if stream is None else "is empty, or was read already"
        raise InputError(f"{called(name)}: {reason}")
    if len(data) > max_bytes:
        raise LimitError(f"{called(name)}: longer than {max_bytes} bytes")
    return data


def digest(name: Name) -> str:
    """Return the first 16 hexadecimal digits of a file's SHA-256. Raises OSError."""
    with open(name, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def write(name: Name, data: bytes, overwrite: bool = False) -> None:
    """Write a file atomically, or to standard output if ``name`` is "-".

    Raises InputError if that fails, and BrokenPipeError if the reader of a pipe has closed it.
    """
    if os.fspath(name) != STDIO:
        write_atomic(name, data, overwrite)
        return
    stream = _stream(sys.stdout, "output")
    try:
        stream.write(data)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _explained("standard output", error, kept="") from error


def fitted(stem: str, suffix: str) -> str:
    """Return ``stem + suffix`` as the name of a file that file systems allow.

    If that is too long, the stem is cut, and 8 digits of its SHA-256 keep stems apart that start
    alike: the same stem always gives the same name.
    """
    if len(os.fsencode(stem + suffix)) <= LONGEST_NAME:
        return stem + suffix
    tail = "~" + hashlib.sha256(os.fsencode(stem)).hexdigest()[:8] + suffix
    while len(os.fsencode(stem + tail)) > LONGEST_NAME:
        stem = stem[:-1]
    return stem + tail


def check_target(name: Name, overwrite: bool = False) -> None:
    """Raise InputError if ``write`` could not write ``name``: call it before a long computation."""
    if os.fspath(name) == STDIO:
        if _stream(sys.stdout, "output").isatty():
            raise InputError("standard output is a terminal: name a file with -o")
        return
    path = Path(name)
    if os.fspath(name).endswith(("/", os.sep)):
        raise InputError(f"{os.fspath(name)}: is the name of a folder: add that of a file")
    if not os.path.isdir(path.parent):
        raise InputError(f"{path}: no directory {path.parent}")
    try:
        mode: int | None = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    except (OSError, ValueError) as error:  # For example, the name is too long.
        raise _explained(name, error) from error
    if mode is not None and stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a directory")
    regular = mode is None or stat.S_ISREG(mode)
    if mode is not None and regular and not overwrite:
        raise _exists(path)
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise InputError(f"{path}: is a link into {folder}, which is not there")
    if regular and not os.access(folder, os.W_OK):
        raise InputError(f"{path}: no permission to write into its folder; -o names another")


def write_atomic(name: Name, data: bytes, overwrite: bool = False) -> None:
    """Write a file completely or not at all.

    The data is written to a temporary file in the same folder, synchronised to disk and then
    renamed in one step. An existing file is replaced only with ``overwrite``, even if another
    process creates it meanwhile; who may read and write it stays as it was.

    Raises InputError; no temporary file is left behind, and an existing file stays unchanged.
    """
    check_target(name, overwrite)
    path = Path(os.path.realpath(name))  # A link is followed, not replaced.
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            path.write_bytes(data)  # A device or a pipe cannot be replaced.
            return
        temporary = hidden_beside(path)
        try:
            with open(temporary, "xb") as file:
                with suppress(OSError):  # There is none, or the file system knows no such thing.
                    os.chmod(temporary, stat.S_IMODE(path.stat().st_mode))
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            place: Callable[[Path, Path], None] = os.replace if overwrite else _move_to_new
            place(temporary, path)
            temporary.unlink(missing_ok=True)
            _sync_folder(path.parent)
        except BaseException:  # Not `finally`: a signal could interrupt it before the unlink.
            temporary.unlink(missing_ok=True)
            raise
    except FileExistsError as error:
        raise _exists(name) from error
    except OSError as error:
        raise _explained(name, error) from error


def hidden_beside(path: Path) -> Path:
    """Return a free, hidden name in the folder of a file or folder, for its parts until it is
    whole."""
    # 24 characters take at most 96 bytes: no file system finds the name too long.
    return path.with_name(f".{path.name[:24]}.{os.urandom(6).hex()}.part")


def _sync_folder(folder: Path) -> None:
    """Synchronise a folder to disk, on systems that can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stream(stream: TextIO | None, role: str) -> BinaryIO:
    """The bytes of a standard stream, "input" or "output". Raises InputError if there are none."""
    binary = getattr(stream, "buffer", None)  # Programs may replace streams by others.
    if binary is None:
        raise InputError(f"standard {role} is closed: name a file instead of {STDIO!r}")
    return cast(BinaryIO, binary)


def called(source: Name | bytes | BinaryIO) -> str:
    """Return the name of a source for use in messages."""
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        return "standard input" if name == STDIO else name or repr(name)
    return "the data" if isinstance(source, bytes) else str(getattr(source, "name", "the stream"))


def _move_to_new(temporary: Path, path: Path) -> None:
    """Rename a file in one step unless the new name is taken.

    Raises FileExistsError.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # No hard links here (FAT, some network folders): reserve the name.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise


def _exists(name: Name) -> InputError:
    return InputError(f"{called(name)}: exists already; -f overwrites it, -o names another")


def _explained(
    name: Name, error: OSError | ValueError, kept: str = "; nothing was written"
) -> InputError:
    """The error to raise for a file.

    kept : what to add if there is no room
    """
    if isinstance(error, ValueError):  # A null character, or one that the system cannot encode.
        return InputError(f"{os.fspath(name)!r} is no name of a file")
    reason = (error.strerror or str(error)).lower()
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        reason += kept
    return InputError(f"{called(name)}: {reason}")
