"""Tables of faces by weights of their own, exact samples, packets as sound, and time."""

from scripts.results.sets import (
    BUDGETS,
    FITTED,
    RESULTS,
    SEEN,
    SETS,
    SMALL,
    found,
    own_curve,
    own_within,
    value,
)
from scripts.results.text import markdown, saved, triple, wrapped
from xcodec.evaluation.measures import savings
from xcodec.evaluation.runs import records
from xcodec.evaluation.runs.schema import SpeedFigures

MASKS = ("random", "random, Sobel", "blue noise, Sobel", "explicit (random, Sobel)")
SHARES = (0.01, 0.02, 0.05, 0.1)
COMMANDS = {
    "help": "`xcodec --help`",
    "encode": "`encode`",
    "encode, classical": "`encode --decoder classical`",
    "decode, generator": "`decode`",
    "decode, classical fill": "`decode --decoder classical`",
}
CODECS = {
    "xcodec generator": "xcodec, generator",
    "xcodec classical": "xcodec, classical",
    "avif": "AVIF",
    "jpegxl": "JPEG XL",
}
MEGAPIXELS = 4


def face() -> list[str]:
    """Faces by the weights for faces."""
    curve = own_within("faces_realistic", "face")
    lines = [["bytes", "PSNR", "SSIM", "LPIPS"], ["---:"] * 4]
    for size in SMALL:
        cells = triple([value(curve, size, name) for name in SEEN]).split(" / ")
        lines.append([f"{size}", *cells])
    return markdown(lines)


def all_faces() -> list[str]:
    """All faces within a message of Iridium."""
    fill = found("faces_345")[f"xcodec, classical fill{FITTED}"]
    psnrs = [value(curve, 345, "psnr") for curve in (own_within("faces_345", "photo"), fill)]
    return wrapped(
        f"In 345 bytes, all 60 faces have {psnrs[0]:.2f} dB by the generator and {psnrs[1]:.2f} dB "
        "by the classical fill (`faces_345.json`; every file has at most 345 bytes)."
    )


def effort() -> list[str]:
    """What the seventh level of effort gains."""
    lines = [["pictures", *(f"{size:,} bytes" for size in BUDGETS)], ["---", *["---:"] * 4]]
    usual, more = own_curve(SETS["faces"]), own_within("faces_effort7", "photo", 7)
    gains = [value(more, size, "psnr") - value(usual, size, "psnr") for size in BUDGETS]
    lines.append(["faces", *(f"{gain:+.2f}" for gain in gains)])
    new, old = (RESULTS / f"{record}.json" for record in ("kodak_effort7", "kodak"))
    smaller = saved(savings.changes(new, old, "generator"), 1)
    text = f"Kodak at equal PSNR, between 1 and 10 % of the pixels: files are {smaller}."
    return [*markdown(lines), "", *wrapped(text)]


def lossless() -> list[str]:
    """Bytes saved beside zstandard on mask and values."""
    loaded = records.load(RESULTS / "lossless_samples.json")
    assert loaded["benchmark"] == "lossless_samples"
    saved = {(row["mask"], row["rate"]): 100 * row["saved"] for row in loaded["figures"]["rows"]}
    lines = [["mask", *(f"{100 * share:.0f} %" for share in SHARES)], ["---", *["---:"] * 4]]
    lines += [[mask, *(f"{-saved[mask, share]:.0f} %" for share in SHARES)] for mask in MASKS]
    followed, given = (
        _range([saved[mask, share] for mask in masks for share in SHARES])
        for masks in (MASKS[:-1], MASKS[-1:])
    )
    text = (
        f"Files are {followed} % smaller where the mask follows from a seed or a density, and "
        f"{given} % smaller where it is given. Record: `lossless_samples.json`."
    )
    return [*wrapped(text), "", *markdown(lines)]


def _range(values: list[float]) -> str:
    return f"{min(values):.0f} to {max(values):.0f}"


def sound() -> list[str]:
    """Packets through the sound of a packet radio with noise."""
    loaded = records.load(RESULTS / "direwolf.json")
    assert loaded["benchmark"] == "direwolf"
    lines = [["noise", "packets", "lost", "nothing arrives", "PSNR"], ["---:"] * 5]
    for row in loaded["figures"]["rows"]:
        if row["party"] == "xcodec":
            shares = [f"{100 * row['lost']:.1f} %", f"{100 * row['empty']:.0f} %"]
            level, psnr = f"{row['level']:g}", f"{row['psnr']:.2f}"
            lines.append([level, f"{row['packets']:.1f}", *shares, psnr])
    return markdown(lines)


def commands() -> list[str]:
    """Seconds of whole processes."""
    taken = {row["command"]: row["seconds"] for row in _speed()["processes"]}
    lines = [["command", "seconds"], ["---", "---:"]]
    lines += [[title, _seconds(taken[name])] for name, title in COMMANDS.items()]
    return markdown(lines)


def codecs() -> list[str]:
    """Seconds a megapixel."""
    taken = {
        (row["codec"], row["operation"]): row["seconds"]
        for row in _speed()["rows"]
        if row["megapixels"] == MEGAPIXELS and row["seconds"] is not None
    }
    lines = [["codec", "encode", "decode"], ["---", "---:", "---:"]]
    for name, title in CODECS.items():
        both = (taken[name, operation] for operation in ("encode", "decode"))
        lines.append([title, *(_seconds(seconds / MEGAPIXELS) for seconds in both)])
    return markdown(lines)


def _speed() -> SpeedFigures:
    loaded = records.load(RESULTS / "speed.json")
    assert loaded["benchmark"] == "speed"
    return loaded["figures"]


def _seconds(value: float) -> str:
    return f"{value:.2g}"
