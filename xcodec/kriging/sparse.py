"""Sparse matrices of scipy.sparse, which is loaded when the first is made: it takes 0.1 s."""

from typing import Any

Matrix = Any
"""A ``scipy.sparse.csr_array``."""


def csr(content: Any, shape: tuple[int, int] | None = None) -> Matrix:
    """A ``scipy.sparse.csr_array`` with this content, in any form that it takes."""
    from scipy.sparse import csr_array

    return csr_array(content, shape=shape)


def coo(content: Any, shape: tuple[int, int]) -> Any:
    """A ``scipy.sparse.coo_array``: (entries, (rows, columns))."""
    from scipy.sparse import coo_array

    return coo_array(content, shape=shape)
