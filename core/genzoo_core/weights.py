"""A weights file on this machine, wherever it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genzoo_core.config import Config

if TYPE_CHECKING:
    from pathlib import Path


class WeightsFile(Config):
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

    @property
    def name(self) -> str:
        """What it can be asked for by: its reference, or its path."""
        return self.reference or str(self.path)
