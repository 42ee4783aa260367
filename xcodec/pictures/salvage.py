"""What is left of a JPEG picture whose file was cut short."""

import numpy as np
from PIL import Image

from xcodec.errors import InputError

_END = b"\xff\xd9"


def ended(data: bytes) -> bytes:
    """Return a JPEG file that was cut short with its end marker: decoders then fill the rest."""
    return data + _END


def report(image: Image.Image) -> str:
    """Say how much of a picture is there whose file was completed by ``ended``.

    Raises InputError if nothing is.
    """
    there = _rows(image) / image.height
    if not there:
        raise InputError("nothing of the picture is there")
    if there == 1:
        return "the file was cut short: all rows are there, but they may lack detail"
    return f"the file was cut short: about {100 * there:.0f} % of the rows are there, from the top"


def _rows(image: Image.Image) -> int:
    """Rows from the top to the last one that is not, from end to end, of the filling colour."""
    levels = np.asarray(image).reshape(image.height, -1, len(image.getbands()))
    alike = (levels == levels[-1, -1]).all((1, 2))
    if alike.all():
        return 0
    return int(image.height - np.argmin(alike[::-1]))
