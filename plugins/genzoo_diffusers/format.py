"""The format of the folders that `diffusers` saves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo_core import ConfigError, Folder, Format, ModelCard
from genzoo_diffusers.describing import labels_of, shape_of
from genzoo_diffusers.safety import Checkpoint, check_folder

if TYPE_CHECKING:
    from torch import nn

    from genzoo_core.zoo import Opened


class Diffusers(Format):
    """A pipeline with its components, or one model alone."""

    def card(self, folder: Folder) -> ModelCard:
        checkpoint = check_folder(folder)
        name, parts = checkpoint.cls.__name__, checkpoint.parts
        check_runs(folder, checkpoint)
        shape = shape_of({each or "vae": part.config for each, part in parts.items()})
        if not checkpoint.index:
            is_codec = name == "AutoencoderKL"
            return ModelCard(
                name_of(folder),
                family="vae" if is_codec else "diffusion",
                summary=f"{name} of diffusers.",
                kind="codec" if is_codec else "model",
                shape=shape,
            )
        by = f", sampled by {checkpoint.scheduler.__name__}" if checkpoint.scheduler else ""
        labels = labels_of(checkpoint.index)
        return ModelCard(
            name_of(folder),
            family="diffusion",
            summary=f"{name} of diffusers{by}.",
            shape=shape,
            conditioners=_conditioners(checkpoint),
            classes=tuple(labels.values()),
        )

    def load(self, folder: Folder) -> nn.Module:
        from genzoo_diffusers.loading import load

        checkpoint = check_folder(folder)
        check_runs(folder, checkpoint)
        return load(folder, checkpoint)

    def write(self, opened: Opened, folder: Path) -> None:
        from genzoo_diffusers.pipeline import PipelineModel

        if not isinstance(opened.module, PipelineModel):
            raise ConfigError(
                f"{opened.name} is no network of diffusers",
                "a checkpoint of diffusers can be exported so, and what was trained from one",
            )
        opened.module.save(folder)
        if opened.model and (license_ := opened.model.card.license):
            front = f"---\nlicense: {json.dumps(license_)}\nlibrary_name: diffusers\n---\n"
            (folder / "README.md").write_text(front, encoding="utf-8")


def check_runs(folder: Folder, checkpoint: Checkpoint) -> None:
    """Refuse what is no model that makes pictures of text, of a class or of nothing.

    Raises:
        ConfigError: It is something else; says what.
    """
    import inspect

    cls = checkpoint.cls
    if not checkpoint.index:
        if checkpoint.parts[""].config.get("num_class_embeds"):
            raise ConfigError(
                f"{folder.name} holds a {cls.__name__} of classes, and no pipeline that names them",
                "name the folder of its pipeline",
            )
        return
    call = inspect.signature(cls.__call__).parameters
    lacks = [
        name
        for name, parameter in list(call.items())[1:]
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and name not in ("prompt", "class_labels")
    ]
    if "image" in call and re.search("Img2Img|Inpaint|Pix2Pix|Upscale|Edit|Control", cls.__name__):
        lacks.append("a picture to begin from")
    makes = next((w for n, w in OTHERS.items() if n in call), None)
    if makes:
        raise ConfigError(f"{folder.name} is a {cls.__name__}: it makes {makes}, not pictures")
    if cls.__name__.endswith("PriorPipeline"):
        raise ConfigError(f"{folder.name} is a {cls.__name__}: it makes no pictures")
    if "generator" not in call or "output_type" not in call:
        lacks.append("a call with generator and output_type")
    if lacks:
        raise ConfigError(
            f"{folder.name} is a {cls.__name__}, which needs {', '.join(lacks)}: genzoo runs "
            "pipelines that make pictures of text, of a class or of nothing"
        )


OTHERS = {
    "num_frames": "videos",
    "video": "videos",
    "audio_length_in_s": "sound",
    "audio_end_in_s": "sound",
    "audio_duration": "sound",
}
"""Arguments by which pipelines are known that make something else."""


def _conditioners(checkpoint: Checkpoint) -> tuple[str, ...]:
    import inspect

    call = inspect.signature(checkpoint.cls.__call__).parameters
    if "prompt" in call:
        return ("prompt",)
    unet = checkpoint.parts.get("unet")
    classes = unet is None or unet.config.get("num_class_embeds")
    return ("label",) if "class_labels" in call and classes else ()


def name_of(folder: Folder) -> str:
    """What a folder is called."""
    name = Path(folder.name.rpartition("@")[0] or folder.name).name
    return name.removesuffix(".safetensors")[:100] or "model"
