"""xcodec: an image codec for extreme cases, where a few samples stand for the whole picture.

data = xcodec.encode(picture, rate=0.02)  # Pillow image or uint8 array -> bytes of a .xgc file
picture = xcodec.decode(data)             # ... -> Pillow image, by the generator
xcodec.info(data)                         # every field of the file, and where its bytes went
xcodec.reconstruct(points, values, shape) # a picture from samples of other origin
xcodec.encode_packets(picture, 200, 12)   # packets for a link that loses some of them
xcodec.decode_packets(packets)            # the picture that any of them give
xcodec.receive(packets)                   # ... as they come in: a picture that grows
xcodec.truncate(data, 500)                # a file shortened to 500 bytes, at a clean boundary
"""

from typing import TYPE_CHECKING, Any

from xcodec.errors import (
    ConflictError,
    DependencyError,
    FormatError,
    InputError,
    LimitError,
    LinkError,
    ModelError,
    OptionError,
    TruncatedError,
    XcodecError,
)

if TYPE_CHECKING:
    from xcodec.codec import (
        decode,
        decode_array,
        decode_samples,
        encode,
        info,
        reconstruct,
        truncate,
    )
    from xcodec.decoder.inspection import Info
    from xcodec.links.receiving import decode_packets, receive
    from xcodec.links.sending import encode_packets
    from xcodec.options import DecodeOptions, EncodeOptions

__version__ = "0.2.0"

__all__ = [
    "ConflictError",
    "DecodeOptions",
    "DependencyError",
    "EncodeOptions",
    "FormatError",
    "Info",
    "InputError",
    "LimitError",
    "LinkError",
    "ModelError",
    "OptionError",
    "TruncatedError",
    "XcodecError",
    "__version__",
    "decode",
    "decode_array",
    "decode_packets",
    "decode_samples",
    "encode",
    "encode_packets",
    "info",
    "receive",
    "reconstruct",
    "truncate",
]


def __getattr__(name: str) -> Any:
    """Load the codec when it is first asked for, so that ``xcodec --help`` starts at once."""
    if name in __all__:
        from xcodec import codec, options
        from xcodec.decoder import inspection
        from xcodec.links import receiving, sending

        homes = codec, options, inspection, sending, receiving
        home = next(part for part in homes if hasattr(part, name))
        return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
