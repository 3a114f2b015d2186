"""A plugin's manifest against its code and its files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any

import msgspec

from genzoo_core.cards import ModelCard
from genzoo_core.errors import GenzooError
from genzoo_core.manifest import ComponentEntry, Manifest
from genzoo_core.plugin import Plugin
from genzoo_core.testing.recipes import stages
from genzoo_core.testing.report import Recorder, problem
from genzoo_core.testing.strictness import strict_struct
from genzoo_core.zoo import Zoo

INTERFACES = {
    "model": "GenerativeModel",
    "codec": "Codec",
    "encoder": "Encoder",
    "conditioner": "Conditioner",
    "noiser": "Noiser",
    "sampler": "Sampler",
}
"""The class of `genzoo_core` that a component of a kind extends."""


def check_installed(record: Recorder, zoo: Zoo, plugin: Plugin) -> None:
    """Run all checks of a plugin: its manifest, its imports, its components, its cards."""
    where = f"{plugin.name}: "
    if not record.check(f"{where}its manifest is sound", partial(sound, plugin)):
        return
    assert plugin.manifest is not None
    imports = "all that its manifest names can be imported, without torch or output"
    importable: list[bool] = []

    def verified() -> Iterator[str]:
        verification = zoo.verify(plugin)
        importable.append(verification.importable)
        yield from (*verification.problems, *verification.remarks)

    record.check(f"{where}{imports}", verified)
    if importable != [True]:
        record.skip(f"{where}its components are what the manifest says", "it cannot be imported")
        return
    for entry in plugin.manifest.components:
        claim = f"{where}{entry.kind} {entry.name} is what the manifest says"
        record.check(claim, partial(component, entry))
    for card in plugin.manifest.models:
        claim = f"{where}the card of {card.name} is complete, and agrees with its file"
        record.check(claim, partial(check_card, zoo, plugin, card))
        if card.recipe:
            claim = f"{where}the recipe of {card.name} fits its card"
            record.check(claim, partial(check_recipe_of, zoo, plugin, card))


def sound(plugin: Plugin) -> Iterator[str]:
    """The manifest can be read, and says something."""
    if plugin.manifest is None:
        yield plugin.error or "it cannot be read"
        return
    if not _brings_something(plugin.manifest):
        mend = "list components, commands, formats, models or hooks in genzoo.toml"
        yield problem("something that it brings", "nothing", mend)


def _brings_something(manifest: Manifest) -> bool:
    brings = (manifest.components, manifest.commands, manifest.formats, manifest.models)
    return any((*brings, manifest.hooks))


def component(entry: ComponentEntry) -> Iterator[str]:
    """The class that a manifest names is of its kind, and its options are those it says."""
    import genzoo_core

    cls = load(entry.target)
    interface = INTERFACES.get(entry.kind)
    if interface is None:
        return
    if not (isinstance(cls, type) and issubclass(cls, getattr(genzoo_core, interface))):
        yield problem(f"{entry.target} to be a {interface}", repr(cls), f"extend {interface}")
        return
    yield from strict_struct(cls, "Config")
    attribute = "Options" if entry.kind == "model" else "Config"
    own: Any = getattr(cls, attribute)
    if entry.options is not None:
        if load(entry.options) is not own:
            found = f"{entry.options}, while the class has {own.__module__}:{own.__name__}"
            yield problem(f"`options` to be the class's {attribute}", found, "name that one")
    elif entry.kind == "model" and msgspec.structs.fields(own):
        mend = f'add `options = "{own.__module__}:{own.__name__}"`, in a module without torch'
        yield problem("`options` in the manifest, for `genzoo info`", "none", mend)


def load(target: str) -> Any:
    """What "module:attribute" names."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def check_card(zoo: Zoo, plugin: Plugin, card: ModelCard) -> Iterator[str]:
    """A card says what a user must know, and what its file says."""
    for field, mend in (
        ("summary", "say in one line what it makes"),
        ("license", "give the SPDX identifier of the weights' licence"),
        ("credits", "say whom the data and the recipe are owed to"),
    ):
        if not getattr(card, field):
            yield problem(f"`{field}` in the card", "none", mend)
    if not card.weights or "://" in card.weights or plugin.folder is None:
        return
    if not card.sha256:
        yield problem("`sha256` in the card", "none", "paste the card.toml that training wrote")
    try:
        file = zoo.card(str(plugin.folder / card.weights))
    except GenzooError as error:
        yield str(error)
        return
    fields = ("kind", "family", "dataset", "shape", "conditioners", "license")
    for field in (*fields, "sha256", "size", "parameters"):
        said, holds = getattr(card, field), getattr(file, field)
        if said != holds and (said or field not in ("sha256", "license", "dataset")):
            mend = "paste the card.toml that training wrote"
            yield problem(f"`{field}` = {holds!r} as in its file", repr(said), mend)


def check_recipe_of(zoo: Zoo, plugin: Plugin, card: ModelCard) -> Iterator[str]:
    """A recipe makes the model whose card names it."""
    recipe = zoo.recipe(f"{plugin.distribution}/{card.name}")
    pairs = {
        "name": (recipe.name, card.name),
        "family": (recipe.card.family, card.family),
        "kind": (recipe.model.kind, card.kind),
        "dataset": (recipe.data.name, card.dataset),
        "shape": (recipe.data.shape, card.shape),
        "conditioners": (tuple(recipe.model.conditioners), card.conditioners),
    }
    for field, (makes, said) in pairs.items():
        if makes != said:
            mend = "change the one that is wrong"
            yield problem(f"{field} {said!r}, as its card says", repr(makes), mend)
    yield from stages(zoo, recipe)
