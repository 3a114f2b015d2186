"""Checkpoints in one file, as the first authors of Stable Diffusion wrote theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from genzoo_core import ConfigError, Folder, Format, GenzooError, ModelCard, WeightsError
from genzoo_diffusers.building import model_of
from genzoo_diffusers.classes import library, one_line
from genzoo_diffusers.describing import shape_of
from genzoo_diffusers.format import name_of
from genzoo_diffusers.loading import DTYPES
from genzoo_diffusers.safety import check_folder

if TYPE_CHECKING:
    from torch import nn

SETTING = "config"
"""The option that says where the configs are."""


class SingleFile(Format):
    """One file with all weights of a pipeline, whose configs lie in the folder of another."""

    def card(self, folder: Folder) -> ModelCard:
        summary = "A checkpoint in one file, read with the configs of its pipeline."
        return ModelCard(name_of(folder), "diffusion", summary, conditioners=("prompt",))

    def load(self, folder: Folder) -> nn.Module:
        (file,) = folder.files
        reference = folder.settings.get(SETTING) or self._usual(folder, file)
        try:
            other = folder.other(str(reference))
            configs = check_folder(other, weights=False)
        except GenzooError as error:
            raise ConfigError(
                f"{folder.name} holds weights without configs, and those of {reference} cannot be "
                f"had: {error.message}",
                f"fetch them while there is a network, or name a folder: --set {SETTING}=FOLDER",
            ) from error
        shape = shape_of({name: part.config for name, part in configs.parts.items()})
        if not configs.index or shape is None:
            raise ConfigError(f"{reference} does not say how large the pictures are")
        path = folder.local([file]) / file
        try:
            pipeline = configs.cls.from_single_file(  # type: ignore[attr-defined]
                str(path),
                config=str(other.local(configs.files)),
                dtype=DTYPES.get(folder.precision, torch.float32),
                local_files_only=True,
            )
        except Exception as error:  # each library, and what it is made of, raises its own
            raise WeightsError(
                f"{folder.name} does not fit the configs of {reference}: {one_line(error)}"
            ) from error
        return model_of(pipeline, shape, [SETTING])

    def _usual(self, folder: Folder, file: str) -> str:
        """The repository whose configs such a checkpoint has, as diffusers tells by its tensors."""
        library("diffusers")  # before what imports it
        from diffusers.loaders.single_file_utils import fetch_diffusers_config

        tensors = dict(folder.weights(file.removesuffix(".safetensors")))
        found = fetch_diffusers_config(tensors)  # type: ignore[no-untyped-call]
        return f"hf://{found['pretrained_model_name_or_path']}"
