"""TensorBoard: what a training logs, in files in its folder, where `tensorboard` is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo_core import Recipe, hookimpl

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_writers: dict[Path, SummaryWriter] = {}
"""Those of the trainings that run, by their folders."""


@hookimpl
def genzoo_before_training(recipe: Recipe, folder: Path, step: int) -> None:
    """Begin a file of events; one that a training goes on from hides what it does again."""
    if find_spec("tensorboard") is None:
        return
    import msgspec
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder), purge_step=step + 1 if step else None)
    text = msgspec.json.format(msgspec.json.encode(recipe)).decode()
    writer.add_text("recipe", f"```json\n{text}\n```", step)
    writer.flush()
    _writers[folder] = writer


@hookimpl
def genzoo_log_training(
    step: int,
    values: Mapping[str, float],
    folder: Path,
    pictures: Path | None,
    warnings: Sequence[str],
) -> None:
    """Write them; whoever looks sees them at once."""
    if (writer := _writers.get(folder)) is None:
        return
    for name, value in values.items():
        writer.add_scalar(name, value, step)
    if pictures is not None:
        import numpy as np
        from PIL import Image

        with Image.open(pictures) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        writer.add_image("samples", pixels, step, dataformats="HWC")
    for warning in warnings:
        writer.add_text("warnings", warning, step)
    writer.flush()


@hookimpl
def genzoo_end_training(folder: Path) -> None:
    """Close the file."""
    if writer := _writers.pop(folder, None):
        writer.close()
