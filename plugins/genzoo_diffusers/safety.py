"""What a checkpoint says and holds, decided before `diffusers` or `transformers` see any of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genzoo_core import ConfigError, Folder
from genzoo_diffusers.classes import component_classes, find_class, library, short
from genzoo_diffusers.parts import CONFIG, SCHEDULER, Part, files_of
from genzoo_diffusers.settings import read_settings

INDEX = "model_index.json"

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
            files += files_of(folder, part, weights)
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
    files = [name for part in parts.values() for name in files_of(folder, part)]
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
