"""The error of the fill as a quadratic form of the coefficients of each octave."""

from dataclasses import dataclass

from xcodec.coding.lifting import Lifting
from xcodec.kriging.sparse import Matrix, csr


@dataclass(frozen=True)
class Form:
    """The quadratic form of an octave in its coefficients c and the coarser values u.

    own    : csr (m, m), of c alone
    cross  : csr (m, n), of c with u
    coarse : csr (n, n), of u alone
    """

    own: Matrix
    cross: Matrix
    coarse: Matrix


def forms(gram: Matrix, lifting: Lifting) -> list[Form]:
    """The forms of all octaves but the coarsest, coarse to fine.

    gram : csr (n, n), the form of all sample values
    """
    found: list[Form] = []
    for predict, update in zip(lifting.predict[::-1], lifting.update[::-1], strict=True):
        n = predict.shape[1]
        mixed = gram[:n, n:] + predict.T @ gram[n:, n:]
        coarse = csr(gram[:n, :n] + gram[:n, n:] @ predict + predict.T @ mixed.T)
        shared = coarse @ update
        own = csr(gram[n:, n:] - update.T @ mixed - (mixed - shared).T @ update)
        found.append(Form(own, csr((mixed - shared).T), coarse))
        gram = coarse
    return found[::-1]
