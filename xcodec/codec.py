"""encode() and decode(): the whole story on one page."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from xcodec.coding import quantizer
from xcodec.coding.header import ALPHA, Header
from xcodec.decoder import drawing, inspection, reading
from xcodec.decoder.alpha import read
from xcodec.decoder.drawing import View
from xcodec.decoder.sections import metadata_of, source_of
from xcodec.encoder import alpha, large, search, sections, tiles
from xcodec.encoder.effort import DEFAULT_EFFORT
from xcodec.encoder.request import Request
from xcodec.errors import FormatError, InputError
from xcodec.options import MAX_RATE, MIN_RATE
from xcodec.pictures import metadata, modes
from xcodec.pictures.colour import from_ycocg, to_ycocg
from xcodec.pictures.modes import Picture, to_image
from xcodec.reconstruction.classical import fill
from xcodec.sampling.mask import order_points
from xcodec.sampling.saliency import Region, weights
from xcodec.system.processes import workers
from xcodec.types import DECODERS, MAX_PIXELS, RGB, Alpha, Floats, Ints, Samples


def encode(
    image: Picture | Image.Image | NDArray[np.uint8],
    rate: float = 0.02,
    *,
    size: int | None = None,
    bpp: float | None = None,
    psnr: float | None = None,
    step: float | None = None,
    density: str = "sobel",
    mask: str | NDArray[np.bool_] = "blue",
    tone: str = "least-squares",
    lossless: bool = False,
    strength: float | None = None,
    floor: float | None = None,
    block: int | None = None,
    seed: int = 0,
    model: str = "photo",
    comment: str | None = None,
    effort: int = DEFAULT_EFFORT,
    decoder: str = DECODERS[0],
    roi: Sequence[Region] = (),
    roi_mask: NDArray[np.uint8] | None = None,
    saliency: bool = False,
    alpha_quality: int = alpha.QUALITY,
    keep: bool | None = None,
    tile: int | None = None,
    jobs: int = 1,
) -> bytes:
    """The bytes of a .xgc file that stands for a picture.

    image    : Pillow image of any mode, uint8 (height, width) or (height, width, 3 or 4), or what
               ``images.load`` gives
    rate     : fraction of the pixels that are sampled, 0.001 to 0.5; at least one is
    size     : most bytes of the file; the rate, and what isn't given of step and density, are
               then chosen for the best picture
    bpp      : the same as bits a pixel
    psnr     : least PSNR of the classical fill, in dB; the smallest file that has it is looked for
    step     : quantiser step in grey levels, 0.5 to 1962; None takes the rate's default
    density  : "sobel", "canny" or "uniform": where samples are dense
    mask     : "blue" (spread evenly), "random" (by ``seed``), or bool (height, width), which then
               takes the place of rate and density
    tone     : "least-squares", "mean" or "point": what a sample's value is
    lossless : with tone "point", sampled pixels come back exactly
    strength, floor, block : of the density, as in ``sampling.density.measure``
    model    : the weights that the decoder is to use, one of ``coding.header.MODELS``
    comment  : text kept in the file
    effort   : 0 (fastest) to 9: how hard to look for values that cost fewer bytes; 8 and 9 tune
               them through the generator
    decoder  : "generator" or "classical": whose picture is to be good, from effort 4 on
    roi      : regions that count for more, (x, y, width, height, weight) in pixels
    roi_mask : uint8 (height, width): 255 counts for four times what 0 does
    saliency : faces and what stands out count for more
    alpha_quality : 0 to 100, exact, where something is transparent
    keep     : EXIF, XMP and ICC profile, all of them or none; None keeps what is small beside the
               file, and warns of what is not kept
    tile     : side of the tiles in pixels, a multiple of 128; 0 for one piece; None: tiles of 1024
               where the picture has more than 2 megapixels
    jobs     : processes that work on tiles; more than one only below ``if __name__ == "__main__"``

    Raises InputError where picture and arguments cannot be coded.
    """
    picture = image if isinstance(image, Picture) else modes.picture_of(image)
    rgb = picture.rgb
    if not MIN_RATE <= rate <= MAX_RATE:
        raise InputError(f"rate is {rate:g}; it lies in {MIN_RATE:g}..{MAX_RATE:g}")
    coarsest = quantizer.step_of(quantizer.MAX_STEP_INDEX)
    if step is not None and not quantizer.SMALLEST_STEP <= step <= coarsest:
        raise InputError(
            f"step is {step:g}; it lies in {quantizer.SMALLEST_STEP:g}..{coarsest:.0f}"
        )
    if not 0 <= alpha_quality <= alpha.EXACT:
        raise InputError(f"alpha quality is {alpha_quality}; it lies in 0..{alpha.EXACT}")
    goal = None
    if size is not None or bpp is not None or psnr is not None:
        goal = _goal(rgb, size, bpp, psnr)
    extras = sections.of(
        picture,
        sections.Extras(comment, alpha_quality, keep),
        None if goal is None else goal.size,
    )
    if extras.dropped:
        warnings.warn(f"left out of the file: {', '.join(extras.dropped)}", stacklevel=2)
    request = Request(
        rate=rate,
        step=None if step is None else quantizer.index_of(step),
        density=density,
        mask=mask,
        tone=tone,
        lossless=lossless,
        strength=strength,
        floor=floor,
        block=block,
        seed=seed,
        model=model,
        effort=effort,
        decoder=decoder if psnr is None else "classical",
        grey=picture.grey,
        weights=weights(rgb, roi, roi_mask, saliency),
        sections=extras.content,
    )
    side = tiles.side_for(rgb.shape[0], rgb.shape[1], tile)
    if side is not None:
        with workers(jobs) as pool:
            return large.best(tiles.Source(rgb), request, goal or search.Goal(), side, pool)
    return search.at_rate(rgb, request) if goal is None else search.best(rgb, request, goal)


def _goal(rgb: RGB, size: int | None, bpp: float | None, psnr: float | None) -> search.Goal:
    """What a file is to meet; raises InputError unless it is one thing, and possible."""
    if sum(target is not None for target in (size, bpp, psnr)) > 1:
        raise InputError("one of size, bpp and psnr at a time")
    if bpp is not None:
        size = int(bpp * rgb.shape[0] * rgb.shape[1] / 8)
    if size is not None and size < 1:
        raise InputError("a file has one byte at least")
    if psnr is not None and not 0 < psnr < 100:
        raise InputError(f"psnr is {psnr:g}; it lies in 0..100 dB")
    return search.Goal(size, psnr)


def decode(
    data: bytes,
    *,
    decoder: str = "generator",
    model: str = "auto",
    device: str = "auto",
    partial: bool = False,
    bit_depth: int | None = None,
    strip: bool = False,
    max_pixels: int = MAX_PIXELS,
    region: tuple[int, int, int, int] | None = None,
    downsample: int = 1,
    jobs: int = 1,
    realism: float = 0.0,
) -> Image.Image:
    """The picture in the bytes of a .xgc file.

    decoder : "generator" (a trained network) or "classical" (interpolation)
    model   : name or path of the generator's weights; "auto" takes those that the file names
    device  : "auto", "cpu", "cuda" or "mps"
    partial : draw what is left of a file that was cut short after its header, and warn
    bit_depth : 8, or 16 for grey pictures; None: that of the source
    strip   : leave EXIF, XMP and ICC profile out; then the picture is sRGB
    region  : x, y, width and height of the part to draw, in pixels of the whole picture
    downsample : draw the picture so many times smaller, a power of two up to 64
    realism : 0 (the default: nothing is invented on purpose) to 1 (as real pictures look, which
              the samples need not support): a mean of the model's two sets of weights
    jobs    : processes that work on tiles; more than one only below ``if __name__ == "__main__"``

    Raises FormatError, LimitError or, where weights are missing, ModelError.
    """
    if bit_depth not in (None, 8, 16):
        raise InputError(f"bit depth is {bit_depth}; it is 8 or 16")
    contents = reading.opened(data, max_pixels, partial, check=region is None)
    header = contents.header
    source = source_of(header.sections)
    if bit_depth is not None:
        deep = bit_depth == 16
        if deep and inspection.mode_of(header) not in modes.GREYS:
            raise InputError("Pillow has no 16-bit colour: decode_array gives it")
        source = modes.DEEP if deep else modes.PLAIN if source == modes.DEEP else source
    name = inspection.model_name(header.model) if model == "auto" else model
    view = View(decoder, name, device, region, downsample, jobs, realism)
    rgb = drawing.draw(contents, view, deep=source == modes.DEEP)
    opaque = _alpha(header, max_pixels, view)
    picture = modes.image_of(rgb, opaque, header.grey, source)
    return picture if strip else metadata.attached(picture, metadata_of(header.sections))


def decode_array(
    data: bytes,
    bit_depth: int = 16,
    *,
    decoder: str = "generator",
    model: str = "auto",
    device: str = "auto",
    partial: bool = False,
    max_pixels: int = MAX_PIXELS,
    region: tuple[int, int, int, int] | None = None,
    downsample: int = 1,
    jobs: int = 1,
    realism: float = 0.0,
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The picture in a file as an array in sRGB, without metadata; arguments as of ``decode``.

    Returns uint8 or uint16 (height, width[, channels]); the channels are colours, then alpha.
    """
    contents = reading.opened(data, max_pixels, partial, check=region is None)
    header = contents.header
    name = inspection.model_name(header.model) if model == "auto" else model
    view = View(decoder, name, device, region, downsample, jobs, realism)
    rgb, opaque = drawing.draw(contents, view, deep=True), _alpha(header, max_pixels, view)
    colour = not header.grey or source_of(header.sections) == modes.COLOUR
    levels = modes.to_depth(rgb if colour else rgb[..., :1], bit_depth)
    if opaque is not None:
        levels = np.concatenate([levels, modes.to_depth(opaque, bit_depth)[..., None]], -1)
    return levels if levels.shape[2] > 1 else levels[..., 0]


