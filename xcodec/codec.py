"""The public functions: ``encode``, ``decode``, and what goes with them."""

from dataclasses import replace
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from xcodec.coding.container import Contents
from xcodec.coding.header import ALPHA, MODELS, Header
from xcodec.decoder import alpha, drawing, inspection, reading, truncation
from xcodec.decoder.sections import metadata_of, source_of
from xcodec.errors import FormatError, InputError, OptionError
from xcodec.options import DecodeOptions, EncodeOptions
from xcodec.pictures import metadata, modes, scaling
from xcodec.pictures.colour import from_ycocg, to_ycocg
from xcodec.pictures.modes import Picture
from xcodec.reconstruction.classical import fill
from xcodec.sampling.mask import order_points
from xcodec.system import checks
from xcodec.types import (
    MAX_PIXELS,
    RGB,
    Alpha,
    ArrayKeywords,
    DecodeKeywords,
    EncodeKeywords,
    Floats,
    Ints,
    Samples,
)


def encode(
    image: Picture | Image.Image | NDArray[np.uint8],
    rate: float | None = None,
    *,
    options: EncodeOptions | None = None,
    **keywords: Unpack[EncodeKeywords],
) -> bytes:
    """Encode a picture to the bytes of a .xgc file.

    image    : Pillow image of any mode, or uint8 array (height, width[, 3 or 4])
    rate     : fraction of the pixels that are sampled, 0.001 to 0.5; if no target is given, 0.02
    options  : all options as one object, instead of rate and keywords
    keywords : the other fields of ``EncodeOptions``, by name

    Raises InputError if the picture cannot be encoded; OptionError (an InputError) if an option is
    out of range, ConflictError (an OptionError) if options contradict each other; DependencyError
    if an effort needs torch and it is not installed.
    """
    from xcodec.encoder.encoding import encode_picture  # Only here: decoding never needs it.

    if options is None:
        options = EncodeOptions.from_keywords({"rate": rate, **keywords})
    elif keywords or rate is not None:
        raise TypeError("options come as an object or as keywords, not as both")
    _check_options(options, EncodeOptions)
    return encode_picture(image, options, stacklevel=3)


def decode(
    data: bytes, *, options: DecodeOptions | None = None, **keywords: Unpack[DecodeKeywords]
) -> Image.Image:
    """Decode the bytes of a .xgc file to a Pillow image.

    data     : bytes, or anything that holds bytes, such as a memoryview
    options  : all options as one object, instead of keywords
    keywords : the fields of ``DecodeOptions``, by name

    Raises FormatError if the bytes are damaged, cut short or of an unknown version of the format;
    LimitError if the picture has more than ``max_pixels``; InputError if an option is out of range
    or contradicts another one or the file; ModelError if weights are missing; DependencyError if a
    device needs torch and it is not installed.
    """
    if options is not None and keywords:
        raise TypeError("options come as an object or as keywords, not as both")
    if options is None:
        options = DecodeOptions(**keywords)
    _check_options(options, DecodeOptions)
    return decode_picture(data, options)


def _check_options(options: object, kind: type) -> None:
    """Raise TypeError if what is given as options is something else, such as a dict."""
    if not isinstance(options, kind):
        text = f"options is a {type(options).__name__}; it must be an object of {kind.__name__}"
        raise TypeError(text)


def decode_picture(data: bytes, options: DecodeOptions) -> Image.Image:
    """``decode`` for a ``DecodeOptions`` object."""
    contents = _opened(data, options)
    header = contents.header
    source = source_of(header.sections)
    if options.bit_depth is not None:
        deep = options.bit_depth == 16
        if deep and inspection.mode_of(header) not in modes.GREYS:
            raise InputError("Pillow has no 16-bit colour: use xcodec.decode_array")
        source = modes.DEEP if deep else modes.PLAIN if source == modes.DEEP else source
    options = _with_model(options, header)
    rgb, opaque = _drawn(contents, options, deep=source == modes.DEEP)
    picture = modes.image_of(rgb, opaque, header.grey, source)
    return picture if options.strip else metadata.attached(picture, metadata_of(header.sections))


