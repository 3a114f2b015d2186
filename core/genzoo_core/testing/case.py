"""A component to check, and how it is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import torch

from genzoo_core.errors import ConfigError
from genzoo_core.interfaces import MODULE_KINDS
from genzoo_core.specs import ComponentSpec, ModelSpec, PartSpec
from genzoo_core.zoo import Zoo

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

    @property
    def title(self) -> str:
        """The kind and the name of the component."""
        return f"{self.kind} {self.name}"

    def build(self) -> Any:
        """The component: a module that is built for training, with the same weights at each call,
        as an `Opened`; a noiser or a sampler itself."""
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


def component_specs(specs: Mapping[str, object] | None) -> dict[str, ComponentSpec]:
    """Components by name, each from a `ComponentSpec` or from plain data.

    Raises:
        ConfigError: One of them is neither.
    """
    return {name: _typed(name, spec, ComponentSpec) for name, spec in (specs or {}).items()}


def part_specs(specs: Mapping[str, object] | None) -> dict[str, PartSpec]:
    """Parts by role, each from a `PartSpec`, from plain data, or from the name of a model.

    Raises:
        ConfigError: One of them is none of these.
    """
    return {
        role: PartSpec(part) if isinstance(part, str) else _typed(role, part, PartSpec)
        for role, part in (specs or {}).items()
    }


def image_shape(case_shape: Shape | None, module: object, config: Mapping[str, object]) -> Shape:
    """The shape of the images that a module takes: of these, the first that there is.

    Args:
        case_shape: What the caller says.
        module: Its `sample_shape`, then its `shape`.
        config: Its field `shape`, then that of a config inside it.

    Raises:
        ConfigError: There is none.
    """
    own = (getattr(module, name, None) for name in ("sample_shape", "shape"))
    for shape in (case_shape, *own, *_shapes_in(config)):
        if isinstance(shape, list | tuple) and len(shape) == 3:
            channels, height, width = (int(size) for size in shape)
            return channels, height, width
    raise ConfigError("the shape of its images is not known", "give shape=(C, H, W)")


def _shapes_in(config: Mapping[str, object]) -> list[object]:
    inner = [value for value in config.values() if isinstance(value, Mapping)]
    found = [config["shape"]] if "shape" in config else []
    return found + [shape for mapping in inner for shape in _shapes_in(mapping)]


def _typed(name: str, value: object, cls: type[Spec]) -> Spec:
    if isinstance(value, cls):
        return value
    try:
        return msgspec.convert(value, cls)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name} is no {cls.__name__}: {error}") from None
