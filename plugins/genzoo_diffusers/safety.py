"""What a folder may say, decided before `diffusers` sees it: no name of it is imported unlisted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genzoo_core import ConfigError, Folder, WeightsError
from genzoo_diffusers.classes import find_class, is_auto, library, short

INDEX = "model_index.json"
STEMS = {"diffusers": "diffusion_pytorch_model", "transformers": "model"}
"""What the libraries call their files of weights."""
ATTENTION = {"eager", "sdpa", "flash_attention_2", "flex_attention", "paged_attention", "default"}
"""Ways of computing attention that transformers has itself; any other name is a repository's."""
ADDED = {
    "learned_embeds.safetensors": "a textual inversion: words for a pipeline's tokenizer",
    "pytorch_lora_weights.safetensors": "a LoRA: changes to a pipeline's weights",
    "adapter_config.json": "an adapter of peft",
}
"""Files that are no model by themselves."""
READ = (".json", ".txt", ".model")
"""Suffixes of what tokenizers and configs are read from."""


@dataclass(frozen=True)
class Part:
    """A component of a pipeline, or the one model of a folder.

    Attributes:
        cls: Its class, of one of the libraries.
        folder: Where its files are, "" or ending in "/".
        config: What its config says; empty for a tokenizer.
    """

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
    """A folder whose classes are those of the libraries, and whose files are what they may read.

    Attributes:
        cls: The class of the pipeline, or of the one model.
        index: What `model_index.json` says; empty where there is none.
        parts: By name of the component.
        files: What the libraries may see.
    """

    cls: type
    index: Mapping[str, Any]
    parts: Mapping[str, Part]
    files: tuple[str, ...]


def check_folder(folder: Folder) -> Checkpoint:
    """What a folder is, by classes of the libraries alone.

    Raises:
        ConfigError: It asks for code of its own or for a file elsewhere, or is nothing that runs.
        WeightsError: A component has no safetensors.
    """
    for name, what in ADDED.items():
        if name in folder.files and INDEX not in folder.files:
            raise ConfigError(f"{folder.name} holds {name}: {what}, no model by itself")
    if INDEX in folder.files:
        return _pipeline(folder)
    return _single(folder)


def _single(folder: Folder) -> Checkpoint:
    config = _config(folder, "config.json")
    where = f"config.json of {folder.name}"
    part = Part(find_class(where, "diffusers", config.get("_class_name")), "", config)
    if not part.is_model:
        raise ConfigError(f"{where} describes a {part.cls.__name__}, no model")
    extra = [name for name in ("scheduler_config.json",) if name in folder.files]
    for name in extra:
        _config(folder, name)
    return Checkpoint(part.cls, {}, {"": part}, (*_files_of(folder, "", part), *extra))


def _pipeline(folder: Folder) -> Checkpoint:
    import inspect

    index = _config(folder, INDEX)
    where = f"{INDEX} of {folder.name}"
    cls = find_class(where, "diffusers", index.get("_class_name"))
    if not issubclass(cls, library("diffusers").DiffusionPipeline):
        raise ConfigError(f"{where} names {cls.__name__}, which is no pipeline")
    wanted = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    parts: dict[str, Part] = {}
    files: list[str] = [INDEX]
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, list):
            continue
        if name not in wanted:
            raise ConfigError(
                f"{INDEX} of {folder.name} names a component {name[:60]!r}, which a "
                f"{cls.__name__} has not"
            )
        if value == [None, None]:
            continue
        if len(value) != 2:
            raise ConfigError(f"{INDEX} of {folder.name} gives no library and class for {name!r}")
        found = find_class(where, *value)
        flat = not any(other.startswith(f"{name}/") for other in folder.files)
        place = "" if flat else f"{name}/"
        part = Part(found, place, _part_config(folder, place, found))
        parts[name] = part
        files += _files_of(folder, place, part)
    places = {"", *(part.folder for part in parts.values())}
    for script in folder.scripts:
        if script.rpartition("/")[0] + "/" * ("/" in script) in places:
            raise ConfigError(
                f"{folder.name} holds code, {script[:100]}, which is never run",
                "remove it if the model does not need it",
            )
    return Checkpoint(cls, index, parts, tuple(dict.fromkeys(files)))


