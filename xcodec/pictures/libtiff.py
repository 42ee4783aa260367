"""The messages of libtiff, which it writes to standard error by itself.

Pillow reports the same errors as exceptions, but has no way to switch the messages off. Its
extension module, however, gives access to the functions of the libtiff that it uses.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from PIL import _imaging

from xcodec.system import threads


@dataclass
class _State:
    """The handler to put back when no thread is inside, and how many threads are."""

    handler: int | None = None
    inside: int = 0


_state = _State()
_lock = threads.Lock()


@cache
def _setter() -> Callable[[int | None], int | None]:
    """The function that sets libtiff's handler of errors, and returns the one before.

    Where libtiff is part of the extension module (Windows), it cannot be reached.
    """
    try:
        function = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError, TypeError):
        return lambda _: None
    function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
    return function


@contextmanager
def silenced() -> Iterator[None]:
    """Let libtiff report no errors while any thread is in the block."""
    with _lock:
        if not _state.inside:
            _state.handler = _setter()(None)
        _state.inside += 1
    try:
        yield
    finally:
        with _lock:
            _state.inside -= 1
            if not _state.inside:
                _setter()(_state.handler)


def _reset() -> None:
    """Put the handler back in a child, which lacks the threads that were inside."""
    if _state.inside:
        _state.inside = 0
        _setter()(_state.handler)


threads.in_child(_reset)
