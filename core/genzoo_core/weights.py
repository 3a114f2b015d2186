"""A weights file on this machine, wherever it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genzoo_core.config import Config

if TYPE_CHECKING:
    from pathlib import Path


class WeightsFile(Config):
    """A weights file, with its reference and digest.

    Attributes:
        path: Where it lies.
        reference: The reference of exactly this file ("hf://owner/repo/file@commit"); "" where
            the user's own reference is one.
        sha256: Digest that it must have, lower-case hexadecimal; "" for any.
    """

    path: Path
    reference: str = ""
    sha256: str = ""

    @property
    def name(self) -> str:
        """Its reference, or its path."""
        return self.reference or str(self.path)
