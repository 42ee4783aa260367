"""xcodec in benchmarks: how it encodes and decodes, and what the results depend on."""

import ast
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import xcodec
from xcodec.choices import DECODERS, DEFAULT_EFFORT
from xcodec.coding.header import MODELS
from xcodec.encoder import lookahead
from xcodec.encoder.effort import EFFORTS
from xcodec.errors import InputError, OptionError
from xcodec.options import TARGETS
from xcodec.reconstruction import model_files
from xcodec.types import RGB

GENERATOR, CLASSICAL = DECODERS
CODEC_PACKAGES = ("numpy", "scipy", "opencv-python-headless", "constriction")
"""Packages whose versions can change files and pictures of xcodec."""
KEYWORDS = {"rate": "rate", "size": "max_bytes"}
"""Keywords of ``xcodec.encode`` by kind of target."""
ROOT = Path(xcodec.__file__).parent


@dataclass(frozen=True)
class Variant:
    """One way to encode, and the decoders for its files.

    effort   : None: the default
    model    : name or path of the generator's weights
    decoders : some of DECODERS
    encode   : further arguments of ``xcodec.encode``
    device   : where the generator runs

    Raises InputError for unknown decoders, and for arguments that are wrong or given elsewhere.
    """

    effort: int | None = None
    model: str = "photo"
    decoders: tuple[str, ...] = DECODERS
    encode: dict[str, Any] = field(default_factory=dict)
    device: str = "cpu"

    def __post_init__(self) -> None:
        for decoder in self.decoders:
            if decoder not in DECODERS:
                raise InputError(f"no decoder {decoder!r}: decoders are {', '.join(DECODERS)}")
        self._check_arguments()

    def title(self, decoder: str) -> str:
        """The name of this variant's files in records, by decoder."""
        fill = "classical fill" if decoder == CLASSICAL else f"generator {Path(self.model).stem}"
        effort = "" if self.effort in (None, DEFAULT_EFFORT) else f", effort {self.effort}"
        return f"xcodec, {fill}{effort}"

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of ``xcodec.encode`` besides the target."""
        chosen = dict(self.encode)
        if self.effort is not None:
            chosen["effort"] = self.effort
        if self.model in MODELS:
            chosen["model"] = self.model
        return chosen

    def write(self, rgb: RGB, target: str, value: float) -> bytes:
        """Encode at a "rate" or within a "size" in bytes; returns b"" if no file is so small."""
        if target == "size" and value < 1:
            return b""
        arguments: dict[str, Any] = {KEYWORDS[target]: value} | self.arguments
        try:
            return xcodec.encode(rgb, **arguments)
        except OptionError:
            raise
        except InputError:
            if target != "size":
                raise
            return b""

    def paint(self, data: bytes, decoder: str) -> RGB:
        """Decode a file to uint8 (height, width, 3), at the size of the picture before encoding."""
        model = self.model if decoder == GENERATOR else "auto"
        image = xcodec.decode(
            data, decoder=decoder, model=model, device=self.device, original_size=True
        )
        return np.asarray(image.convert("RGB"))

    def _check_arguments(self) -> None:
        try:
            options = xcodec.EncodeOptions.from_keywords(self.encode)
        except TypeError as error:
            raise InputError(str(error)) from error
        xcodec.EncodeOptions.from_keywords(self.arguments)
        given = [name for name in TARGETS if getattr(options, name) is not None]
        given += ["effort"] * ("effort" in self.encode and self.effort is not None)
        given += ["model"] * ("model" in self.encode and self.model in MODELS)
        if given:
            raise InputError(f"{given[0]} cannot be given by -E: it has an option of its own")

    def file_key(self) -> list[Any]:
        """What the files of this variant depend on, besides the picture and the target."""
        effort = EFFORTS[self.arguments.get("effort", DEFAULT_EFFORT)]
        weights = weights_digest(lookahead.MODEL) if effort.lookaheads else ""
        if effort.tuning:
            weights += weights_digest(self.model)
        return ["xcodec", source_digest(), versions(CODEC_PACKAGES), self.arguments, weights]

    def picture_key(self, decoder: str) -> list[Any]:
        """What the decoded picture of a file depends on, besides the file."""
        if decoder == CLASSICAL:
            return [decoder, source_digest(), versions(CODEC_PACKAGES)]
        packages = versions((*CODEC_PACKAGES, "onnxruntime", "torch"))
        return [decoder, source_digest(), packages, weights_digest(self.model), self.device]


def weights_digest(model: str) -> str:
    """Digest of a generator's weights. Raises ModelError if there are none."""
    return model_files.digest(model_files.find(model))


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Versions of those packages that are installed."""
    found = {}
    for name in packages:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


@cache
def source_digest(start: str = "xcodec.codec") -> str:
    """Digest of the modules that encode and decode pictures, and of the tables beside them.

    start : a module; what it imports, directly or indirectly, is included
    """
    modules = sorted(_imported(start))
    whole = hashlib.sha256()
    for module in modules:
        whole.update(module.read_bytes())
    for folder in sorted({module.parent for module in modules}):
        for path in sorted(folder.iterdir()):
            if path.suffix in (".json", ".npy", ".npz"):
                whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


def _imported(start: str) -> set[Path]:
    """The files of xcodec that a module imports, directly or indirectly, also within functions."""
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        path = _file(waiting.pop())
        if path is not None and path not in found:
            found.add(path)
            waiting += _imports(path)
    return found


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(module: str) -> Path | None:
    """The file of a module of xcodec; None for other names and for packages, which hold no code."""
    first, *rest = module.split(".")
    if first != "xcodec" or not rest:
        return None
    path = ROOT.joinpath(*rest).with_suffix(".py")
    return path if path.is_file() else None
