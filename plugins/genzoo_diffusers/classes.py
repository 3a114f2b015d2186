"""Classes that a checkpoint may name: those that `diffusers` and `transformers` list as theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genzoo_core import ConfigError
from genzoo_core.libraries import mend_torchvision

LISTED = {
    "diffusers": r"models|pipelines|schedulers|guiders|utils\.dummy_\w+",
    "transformers": r"models\..+\.(modeling|tokenization|image_processing|feature_extraction|"
    r"processing)_\w+|tokenization_utils_tokenizers",
}
"""Modules of the libraries whose classes can be components; others are not even imported."""


def find_class(where: str, library: str, name: object, *kinds: type) -> type:
    """A class that a library lists as its own, and that is of one of these kinds.

    Raises:
        ConfigError: There is none by that name, or it needs a package that is not installed.
    """
    if not isinstance(name, str):
        raise ConfigError(f"{where} names no class", "it is not complete: fetch it once more")
    found = listed_class(library, name)
    if found is None:
        raise ConfigError(
            f"{where} names {short(f'{library}.{name}')}, which is no pipeline of the installed "
            "diffusers, nor a part of one",
            "code of a folder's own is never run; if it is none, a newer diffusers may have it",
        )
    if backends := vars(found).get("_backends"):  # stands for the class until they are there
        needs = " and ".join(backends)
        raise ConfigError(f"{where} names {name}, which needs {needs}: it is not installed")
    if not issubclass(found, kinds) or found in kinds:
        kind = "pipeline" if len(kinds) == 1 and "Pipeline" in kinds[0].__name__ else "component"
        raise ConfigError(f"{where} names {name}, which is no {kind} that genzoo loads")
    return found


def listed_class(library: str, name: str) -> type | None:
    """A class by its name, which is looked up in the libraries' own lists before any import."""
    import diffusers
    import transformers
    from diffusers.utils.deprecation_utils import _maybe_remap_transformers_class

    home: Any = {"diffusers": diffusers, "transformers": transformers}.get(library)
    if home is None and library in diffusers.pipelines._import_structure:
        home = getattr(diffusers.pipelines, library)
    lists: Mapping[str, str] = getattr(home, "_class_to_module", {})
    if library == "transformers":
        name = _maybe_remap_transformers_class(name) or name
        if name not in lists:  # it has one class for both, since version 5
            name = name.removesuffix("Fast")
    listed = re.fullmatch(LISTED.get(library, ".*"), lists.get(name, "")) if name in lists else None
    if home is None or not (listed or name in vars(home)):
        return None
    found = getattr(home, name)
    return found if isinstance(found, type) else None


def library(name: str) -> Any:
    """`diffusers` or `transformers`, which draw no bars and say nothing but errors from then on.

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
    found: dict[str, Any] = {"diffusers": diffusers, "transformers": transformers}
    for each in found.values():
        each.utils.logging.set_verbosity_error()
        each.utils.logging.disable_progress_bar()
    return found[name]


def component_classes() -> tuple[type, ...]:
    import diffusers
    import transformers

    return (
        diffusers.ModelMixin,
        diffusers.SchedulerMixin,
        diffusers.BaseGuidance,
        transformers.PreTrainedModel,
        transformers.PreTrainedTokenizerBase,
        transformers.FeatureExtractionMixin,
        transformers.ImageProcessingMixin,
        transformers.ProcessorMixin,
    )


def one_line(error: Exception) -> str:
    """What an error of a library says, in one line."""
    return " ".join(str(error).split())[:300]


def short(value: object) -> str:
    """What a folder says, in a few characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
