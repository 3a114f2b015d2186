"""A weights file on this machine, wherever it came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WeightsFile:
    """A weights file, and what is known of it.

    Attributes:
        path: Where it lies.
        reference: What the very same file can be asked for by ("hf://owner/repo/file@commit");
            "" for what it was asked for by.
        sha256: Digest that it must have, lower-case hexadecimal; "" where none is known.
    """

    path: Path
    reference: str = ""
    sha256: str = ""
