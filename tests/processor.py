"""What the processor can do, as the kernel says it."""

from __future__ import annotations

from pathlib import Path

import pytest

INFO = Path("/proc/cpuinfo")


def processor_has(precision: str) -> bool:
    """Whether it has instructions for "bf16" or "fp16"; skips the test on other than Linux."""
    if not INFO.exists():
        pytest.skip("no kernel says what the processor can do")
    names = {
        "bf16": {"avx512_bf16", "amx_bf16", "bf16", "svebf16"},
        "fp16": {"avx512_fp16", "amx_fp16", "asimdhp", "fphp"},
    }
    return not names[precision].isdisjoint(INFO.read_text(encoding="utf-8").split())
