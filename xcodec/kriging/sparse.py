"""Sparse matrices of scipy.sparse, which is loaded when the first is made: it takes 50 ms."""

from functools import cache
from typing import Any

import numpy as np

UNUSED = "ctypeslib", "f2py", "polynomial", "testing"
"""Modules of numpy that scipy.sparse would load."""
Matrix = Any
"""A ``scipy.sparse.csr_array``."""


@cache
def _scipy_sparse() -> Any:
    """The module scipy.sparse.

    It asks for every attribute of numpy when it is loaded, and numpy loads some of them only then:
    0.1 s and more for what nothing here needs.
    """
    names = vars(np)
    hidden = [name for name in UNUSED if name not in names]
    names.update(dict.fromkeys(hidden))
    try:
        import scipy.sparse

        return scipy.sparse
    finally:
        for name in hidden:
            names.pop(name, None)


def csr(content: Any, shape: tuple[int, int] | None = None) -> Matrix:
    """A ``scipy.sparse.csr_array`` with this content, in any form that it takes."""
    return _scipy_sparse().csr_array(content, shape=shape)


def coo(content: Any, shape: tuple[int, int]) -> Any:
    """A ``scipy.sparse.coo_array``: (entries, (rows, columns))."""
    return _scipy_sparse().coo_array(content, shape=shape)
