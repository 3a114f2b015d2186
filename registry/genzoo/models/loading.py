"""Loading and saving whole models, with the parts that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING

import msgspec
import torch
from torch import nn

from genzoo.modelfile.filling import check_tensors, fill
from genzoo.modelfile.reading import ModelFile, memory_bytes, read_model_file
from genzoo.models.building import build_module, check_name
from genzoo.models.sources import resolve_weights
from genzoo.pictures.placing import check_device
from genzoo.text import quoted
from genzoo.zoo import Loaded
from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, IntegrityError, UsageError, WeightsError
from genzoo_core.specs import ModelSpec, PartSpec
from genzoo_core.weights import WeightsFile
from genzoo_core.zoo import Built

if TYPE_CHECKING:
    from genzoo.catalogue import Catalogue
    from genzoo.installed.records import ModelEntry

PART_PREFIX = "parts."
"""Tensors of an inlined part begin with `parts.<role>.`."""


@dataclass(frozen=True)
class _Part:
    module: nn.Module
    spec: PartSpec


class Loader:
    """Loads models, and the models that these are made of.

    Args:
        catalogue: Where models and components are found.
        owners: Full names of the models that are being loaded, to notice a cycle.
        parts: Models that were loaded as parts, by full name; each is loaded once.
        download: Whether to fetch weights that are not on this machine.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        owners: tuple[str, ...] = (),
        parts: dict[str, Loaded] | None = None,
        *,
        download: bool = True,
    ) -> None:
        self._catalogue = catalogue
        self._owners = owners
        self._parts = {} if parts is None else parts
        self._download = download

    def entry(self, entry: ModelEntry) -> Loaded:
        """A model of the zoo.

        Raises:
            GenzooError: A clear one for each thing that can be wrong.
        """
        if entry.name in self._owners:
            chain = " → ".join((*self._owners, entry.name))
            raise ConfigError(f"a model is a part of itself: {chain}")
        owners = (*self._owners, entry.name)
        loader = Loader(self._catalogue, owners, self._parts, download=self._download)
        file = read_entry(self._catalogue, entry, download=self._download)
        return loader._loaded(file, entry.name, entry.card, entry.distribution)

    def file(self, weights: WeightsFile) -> Loaded:
        """The model in a file.

        Raises:
            GenzooError: A clear one for each thing that can be wrong.
        """
        file = read_model_file(weights.path, sha256=weights.sha256)
        return self._loaded(file, weights.reference or str(weights.path), card_in(file), "")

    def part(self, role: str, part: PartSpec) -> _Part:
        """A model of the zoo as a frozen part of another.

        Raises:
            ConfigError: There is no such model.
            IntegrityError: The installed one is not the one that was asked for.
        """
        what = f"part {quoted(role)} is model {quoted(part.model)}"
        check_name("model", part.model)
        try:
            entry = self._catalogue.find_model(part.model)
        except UsageError as error:
            raise ConfigError(f"{what}, which is missing: {error.message}", error.hint) from None
        promised = entry.card.sha256 or part.sha256
        if part.sha256 and part.sha256 != promised:
            raise _other_part(what, part.sha256, promised)
        if entry.name not in self._parts:
            self._parts[entry.name] = self.entry(entry)
        loaded = self._parts[entry.name]
        if part.sha256 and part.sha256 != loaded.sha256:
            raise _other_part(what, part.sha256, loaded.sha256)
        return _Part(freeze(loaded.built.module), PartSpec(entry.name, loaded.sha256))

    def _loaded(self, file: ModelFile, name: str, card: ModelCard, distribution: str) -> Loaded:
        built = self._module(file, file.header.spec, "")
        if built.spec.kind != card.kind:
            raise WeightsError(
                f"{file.path} holds a {built.spec.kind}, but the card of {name} says "
                f"{quoted(card.kind)}"
            )
        parts = {role: part.sha256 for role, part in built.spec.parts.items()}
        return Loaded(built, name, file.sha256, parts, card, distribution)

    def _module(self, file: ModelFile, spec: ModelSpec, prefix: str) -> Built:
        parts = {
            role: self._part_in_file(file, role, part, prefix) for role, part in spec.parts.items()
        }
        built = _build(self._catalogue, spec, parts, training=False, blueprint=True)
        inlined = tuple(
            f"{prefix}{PART_PREFIX}{role}." for role, part in spec.parts.items() if part.inline
        )
        declared = {
            name[len(prefix) :]: info
            for name, info in file.header.tensors.items()
            if name.startswith(prefix) and not name.startswith(inlined)
        }
        where = f"{file.path}, {prefix[:-1]}," if prefix else str(file.path)
        check_tensors(built, declared, where)
        fill(built, lambda name: file.tensor(prefix + name), where)
        built.module.eval()
        return built

    def _part_in_file(self, file: ModelFile, role: str, part: PartSpec, prefix: str) -> _Part:
        if part.inline is None:
            if not part.sha256:
                raise ConfigError(f"{file.path}: part {quoted(role)} has no sha256")
            return self.part(role, part)
        if "." in role or not role:
            raise ConfigError(f"{file.path}: a part cannot play the role {role[:80]!r}")
        inner = self._module(file, part.inline, f"{prefix}{PART_PREFIX}{role}.")
        spec = msgspec.structs.replace(part, inline=inner.spec)
        return _Part(freeze(inner.module), spec)


