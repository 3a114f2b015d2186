"""Classes that a checkpoint may name: those that `diffusers` and `transformers` list as theirs."""

from __future__ import annotations

import re
from typing import Any

from genzoo_core import ConfigError
from genzoo_core.libraries import mend_torchvision


def find_class(where: str, owner: object, name: object) -> type:
    """A class of the libraries by its name: nothing is imported that they do not list.

    Args:
        where: Who names it, for messages.
        owner: "diffusers", "transformers", or a folder of pipelines that has classes of its own.
        name: Of the class.

    Raises:
        ConfigError: They have no such class, or only with a package that is not installed.
    """
    if not isinstance(owner, str) or not isinstance(name, str):
        raise ConfigError(f"{where} names {short([owner, name])} for a class: code of its own")
    if is_auto(name):
        raise ConfigError(f"{where} names {name[:60]}, which finds its class by itself")
    for module in _modules(owner):
        if name in exported(module):
            found = getattr(module, name)
            if isinstance(found, type) and issubclass(found, _bases()):
                return found
            needs = getattr(found, "_backends", None)
            if needs:
                raise ConfigError(
                    f"{where} needs {' and '.join(needs)}", f"pip install {' '.join(needs)}"
                )
    raise ConfigError(
        f"{where} names {short(f'{owner}.{name}')}, which is none of the classes that diffusers "
        "and transformers have for it",
        "code of a model's own is never run",
    )


def library(name: str) -> Any:
    """`diffusers` or `transformers`.

    Raises:
        ConfigError: They are not installed.
    """
    mend_torchvision()
    try:
        import diffusers
        import transformers
    except ImportError as error:
        raise ConfigError(
            f"checkpoints of diffusers need {error.name}, which is not installed",
            "`pip install 'genzoo[diffusers]'`",
        ) from error
    return {"diffusers": diffusers, "transformers": transformers}[name]


def _modules(owner: str) -> list[Any]:
    """Where the classes of a library are: itself, or the pipelines that have some of their own."""
    if owner in ("diffusers", "transformers"):
        return [library(owner)]
    pipelines = library("diffusers").pipelines
    if owner in pipelines._import_structure:
        return [getattr(pipelines, owner)]
    return []


def exported(module: Any) -> set[str]:
    """What a module of the libraries lists as its own."""
    listed = getattr(module, "_import_structure", {})
    return {name for names in listed.values() for name in names} | set(dir(module))


def _bases() -> tuple[type, ...]:
    diffusers, transformers = library("diffusers"), library("transformers")
    return (
        diffusers.DiffusionPipeline,
        diffusers.ModelMixin,
        diffusers.SchedulerMixin,
        transformers.PreTrainedModel,
        transformers.PreTrainedTokenizerBase,
        transformers.FeatureExtractionMixin,
        transformers.ImageProcessingMixin,
        transformers.ProcessorMixin,
    )


def is_auto(name: str) -> bool:
    """Whether a name is that of a class which reads from a config what class to be."""
    return re.match("Auto[A-Z]", name) is not None


def short(value: object) -> str:
    """A value of a stranger in one short line."""
    return " ".join(str(value).split())[:60]