def _part_config(folder: Folder, place: str, cls: type) -> Mapping[str, Any]:
    """The config of a component; all JSON beside it is checked, too."""
    is_scheduler = issubclass(cls, library("diffusers").SchedulerMixin)
    name = "scheduler_config.json" if is_scheduler else "config.json"
    if f"{place}{name}" in folder.files:
        return _config(folder, f"{place}{name}")
    return {}


def _files_of(folder: Folder, place: str, part: Part) -> Iterator[str]:
    """What the libraries may read of a component: its weights, and the text beside them."""
    here = [n for n in folder.files if n.startswith(place) and "/" not in n[len(place) :]]
    if f"{place}adapter_config.json" in here:
        raise ConfigError(
            f"{folder.name} holds {place}adapter_config.json: its base may be anywhere",
            "merge it into the weights",
        )
    for name in here:
        if name.endswith(READ) and name != INDEX and ".safetensors.index" not in name:
            if name.endswith(".json"):
                _check(folder, name, folder.json(name))
            yield name
    if part.is_model:
        yield from _weights(folder, place, part)


def _weights(folder: Folder, place: str, part: Part) -> list[str]:
    """The files of weights of a component, in the variant that is wanted where it has that."""
    own = part.cls.__module__.startswith("diffusers.models")
    file = place + STEMS["diffusers" if own else "transformers"]
    stem = re.escape(file)
    for variant in dict.fromkeys((folder.variant, "")):
        of = f"\\.{re.escape(variant)}" if variant else ""
        pattern = f"{stem}(({of}(-\\d+-of-\\d+)?|(-\\d+-of-\\d+)?{of})\\.safetensors|"
        pattern += f"\\.safetensors\\.index{of}\\.json)"
        if found := [name for name in folder.files if re.fullmatch(pattern, name)]:
            return found
    raise WeightsError(
        f"{folder.name} has no {file}.safetensors for its {part.cls.__name__}",
        "save it with save_pretrained(…, safe_serialization=True), or name a --variant",
    )


def _config(folder: Folder, name: str) -> dict[str, Any]:
    config = folder.json(name)
    if not isinstance(config, dict):
        raise ConfigError(f"{name} of {folder.name} is no JSON object")
    _check(folder, name, config)
    return config


def _check(folder: Folder, file: str, value: object) -> None:
    """Refuse what asks a library to load code, or a file from elsewhere."""
    if isinstance(value, list):
        for each in value:
            _check(folder, file, each)
    if not isinstance(value, dict):
        return
    for key, entry in value.items():
        if entry is None or entry is False:
            continue
        if why := _reason(key, entry):
            raise ConfigError(
                f"{file} of {folder.name} asks for {why} ({short(key)}: {short(entry)}), which is "
                "never loaded"
            )
        _check(folder, file, entry)


REASONS = {
    "auto_map": "code of its own",
    "trust_remote_code": "code of its own",
    "custom_pipelines": "code of its own",
    "custom_generate": "code of its own",
    "quantization_config": "weights that the code of a quantizer reads",
    "base_model_name_or_path": "weights elsewhere",
    "use_kernels": "a kernel from a repository",
    "kernel_config": "a kernel from a repository",
}
"""Keys of a config that are refused whatever they say, and what they ask for."""


def _reason(key: str, entry: object) -> str:
    """What an entry of a config asks for that is refused; "" for a sound one."""
    why = REASONS.get(key, "")
    if key == "_class_name" and not isinstance(entry, str):
        why = "a class of its own"
    elif key.endswith("attn_implementation") and not _is_attention(entry):
        why = "a kernel from a repository"
    elif isinstance(entry, str) and is_auto(entry) and not key.endswith("name_or_path"):
        why = "a class that finds another by itself"
    elif key.endswith("_file") and key != "special_tokens_map_file":
        why = "a file of its choice"
    return why


def _is_attention(value: object) -> bool:
    values = value.values() if isinstance(value, dict) else [value]
    return all(each is None or each in ATTENTION for each in values if not isinstance(each, list))
