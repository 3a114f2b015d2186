"""The interfaces of genzoo: what a plugin implements and what it can rely on.

Names are imported on first use, so that `import genzoo_core` costs nothing and reading a
manifest needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genzoo_core.cards import Metric as Metric
    from genzoo_core.cards import ModelCard as ModelCard
    from genzoo_core.component import Context as Context
    from genzoo_core.conditioner import Condition as Condition
    from genzoo_core.conditioner import Conditioned as Conditioned
    from genzoo_core.conditioner import Conditioner as Conditioner
    from genzoo_core.conditioner import Conditioning as Conditioning
    from genzoo_core.config import Config as Config
    from genzoo_core.config import NoOptions as NoOptions
    from genzoo_core.dataset import Dataset as Dataset
    from genzoo_core.denoising import Denoiser as Denoiser
    from genzoo_core.density import Density as Density
    from genzoo_core.density import FittedDensity as FittedDensity
    from genzoo_core.encoder import Codec as Codec
    from genzoo_core.encoder import Encoder as Encoder
    from genzoo_core.encoder import Posterior as Posterior
    from genzoo_core.errors import ConfigError as ConfigError
    from genzoo_core.errors import DataError as DataError
    from genzoo_core.errors import GenzooError as GenzooError
    from genzoo_core.errors import HubError as HubError
    from genzoo_core.errors import IntegrityError as IntegrityError
    from genzoo_core.errors import NotFittedError as NotFittedError
    from genzoo_core.errors import PluginError as PluginError
    from genzoo_core.errors import ReplayError as ReplayError
    from genzoo_core.errors import TrainingError as TrainingError
    from genzoo_core.errors import UsageError as UsageError
    from genzoo_core.errors import WeightsError as WeightsError
    from genzoo_core.formats import Described as Described
    from genzoo_core.formats import Folder as Folder
    from genzoo_core.formats import Format as Format
    from genzoo_core.formats import Source as Source
    from genzoo_core.hookspecs import hookimpl as hookimpl
    from genzoo_core.manifest import API_VERSION as API_VERSION
    from genzoo_core.manifest import CommandEntry as CommandEntry
    from genzoo_core.manifest import ComponentEntry as ComponentEntry
    from genzoo_core.manifest import FormatEntry as FormatEntry
    from genzoo_core.manifest import Manifest as Manifest
    from genzoo_core.model import Adaptable as Adaptable
    from genzoo_core.model import GenerativeModel as GenerativeModel
    from genzoo_core.model import Guided as Guided
    from genzoo_core.model import Inpainting as Inpainting
    from genzoo_core.model import Offloadable as Offloadable
    from genzoo_core.model import OnStep as OnStep
    from genzoo_core.model import Start as Start
    from genzoo_core.model import Varying as Varying
    from genzoo_core.noiser import Noiser as Noiser
    from genzoo_core.noiser import ScheduledNoiser as ScheduledNoiser
    from genzoo_core.pictures import Latents as Latents
    from genzoo_core.pictures import Pictures as Pictures
    from genzoo_core.plugin import Model as Model
    from genzoo_core.plugin import Plugin as Plugin
    from genzoo_core.plugin import Verification as Verification
    from genzoo_core.ranks import all_mean as all_mean
    from genzoo_core.ranks import all_rows as all_rows
    from genzoo_core.ranks import own_rows as own_rows
    from genzoo_core.ranks import share_of as share_of
    from genzoo_core.recipe import Recipe as Recipe
    from genzoo_core.request import Input as Input
    from genzoo_core.request import Lora as Lora
    from genzoo_core.request import Offload as Offload
    from genzoo_core.request import Record as Record
    from genzoo_core.request import Request as Request
    from genzoo_core.rng import BatchRng as BatchRng
    from genzoo_core.rng import InterpolationRng as InterpolationRng
    from genzoo_core.rng import Rng as Rng
    from genzoo_core.rng import SampleRng as SampleRng
    from genzoo_core.sampler import Sampler as Sampler
    from genzoo_core.sampler import Trajectory as Trajectory
    from genzoo_core.specs import Choice as Choice
    from genzoo_core.specs import ComponentSpec as ComponentSpec
    from genzoo_core.specs import ModelSpec as ModelSpec
    from genzoo_core.specs import PartSpec as PartSpec
    from genzoo_core.training import Batch as Batch
    from genzoo_core.training import Phase as Phase
    from genzoo_core.training import Progress as Progress
    from genzoo_core.training import Stage as Stage
    from genzoo_core.training import Trainable as Trainable
    from genzoo_core.weights import WeightsFile as WeightsFile
    from genzoo_core.zoo import Opened as Opened
    from genzoo_core.zoo import Zoo as Zoo

_NAMES = {
    "cards": "Metric ModelCard",
    "component": "Context",
    "conditioner": "Condition Conditioned Conditioner Conditioning",
    "config": "Config NoOptions",
    "dataset": "Dataset",
    "denoising": "Denoiser",
    "density": "Density FittedDensity",
    "encoder": "Codec Encoder Posterior",
    "errors": "ConfigError DataError GenzooError HubError IntegrityError NotFittedError "
    "PluginError ReplayError TrainingError UsageError WeightsError",
    "formats": "Described Folder Format Source",
    "hookspecs": "hookimpl",
    "manifest": "API_VERSION CommandEntry ComponentEntry FormatEntry Manifest",
    "model": "Adaptable GenerativeModel Guided Inpainting Offloadable OnStep Start Varying",
    "noiser": "Noiser ScheduledNoiser",
    "pictures": "Latents Pictures",
    "plugin": "Model Plugin Verification",
    "ranks": "all_mean all_rows own_rows share_of",
    "recipe": "Recipe",
    "request": "Input Lora Offload Record Request",
    "rng": "BatchRng InterpolationRng Rng SampleRng",
    "sampler": "Sampler Trajectory",
    "specs": "Choice ComponentSpec ModelSpec PartSpec",
    "training": "Batch Phase Progress Stage Trainable",
    "weights": "WeightsFile",
    "zoo": "Opened Zoo",
}
"""The names that each module brings, with spaces between them."""

_HOME_OF = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = list(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
