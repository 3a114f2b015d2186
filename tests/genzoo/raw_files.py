"""Files as a faulty writer or a stranger would make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def split(path: Path) -> tuple[dict[str, Any], bytes]:
    """Header and data of a sound file."""
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def join(
    path: Path, header: dict[str, Any] | bytes, data: bytes, length: int | None = None
) -> Path:
    """Write a file with any header, and any length before it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    path.write_bytes(length.to_bytes(8, "little") + text + data)
    return path


def edited(path: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a sound file whose header was changed."""
    header, data = split(path)
    edit(header)
    return join(path.with_name("edited.safetensors"), header, data)


def edited_model(path: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a sound file whose description of the model was changed."""

    def change(header: dict[str, Any]) -> None:
        model = json.loads(header["__metadata__"]["model"])
        edit(model)
        header["__metadata__"]["model"] = json.dumps(model)

    return edited(path, change)
