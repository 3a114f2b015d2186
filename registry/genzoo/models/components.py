"""Components by name: what they are, and what can be set of them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.plugins.guard import load_target
from genzoo.plugins.names import Owned, full_name, shared
from genzoo.text import quoted
from genzoo_core.errors import ConfigError, GenzooError, PluginError
from genzoo_core.manifest import ComponentEntry

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue

_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,99}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def load_component(
    catalogue: Catalogue, kind: str, name: str
) -> tuple[str, Any, type[msgspec.Struct]]:
    """A component's `distribution/name`, what its target names, and the `Config` of that."""
    check_name(kind, name)
    component = catalogue.find_component(kind, name)
    canonical = full_name(component)
    cls = load_target(component.plugin, component.entry.target)
    config_type = getattr(cls, "Config", None)
    if not (isinstance(config_type, type) and issubclass(config_type, msgspec.Struct)):
        raise PluginError(f"{kind} {canonical} has no msgspec.Struct as its Config")
    if not config_type.__struct_config__.forbid_unknown_fields:
        raise PluginError(f"Config of {kind} {canonical} lacks forbid_unknown_fields=True")
    return canonical, cls, config_type


def components_of(catalogue: Catalogue, kind: str) -> dict[str, Owned[ComponentEntry]]:
    """The components of a kind by their names, bare where that is unique."""
    found = [each for each in catalogue.components if each.entry.kind == kind]
    several = shared(each.bare for each in found)
    return {full_name(each) if each.bare in several else each.bare: each for each in found}


def component_options(catalogue: Catalogue, kind: str) -> dict[str, type[msgspec.Struct]]:
    """The options of the components of a kind by their names, but those of a broken plugin.

    Only what a manifest calls `options` is imported, which needs no torch.
    """
    options = {}
    for name, owned in components_of(catalogue, kind).items():
        if owned.entry.options is not None:
            with suppress(GenzooError):
                struct = load_target(owned.plugin, owned.entry.options)
                if isinstance(struct, type) and issubclass(struct, msgspec.Struct):
                    options[name] = struct
    return options


def check_name(kind: str, name: str) -> None:
    """Refuse what cannot be a name before a message repeats it as a command to type."""
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise ConfigError(f"{quoted(name)} is no name of a {kind}", "names are plugin/name")
