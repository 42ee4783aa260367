"""What the processor can do."""

from functools import cache
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")


@cache
def has_bf16() -> bool:
    """Whether the processor computes in bfloat16 (AVX-512 BF16), which makes convolutions faster.

    Only Linux tells; elsewhere this is False. Libraries emulate bfloat16 on processors without it,
    which is slower than float32.
    """
    try:
        return "avx512_bf16" in _CPU_INFO.read_text()
    except OSError:
        return False
