"""Tiny models of every family, as a third party would write them."""

import sys
from collections.abc import Mapping
from pathlib import Path

from genzoo_core import Pictures, Record, hookimpl
from genzoo_tiny.tinybox import find


@hookimpl
def genzoo_resolve_weights(reference: str, sha256: str) -> Path | None:
    """Weights from the tinybox."""
    return find(reference)


@hookimpl
def genzoo_cached_weights(reference: str, sha256: str) -> Path | None:
    """The same: the box is on this machine."""
    return find(reference)


@hookimpl
def genzoo_before_run(record: Record) -> None:
    """Say hello."""
    print(f"tiny: making {record.n} of {record.model}", file=sys.stderr)


@hookimpl
def genzoo_write_output(path: Path, pictures: Pictures) -> bool | None:
    """Pictures as text, one character a pixel."""
    if path.suffix != ".txt":
        return None
    rows = [
        "".join(" .:-=+*#%@"[int((value + 1) * 4.99)] for value in row)
        for image in pictures.images.mean(1).tolist()
        for row in image
    ]
    path.write_text("\n".join(rows) + "\n")
    return True


@hookimpl
def genzoo_log_training(run: str, step: int, values: Mapping[str, float]) -> None:
    """Keep nothing."""
