"""What a search compares: a sampled picture with symbols, and the file that they make."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xcodec.encoder import analysis
from xcodec.encoder.analysis import Analysis
from xcodec.encoder.request import Request
from xcodec.system.lazy import lazy


@dataclass
class Coded:
    """A draft's symbols. They depend on no goal.

    step    : index of ``quantizer.step_of``
    symbols : int32 (n, planes)
    size    : bytes of the file: an estimate until ``data`` was asked for
    """

    draft: Analysis
    request: Request
    step: int
    symbols: NDArray[np.int32]
    size: float = 0.0

    @lazy
    def data(self) -> bytes:
        """The file."""
        data = analysis.write_symbols(self.draft, self.request, self.step, self.symbols)
        self.size = len(data)
        return data


@dataclass(frozen=True)
class Candidate:
    """A file and its error.

    measure : measures the error
    """

    coded: Coded
    measure: Callable[[Coded], float]

    @lazy
    def error(self) -> float:
        """Mean squared error over R, G and B of the classical fill, or of what the proxy network
        paints."""
        return self.measure(self.coded)

    @property
    def data(self) -> bytes:
        """The file."""
        return self.coded.data

    @property
    def request(self) -> Request:
        """Its settings."""
        return self.coded.request

    @property
    def draft(self) -> Analysis:
        """The sampled picture."""
        return self.coded.draft

    @property
    def step(self) -> int:
        """Index of ``quantizer.step_of``."""
        return self.coded.step

    @property
    def symbols(self) -> NDArray[np.int32]:
        """int32 (n, planes)."""
        return self.coded.symbols
