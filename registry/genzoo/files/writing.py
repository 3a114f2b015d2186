"""Writing files whole or not at all, with errors that say what to do."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from genzoo.files.header import LENGTH_BYTES, MAX_HEADER, safetensors_header
from genzoo.files.model_file import FORMAT, FORMAT_VERSION
from genzoo.files.modelspec import modelspec
from genzoo_core.atomic import becoming, beside
from genzoo_core.cards import ModelCard
from genzoo_core.errors import GenzooError, UsageError, WeightsError
from genzoo_core.specs import ModelSpec

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def new_file(path: Path, *, replace: bool = True) -> Iterator[IO[bytes]]:
    """A file to write in, which becomes `path` whole at the end of the block.

    Raises:
        FileExistsError: `path` exists, and `replace` is False.
        GenzooError: It cannot be written; nothing is left of the attempt.
    """
    try:
        with becoming(path, replace=replace) as temporary, temporary.open("wb") as file:
            yield file
    except FileExistsError:
        raise
    except OSError as error:
        raise write_failure(path, error) from error


def check_writable(folder: Path) -> None:
    """Refuse a folder, as a `UsageError`, in which no file can be made, by making one."""
    try:
        with beside(folder / "probe") as probe:
            probe.touch()
    except OSError as error:
        raise UsageError(f"cannot write into {folder}: {error.strerror}") from error


def write_failure(path: Path, error: OSError) -> GenzooError:
    """What to say of a file or folder that could not be written."""
    reason = error.strerror or str(error)
    if error.errno == errno.ENOSPC:
        with suppress(OSError):
            free = shutil.disk_usage(path.parent).free
            reason = f"the disk is full: {free:,} bytes are free"
    return GenzooError(f"cannot write {path}: {reason}", "choose another place with -o")


def write_model_file(
    path: Path,
    spec: ModelSpec,
    tensors: Mapping[str, Tensor],
    card: ModelCard,
    *,
    replace: bool = True,
    for_others: bool = True,
) -> tuple[str, int]:
    """Write a model file. The same content has the same bytes.

    `for_others` adds to the header what other programs read; see `genzoo.files.modelspec`.

    Returns:
        sha256 and size in bytes of the file; those of the card are left out of it.
    """
    # Wide elements first, so that each tensor is aligned; then by name.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    stored = [_bytes(name, tensor) for name, tensor in ordered]
    more = modelspec(spec, card, _digest(stored)) if for_others else {}
    data = b"".join([_header(spec, dict(ordered), card, more), *stored])
    with new_file(path, replace=replace) as file:
        file.write(data)
    return hashlib.sha256(data).hexdigest(), len(data)


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _header(
    spec: ModelSpec, tensors: Mapping[str, Tensor], card: ModelCard, more: Mapping[str, str]
) -> bytes:
    own = msgspec.structs.replace(card, sha256="", size=0, weights="")
    # Laid out here: the safetensors library orders metadata otherwise in each run.
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model": msgspec.json.encode(_plain(spec)).decode(),
        "card": msgspec.json.encode(own, order="deterministic").decode(),
        **more,
    }
    laid_out = [
        (name, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in tensors.items()
    ]
    header = safetensors_header(metadata, laid_out)
    if len(header) - LENGTH_BYTES > MAX_HEADER:
        raise WeightsError(f"a header of {len(header):,} bytes is over the format's {MAX_HEADER:,}")
    return header


def _plain(spec: ModelSpec) -> dict[str, Any]:
    """A spec as plain data, in one order but for conditioners, whose first reads the prompt."""
    plain: dict[str, Any] = msgspec.to_builtins(spec, order="deterministic")
    if spec.conditioners:
        plain["conditioners"] = {name: plain["conditioners"][name] for name in spec.conditioners}
    for role, part in spec.parts.items():
        if part.inline is not None:
            plain["parts"][role]["inline"] = _plain(part.inline)
    return plain


def _bytes(name: str, tensor: Tensor) -> bytes:
    import torch

    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise WeightsError(f"tensor {name!r} holds NaN or infinity, and is not written")
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes()
