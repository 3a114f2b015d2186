"""Building modules from specs: components by name, configs by their types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from torch import nn

from genzoo.models.blueprint import BlueprintMode
from genzoo.models.components import components_of, load_component
from genzoo.text import brief, one_line, quoted
from genzoo_core.errors import ConfigError, GenzooError, PluginError
from genzoo_core.interfaces import INTERFACES, MODULE_KINDS
from genzoo_core.specs import ComponentSpec, ModelSpec
from genzoo_core.zoo import Opened

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue


def kind_of(module: nn.Module) -> str | None:
    """The kind of component that a module is; None where it is none with weights."""
    return next((kind for kind in MODULE_KINDS if isinstance(module, INTERFACES[kind])), None)


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""What a conditioner of a model can be called, and the role of a part."""


@dataclass(frozen=True)
class BuildContext:
    """A `genzoo_core.Context`."""

    catalogue: Catalogue
    training: bool = False
    conditioners: Mapping[str, ComponentSpec] = field(default_factory=dict)
    parts: Mapping[str, nn.Module] = field(default_factory=dict)
    blueprint: BlueprintMode | None = None
    used_parts: set[str] = field(default_factory=set)
    full_names: dict[str, str] = field(default_factory=dict)
    """Those of components that were built, by their names in configs."""
    latent_shape: tuple[int, ...] = ()

    def component(
        self,
        kind: str,
        name: str,
        config: Mapping[str, object],
        *,
        latent_shape: tuple[int, ...] = (),
    ) -> Any:
        """Build another component, with this one's parts."""
        found = _resolve(self.catalogue, kind, name, config)
        self.full_names[name] = found.name
        conditioners = self.conditioners if kind == "density" else {}
        inner = replace(self, conditioners=conditioners, latent_shape=latent_shape)
        if self.blueprint is None or issubclass(INTERFACES[kind], nn.Module):
            return found.build(inner)
        with self.blueprint.paused():
            return found.build(inner)

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of the installed components of a kind, bare where that is unique."""
        return tuple(components_of(self.catalogue, kind))

    def part(self, role: str) -> nn.Module:
        """The frozen module that plays `role`."""
        if role not in self.parts:
            roles = ", ".join(self.parts) or "none"
            raise ConfigError(f"no part plays the role {role!r}; the model's parts are {roles}")
        self.used_parts.add(role)
        return self.parts[role]


@dataclass(frozen=True)
class _Resolved:
    """A component that was found, with a config of its type."""

    kind: str
    name: str
    cls: Any
    config: msgspec.Struct

    def build(self, context: BuildContext) -> Any:
        try:
            instance = self.cls(self.config, context)
        except GenzooError:
            raise
        except Exception as error:
            raise ConfigError(
                f"{self.kind} {self.name} cannot be built: {one_line(error)}", "check its config"
            ) from error
        interface = INTERFACES[self.kind]
        if not isinstance(instance, interface):
            name = type(instance).__name__
            raise PluginError(f"{self.kind} {self.name} is a {name}, no {interface.__name__}")
        return instance

    def spec(self) -> ComponentSpec:
        """Its full name, and the config as plain data with all defaults."""
        return ComponentSpec(self.name, msgspec.to_builtins(self.config))


def _resolve(catalogue: Catalogue, kind: str, name: str, config: Mapping[str, object]) -> _Resolved:
    """Find a component, whose plugin is imported, and convert its config."""
    canonical, cls, config_type = load_component(catalogue, kind, name)
    try:
        typed = msgspec.convert(config, config_type, strict=True)
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        fields = ", ".join(config_type.__struct_encode_fields__) or "none"
        raise ConfigError(
            f"config of {kind} {canonical}: {brief(error)}", f"its fields are {fields}"
        ) from None
    return _Resolved(kind, canonical, cls, typed)


def build_module(
    catalogue: Catalogue,
    spec: ModelSpec,
    parts: Mapping[str, nn.Module],
    *,
    training: bool = False,
    mode: BlueprintMode | None = None,
) -> Opened:
    """Build what a spec describes, in training mode as torch makes it.

    The spec of the result has canonical names, whole configs, and the parts that the module uses.

    Raises:
        ConfigError: An unknown component, or a config that is not of its type.
        PluginError: A component is not what its kind says, or has a buffer that no file can hold.
    """
    if spec.kind not in MODULE_KINDS:
        raise ConfigError(
            f"a {quoted(spec.kind)} has no weights; kinds are {', '.join(MODULE_KINDS)}"
        )
    top = _resolve(catalogue, spec.kind, spec.component, spec.config)
    _check_words(spec)
    conditioners = {
        name: _resolve(catalogue, "conditioner", inner.component, inner.config).spec()
        for name, inner in spec.conditioners.items()
    }
    context = BuildContext(catalogue, training, conditioners, parts, mode)
    with mode or nullcontext():
        module: nn.Module = top.build(context)
    canonical = ModelSpec(
        component=top.name,
        config=_with_full_names(top.spec().config, context.full_names),
        kind=spec.kind,
        conditioners=conditioners,
        parts={role: part for role, part in spec.parts.items() if role in context.used_parts},
    )
    built = Opened(module, canonical, {role: parts[role] for role in canonical.parts})
    for prefix, inner in built.own_modules().items():
        for name in inner._non_persistent_buffers_set:
            buffer = f"{prefix}.{name}" if prefix else name
            raise PluginError(
                f"{spec.kind} {top.name} has the non-persistent buffer {buffer}",
                "register it as a persistent one, so that the file holds it",
            )
    return built


def build_blueprint(
    catalogue: Catalogue, spec: ModelSpec, parts: Mapping[str, nn.Module], *, training: bool = False
) -> Opened:
    """As `build_module`, without weights: its tensors lie on the meta device."""
    # A constructor may draw numbers; loading a model must not move the caller's generator.
    with torch.random.fork_rng(devices=[]):
        return build_module(catalogue, spec, parts, training=training, mode=BlueprintMode())


def _check_words(spec: ModelSpec) -> None:
    """Refuse names of conditioners and roles that no module of torch can have."""
    reserved = dir(nn.ModuleDict())
    words = [("conditioner", name) for name in spec.conditioners]
    words += [("part", role) for role in spec.parts]
    for what, word in words:
        if word in reserved or not _WORD.fullmatch(word):
            hint = "torch has that word" if word in reserved else "use letters, digits, _ and -"
            raise ConfigError(f"{word[:80]!a} cannot be the name of a {what}", hint)


def _with_full_names(value: object, names: Mapping[str, str]) -> Any:
    """A config in which each mapping with the key `component` names it in full."""
    if isinstance(value, dict):
        out = {key: _with_full_names(inner, names) for key, inner in value.items()}
        name = out.get("component")
        return {**out, "component": names[name]} if isinstance(name, str) and name in names else out
    if isinstance(value, list | tuple):
        return [_with_full_names(inner, names) for inner in value]
    return value
