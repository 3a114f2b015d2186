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
    from genzoo_core.conditioner import Condition, Conditioned, Conditioner, Conditioning
    from genzoo_core.config import Config
    from genzoo_core.dataset import Dataset
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
    from genzoo_core.formats import Described, Folder, Format, Source
    from genzoo_core.hookspecs import hookimpl
    from genzoo_core.manifest import (
        API_VERSION,
        CommandEntry,
        ComponentEntry,
        FormatEntry,
        Manifest,
    )
    from genzoo_core.model import (
        Adaptable,
        GenerativeModel,
        Guided,
        Inpainting,
        NoOptions,
        Offloadable,
        OnStep,
        Start,
        Varying,
    )
    from genzoo_core.noiser import Noiser, ScheduledNoiser
    from genzoo_core.pictures import Latents, Pictures
    from genzoo_core.plugin import Model, Plugin, Verification
    from genzoo_core.recipe import Recipe
    from genzoo_core.request import Input, Lora, Offload, Record, Request
    from genzoo_core.rng import BatchRng, InterpolationRng, Rng, SampleRng
    from genzoo_core.sampler import Sampler, Trajectory
    from genzoo_core.specs import Choice, ComponentSpec, ModelSpec, PartSpec
    from genzoo_core.training import Batch, Phase, Progress, Stage, Trainable
    from genzoo_core.weights import WeightsFile
    from genzoo_core.zoo import Opened, Zoo

_HOME_OF = {
    "API_VERSION": "manifest",
    "Adaptable": "model",
    "Batch": "training",
    "BatchRng": "rng",
    "Choice": "specs",
    "Codec": "encoder",
    "CommandEntry": "manifest",
    "ComponentEntry": "manifest",
    "ComponentSpec": "specs",
    "Condition": "conditioner",
    "Conditioned": "conditioner",
    "Conditioner": "conditioner",
    "Conditioning": "conditioner",
    "Config": "config",
    "ConfigError": "errors",
    "Context": "component",
    "DataError": "errors",
    "Dataset": "dataset",
    "Described": "formats",
    "Encoder": "encoder",
    "Folder": "formats",
    "Format": "formats",
    "FormatEntry": "manifest",
    "GenerativeModel": "model",
    "GenzooError": "errors",
    "Guided": "model",
    "HubError": "errors",
    "Inpainting": "model",
    "Input": "request",
    "IntegrityError": "errors",
    "InterpolationRng": "rng",
    "Latents": "pictures",
    "Lora": "request",
    "Manifest": "manifest",
    "Metric": "cards",
    "Model": "plugin",
    "ModelCard": "cards",
    "ModelSpec": "specs",
    "NoOptions": "model",
    "Noiser": "noiser",
    "NotFittedError": "errors",
    "Offload": "request",
    "Offloadable": "model",
    "OnStep": "model",
    "Opened": "zoo",
    "PartSpec": "specs",
    "Phase": "training",
    "Pictures": "pictures",
    "Plugin": "plugin",
    "PluginError": "errors",
    "Posterior": "encoder",
    "Progress": "training",
    "Recipe": "recipe",
    "Record": "request",
    "ReplayError": "errors",
    "Request": "request",
    "Rng": "rng",
    "SampleRng": "rng",
    "Sampler": "sampler",
    "ScheduledNoiser": "noiser",
    "Source": "formats",
    "Stage": "training",
    "Start": "model",
    "Trainable": "training",
    "TrainingError": "errors",
    "Trajectory": "sampler",
    "UsageError": "errors",
    "Varying": "model",
    "Verification": "plugin",
    "WeightsError": "errors",
    "WeightsFile": "weights",
    "Zoo": "zoo",
    "hookimpl": "hookspecs",
}

__all__ = [
    "API_VERSION",
    "Adaptable",
    "Batch",
    "BatchRng",
    "Choice",
    "Codec",
    "CommandEntry",
    "ComponentEntry",
    "ComponentSpec",
    "Condition",
    "Conditioned",
    "Conditioner",
    "Conditioning",
    "Config",
    "ConfigError",
    "Context",
    "DataError",
    "Dataset",
    "Described",
    "Encoder",
    "Folder",
    "Format",
    "FormatEntry",
    "GenerativeModel",
    "GenzooError",
    "Guided",
    "HubError",
    "Inpainting",
    "Input",
    "IntegrityError",
    "InterpolationRng",
    "Latents",
    "Lora",
    "Manifest",
    "Metric",
    "Model",
    "ModelCard",
    "ModelSpec",
    "NoOptions",
    "Noiser",
    "NotFittedError",
    "Offload",
    "Offloadable",
    "OnStep",
    "Opened",
    "PartSpec",
    "Phase",
    "Pictures",
    "Plugin",
    "PluginError",
    "Posterior",
    "Progress",
    "Recipe",
    "Record",
    "ReplayError",
    "Request",
    "Rng",
    "SampleRng",
    "Sampler",
    "ScheduledNoiser",
    "Source",
    "Stage",
    "Start",
    "Trainable",
    "TrainingError",
    "Trajectory",
    "UsageError",
    "Varying",
    "Verification",
    "WeightsError",
    "WeightsFile",
    "Zoo",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOME_OF)
