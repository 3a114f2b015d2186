"""Tiny models of every family, as a third party would write them."""

import os
import sys
from collections.abc import Mapping, Sequence
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
def genzoo_after_write(request: Record, paths: Sequence[Path], seconds: float) -> None:
    """A line in a log, where TINY_LOG names one."""
    if log := os.environ.get("TINY_LOG"):
        with open(log, "a") as file:
            what = "latents" if request.encode else "pictures"
            file.write(f"{what} {' '.join(path.name for path in paths)} {seconds > 0}\n")


@hookimpl
def genzoo_log_training(run: str, step: int, values: Mapping[str, float]) -> None:
    """Keep nothing."""