def _alpha(header: Header, max_pixels: int, view: View) -> Alpha | None:
    if ALPHA not in header.sections:
        return None

    def paint(data: bytes) -> Floats:
        file = reading.single(data, max_pixels, partial=False)
        if (file.header.width, file.header.height) != (header.width, header.height):
            raise FormatError("damaged: the alpha is of another size than the picture")
        return fill(file.samples()).rgb[..., 0]

    return view.of(read(header.sections[ALPHA], header.height, header.width, paint))


def decode_samples(data: bytes, *, max_pixels: int = MAX_PIXELS) -> tuple[Ints, NDArray[np.uint8]]:
    """The samples in a file, as a sensor would give them, ready for ``reconstruct``.

    Returns positions, integers (n, 2), rows and columns, and RGB values uint8 (n, 3): exactly the
    picture's where the file is lossless. Raises what ``decode`` raises.
    """
    positions, colours = [], []
    for tile in reading.tiles(reading.opened(data, max_pixels)):
        rows, cols = tile.points.rows + tile.box.top, tile.points.cols + tile.box.left
        positions.append(np.stack([rows, cols], 1))
        if tile.header.lossless:
            colours.append(tile.pixels())
        else:
            colours.append(modes.to_depth(from_ycocg(tile.samples().values), 8))
    return np.concatenate(positions), np.concatenate(colours)


