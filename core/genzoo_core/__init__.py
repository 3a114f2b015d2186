"""The interfaces of genzoo: what a plugin implements and what it can rely on.

Names are imported on first use, so that `import genzoo_core` costs nothing and reading a
manifest needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genzoo_core.cards import Metric, ModelCard
    from genzoo_core.component import Context
    from genzoo_core.conditioner import Condition, Conditioner, Conditioning
    from genzoo_core.encoder import Codec, Encoder, Posterior
    from genzoo_core.errors import (
        ConfigError,
        DataError,
        GenzooError,
        HubError,
        IntegrityError,
        NotFittedError,
        PluginError,
        ReplayError,
        TrainingError,
        UsageError,
        WeightsError,
    )
    from genzoo_core.hookspecs import hookimpl
    from genzoo_core.manifest import API_VERSION, CommandEntry, ComponentEntry, Manifest
    from genzoo_core.model import GenerativeModel, NoOptions, OnStep
    from genzoo_core.noiser import Noiser, ScheduledNoiser
    from genzoo_core.pictures import Latents, Pictures, RunRecord
    from genzoo_core.recipe import Recipe
    from genzoo_core.rng import BatchRng, InterpolationRng, Rng, SampleRng
    from genzoo_core.specs import ComponentSpec, ModelSpec, PartSpec
    from genzoo_core.training import Batch, Phase, Progress, Stage, Trainable
    from genzoo_core.zoo import Built, Zoo

_HOMES = {
    "cards": ("Metric", "ModelCard"),
    "component": ("Context",),
    "conditioner": ("Condition", "Conditioner", "Conditioning"),
    "encoder": ("Codec", "Encoder", "Posterior"),
    "errors": (
        "ConfigError",
        "DataError",
        "GenzooError",
        "HubError",
        "IntegrityError",
        "NotFittedError",
        "PluginError",
        "ReplayError",
        "TrainingError",
        "UsageError",
        "WeightsError",
    ),
    "hookspecs": ("hookimpl",),
    "manifest": ("API_VERSION", "CommandEntry", "ComponentEntry", "Manifest"),
    "model": ("GenerativeModel", "NoOptions", "OnStep"),
    "noiser": ("Noiser", "ScheduledNoiser"),
    "pictures": ("Latents", "Pictures", "RunRecord"),
    "recipe": ("Recipe",),
    "rng": ("BatchRng", "InterpolationRng", "Rng", "SampleRng"),
    "specs": ("ComponentSpec", "ModelSpec", "PartSpec"),
    "training": ("Batch", "Phase", "Progress", "Stage", "Trainable"),
    "zoo": ("Built", "Zoo"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604
    *_HOME_OF
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOME_OF)