def read_entry(catalogue: Catalogue, entry: ModelEntry, *, download: bool = True) -> ModelFile:
    """The file with a model's weights, which is the one that its card promises.

    Raises:
        GenzooError: A clear one for each thing that can be wrong.
    """
    weights = resolve_weights(entry, catalogue.call_hook, download=download)
    return read_model_file(weights.path, sha256=weights.sha256, size=entry.card.size)


def card_in(file: ModelFile) -> ModelCard:
    """The card in a model file; one with its name alone where it holds none."""
    spec = file.header.spec
    empty = ModelCard(name=file.path.stem, family="", summary="", kind=spec.kind)
    return file.header.card or empty


def load_entry(
    catalogue: Catalogue, entry: ModelEntry, device: str, *, download: bool = True
) -> Loaded:
    """A model of the zoo on a device, in evaluation mode."""
    check_device(device)
    return _moved(Loader(catalogue, download=download).entry(entry), device)


def load_file(
    catalogue: Catalogue, weights: WeightsFile, device: str, *, download: bool = True
) -> Loaded:
    """The model in a file on a device, in evaluation mode."""
    check_device(device)
    return _moved(Loader(catalogue, download=download).file(weights), device)


def build_fresh(catalogue: Catalogue, spec: ModelSpec, *, training: bool) -> Built:
    """A module with fresh weights on the CPU; its parts are loaded and frozen.

    Raises:
        ConfigError: An unknown component, a config that is not of its type, or one that asks
            for more memory than the machine has.
        WeightsError: A part's weights cannot be loaded.
    """
    loader = Loader(catalogue)
    parts = {role: loader.part(role, part) for role, part in spec.parts.items()}
    blueprint = _build(catalogue, spec, parts, training=training, blueprint=True)
    needed = sum(tensor.nbytes for tensor in blueprint.own_tensors().values())
    if needed > (memory := memory_bytes()):
        raise ConfigError(
            f"{spec.kind} {spec.component} needs {needed:,} bytes, this machine has {memory:,}",
            "make its config smaller",
        )
    return _build(catalogue, spec, parts, training=training, blueprint=False)


def build_blueprint(catalogue: Catalogue, spec: ModelSpec) -> Built:
    """The module of a spec for sampling, without weights; its parts are loaded."""
    loader = Loader(catalogue)
    parts = {role: loader.part(role, part) for role, part in spec.parts.items()}
    return _build(catalogue, spec, parts, training=False, blueprint=True)


def freeze(module: nn.Module) -> nn.Module:
    """Make a module a constant: no gradients, and evaluation mode whatever its owner is in."""
    module.requires_grad_(False).eval()
    module.train = MethodType(_stay, module)  # type: ignore[method-assign]
    return module


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    return module


def _moved(loaded: Loaded, device: str) -> Loaded:
    for module in (loaded.built.module, *loaded.built.parts.values()):
        module.to(device)
    return loaded


def _build(
    catalogue: Catalogue,
    spec: ModelSpec,
    parts: Mapping[str, _Part],
    *,
    training: bool,
    blueprint: bool,
) -> Built:
    specs = {role: part.spec for role, part in parts.items()}
    modules = {role: part.module for role, part in parts.items()}
    spec = msgspec.structs.replace(spec, parts=specs)
    # A constructor may draw numbers; loading a model must not move the caller's generator.
    state = torch.get_rng_state()
    try:
        return build_module(catalogue, spec, modules, training=training, blueprint=blueprint)
    finally:
        if blueprint:
            torch.set_rng_state(state)


def _other_part(what: str, wanted: str, found: str) -> IntegrityError:
    return IntegrityError(
        f"{what} with sha256 {wanted[:12]}…, but the installed one has {found[:12]}…",
        "install the version of its plugin that the model was made with",
    )
