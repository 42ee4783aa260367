"""``xcodec decode``."""

from typing import Any

import click

from xcodec.cli.common import (
    as_json,
    beside,
    cluster,
    decoder,
    device,
    force,
    given,
    jobs,
    max_pixels,
    quiet,
    report,
    skip_existing,
)


def numbers(
    context: click.Context, option: click.Parameter, text: str | None
) -> tuple[int, ...] | None:
    """The four numbers of a region."""
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise click.BadParameter(f"{text!r} is not X,Y,W,H: four whole numbers")
    return tuple(map(int, parts))


@click.command(short_help="Paint the picture of a .xgc file or of packets.")
@click.argument("sources", metavar="IN...", nargs=-1, required=True)
@click.option("-o", "--output", metavar="OUT", help="A picture file; '-' is standard output (PNG).")
@decoder("What paints between the samples: a trained network, or interpolation.")
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="auto|NAME|PATH",
    help="Weights of the generator; auto: those that the file names.",
)
@click.option(
    "--realism",
    type=click.FloatRange(0, 1),
    metavar="0..1",
    help="From faithful to realistic, which invents detail.  [default: 0]",
)
@device
@click.option(
    "--bit-depth",
    type=click.Choice(["8", "16"]),
    help="Bits a channel of the output.  [default: the source's]",
)
@click.option("--strip", is_flag=True, help="Leave out EXIF, XMP and ICC profile.")
@click.option("--partial", is_flag=True, help="Draw what there is of a file that was cut short.")
@click.option(
    "--region",
    callback=numbers,
    metavar="X,Y,W,H",
    help="Draw only a part, given by its corner, width and height in pixels.",
)
@click.option(
    "--downsample",
    type=click.Choice(["1", "2", "4", "8", "16", "32", "64"]),
    default="1",
    help="Draw the picture so many times smaller.",
)
@jobs
@skip_existing
@cluster
@max_pixels
@force
@as_json
@quiet
def decode(
    sources: tuple[str, ...],
    output: str | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    bit_depth: str | None,
    jobs: int | None,
    downsample: str,
    skip_existing: bool,
    cluster: str | None,
    **options: Any,
) -> None:
    """Paint the picture of IN: a .xgc file, or packets: a folder of .xgp files, any of them, a
    bundle or lines of text. '-' is standard input.

    Of a tree of folders, all files and folders of packets in it are painted into the folder OUT.
    """
    from xcodec import codec
    from xcodec.cli import many
    from xcodec.decoder import inspection
    from xcodec.links import packet_files, receiving
    from xcodec.many import trees
    from xcodec.many.batch import Settings
    from xcodec.pictures import loading, modes
    from xcodec.system import files
    from xcodec.system.processes import cores

    if len(sources) == 1 and trees.is_tree(sources[0]):
        if bit_depth == "16":
            raise click.UsageError("--bit-depth 16 is for single files")
        if options.pop("region"):
            raise click.UsageError("--region is for single files")
        limit = options.pop("max_pixels")
        chosen = given(**options) | {"downsample": int(downsample)}
        many.run(
            Settings("decode", chosen, limit),
            sources[0],
            output,
            jobs=jobs,
            force=force,
            skip_existing=skip_existing,
            cluster=cluster,
            as_json=as_json,
            quiet=quiet,
        )
        return
    if skip_existing or cluster:
        raise click.UsageError("--skip-existing and --cluster are for folders")
    output = output or beside(sources[0].rstrip("/"), ".png")
    files.check_target(output, force)
    kind = loading.kind_of(output)
    if packet_files.are_packets(sources):
        data, packets = b"", packet_files.gather(sources)
    else:
        data = files.read(sources[0])
        packets = [each for each in packet_files.split(data) if receiving.is_packet(each)]
    most = given(max_pixels=options["max_pixels"])
    if not packets:
        options |= {"downsample": int(downsample), "jobs": jobs or cores()}
    if packets:
        if bit_depth == "16":
            raise click.UsageError("--bit-depth 16: packets carry 8 bits")
        if options.pop("region") or downsample != "1":
            raise click.UsageError("--region and --downsample are for .xgc files")
        if options.pop("realism"):
            raise click.UsageError("--realism is for .xgc files")
        del options["partial"], options["strip"]
        picture = receiving.decode_packets(packets, **given(**options))
        loading.save(picture, output, kind, force)
        width, height = picture.size
    elif bit_depth == "16" and inspection.peek(data, **most).mode not in modes.GREYS:
        del options["strip"]  # Nothing writes metadata there.
        levels = codec.decode_array(data, 16, **given(**options))
        loading.save_deep(levels, output, kind, force)
        height, width = levels.shape[:2]
    else:
        depth = None if bit_depth is None else int(bit_depth)
        picture = codec.decode(data, bit_depth=depth, **given(**options))
        loading.save(picture, output, kind, force)
        width, height = picture.size
    facts = {"width": width, "height": height, "decoder": options["decoder"]}
    text = f"{output}: {width}x{height} pixels"
    report(text, facts, output, as_json, quiet)
