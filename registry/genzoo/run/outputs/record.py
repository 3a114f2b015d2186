"""The record that a file of pictures carries, as text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from genzoo.text import brief
from genzoo_core.config import Config
from genzoo_core.errors import ReplayError, UsageError
from genzoo_core.request import Record

KEY = "genzoo"
"""The PNG text chunk and the safetensors metadata entry that hold the record."""
EXIF, MAKER_NOTE, USER_COMMENT = 0x8769, 0x927C, 0x9286
"""Tags of Exif 2.32: of its own data, and of two fields in it. A JPEG or WebP has the record as the
maker's note, and as the user's comment what AUTOMATIC1111 writes."""
FORMAT = 2
"""Version of what a file says of itself."""
MAX_RECORD = 2**20
"""Most bytes of a record as JSON."""


class RecordError(ReplayError, UsageError):
    """A file given to `--replay` holds no record that can be read (exit code 2)."""


Positive = Annotated[int, msgspec.Meta(ge=1, le=2**20)]


class Layout(Config, omit_defaults=True):
    """How pictures lie in a grid.

    Attributes:
        columns: Pictures in a row.
        gap: Pixels between two, before they are enlarged.
        scale: Pixels of the file, along each side, for one that was made.
        walks: Of several walks that are animated, how many are side by side.
    """

    columns: Positive
    gap: Annotated[int, msgspec.Meta(ge=0, le=64)]
    scale: Positive = 1
    walks: Positive = 1


class Provenance(Config):
    """What a file of pictures says of itself.

    Attributes:
        record: How the pictures were made.
        layout: Where they are in a grid; None where they are apart.
        format: Version of this structure.
    """

    record: Record
    layout: Layout | None = None
    format: int = FORMAT


def is_single(record: Record) -> bool:
    """Whether a file holds one picture, which is not beside an input."""
    if record.latents or (record.inputs and record.strength is None and record.mask is None):
        return False
    rows = max(map(len, (record.prompts, record.seeds, record.inputs)))
    first, last = record.pictures or (0, max(rows, 1) * record.n)
    return last - first == 1


class _Version(msgspec.Struct, frozen=True):
    """The version alone; the first did not say it."""

    format: int = 1


def encode(record: Record, layout: Layout | None = None) -> str:
    """The JSON that goes into a file."""
    return msgspec.json.encode(Provenance(record, layout)).decode()


def decode(text: object, path: Path) -> Provenance:
    """What a file at `path` says of itself; a `RecordError` where `text` is no record."""
    if not isinstance(text, str | bytes):
        raise RecordError(
            f"{path} holds no record of how it was made",
            "give a file of pictures as genzoo wrote it; `genzoo info` tells of a model's file",
        )
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogatepass")
    if len(text) > MAX_RECORD:
        raise RecordError(f"the record in {path} has over {MAX_RECORD:,} bytes; it is not ours")
    try:
        version = msgspec.json.decode(text, type=_Version).format
        if version != FORMAT:
            raise RecordError(
                f"the record in {path} is of format {version}, and this genzoo reads {FORMAT}",
                "the genzoo that wrote it makes its pictures again",
            )
        return msgspec.json.decode(text, type=Provenance)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise RecordError(
            f"the record in {path} cannot be read: {brief(error)}",
            "it is damaged, or a newer genzoo wrote it",
        ) from error
