"""The components of a checkpoint, and which files of each the libraries may read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genzoo_core import ConfigError, Folder, WeightsError
from genzoo_diffusers.classes import short
from genzoo_diffusers.settings import read_settings

CONFIG = "config.json"
SCHEDULER = "scheduler_config.json"

SETTINGS = re.compile(r".+_config\.json|special_tokens_map\.json|chat_template\.json")
"""JSON of tokenizers and processors whose keys are settings."""
VOCABULARIES = {
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "spiece.model",
    "tekken.json",
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
}
"""What else they read, whatever their class: words, not settings. A `.model` is a protobuf."""
MAX_TEXT = 100_000_000
"""Size in bytes of the largest file of words; those of large language models have 35 MB."""


@dataclass(frozen=True)
class Part:
    """A component of a pipeline, or a model alone.

    Attributes:
        library: Where `model_index.json` says that the class is: "diffusers", "transformers", or a
            folder of pipelines of `diffusers`, such as "stable_diffusion".
        cls: The class itself.
        folder: Where its files are: "" or, ending in a slash, "unet/".
        config: What its config says; empty for a tokenizer and what else has none.
    """

    library: str
    cls: type
    folder: str
    config: Mapping[str, Any]

    @property
    def is_model(self) -> bool:
        """Whether it has weights."""
        from torch import nn

        return issubclass(self.cls, nn.Module)


def files_of(folder: Folder, part: Part, weights: bool = True) -> Iterator[str]:
    """What the libraries may read of a component."""
    import diffusers

    adapter = f"{part.folder}adapter_config.json"
    if adapter in folder.files:  # peft would read pickles, and a base model from anywhere
        raise ConfigError(
            f"{folder.name} holds {adapter}, an adapter of peft, which is not loaded",
            "merge it into the weights and remove it",
        )
    if part.is_model:
        yield f"{part.folder}{CONFIG}"
        generation = f"{part.folder}generation_config.json"
        if generation in folder.files:
            read_settings(folder, generation)
            yield generation
        if weights:
            yield from _weights(folder, part)
    elif issubclass(part.cls, diffusers.SchedulerMixin):
        yield f"{part.folder}{SCHEDULER}"
    else:
        yield from _texts(folder, part)


def _texts(folder: Folder, part: Part) -> list[str]:
    """What a tokenizer or a processor reads, its settings checked."""
    words = VOCABULARIES | set(getattr(part.cls, "vocab_files_names", {}).values())
    found = []
    for name, size in folder.files.items():
        place, slash, file = name.rpartition("/")
        is_setting = SETTINGS.fullmatch(file) is not None
        if place + slash != part.folder or not (is_setting or file in words):
            continue
        if size > MAX_TEXT:
            raise ConfigError(f"{name} of {folder.name} has {size:,} bytes: too large")
        if is_setting:
            read_settings(folder, name)
        found.append(name)
    if not found:
        raise ConfigError(f"{folder.name} holds no file of its {part.cls.__name__}")
    return found


def _weights(folder: Folder, part: Part) -> list[str]:
    """One file of safetensors, or the shards with their index; of the variant if there is one."""
    from diffusers.utils.constants import SAFETENSORS_WEIGHTS_NAME
    from transformers import PreTrainedModel
    from transformers.utils import SAFE_WEIGHTS_NAME

    is_theirs = issubclass(part.cls, PreTrainedModel)
    file = part.folder + (SAFE_WEIGHTS_NAME if is_theirs else SAFETENSORS_WEIGHTS_NAME)
    stem = file.removesuffix(".safetensors")
    for variant in dict.fromkeys((folder.variant, "")):
        of = f".{variant}" if variant else ""
        if f"{stem}{of}.safetensors" in folder.files:
            return [f"{stem}{of}.safetensors"]
        index = f"{file}.index{of}.json"
        if index in folder.files:
            return [index, *_shards(folder, index, part.folder)]
    variants = re.compile(re.escape(stem) + r"\.(\w+)[\w-]*\.safetensors").fullmatch
    other = next((found[1] for found in map(variants, folder.files) if found), None)
    raise WeightsError(
        f"{folder.name} lacks {file}, the weights of its {part.cls.__name__}",
        f"there is --variant {other}"
        if other
        else "where you trust its other files: "
        f"{part.cls.__name__}.from_pretrained(DIR).save_pretrained(DIR)",
    )


def _shards(folder: Folder, index: str, place: str) -> list[str]:
    content = folder.json(index)
    files = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not files:
        raise WeightsError(f"{index} of {folder.name} has no `weight_map`")
    for file in (shards := dict.fromkeys(map(str, files.values()))):
        if "/" in file or not file.endswith(".safetensors") or place + file not in folder.files:
            raise WeightsError(
                f"{index} of {folder.name} names {short(file)}, which is no file of safetensors "
                "beside it"
            )
    return [place + file for file in shards]