def reconstruct(
    points: ArrayLike,
    values: ArrayLike,
    shape: tuple[int, int],
    *,
    decoder: str = "generator",
    model: str = "photo",
    device: str = "auto",
) -> Image.Image:
    """A picture from samples of other origin: a sensor, a scanner, a damaged file.

    points : integers (n, 2), row and column of each sample, none twice, n >= 1
    values : uint8 (n, 3), the picture's RGB there, which the result keeps exactly
    shape  : height and width of the picture

    Raises InputError where these do not fit together, ModelError where weights are missing.
    """
    where, colours = np.asarray(points), np.asarray(values)
    height, width = shape
    if where.ndim != 2 or where.shape[1] != 2 or not len(where) or where.dtype.kind not in "iu":
        raise InputError("points are integers (n, 2), n >= 1: row and column of each sample")
    if colours.shape != (len(where), 3) or colours.dtype != np.uint8:
        raise InputError(f"values are uint8 ({len(where)}, 3): the colour of each sample")
    if where.min() < 0 or (where >= [height, width]).any():
        raise InputError(f"points lie outside the picture of {height}x{width}")
    flat = where[:, 0].astype(np.int64) * width + where[:, 1]
    if len(np.unique(flat)) < len(flat):
        raise InputError("points hold a position twice")
    ordered = order_points(height, width, where[:, 0], where[:, 1])
    # order_points sorts: find each point's colour again by its place in the picture.
    by_place = np.argsort(flat)
    place = ordered.rows.astype(np.int64) * width + ordered.cols
    colours = colours[by_place[np.searchsorted(flat[by_place], place)]]
    samples = Samples(ordered, to_ycocg(colours), tone="point")
    return to_image(
        drawing.kept(drawing.painted(samples, decoder, model, device), ordered, colours)
    )
