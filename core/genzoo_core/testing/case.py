"""What is to be checked, and how it is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import torch

from genzoo_core.errors import ConfigError
from genzoo_core.specs import ComponentSpec, ModelSpec, PartSpec
from genzoo_core.zoo import Opened, Zoo

Shape = tuple[int, int, int]
Spec = TypeVar("Spec", ComponentSpec, PartSpec)


@dataclass(frozen=True)
class Case:
    """A component with all that its checks need.

    Attributes:
        zoo: Where components are found.
        kind: Kind of the component.
        name: Its name.
        config: Its config.
        conditioners: The conditioners that it is to own.
        parts: The frozen parts that it is to use.
        columns: Raw values by name of the conditioner, as a dataset's column gives them.
        options: Options to sample with.
        shape: Shape of an image, where the config does not tell it.
        values: Raw values that a conditioner must accept.
        noiser: The noiser that a sampler is made for.
    """

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
        """What is checked, in words."""
        return f"{self.kind} {self.name}"

    def spec(self) -> ModelSpec:
        """What is to be built."""
        return ModelSpec(
            component=self.name,
            config=dict(self.config),
            kind=self.kind,
            conditioners=dict(self.conditioners),
            parts=dict(self.parts),
        )

    def build(self, *, training: bool) -> Opened:
        """The module with fresh weights, the same ones at each call."""
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            return self.zoo.build(self.spec(), training=training)


def component_specs(given: Mapping[str, object] | None) -> dict[str, ComponentSpec]:
    """Components by name, each given as a `ComponentSpec` or as plain data.

    Raises:
        ConfigError: One of them is neither.
    """
    return {name: _typed(name, spec, ComponentSpec) for name, spec in (given or {}).items()}


def part_specs(given: Mapping[str, object] | None) -> dict[str, PartSpec]:
    """Parts by role, each given as a `PartSpec`, as plain data, or as the name of a model.

    Raises:
        ConfigError: One of them is none of these.
    """
    return {
        role: PartSpec(part) if isinstance(part, str) else _typed(role, part, PartSpec)
        for role, part in (given or {}).items()
    }


def image_shape(case_shape: Shape | None, module: object, config: Mapping[str, object]) -> Shape:
    """The shape of the images that a module takes.

    Args:
        case_shape: What the caller says.
        module: Asked for `sample_shape` and `shape`.
        config: Looked through for a field `shape`.

    Raises:
        ConfigError: It cannot be told.
    """
    known = (getattr(module, name, None) for name in ("sample_shape", "shape"))
    for shape in (case_shape, *known, *_shapes_in(config)):
        if isinstance(shape, list | tuple) and len(shape) == 3:
            channels, height, width = (int(size) for size in shape)
            return channels, height, width
    raise ConfigError("the shape of its images cannot be told", "give shape=(C, H, W)")


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
