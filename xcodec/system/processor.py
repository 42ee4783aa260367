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
    return "avx512_bf16" in _flags()


@cache
def has_integer_dot_products() -> bool:
    """Whether the processor sums products of 8-bit integers in one instruction (VNNI).

    Only Linux tells; elsewhere this is False. On x86 processors without it, sums of products of
    8-bit integers overflow in onnxruntime.
    """
    return not {"avx512_vnni", "avx_vnni"}.isdisjoint(_flags())


def _flags() -> set[str]:
    try:
        return set(_CPU_INFO.read_text(encoding="utf-8").split())
    except OSError:
        return set()
