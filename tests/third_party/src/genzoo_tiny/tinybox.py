"""Weights from a box: `tinybox://NAME` is a file in the folder that `TINYBOX` names."""

from __future__ import annotations

import os
from pathlib import Path

from genzoo_core import HubError

SCHEME = "tinybox://"


def find(reference: str) -> Path | None:
    """The file that a reference names, or None where it is of another scheme.

    Raises:
        HubError: It is of this scheme, and the box holds no such file.
    """
    if not reference.startswith(SCHEME):
        return None
    name = reference.removeprefix(SCHEME)
    box = Path(os.environ.get("TINYBOX") or Path(__file__).parent / "box")
    if name != Path(name).name or not (box / f"{name}.safetensors").is_file():
        raise HubError(f"no {name!r} in the tinybox {box}", "TINYBOX names another folder")
    return box / f"{name}.safetensors"
