"""Opening whole models, with the parts that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MethodType
from typing import TYPE_CHECKING

import msgspec
import torch
from torch import nn

from genzoo.files.model_file import ModelFile, memory_bytes, read_model_file
from genzoo.models.build import build_module
from genzoo.models.components import check_name
from genzoo.models.device import check_device
from genzoo.models.fill import check_tensors, fill
from genzoo.models.find import weights_of
from genzoo.text import quoted
from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, IntegrityError, UsageError, WeightsError
from genzoo_core.plugin import Model
from genzoo_core.specs import ModelSpec, PartSpec
from genzoo_core.weights import WeightsFile
from genzoo_core.zoo import Opened

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue

PART_PREFIX = "parts."
"""Tensors of an inlined part begin with `parts.<role>.`."""


@dataclass(frozen=True)
class _Part:
    module: nn.Module
    spec: PartSpec


class Loader:
    """Opens models, and the models that these are made of.

    Args:
        catalogue: Where models and components are found.
        owners: Full names of the models that are being opened, to notice a cycle.
        parts: Models that were opened as parts, by full name; each is opened once.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        owners: tuple[str, ...] = (),
        parts: dict[str, Opened] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._owners = owners
        self._parts = {} if parts is None else parts

    def open(self, found: Model | WeightsFile) -> Opened:
        """A model in the list, or the model in a file.

        Raises:
            GenzooError: A clear one for each thing that can be wrong.
        """
        if not isinstance(found, Model):
            file = read_file(self._catalogue, found)
            return self._opened(file, Model(_card_in(file), file=found))
        if found.name in self._owners:
            chain = " → ".join((*self._owners, found.name))
            raise ConfigError(f"a model is a part of itself: {chain}")
        loader = Loader(self._catalogue, (*self._owners, found.name), self._parts)
        return loader._opened(read_file(self._catalogue, found), found)

    def part(self, role: str, part: PartSpec) -> _Part:
        """A model of the zoo as a frozen part of another.

        Raises:
            ConfigError: There is no such model.
            IntegrityError: The installed one is not the one that was asked for.
        """
        what = f"part {quoted(role)} is model {quoted(part.model)}"
        check_name("model", part.model)
        try:
            model = self._catalogue.find_model(part.model)
        except UsageError as error:
            raise ConfigError(f"{what}, which is missing: {error.message}", error.hint) from None
        promised = model.card.sha256 or part.sha256
        if part.sha256 and part.sha256 != promised:
            raise _other_part(what, part.sha256, promised)
        if model.name not in self._parts:
            self._parts[model.name] = self.open(model)
        opened = self._parts[model.name]
        if part.sha256 and part.sha256 != opened.sha256:
            raise _other_part(what, part.sha256, opened.sha256)
        return _Part(freeze(opened.module), PartSpec(model.name, opened.sha256))

    def _opened(self, file: ModelFile, model: Model) -> Opened:
        opened = self._module(file, file.header.spec, "")
        if opened.spec.kind != model.card.kind:
            raise WeightsError(
                f"{file.path} holds a {opened.spec.kind}, but the card of {model.name} says "
                f"{quoted(model.card.kind)}"
            )
        return replace(opened, sha256=file.sha256, model=model)

    def _module(self, file: ModelFile, spec: ModelSpec, prefix: str) -> Opened:
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


def read_file(catalogue: Catalogue, found: Model | WeightsFile) -> ModelFile:
    """The file with a model's weights, which is the one that was promised.

    Raises:
        GenzooError: A clear one for each thing that can be wrong.
    """
    weights = weights_of(catalogue, found)
    size = found.card.size if isinstance(found, Model) else 0
    return read_model_file(weights.path, sha256=weights.sha256, size=size)


def _card_in(file: ModelFile) -> ModelCard:
    """The card in a model file; one with its name alone where it holds none."""
    spec = file.header.spec
    empty = ModelCard(name=file.path.stem, family="", summary="", kind=spec.kind)
    return file.header.card or empty


def open_model(catalogue: Catalogue, found: Model | WeightsFile, device: str = "cpu") -> Opened:
    """What `find` found, on a device, in evaluation mode."""
    check_device(device)
    opened = Loader(catalogue).open(found)
    for module in (opened.module, *opened.parts.values()):
        module.to(device)
    return opened


def build_fresh(catalogue: Catalogue, spec: ModelSpec, *, training: bool) -> Opened:
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


def build_blueprint(catalogue: Catalogue, spec: ModelSpec) -> Opened:
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


def _build(
    catalogue: Catalogue,
    spec: ModelSpec,
    parts: Mapping[str, _Part],
    *,
    training: bool,
    blueprint: bool,
) -> Opened:
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
