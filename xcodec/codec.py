"""encode() and decode(): the whole story on one page."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from xcodec import analysis, images, search
from xcodec.analysis import DEFAULT_EFFORT, GREY, Request
from xcodec.coding import container, lifting, payload, quantizer
from xcodec.coding.container import Header
from xcodec.coding.lifting import Hierarchy, Lifting
from xcodec.errors import FormatError, InputError, ModelError
from xcodec.reconstruction.interpolation import fill
from xcodec.samples import Density, Floats, Ints, Points, Samples
from xcodec.sampling.mask import MAX_SCALE, order_points

MIN_RATE, MAX_RATE = 0.001, 0.5
LIMITS = MAX_SCALE, quantizer.MAX_STEP_INDEX


@dataclass(frozen=True)
class Info:
    """Every field of a file, and where its bytes went.

    samples, nonzero : sampled positions, and how many of their coefficients aren't zero
    step, seed, block, comment : None where the file has none
    container, density, luma, chroma : bytes, rounded, by the information that each part holds;
                                       density stands for an explicit mask too
    """

    version: int
    width: int
    height: int
    mask: str
    seed: int | None
    uniform: bool
    block: int | None
    tone: str
    lossless: bool
    model: str
    step: float | None
    comment: str | None
    layers: int
    levels: int
    samples: int
    rate: float
    nonzero: int
    bytes: int
    bpp: float
    container: int
    density: int
    luma: int
    chroma: int


def encode(
    image: Image.Image | NDArray[np.uint8],
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
) -> bytes:
    """The bytes of a .xgc file that stands for a picture.

    image    : Pillow image, or uint8 (height, width) or (height, width, 3)
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
    model    : the weights that the decoder is to use, one of ``container.MODELS``
    comment  : text kept in the file
    effort   : 0 (fastest) to 9: how hard to look for values that cost fewer bytes; 8 and 9 tune
               them through the generator

    Raises InputError where picture and arguments cannot be coded.
    """
    rgb = images.as_rgb(image)
    if not MIN_RATE <= rate <= MAX_RATE:
        raise InputError(f"rate is {rate:g}; it lies in {MIN_RATE:g}..{MAX_RATE:g}")
    coarsest = quantizer.step_of(quantizer.MAX_STEP_INDEX)
    if step is not None and not quantizer.SMALLEST_STEP <= step <= coarsest:
        raise InputError(
            f"step is {step:g}; it lies in {quantizer.SMALLEST_STEP:g}..{coarsest:.0f}"
        )
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
        comment=comment,
        effort=effort,
    )
    if size is None and bpp is None and psnr is None:
        return search.at_rate(rgb, request)
    return search.best(rgb, request, _goal(rgb, size, bpp, psnr))


def _goal(rgb: images.RGB, size: int | None, bpp: float | None, psnr: float | None) -> search.Goal:
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
    max_pixels: int = images.MAX_PIXELS,
) -> Image.Image:
    """The picture in the bytes of a .xgc file.

    decoder : "generator" (a trained network) or "classical" (interpolation, needs no torch)
    model   : name or path of the generator's weights; "auto" takes those that the file names
    device  : "auto", "cpu", "cuda" or "mps"
    partial : draw what is left of a file that was cut short after its header, and warn

    Raises FormatError, LimitError or, where weights are missing, ModelError.
    """
    read = _read(data, max_pixels, partial)
    header = read.header
    name = _model_name(header.model) if model == "auto" else model
    rgb = _paint(read.samples(), decoder, name, device)
    if header.lossless:
        rgb = _keep(rgb, read.points, read.pixels())
    return images.to_image(rgb)


def decode_samples(
    data: bytes, *, max_pixels: int = images.MAX_PIXELS
) -> tuple[Ints, NDArray[np.uint8]]:
    """The samples in a file, as a sensor would give them, ready for ``reconstruct``.

    Returns positions, integers (n, 2), rows and columns, and RGB values uint8 (n, 3): exactly the
    picture's where the file is lossless. Raises what ``decode`` raises.
    """
    read = _read(data, max_pixels, partial=False)
    positions = np.stack([read.points.rows, read.points.cols], 1)
    if read.header.lossless:
        return positions, read.pixels()
    rgb = images.from_ycocg(read.samples().values)
    return positions, np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def info(data: bytes, *, max_pixels: int = images.MAX_PIXELS) -> Info:
    """Every field of a file, and where its bytes went. Raises what ``decode`` raises."""
    read = _read(data, max_pixels, partial=False)
    header, points = read.header, read.points
    bits = {"density": 0.0, "luma": 0.0, "chroma": 0.0}

    def tally(part: str, more: float) -> None:
        bits[part] += more

    # The size of each part is what it takes to write it again.
    payload.write(header, read.density, points, read.tree, read.symbols, tally)
    share = {part: round(count / 8) for part, count in bits.items()}
    area = header.width * header.height
    return Info(
        version=container.VERSION,
        width=header.width,
        height=header.height,
        mask=header.mask,
        seed=header.seed if header.mask == "random" else None,
        uniform=header.uniform,
        block=None if header.uniform or header.mask == "explicit" else header.block,
        tone=header.tone,
        lossless=header.lossless,
        model=_model_name(header.model, strict=False),
        step=None if header.step is None else quantizer.step_of(header.step),
        comment=header.sections[1].decode("utf-8", "replace") if 1 in header.sections else None,
        layers=read.layers,
        levels=len(read.tree),
        samples=len(points),
        rate=len(points) / area,
        nonzero=int(np.count_nonzero(read.symbols)),
        bytes=len(data),
        bpp=8 * len(data) / area,
        container=len(data) - sum(share.values()),
        density=share["density"],
        luma=share["luma"],
        chroma=share["chroma"],
    )


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
    samples = Samples(ordered, images.to_ycocg(colours), tone="point")
    return images.to_image(_keep(_paint(samples, decoder, model, device), ordered, colours))


def quantised(
    rgb: images.RGB,
    rate: float,
    *,
    step_scale: float = 1.0,
    density: str = "sobel",
    strength: float | None = None,
    tone: str = "least-squares",
    block: int | None = None,
) -> Samples:
    """The samples that a decoder would get, without writing a file: what networks train on.

    rgb        : uint8 (height, width, 3)
    rate       : fraction of pixels that are sampled
    step_scale : factor on the default step of that rate
    """
    step = quantizer.step_of(quantizer.default_index(rate)) * step_scale
    index = quantizer.index_of(step)
    request = Request(rate, index, density, tone=tone, strength=strength, block=block)
    draft = analysis.analyse(rgb, request)
    symbols = draft.quantise(request.step_index, request.effort)
    return draft.samples(symbols, request.step_index)


@dataclass(frozen=True)
class _File:
    """What the bytes of a file say.

    whole : whether checksums vouch for all that was read
    """

    header: Header
    layers: int
    whole: bool
    density: Density | None
    points: Points
    tree: Hierarchy
    symbols: NDArray[np.int32]

    def pixels(self) -> NDArray[np.uint8]:
        """RGB (n, 3) of lossless samples."""
        planes = lifting.restore(self.symbols, self.tree) + GREY
        return np.clip(images.from_ycocg_r(planes.astype(np.int32)), 0, 255).astype(np.uint8)

    def samples(self) -> Samples:
        if self.header.step is None:
            return Samples(self.points, images.to_ycocg(self.pixels()), tone="point")
        transform = Lifting(self.points, self.tree)
        return analysis.synthesise(
            self.points, self.tree, transform, self.symbols, self.header.step, self.header.tone
        )


def _read(data: bytes, max_pixels: int, partial: bool) -> _File:
    try:
        return _parse(data, max_pixels, partial=False)
    except FormatError:
        if not partial:
            raise
    file = _parse(data, max_pixels, partial=True)
    unchecked = "" if file.whole else ", which has no checksum of its own"
    warnings.warn(f"damaged or cut short: drawn from what is left{unchecked}", stacklevel=3)
    return file


def _parse(data: bytes, max_pixels: int, partial: bool) -> _File:
    header, layers, count, whole = container.read(
        data, max_pixels=max_pixels, limits=LIMITS, partial=partial
    )
    coder, density, points = payload.read_points(header, layers[0], whole)
    tree, symbols = payload.read_symbols(header, coder, points, layers, count, whole)
    return _File(header, count, whole, density, points, tree, symbols)


def _paint(samples: Samples, decoder: str, model: str, device: str) -> Floats:
    painted = fill(samples)
    if decoder == "classical":
        return painted.rgb
    if decoder != "generator":
        raise InputError(f"decoder is {decoder!r}; it is generator or classical")
    from xcodec.reconstruction import paint, zoo  # Only here: they start torch.

    generator, _ = zoo.load(zoo.find(model))
    return paint.paint(samples, painted, generator, device)


def _keep(rgb: Floats, points: Points, colours: NDArray[np.uint8]) -> Floats:
    """The picture with known pixels put back."""
    rgb = rgb.copy()
    rgb[points.rows, points.cols] = colours
    return rgb


def _model_name(number: int, strict: bool = True) -> str:
    if number < len(container.MODELS):
        return container.MODELS[number]
    if strict:
        raise ModelError(f"the file asks for model {number}, unknown to this release: name one")
    return f"model {number}"
