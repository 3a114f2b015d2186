"""Pictures as bytes, as clients send and get them."""

from __future__ import annotations

import io
import secrets
import time

from torch import Tensor

from genzoo_core import UsageError
from genzoo_core.images import to_pil, to_uint8
from genzoo_core.picture_files import decode
from genzoo_serve.errors import APIError

HOUR = 3600.0
"""Seconds for which a picture can be fetched by its URL."""
MOST_BYTES = 256 * 2**20
"""Bytes of such pictures at most; the oldest go first."""
OVERHEAD = 500
"""Bytes that each of them takes besides."""
OPAQUE = 128
"""Alpha from which on a pixel is not transparent, as for `genzoo run --mask`."""


def encoded(image: Tensor, form: str = "png", **options: int) -> bytes:
    """A picture `[C, H, W]` in [-1, 1], without a record; `quality` of JPEG and WebP in 0..100."""
    out = io.BytesIO()
    to_pil(to_uint8(image)).save(out, form, **options)
    return out.getvalue()


def is_clear(data: bytes) -> bool:
    """Whether some of a picture is transparent.

    Raises:
        APIError: It is no picture, or has too many pixels.
    """
    try:
        image = decode(data, "image")
    except UsageError as error:
        raise APIError(400, str(error), param="image") from error
    if "A" not in image.getbands():
        return False
    return image.getchannel("A").point(lambda alpha: alpha < OPAQUE).getbbox() is not None


class Links:
    """Pictures that can be fetched by a URL for an hour."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[float, bytes, str]] = {}  # the oldest first
        self._size = 0

    def add(self, data: bytes, form: str) -> str:
        """Remember a picture; gives a name that nobody can guess."""
        name = f"{secrets.token_urlsafe(24)}.{form}"
        self._files[name] = (time.monotonic() + HOUR, data, f"image/{form}")
        self._size += OVERHEAD + len(data)
        while self._size > MOST_BYTES and len(self._files) > 1:
            self._forget()
        return name

    def get(self, name: str) -> tuple[bytes, str] | None:
        """A picture and its media type; None where there is none of the name any more."""
        while self._files and next(iter(self._files.values()))[0] < time.monotonic():
            self._forget()
        found = self._files.get(name)
        return None if found is None else found[1:]

    def _forget(self) -> None:
        """Forget the oldest."""
        self._size -= OVERHEAD + len(self._files.pop(next(iter(self._files)))[1])
