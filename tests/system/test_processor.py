"""What the processor can do is what Linux says; elsewhere, and without an answer, it is nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from xcodec.system import processor
from xcodec.system.processor import has_bf16, has_integer_dot_products


@pytest.mark.parametrize(
    ("ask", "text", "expected"),
    [
        (has_bf16, "flags : sse avx512_bf16 avx2", True),
        (has_bf16, "flags : avx2", False),
        (has_bf16, None, False),
        (has_integer_dot_products, "flags : sse avx512_vnni avx512_bf16", True),
        (has_integer_dot_products, "flags : avx_vnni", True),
        (has_integer_dot_products, "flags : avx_vnni_int8 sse", False),
        (has_integer_dot_products, None, False),
    ],
)
def test_it_is_what_linux_says(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    ask: Callable[[], bool],
    text: str | None,
    expected: bool,
) -> None:
    file = tmp_path / "cpuinfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(processor, "_CPU_INFO", file)
    assert ask.__wrapped__() is expected  # type: ignore[attr-defined]
