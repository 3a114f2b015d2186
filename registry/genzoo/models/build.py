"""Building modules from specs: components by name, configs by their types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.models.components import components_of, load_component
from genzoo.text import brief, one_line, quoted
from genzoo_core.errors import ConfigError, GenzooError, PluginError
from genzoo_core.specs import ComponentSpec, ModelSpec
from genzoo_core.zoo import Opened

if TYPE_CHECKING:
    from torch import nn

    from genzoo.models.blueprint import BlueprintMode
    from genzoo.plugins.catalogue import Catalogue

_INTERFACES = {
    "model": ("genzoo_core.model", "GenerativeModel"),
    "codec": ("genzoo_core.encoder", "Codec"),
    "encoder": ("genzoo_core.encoder", "Encoder"),
    "conditioner": ("genzoo_core.conditioner", "Conditioner"),
    "noiser": ("genzoo_core.noiser", "Noiser"),
    "sampler": ("genzoo_core.sampler", "Sampler"),
}
"""What a component of a kind is an instance of, where the core says so."""

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""What a conditioner of a model can be called, and the role of a part."""

MODULE_KINDS = ("model", "codec", "encoder", "conditioner")
"""Kinds that have weights, so that a model file can hold one."""


@dataclass(frozen=True)
class BuildContext:
    """What a component is given beside its config; see `genzoo_core.Context`.

    Attributes:
        catalogue: Where components are found.
        training: Whether the module will be trained.
        conditioners: What the model is to own, by name.
        parts: Frozen shared modules by role.
        blueprint: The mode that the module is built in, where it gets no weights.
        used_parts: Roles that were asked for.
        full_names: Full names of the components that were asked for, by the name that was used.
    """

    catalogue: Catalogue
    training: bool
    conditioners: Mapping[str, ComponentSpec]
    parts: Mapping[str, nn.Module]
    blueprint: BlueprintMode | None = None
    used_parts: set[str] = field(default_factory=set)
    full_names: dict[str, str] = field(default_factory=dict)

    def component(self, kind: str, name: str, config: Mapping[str, Any]) -> Any:
        """Build another component; it has this one's parts and no conditioners of its own."""
        found = resolve_component(self.catalogue, kind, name, config)
        self.full_names[name] = found.name
        inner = replace(self, conditioners={})
        if self.blueprint is None or kind in MODULE_KINDS:
            return found.build(inner)
        with self.blueprint.paused():
            return found.build(inner)

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of the installed components of a kind, bare where that is unique."""
        return tuple(components_of(self.catalogue, kind))

    def part(self, role: str) -> nn.Module:
        """The frozen module that plays `role`."""
        if role not in self.parts:
            known = ", ".join(self.parts) or "none"
            raise ConfigError(f"no part plays the role {role!r}; the model's parts are {known}")
        self.used_parts.add(role)
        return self.parts[role]


@dataclass(frozen=True)
class ResolvedComponent:
    """A component that was found, with a config of its type.

    Attributes:
        kind: Its kind.
        name: `distribution/name`.
        cls: What its target names.
        config: An instance of `cls.Config`.
    """

    kind: str
    name: str
    cls: Any
    config: msgspec.Struct

    def build(self, context: BuildContext) -> Any:
        """An instance.

        Raises:
            ConfigError: Its constructor refuses the config.
            PluginError: It is not what its kind says.
        """
        try:
            instance = self.cls(self.config, context)
        except GenzooError:
            raise
        except Exception as error:
            raise ConfigError(
                f"{self.kind} {self.name} cannot be built: {one_line(error)}", "check its config"
            ) from error
        if self.kind in _INTERFACES:
            module, interface = _INTERFACES[self.kind]
            if not isinstance(instance, getattr(_import(module), interface)):
                raise PluginError(
                    f"{self.kind} {self.name} is a {type(instance).__name__}, no {interface}"
                )
        return instance

    def plain_config(self) -> dict[str, Any]:
        """The config as plain data, with all defaults."""
        plain = msgspec.to_builtins(self.config)
        assert isinstance(plain, dict)
        return plain


def resolve_component(
    catalogue: Catalogue, kind: str, name: str, config: Mapping[str, Any]
) -> ResolvedComponent:
    """Find a component and give its config its type. Imports its plugin, builds nothing.

    Raises:
        ConfigError: No such component, or a config that is not of its type.
        PluginError: The component cannot be imported, or has no strict `Config`.
    """
    canonical, cls, config_type = load_component(catalogue, kind, name)
    try:
        typed = msgspec.convert(dict(config), config_type, strict=True)
    except (msgspec.ValidationError, RecursionError, OverflowError, UnicodeError) as error:
        fields = ", ".join(config_type.__struct_encode_fields__) or "none"
        raise ConfigError(
            f"config of {kind} {canonical}: {brief(error)}", f"its fields are {fields}"
        ) from None
    return ResolvedComponent(kind, canonical, cls, typed)


def build_component(catalogue: Catalogue, kind: str, name: str, config: Mapping[str, Any]) -> Any:
    """A component on its own, with no conditioners and no parts.

    Raises:
        ConfigError: An unknown component, or a config that is not of its type.
        PluginError: It is not what its kind says.
    """
    return BuildContext(catalogue, False, {}, {}).component(kind, name, config)


def build_module(
    catalogue: Catalogue,
    spec: ModelSpec,
    parts: Mapping[str, nn.Module],
    *,
    training: bool,
    blueprint: bool,
) -> Opened:
    """Build what a spec describes.

    Args:
        catalogue: Where components are found.
        spec: What to build; names may be bare.
        parts: The frozen shared modules by role, loaded.
        training: Whether to build what only training needs.
        blueprint: Without weights: parameters lie on the meta device.

    Returns:
        The module, in training mode as torch makes it. The spec has canonical names and whole
        configs; of the parts, those that the module asked for.

    Raises:
        ConfigError: An unknown component, or a config that is not of its type.
        PluginError: A component is not what its kind says, or has a buffer that no file can hold.
    """
    if spec.kind not in MODULE_KINDS:
        raise ConfigError(
            f"a {quoted(spec.kind)} has no weights; kinds are {', '.join(MODULE_KINDS)}"
        )
    top = resolve_component(catalogue, spec.kind, spec.component, spec.config)
    _check_words(spec)
    conditioners = {}
    for name, inner in spec.conditioners.items():
        found = resolve_component(catalogue, "conditioner", inner.component, inner.config)
        conditioners[name] = ComponentSpec(found.name, found.plain_config())
    mode = _blueprint_mode() if blueprint else None
    context = BuildContext(catalogue, training, conditioners, parts, mode)
    with mode or nullcontext():
        module: nn.Module = top.build(context)
    canonical = ModelSpec(
        component=top.name,
        config=_full_names(top.plain_config(), context.full_names),
        kind=spec.kind,
        conditioners=conditioners,
        parts={role: part for role, part in spec.parts.items() if role in context.used_parts},
    )
    built = Opened(module, canonical, {role: parts[role] for role in canonical.parts})
    _check_buffers(built, f"{spec.kind} {top.name}")
    return built


def _check_words(spec: ModelSpec) -> None:
    """Refuse names of conditioners and roles that no module of torch can have.

    Raises:
        ConfigError: Names the first.
    """
    from torch import nn

    kept = dir(nn.ModuleDict())
    words = [("conditioner", name) for name in spec.conditioners]
    words += [("part", role) for role in spec.parts]
    for what, word in words:
        if not _WORD.fullmatch(word) or word in kept:
            reason = "torch keeps that word" if word in kept else "letters, digits, _ and - will do"
            raise ConfigError(f"{word[:80]!a} cannot be the name of a {what}", reason)


def own_modules(built: Opened) -> dict[str, nn.Module]:
    """The submodules by name, without those of the shared parts."""
    shared = {id(m) for part in built.parts.values() for m in part.modules()}
    return {name: m for name, m in built.module.named_modules() if id(m) not in shared}


def own_parameters(built: Opened) -> int:
    """Number of the module's own parameters, counted in elements; a tied one counts once."""
    own = {id(p): p.numel() for m in own_modules(built).values() for p in m.parameters(False)}
    return sum(own.values())


def _full_names(value: Any, names: Mapping[str, str]) -> Any:
    """A config in which each mapping with the key `component` names it in full."""
    if isinstance(value, dict):
        out = {key: _full_names(inner, names) for key, inner in value.items()}
        name = out.get("component")
        return {**out, "component": names[name]} if isinstance(name, str) and name in names else out
    if isinstance(value, list | tuple):
        return [_full_names(inner, names) for inner in value]
    return value


def _blueprint_mode() -> BlueprintMode:
    from genzoo.models.blueprint import BlueprintMode

    return BlueprintMode()


def _import(name: str) -> Any:
    from importlib import import_module

    return import_module(name)


def _check_buffers(built: Opened, what: str) -> None:
    for prefix, module in own_modules(built).items():
        for name in module._non_persistent_buffers_set:
            raise PluginError(
                f"{what} has the non-persistent buffer {prefix + '.' if prefix else ''}{name}",
                "register it as a persistent one, so that the file holds it",
            )
