"""A network that is ready to run, whichever runtime runs it. No torch here."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from xcodec.reconstruction.architecture import Shape
from xcodec.reconstruction.conditions import conditions, from_network
from xcodec.types import Fill, Floats, Samples


class Painter(ABC):
    """A network on a device, for pictures of any size.

    architecture : of the network
    """

    architecture: Shape

    @abstractmethod
    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """RGB float32 (3, height, width) on the network's scale -1..1, not clipped.

        x : the network's input, (channels, height, width), as in ``generator.Network``
        """

    def window(
        self, samples: Samples, fill: Fill, rows: slice = slice(None), cols: slice = slice(None)
    ) -> Floats:
        """RGB float32 (rows, cols, 3) of a window, nominally 0..255, not clipped.

        Only networks that start from the classical fill can do this.

        fill : the classical fill of the samples
        """
        return from_network(np.moveaxis(self(conditions(samples, fill, rows, cols)), 0, -1))
