"""What a checkpoint says and holds, decided before `diffusers` or `transformers` see any of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genzoo_core import ConfigError, Folder, WeightsError
from genzoo_diffusers.classes import component_classes, find_class, library, short
from genzoo_diffusers.settings import read_settings

INDEX = "model_index.json"
CONFIG = "config.json"
SCHEDULER = "scheduler_config.json"

ALONE = ("AutoencoderKL", "UNet2DModel")
"""Models that are something without a pipeline."""

ADDITIONS = {
    r"learned_embeds.*\.safetensors": "a textual inversion: words for the tokenizer of a pipeline",
    r"pytorch_lora_weights.*\.safetensors": "a LoRA: changes to the weights of a pipeline",
    r"ip[-_]adapter.*": "an IP-Adapter: it lets a picture steer a pipeline",
    r"adapter_(config|model)\..*": "an adapter of peft: changes to the weights of a model",
    r"modular_model_index\.json": "a modular pipeline, made of blocks that it names itself",
}
"""Names of files by which folders are known that hold no model."""

STEERED = {
    "ControlNet": "a ControlNet, by which a picture steers a pipeline",
    "T2IAdapter": "a T2I-Adapter, by which a picture steers a pipeline",
}
"""Parts of names of classes that are not run."""

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


@dataclass(frozen=True)
class Checkpoint:
    """A folder all of whose classes are of the libraries, and what they may read of it.

    Attributes:
        cls: The class of the pipeline, or of the model alone.
        index: What `model_index.json` says; empty for a model alone.
        parts: By the name of the component; of a model alone it is "". `scheduler` is among them.
        absent: Names of the components that a pipeline can have and this one has not.
        files: What the libraries may see, for `Folder.local`: configs, texts of tokenizers, and of
            each model the safetensors of the variant that is wanted.
    """

    cls: type
    index: Mapping[str, Any]
    parts: Mapping[str, Part]
    absent: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def scheduler(self) -> type | None:
        """The class of its scheduler."""
        return self.parts["scheduler"].cls if "scheduler" in self.parts else None


def check_folder(folder: Folder, *, weights: bool = True) -> Checkpoint:
    """What a folder is, if nothing but the code of the installed libraries is needed to load it.

    Args:
        folder: A pipeline, or a model alone.
        weights: Whether its weights are wanted, not its configs alone.

    No module is imported, and no file opened, by a name from the folder, unless the libraries
    list a class by that name as theirs.

    Raises:
        ConfigError: It asks for other code or for files elsewhere, or is no pipeline, no
            `UNet2DModel` and no `AutoencoderKL`; says what it is.
        WeightsError: A model in it has no safetensors, or a config cannot be read.
    """
    library("diffusers")  # to say once that it is missing
    for script in folder.scripts:
        raise ConfigError(
            f"{folder.name} holds code, {script[:100]}, which is never run",
            "if the model works without it, load a copy that has no such file",
        )
    if INDEX in folder.files:
        return _pipeline(folder, weights)
    if CONFIG in folder.files:
        return _alone(folder)
    for name in folder.files:
        for pattern, what in ADDITIONS.items():
            if re.fullmatch(pattern, name.rpartition("/")[2]):
                raise ConfigError(
                    f"{folder.name} holds {name}: {what}, no model by itself",
                    "name the folder of the pipeline",
                )
    raise ConfigError(f"{folder.name} has neither {INDEX} nor {CONFIG}, so it says no class")


def _pipeline(folder: Folder, weights: bool) -> Checkpoint:
    import diffusers

    where, index = f"{INDEX} of {folder.name}", read_settings(folder, INDEX)
    cls = find_class(where, "diffusers", index.get("_class_name"), diffusers.DiffusionPipeline)
    _refuse_steered(folder, cls)
    components, settings = cls._get_signature_keys(cls)  # type: ignore[attr-defined]
    parts: dict[str, Part] = {}
    files = [INDEX]
    for name, value in index.items():
        if name.startswith("_"):
            continue
        if not name.isidentifier():
            raise ConfigError(f"{where} names a component {short(name)}, which is no name")
        is_component = name in components
        if not is_component and (name in settings or not _is_pair(value)):
            continue
        if not (_is_pair(value) or value == [None, None]):
            raise ConfigError(f"{where} gives {short(value)} for {name}: no library and class")
        if value == [None, None]:
            continue
        found = find_class(where, *value, *component_classes())
        _refuse_steered(folder, found)
        if is_component:
            parts[name] = part = _part(folder, name, value[0], found)
            files += _files_of(folder, part, weights)
    _refuse_incomplete(folder, cls, components, parts)
    absent = tuple(sorted(set(components) - set(parts)))
    return Checkpoint(cls, index, parts, absent, tuple(dict.fromkeys(files)))


def _alone(folder: Folder) -> Checkpoint:
    where, config = f"{CONFIG} of {folder.name}", read_settings(folder, CONFIG)
    if "_class_name" not in config:
        raise ConfigError(f"{where} is not of diffusers: it has no `_class_name`")
    cls = find_class(where, "diffusers", config["_class_name"], *component_classes())
    _refuse_steered(folder, cls)
    if cls.__name__ not in ALONE:
        raise ConfigError(
            f"{folder.name} holds a {cls.__name__} alone, which makes no pictures by itself",
            f"name the folder of its pipeline, the one with {INDEX}",
        )
    parts = {"": Part("diffusers", cls, "", config)}
    if cls.__name__ == "UNet2DModel" and SCHEDULER in folder.files:
        import diffusers

        says, scheduler = f"{SCHEDULER} of {folder.name}", read_settings(folder, SCHEDULER)
        name = scheduler.get("_class_name")
        found = find_class(says, "diffusers", name, diffusers.SchedulerMixin)
        parts["scheduler"] = Part("diffusers", found, "", scheduler)
    files = [name for part in parts.values() for name in _files_of(folder, part)]
    return Checkpoint(cls, {}, parts, (), tuple(files))


def _part(folder: Folder, name: str, library: str, cls: type) -> Part:
    import diffusers

    # As diffusers decides it: what has no folder of its own lies beside the index.
    place = f"{name}/" if any(file.startswith(f"{name}/") for file in folder.files) else ""
    part = Part(library, cls, place, {})
    is_scheduler = issubclass(cls, diffusers.SchedulerMixin)
    if not (part.is_model or is_scheduler):
        return part
    config = place + (SCHEDULER if is_scheduler else CONFIG)
    if config not in folder.files:
        raise ConfigError(f"{folder.name} lacks {config}, the config of its {cls.__name__}")
    return Part(library, cls, place, read_settings(folder, config))


def _files_of(folder: Folder, part: Part, weights: bool = True) -> Iterator[str]:
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


def _refuse_steered(folder: Folder, cls: type) -> None:
    for word, what in STEERED.items():
        if word in cls.__name__:
            raise ConfigError(
                f"{folder.name} holds a {cls.__name__}: {what}, which genzoo does not run",
                "name a pipeline without it",
            )


def _refuse_incomplete(
    folder: Folder, cls: Any, components: list[str], parts: Mapping[str, Part]
) -> None:
    """Refuse a pipeline that lacks a part, or has an IP-Adapter."""
    lacks = [n for n in components if n not in parts and n not in cls._optional_components]
    if lacks:
        raise ConfigError(
            f"{folder.name} is a {cls.__name__} and lacks its {', '.join(lacks)}",
            "it builds on another pipeline, which lies elsewhere"
            if cls._load_connected_pipes
            else "fetch or save all of it once more",
        )
    steers = [p for p in parts.values() if p.config.get("encoder_hid_dim_type") == "ip_image_proj"]
    if steers or ("image_encoder" in parts and hasattr(cls, "load_ip_adapter")):
        raise ConfigError(
            f"{folder.name} is a {cls.__name__} with an IP-Adapter, by which a picture steers it: "
            "genzoo does not run that",
            "name a pipeline without it",
        )


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and list(map(type, value)) == [str, str]
