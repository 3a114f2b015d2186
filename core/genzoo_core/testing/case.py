"""A component to check: how it is built, saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import msgspec
import torch
from torch import nn

from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, PluginError
from genzoo_core.interfaces import MODULE_KINDS
from genzoo_core.specs import ComponentSpec, ModelSpec, PartSpec
from genzoo_core.zoo import Opened, Zoo

Shape = tuple[int, int, int]
Spec = TypeVar("Spec", ComponentSpec, PartSpec)


@dataclass(frozen=True)
class Case:
    """A component to check; for the fields see `check_component`."""

    zoo: Zoo
    kind: str
    name: str
    config: Mapping[str, object] = field(default_factory=dict)
    conditioners: Mapping[str, ComponentSpec] = field(default_factory=dict)
    parts: Mapping[str, PartSpec] = field(default_factory=dict)
    columns: Mapping[str, Sequence[object]] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    shape: Shape | None = None
    values: Sequence[object] = ()
    noiser: ComponentSpec | None = None

    def build(self) -> Any:
        """The component: an `Opened` built for training, with the same weights each time, or
        a noiser or a sampler itself.
        """
        if self.kind not in MODULE_KINDS:
            return self.zoo.component(self.kind, self.name, self.config)
        spec = ModelSpec(
            component=self.name,
            config=dict(self.config),
            kind=self.kind,
            conditioners=dict(self.conditioners),
            parts=dict(self.parts),
        )
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            return self.zoo.build(spec, training=True)


def round_trip(zoo: Zoo, built: Opened) -> Opened:
    """A module as it comes back from a model file, in evaluation mode.

    Raises:
        PluginError: Built for sampling, it has a tensor that it lacks when built for training.
        GenzooError: The file cannot be written or read.
    """
    serving = zoo.build(built.spec, training=False)
    trained = built.own_tensors()
    missing = [name for name in serving.own_tensors() if name not in trained]
    if missing:
        raise PluginError(
            f"what is built for sampling has {missing[0]}, which what is built for training lacks",
            "build in training all that sampling needs",
        )
    tensors = {name: trained[name].contiguous().clone() for name in serving.own_tensors()}
    card = ModelCard("conformance", "conformance", "Written by a check.", kind=built.spec.kind)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "conformance.safetensors"
        zoo.save(path, built.spec, tensors, card)
        return zoo.open(str(path))


def own_parameters(built: Opened) -> dict[str, nn.Parameter]:
    """A module's own parameters by name, without those of its parts."""
    shared = {id(p) for part in built.parts.values() for p in part.parameters()}
    return {name: p for name, p in built.module.named_parameters() if id(p) not in shared}


def typed(specs: Mapping[str, object] | None, cls: type[Spec]) -> dict[str, Spec]:
    """Specs by name, each from plain data or a spec already.

    Raises:
        ConfigError: One of them is neither.
    """
    found = {}
    for name, spec in (specs or {}).items():
        try:
            found[name] = msgspec.convert(spec, cls)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{name} is no {cls.__name__}: {error}") from None
    return found


def image_shape(case_shape: Shape | None, module: object, config: Mapping[str, object]) -> Shape:
    """The shape of the images that a module takes: of these, the first that there is.

    The case's, the module's `sample_shape` or `shape`, the config's `shape`, that of a config
    inside it.

    Raises:
        ConfigError: There is none.
    """
    own = (getattr(module, name, None) for name in ("sample_shape", "shape"))
    for shape in (case_shape, *own, *_shapes_in(config)):
        if isinstance(shape, list | tuple) and len(shape) == 3:
            return int(shape[0]), int(shape[1]), int(shape[2])
    raise ConfigError("the shape of its images is not known", "give shape=(C, H, W)")


def _shapes_in(config: Mapping[str, object]) -> list[object]:
    inner = [value for value in config.values() if isinstance(value, Mapping)]
    found = [config["shape"]] if "shape" in config else []
    return found + [shape for mapping in inner for shape in _shapes_in(mapping)]
