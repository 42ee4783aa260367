"""``xcodec encode``."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click
import cloup

from xcodec.choices import (
    CODED,
    DECODERS,
    DEFAULT_EFFORT,
    DENSITIES,
    MASKS,
    MAX_EFFORT,
    PICTURES,
    TONES,
)
from xcodec.cli import packets
from xcodec.cli.common import (
    NAME,
    PICTURE,
    How,
    Written,
    as_json,
    beside,
    cluster,
    force,
    given,
    how_read,
    jobs,
    max_pixels,
    max_side,
    percent,
    quiet,
    reading,
    refuse,
    report,
    scaled,
    skip_existing,
    usage,
)

if TYPE_CHECKING:
    from xcodec.options import EncodeOptions
    from xcodec.pictures.opening import Reading

NOT_FOLDERS = (*packets.NAMES, "roi", "roi_mask")
"""Options that cannot be used with a folder."""


class _Region(click.ParamType[tuple[int, int, int, int, float]]):
    """X,Y,WIDTH,HEIGHT in pixels, optionally followed by a weight."""

    name = "region"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "X,Y,W,H[,WEIGHT]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int, float]:
        try:
            x, y, width, height, *rest = str(value).split(",")
            weight = float(rest[0]) if rest else 4.0
            if len(rest) > 1:
                raise ValueError
            return int(x), int(y), int(width), int(height), weight
        except ValueError:
            self.fail(f"{value!r:.60} is not X,Y,W,H or X,Y,W,H,WEIGHT", param, ctx)


REGION = _Region()


def _help_effort(context: click.Context, option: click.Parameter, asked: bool) -> None:
    """Print what each level of effort does, and exit."""
    if asked:
        from xcodec.encoder.effort import table

        click.echo(table())
        context.exit()


@cloup.command(short_help="Encode a picture as a .xgc file, or as packets.")
@cloup.argument("source", type=PICTURE, metavar="IN")
@cloup.option_group(
    "Target (one of them)",
    cloup.option(
        "-r",
        "--rate",
        type=float,
        help="Fraction of pixels to sample, 0.001 to 0.5.  [default: 0.02]",
    ),
    cloup.option(
        "--bytes",
        "max_bytes",
        type=click.IntRange(1),
        metavar="N",
        help="Best picture in at most N bytes.",
    ),
    cloup.option(
        "--bpp", type=float, metavar="X", help="Best picture in at most X bits per pixel."
    ),
    cloup.option(
        "--psnr",
        type=float,
        metavar="DB",
        help="Smallest file whose classical decoding has a PSNR of at least DB.",
    ),
)
@cloup.option_group(
    "Input",
    *reading,
    max_side,
)
@cloup.option_group(
    "Sampling",
    cloup.option(
        "--density",
        type=click.Choice(DENSITIES),
        default=DENSITIES[0],
        show_default=True,
        help="Where samples are dense: along edges, or uniformly.",
    ),
    cloup.option(
        "--strength",
        type=float,
        help="How strongly edges attract samples, 0 to 2.  [default: 0.7]",
    ),
    cloup.option(
        "--floor",
        type=float,
        help="Edge strength of flat areas, relative to the mean.  [default: 0.25]",
    ),
    cloup.option(
        "--block",
        type=int,
        help="Side of a density block in pixels: 8, 16, 32, 64 or 128.  "
        "[default: 64; with --bytes, --bpp or --psnr, others are tried too]",
    ),
    cloup.option(
        "--mask",
        default=MASKS[0],
        show_default=True,
        type=NAME,
        metavar="blue|random|FILE",
        help="Which pixels are sampled: evenly spread, random, or where FILE is not black.",
    ),
    cloup.option("--seed", type=int, help="Seed of the random mask.  [default: 0]"),
    cloup.option(
        "--tone",
        type=click.Choice(TONES),
        default=TONES[0],
        show_default=True,
        help="Value of a sample: fitted through the fill, a local mean, or the pixel.",
    ),
)
@cloup.option_group(
    "Quality",
    cloup.option(
        "-e",
        "--effort",
        type=click.IntRange(0, MAX_EFFORT),
        default=DEFAULT_EFFORT,
        show_default=True,
        help="Time spent to save bytes; 0 is fastest.",
    ),
    cloup.option(
        "--help-effort",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_help_effort,
        help="Show what each level of effort does, and exit.",
    ),
    cloup.option(
        "--decoder",
        type=click.Choice(DECODERS),
        help="Decoder to optimise the file for, from effort 4 on.  "
        "[default: generator; with --psnr: classical]",
    ),
    cloup.option(
        "--model",
        metavar="NAME",
        help="Weights that the file asks for: photo, or face for portraits.  [default: photo]",
    ),
    cloup.option("--step", type=float, help="Quantiser step in grey levels.  [default: by rate]"),
    cloup.option(
        "--lossless-samples", is_flag=True, help="With --tone point: store samples exactly."
    ),
)
@cloup.option_group(
    "Regions",
    cloup.option(
        "--roi",
        multiple=True,
        type=REGION,
        help="Region with more weight (default: 4); repeatable.",
    ),
    cloup.option(
        "--roi-mask",
        type=NAME,
        metavar="FILE",
        help="Picture that is bright where pixels have more weight.",
    ),
    cloup.option("--saliency", is_flag=True, help="Give faces and salient areas more weight."),
)
@cloup.option_group(
    "Transparency and metadata",
    cloup.option(
        "--alpha-quality",
        type=click.IntRange(0, 100),
        default=50,
        show_default=True,
        help="Quality of transparency; 100 is exact.",
    ),
    cloup.option(
        "--keep/--strip",
        default=None,
        help="Keep or drop EXIF, XMP and ICC profile.  "
        "[default: keep what is small, but no GPS position]",
    ),
    cloup.option("--comment", metavar="TEXT", help="Store a text in the file."),
)
@cloup.option_group("Links and packets", *packets.WISHES)
@cloup.option_group(
    "Output",
    cloup.option(
        "-o",
        "--output",
        type=NAME,
        metavar="OUT",
        help="Output file, or folder; '-' is standard output.  "
        "[default: IN.xgc; IN.packets for packets]",
    ),
    force,
    cloup.option(
        "--tile",
        type=int,
        metavar="N",
        help="Side of tiles in pixels; 0: no tiles.  [default: 1024 above 2 megapixels]",
    ),
    jobs,
    skip_existing,
    cluster,
    max_pixels,
    as_json,
    quiet,
)
def encode(source: str, output: str | None, **options: Any) -> None:
    """Encode the picture IN ('-': standard input) as a .xgc file.

    With --link or --packet-size, encode it as packets for a link that loses some: a folder of .xgp
    files, any subset of which can be decoded. If IN is a folder, encode all pictures in it into the
    folder OUT."""
    from xcodec.many import trees

    how = How(**{name: options.pop(name) for name in How._fields})
    wishes = {name: options.pop(name) for name in packets.NAMES}
    reading = how_read(options)
    if trees.is_folder(source):
        _folder(source, output, options, reading, how)
        return
    if how.skip_existing or how.cluster:
        raise click.UsageError("--skip-existing and --cluster are for folders")
    _check_name(output)
    with usage():
        settings = _options(options, reading)
        plan = packets.plan_of(wishes, settings.max_bytes)
        if plan is not None and not plan.whole:
            done = packets.write(source, output, settings, reading, plan, how)
        else:
            settings = settings if plan is None else plan.options(settings)
            output = beside(source, CODED) if output is None else output
            done, data = _file(source, output, settings, reading, how)
            if plan is not None:
                price = plan.cost([data])
                done = Written(output, done.text, done.facts | price.facts(), price.text())
    report(done.text, done.facts, done.output, how.as_json, how.quiet, done.note)


def _check_name(output: str | None) -> None:
    """Refuse a name that says that OUT is a picture."""
    if output is not None and output.lower().endswith(PICTURES):
        raise click.UsageError(
            f"-o {output}: what is written is no picture of that format; name it *{CODED}"
        )


def _options(options: dict[str, Any], reading: "Reading") -> "EncodeOptions":
    """The options of the command line, with the pictures that they name."""
    from xcodec.options import EncodeOptions
    from xcodec.pictures import loading

    chosen, others = given(**options), replace(reading, beside=True)
    if chosen["mask"] not in MASKS:
        chosen["mask"] = loading.load_mask(chosen["mask"], others)
    if "roi_mask" in chosen:
        chosen["roi_mask"] = loading.load_weights(chosen["roi_mask"], others)
    return EncodeOptions(**chosen)


def _folder(
    source: str, output: str | None, options: dict[str, Any], reading: "Reading", how: How
) -> None:
    """Encode all pictures of a folder."""
    from xcodec.cli import many
    from xcodec.many.batch import Settings

    refuse(NOT_FOLDERS, "a folder")
    if options["mask"] not in MASKS:
        raise click.UsageError("--mask FILE cannot be used with a folder")
    with usage():
        settings = Settings(_options(options, reading), reading)
    many.run(settings, source, output, how)


def _file(
    source: str, output: str, options: "EncodeOptions", reading: "Reading", how: How
) -> tuple[Written, bytes]:
    """Encode a picture as a file; also return its bytes."""
    from xcodec.decoder import inspection
    from xcodec.encoder.encoding import encode_picture
    from xcodec.encoder.reduction import reading_for
    from xcodec.pictures import loading
    from xcodec.system import files
    from xcodec.system.processes import cores

    files.check_target(output, how.force)
    picture = loading.read(source, reading_for(reading, options))
    data = encode_picture(picture, replace(options, jobs=how.jobs or cores()))
    files.write(output, data, how.force)
    # Only --json reports all facts: they take reading the whole file again.
    facts = asdict(inspection.info(data, max_pixels=reading.max_pixels)) if how.as_json else {}
    text = "" if how.as_json or how.quiet else _line(output, data, reading.max_pixels)
    return Written(output, text, facts), data


def _line(output: str, data: bytes, max_pixels: int) -> str:
    """The report on a file as a line of text."""
    from xcodec.decoder import inspection

    seen = inspection.peek(data, max_pixels=max_pixels)
    area = seen.width * seen.height
    samples = inspection.sample_count(data, max_pixels=area)
    text = (
        f"{output}: {len(data)} bytes, {8 * len(data) / area:.3f} bpp, "
        f"{samples} sample{'' if samples == 1 else 's'} ({percent(samples / area)})"
    )
    return text + scaled((seen.width, seen.height), seen.original)
