"""Colours that a file tells without an ICC profile: gAMA, cHRM and cICP of PNG, nclx of AVIF.

They are converted to sRGB as browsers do: cICP goes before a profile, a profile before sRGB, sRGB
before gAMA, and cHRM counts only beside gAMA (PNG specification, third edition, section 4.3).
"""

import struct
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xcodec.pictures import profiles
from xcodec.types import Floats

SRGB_GAMMA, GAMMA_TOLERANCE, XY_TOLERANCE = 0.45455, 0.05, 0.01
"""gAMA and cHRM that are so close to sRGB mean sRGB, as in libpng."""
Primaries = tuple[float, ...]
"""x and y of white, red, green and blue, in the order of cHRM."""
_D65 = (0.3127, 0.3290)
BT709: Primaries = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_PRIMARIES: dict[int, Primaries] = {
    1: BT709,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""Colour primaries of ITU-T H.273, by their number."""
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_LIKE_SRGB = (1, 6, 13, 14, 15)
"""Transfer characteristics of H.273 that are powers, and those that are shown as sRGB."""
_BRIGHT = {16: "PQ", 18: "HLG"}
_SEARCHED = 1 << 16
"""Bytes of an AVIF or HEIC file in which its colours are looked for."""
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_D50 = np.array([0.96420, 1.0, 0.82491])


def as_shown(image: Image.Image, data: bytes = b"") -> Image.Image:
    """Return an image in sRGB, if its file tells its colours otherwise than by an ICC profile.

    image : as it was opened; returned unchanged if its colours are sRGB or told by a profile
    data  : its file; without it, cICP and nclx are not known

    Warns if the levels are those of high dynamic range (PQ, HLG), which are not converted.
    """
    told = _coding_points(image, data)
    if told is not None:
        primaries, transfer = told
        if transfer in _BRIGHT:
            warnings.warn(
                f"the picture has a high dynamic range ({_BRIGHT[transfer]}), and its colours "
                "will look flat: convert it to sRGB first",
                UserWarning,
                stacklevel=2,
            )
            return image
        gamma = _GAMMAS.get(transfer)
        if primaries not in _PRIMARIES or (gamma is None and transfer not in _LIKE_SRGB):
            return image
        image.info.pop("icc_profile", None)
        return _converted(image, _PRIMARIES[primaries], gamma)
    if image.format != "PNG" or {"icc_profile", "srgb"} & set(image.info):
        return image
    gamma = image.info.get("gamma")
    xy = image.info.get("chromaticity", BT709)
    if not gamma or not 0.01 < gamma < 10 or len(xy) != 8:
        return image
    plain = abs(gamma / SRGB_GAMMA - 1) < GAMMA_TOLERANCE
    if plain and np.abs(np.subtract(xy, BT709)).max() < XY_TOLERANCE:
        return image
    return _converted(image, tuple(map(float, xy)), 1 / gamma)


def _coding_points(image: Image.Image, data: bytes) -> tuple[int, int] | None:
    """Colour primaries and transfer characteristics, as numbers of H.273, if a file has them."""
    if image.format == "PNG":
        at = 8
        while at + 12 <= len(data):
            length, kind = struct.unpack_from(">I4s", data, at)
            if kind == b"cICP" and length == 4:
                return data[at + 8], data[at + 9]
            if kind in (b"IDAT", b"IEND"):
                return None
            at += 12 + length
    elif image.format in ("AVIF", "HEIF") and not image.info.get("icc_profile"):
        at = data.find(b"colrnclx", 0, _SEARCHED)
        if at >= 0 and at + 12 <= len(data):
            primaries, transfer = struct.unpack_from(">HH", data, at + 8)
            return primaries, transfer
    return None


def _converted(image: Image.Image, xy: Primaries, gamma: float | None) -> Image.Image:
    """Return an image in sRGB.

    xy    : its primaries
    gamma : exponent that makes its levels linear; None: the curve of sRGB
    """
    if image.mode == "1" or (gamma is None and xy == BT709):
        return image
    if image.mode in ("P", "PA") or (image.mode == "RGB" and image.has_transparency_data):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode == "L" and image.has_transparency_data:
        image = image.convert("LA")
    bands = image.split() if image.mode in ("LA", "RGBA") else (image,)
    if image.mode in ("L", "LA", "I;16"):
        grey = image if gamma is None else _brightened(bands[0], gamma)
        found = grey if len(bands) == 1 else Image.merge("LA", (grey, bands[1]))
    elif image.mode in ("RGB", "RGBA"):
        try:
            profile = _profile(xy, gamma)
        except (np.linalg.LinAlgError, struct.error, ArithmeticError, ValueError):
            return image  # The primaries make no sense.
        colours = image if len(bands) == 1 else Image.merge("RGB", bands[:3])
        found, _ = profiles.to_srgb(colours, profile)
        if len(bands) == 4:
            found.putalpha(bands[3])
    else:
        return image
    found.info = dict(image.info)
    return found


def _brightened(grey: Image.Image, gamma: float) -> Image.Image:
    """Return a grey image, L or I;16, with a gamma, in the curve of sRGB."""
    most = 255 if grey.mode == "L" else 65535
    linear = (np.arange(most + 1) / most) ** gamma
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    table = np.rint(curve * most).astype(np.uint8 if most == 255 else np.uint16)
    found: Image.Image = Image.fromarray(table[np.asarray(grey)])
    found.info = dict(grey.info)
    clear = found.info.get("transparency")
    if most > 255 and isinstance(clear, int) and 0 <= clear <= most:
        found.info["transparency"] = int(table[clear])
    return found


def _profile(xy: Primaries, gamma: float | None) -> bytes:
    """Return an ICC profile, version 4, of three primaries and a curve."""
    white, *colours = (_xyz(xy[i], xy[i + 1]) for i in range(0, 8, 2))
    matrix = np.stack(colours, 1)
    matrix = matrix * np.linalg.solve(matrix, white)
    cone = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    adapted = np.linalg.inv(_BRADFORD) @ cone @ _BRADFORD @ matrix

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    def place(column: Floats) -> bytes:
        return b"XYZ " + bytes(4) + fixed(*column)

    if gamma is None:
        curve = b"para" + bytes(4) + b"\0\3\0\0"
        curve += fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    else:
        curve = b"para" + bytes(8) + fixed(gamma)
    text = b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 2, 28) + b"\0c\0\0"
    tags = [(b"desc", text), (b"cprt", text), (b"wtpt", place(_D50))]
    tags += [(name, place(adapted[:, i])) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags:
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I4sI", start + len(body), b"", 0x04300000) + b"mntrRGB XYZ " + bytes(12)
    head += b"acsp" + bytes(28) + fixed(*_D50)
    return head.ljust(128, b"\0") + table + body


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    """X, Y and Z of a colour of luminance 1, by its chromaticity."""
    return np.array([x / y, 1, (1 - x - y) / y])
