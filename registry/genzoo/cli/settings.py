"""What several commands take as text: `--set KEY=VALUE` and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from genzoo.text import quoted
from genzoo_core.errors import UsageError
from genzoo_core.request import Lora


def gather(settings: Sequence[str], flags: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Settings by name, each given once.

    Args:
        settings: What `--set` was given.
        flags: Values of flags that set an option of the same name, as often as they were given.

    Raises:
        UsageError: One is no KEY=VALUE, or is given twice.
    """
    pairs = [_pair(text) for text in settings]
    pairs += [(name, value) for name, values in flags.items() for value in values]
    gathered: dict[str, str] = {}
    for name, value in pairs:
        if name in gathered:
            raise UsageError(f"{name} is set twice: {quoted(gathered[name])} and {quoted(value)}")
        gathered[name] = value
    return gathered


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {quoted(text)} is not of the form KEY=VALUE")
    return name, value


def parse_interpolate(text: str) -> tuple[int, int] | Literal["inputs"]:
    """The two seeds of "3,8"; "inputs" as it is.

    Raises:
        UsageError: Anything else.
    """
    if text == "inputs":
        return "inputs"
    parts = text.split(",")
    try:
        start, end = (int(part) for part in parts)
    except ValueError as error:
        raise UsageError(
            f"--interpolate {quoted(text)} is not two seeds", "give them as in --interpolate 3,8"
        ) from error
    return start, end


def parse_lora(text: str) -> Lora:
    """The file, or reference, and the scale of "style.safetensors:0.8"; 1 without one."""
    path, colon, scale = text.rpartition(":")
    try:
        return Lora(path, float(scale)) if colon and path else Lora(text)
    except ValueError:
        return Lora(text)
