"""A plugin whose models the tests of `genzoo run` run: its hooks."""

from __future__ import annotations

import sys
from pathlib import Path

from genzoo_core.hookspecs import hookimpl
from genzoo_core.pictures import Pictures
from genzoo_core.request import Record


@hookimpl
def genzoo_before_run(record: Record) -> None:
    sys.stderr.write(f"before {record.model}\n")


@hookimpl
def genzoo_after_run(record: Record, pictures: Pictures) -> None:
    sys.stderr.write(f"after {len(pictures.images)}\n")


@hookimpl
def genzoo_write_output(path: Path, pictures: Pictures) -> bool | None:
    if path.suffix != ".txt":
        return None
    path.write_text(f"{len(pictures.images)} pictures, {len(pictures.frames)} frames")
    return True
