"""Building what a checked folder holds, by `diffusers` itself."""

from __future__ import annotations

from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import nn

from genzoo_core import ConfigError, Folder, WeightsError
from genzoo_diffusers.building import model_of
from genzoo_diffusers.classes import library, one_line
from genzoo_diffusers.codec import KLCodec
from genzoo_diffusers.describing import shape_of
from genzoo_diffusers.parts import Part
from genzoo_diffusers.safety import Checkpoint

DEFAULT_SIDE = 1024
"""What pipelines draw that have no other size of their own, as Z-Image."""
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""What weights are loaded as in half precision."""


def load(folder: Folder, checkpoint: Checkpoint) -> nn.Module:
    """The model of a folder, on the CPU.

    Raises:
        ConfigError: Its parts do not fit together.
        WeightsError: The tensors of a part are not those that it needs.
    """
    diffusers = library("diffusers")
    root = folder.local(checkpoint.files)
    built = {name: _build(folder, root, part) for name, part in checkpoint.parts.items()}
    shape = shape_of({name or "vae": part.config for name, part in checkpoint.parts.items()})
    if not checkpoint.index:
        module = built[""]
        if shape is None:
            raise ConfigError(f"config.json of {folder.name} gives no sample_size")
        if isinstance(module, diffusers.AutoencoderKL):
            return KLCodec(module, shape)
        # Without a scheduler beside it, DDPM's with the schedule of the paper.
        scheduler = built.get("scheduler") or diffusers.DDPMScheduler()
        return model_of(diffusers.DDPMPipeline(module, scheduler), shape)
    pipeline = checkpoint.cls.from_pretrained(root, local_files_only=True, **built)  # type: ignore[attr-defined]
    return model_of(pipeline, shape or _default_shape(pipeline))


def _default_shape(pipeline: Any) -> tuple[int, int, int]:
    """That of a pipeline whose configs do not say it, but its code."""
    side = getattr(pipeline, "default_sample_size", None)
    height = signature(type(pipeline).__call__).parameters.get("height")
    if isinstance(side, int):
        side *= getattr(pipeline, "vae_scale_factor", 1)
    else:
        side = height.default if height and isinstance(height.default, int) else DEFAULT_SIDE
    return 3, side, side


def _build(folder: Folder, root: Path, part: Part) -> Any:
    """A component, from the files that were checked."""
    where = part.folder.rstrip("/")
    options: dict[str, Any] = {"local_files_only": True}
    if where:
        options["subfolder"] = where
    if part.is_model:
        options |= {"use_safetensors": True, "output_loading_info": True}
        options["dtype"] = DTYPES.get(folder.precision, torch.float32)
        if part.cls.__module__.startswith("diffusers.models"):
            options["low_cpu_mem_usage"] = find_spec("accelerate") is not None
        variant = folder.variant
        if variant and any(f".{variant}." in name for name in folder.files):
            options["variant"] = variant
    try:
        made = part.cls.from_pretrained(root, **options)  # type: ignore[attr-defined]
    except Exception as error:  # each library, and what it is made of, raises its own
        what = f"{where or folder.name}, a {part.cls.__name__}"
        raise WeightsError(f"{what}: {one_line(error)}") from error
    if not part.is_model:
        return made
    module, found = made
    for kind in ("missing_keys", "mismatched_keys"):
        if names := list(found.get(kind) or ()):
            what = "lacks" if kind == "missing_keys" else "has another shape of"
            raise WeightsError(
                f"{where or 'the file'} of {folder.name} {what} {str(names[0])[:100]}"
            )
    return module