def decode_array(
    data: bytes, bit_depth: int = 16, **options: Unpack[ArrayKeywords]
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Decode the bytes of a .xgc file to an array in sRGB, without metadata.

    bit_depth : 8 or 16 bits per channel
    options   : the other fields of ``DecodeOptions``, except ``strip``, by name

    Returns uint8 or uint16 (height, width[, channels]): grey or RGB, then alpha if there is any.
    Raises what ``decode`` raises.
    """
    return decode_levels(data, DecodeOptions(bit_depth=bit_depth, **options))


def decode_levels(data: bytes, options: DecodeOptions) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """``decode_array`` for a ``DecodeOptions`` object."""
    contents = _opened(data, options)
    header, depth = contents.header, options.bit_depth or 16
    options = _with_model(options, header)
    rgb, opaque = _drawn(contents, options, deep=True)
    colour = not header.grey or source_of(header.sections) == modes.COLOUR
    levels = modes.to_depth(rgb if colour else rgb[..., :1], depth)
    if opaque is not None:
        levels = np.concatenate([levels, modes.to_depth(opaque, depth)[..., None]], -1)
    return levels if levels.shape[2] > 1 else levels[..., 0]


def _opened(data: bytes, options: DecodeOptions) -> Contents:
    data = checks.content(data)
    return reading.opened(data, options.max_pixels, options.partial, check=options.region is None)


def _drawn(
    contents: Contents, options: DecodeOptions, deep: bool
) -> tuple[RGB | Floats, Alpha | None]:
    """RGB (height, width, 3) and alpha, if there is any, at the size that is asked for.

    deep : whether RGB is not rounded to 8 bits
    """
    header = contents.header
    size = None
    if options.original_size and header.original is not None:
        size = scaling.allowed(header.original, options.max_pixels)
    rgb, opaque = drawing.draw(contents, options, deep=deep), _alpha(header, options)
    if size is None:
        return rgb, opaque
    if opaque is not None:
        opaque = modes.to_depth(scaling.enlarged(opaque, size), 8)
    return scaling.enlarged(rgb, size), opaque


def _with_model(options: DecodeOptions, header: Header) -> DecodeOptions:
    """Options with the model that the file names, if the model is "auto" and is needed."""
    if not options.needs_model:
        return options
    return replace(options, model=inspection.model_name(header.model))


def _alpha(header: Header, options: DecodeOptions) -> Alpha | None:
    """The decoded part of the alpha, uint8 (height, width), if the file has any."""
    if ALPHA not in header.sections:
        return None

    def luma_of(data: bytes) -> Floats:
        file = reading.single(data, options.max_pixels, partial=False)
        if (file.header.width, file.header.height) != (header.width, header.height):
            raise FormatError("damaged: the alpha does not have the size of the picture")
        return fill(file.samples()).rgb[..., 0]

    plane = alpha.read(header.sections[ALPHA], header.height, header.width, luma_of)
    return drawing.part_of_plane(plane, options)


def decode_samples(data: bytes, *, max_pixels: int = MAX_PIXELS) -> tuple[Ints, NDArray[np.uint8]]:
    """Read the samples in a file, in the form that ``reconstruct`` takes.

    Returns positions, integers (n, 2): row and column; and RGB values, uint8 (n, 3), which are
    exactly those of the picture if samples are lossless. Raises what ``decode`` raises.
    """
    positions, colours = [], []
    for tile in reading.tiles(_opened(data, DecodeOptions(max_pixels=max_pixels))):
        rows, cols = tile.points.rows + tile.box.top, tile.points.cols + tile.box.left
        positions.append(np.stack([rows, cols], 1))
        if tile.header.lossless:
            colours.append(tile.pixels())
        else:
            colours.append(modes.to_depth(from_ycocg(tile.samples().values), 8))
    return np.concatenate(positions), np.concatenate(colours)


def info(data: bytes, *, max_pixels: int = MAX_PIXELS) -> inspection.Info:
    """Read every field of a file, and how many bytes each part takes.

    data       : bytes of a .xgc file
    max_pixels : pictures with more pixels are refused

    Raises what ``decode`` raises.
    """
    limit = DecodeOptions(max_pixels=max_pixels).max_pixels
    return inspection.info(checks.content(data), max_pixels=limit)


def truncate(data: bytes, max_bytes: int, *, max_pixels: int = MAX_PIXELS) -> bytes:
    """Shorten a .xgc file to at most ``max_bytes``, at the end of a layer or of a plane of a level.

    max_bytes  : largest size of the result; bytes that would add nothing are left out
    max_pixels : pictures with more pixels are refused

    ``decode(..., partial=True)`` decodes the result. Raises InputError if so few bytes give no
    picture, and what ``decode`` raises if the file is damaged or cut already.
    """
    size = EncodeOptions(max_bytes=max_bytes).max_bytes
    if size is None:
        raise OptionError(("max_bytes",), "is None; it must be a number")
    limit = DecodeOptions(max_pixels=max_pixels).max_pixels
    return truncation.truncate(checks.content(data), size, max_pixels=limit)


def reconstruct(
    points: ArrayLike,
    values: ArrayLike,
    shape: tuple[int, int],
    *,
    decoder: str = "generator",
    model: str = "auto",
    device: str = "auto",
) -> Image.Image:
    """Reconstruct a picture from samples of another origin: a sensor, a scanner, a damaged file.

    points : integers (n, 2), row and column of each sample, n >= 1, no position twice
    values : uint8 (n, 3), RGB of each sample; the result has exactly these values there
    shape  : height and width of the picture in pixels
    decoder, model, device : as in ``DecodeOptions``; the model "auto" is "photo"

    Raises InputError if the arguments do not fit together, ModelError if weights are missing.
    """
    options = DecodeOptions(decoder, model, device)
    if options.needs_model:
        options = replace(options, model=MODELS[0])
    try:
        where, colours = np.asarray(points), np.asarray(values)
    except ValueError as error:  # Rows of different lengths.
        raise InputError("points and values must be arrays of two dimensions") from error
    for side in checks.items("shape", shape, 2):
        checks.whole("a number of shape", side, 1)
    height, width = shape
    if where.ndim != 2 or where.shape[1] != 2 or not len(where) or where.dtype.kind not in "iu":
        raise InputError("points must be integers (n, 2), n >= 1: row and column of each sample")
    if colours.shape != (len(where), 3) or colours.dtype != np.uint8:
        raise InputError(f"values must be uint8 ({len(where)}, 3): the colour of each sample")
    if where.min() < 0 or (where >= [height, width]).any():
        raise InputError(f"points lie outside the picture of {height}x{width}")
    flat = where[:, 0].astype(np.int64) * width + where[:, 1]
    if len(np.unique(flat)) < len(flat):
        raise InputError("points contain a position twice")
    ordered = order_points(height, width, where[:, 0], where[:, 1])
    # order_points sorts the points: find their colours again by position.
    by_place = np.argsort(flat)
    place = ordered.rows.astype(np.int64) * width + ordered.cols
    colours = colours[by_place[np.searchsorted(flat[by_place], place)]]
    samples = Samples(ordered, to_ycocg(colours), tone="point")
    rgb = drawing.reconstructed(samples, options)
    return modes.to_image(drawing.put_back(rgb, ordered, colours))
