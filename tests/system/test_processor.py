"""What the processor can do."""

from pathlib import Path

import pytest

from xcodec.system import processor


@pytest.mark.parametrize(
    ("text", "expected"), [("flags : avx512_bf16 sse", True), ("flags : sse", False), (None, False)]
)
def test_bf16_is_what_linux_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, expected: bool
) -> None:
    file = tmp_path / "cpuinfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(processor, "_CPU_INFO", file)
    assert processor.has_bf16.__wrapped__() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags : sse avx512_vnni avx512_bf16", True),
        ("flags : avx_vnni", True),
        ("flags : avx_vnni_int8 sse", False),
        (None, False),
    ],
)
def test_integer_dot_products_are_what_linux_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, expected: bool
) -> None:
    file = tmp_path / "cpuinfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(processor, "_CPU_INFO", file)
    assert processor.has_integer_dot_products.__wrapped__() == expected
