"""Opening whole models, with the parts that they share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from types import MethodType
from typing import TYPE_CHECKING, Protocol

import msgspec
from torch import nn

from genzoo.files.dtypes import check_values
from genzoo.files.foreign import digest_of
from genzoo.files.header import TensorInfo
from genzoo.files.model_file import ModelFile, memory_bytes, read_model_file
from genzoo.models.build import build_blueprint, build_module, kind_of
from genzoo.models.components import check_name
from genzoo.models.described import DescribedTensors
from genzoo.models.device import place
from genzoo.models.fill import check_tensors, fill
from genzoo.models.find import card_in
from genzoo.models.formats import ModelFolder
from genzoo.models.precision import in_precision
from genzoo.models.weights import Found, another_than_added, as_added, weights_of
from genzoo.plugins.names import full_name
from genzoo.text import quoted
from genzoo_core.errors import ConfigError, IntegrityError, PluginError, UsageError, WeightsError
from genzoo_core.formats import Described
from genzoo_core.interfaces import MODULE_KINDS
from genzoo_core.model import GenerativeModel
from genzoo_core.plugin import Model
from genzoo_core.request import Offload, Precision
from genzoo_core.specs import ModelSpec, PartSpec
from genzoo_core.weights import WeightsFile
from genzoo_core.zoo import Opened

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.plugins.catalogue import Catalogue

PART_PREFIX = "parts."
"""Tensors of an inlined part begin with `parts.<role>.`."""


class Stored(Protocol):
    """Tensors as a file holds them, by name, for `Loader`."""

    @property
    def name(self) -> str: ...
    @property
    def tensors(self) -> Mapping[str, TensorInfo]: ...
    def tensor(self, name: str) -> Tensor: ...
    def stored(self, name: str) -> bytes | memoryview: ...


def open_model(
    catalogue: Catalogue,
    found: Found,
    device: str = "cpu",
    precision: Precision = "auto",
    offload: Offload = "",
) -> Opened:
    """What `find` found, on a device, computing in a precision, in evaluation mode."""
    if isinstance(found, ModelFolder):
        found.files.precision = precision
    opened = Loader(catalogue).open(found)
    place(opened, device, offload)
    return replace(in_precision(opened, precision), device=device, offload=offload)


def build_fresh(catalogue: Catalogue, spec: ModelSpec, *, training: bool) -> Opened:
    """A module with fresh weights on the CPU; its parts are loaded and frozen.

    Raises:
        ConfigError: An unknown component, a config that is not of its type, or one that asks
            for more memory than the machine has.
    """
    spec, parts, _ = Loader(catalogue).parts(spec)
    blueprint = build_blueprint(catalogue, spec, parts, training=training)
    needed = sum(tensor.nbytes for tensor in blueprint.own_tensors().values())
    if needed > (memory := memory_bytes()):
        raise ConfigError(
            f"{spec.kind} {spec.component} needs {needed:,} bytes, this machine has {memory:,}",
            "make its config smaller",
        )
    return build_module(catalogue, spec, parts, training=training)


def read_file(catalogue: Catalogue, found: Model | WeightsFile) -> ModelFile:
    """The file with a model's weights, which is the one that was promised."""
    weights = weights_of(catalogue, found)
    size = found.card.size if isinstance(found, Model) else 0
    with as_added(found):
        return read_model_file(weights.path, sha256=weights.sha256, size=size)


@dataclass(frozen=True)
class Loader:
    """Opens a model, and each model that is a part of it once."""

    catalogue: Catalogue
    owners: tuple[str, ...] = ()
    """Full names of the models that are being opened, to notice a cycle."""
    opened_parts: dict[str, Opened] = field(default_factory=dict)
    """Parts by full name."""

    def open(self, found: Found) -> Opened:
        """From the file to a module that holds its tensors."""
        if isinstance(found, ModelFolder):
            return self.folder(found)[0]
        loader = self
        if isinstance(found, Model):
            owners = (*self.owners, found.name)
            if found.name in self.owners:
                raise ConfigError(f"a model is a part of itself: {' → '.join(owners)}")
            loader = replace(self, owners=owners)
        file = read_file(self.catalogue, found)
        opened = loader.module(file, file.header.spec)
        if not isinstance(found, Model):
            found = Model(card_in(file.header, file.path), file=found)
        if opened.spec.kind != found.card.kind:
            raise WeightsError(
                f"{file.path} holds a {opened.spec.kind}, but the card of {found.name} says "
                f"{quoted(found.card.kind)}"
            )
        return replace(opened, sha256=file.sha256, model=found)

    def folder(self, folder: ModelFolder) -> tuple[Opened, DescribedTensors | None]:
        """From a folder in a format of others to a module; and its tensors, where it has a spec."""
        try:
            card, loaded = folder.load()
            tensors = None
            if isinstance(loaded, Described):
                tensors = DescribedTensors(folder.name, loaded.tensors)
                opened = self.module(tensors, loaded.spec)
            else:
                with folder.reading():
                    opened = _built(folder, loaded)
        finally:
            folder.files.finish()
        if opened.spec.kind != card.kind:
            raise WeightsError(
                f"{folder.name} holds a {opened.spec.kind}, but its card says {quoted(card.kind)}"
            )
        files = folder.files.digests
        digest = digest_of(files)
        if folder.added is not None and folder.added.card.sha256 != digest:
            raise another_than_added(folder.added)
        card = msgspec.structs.replace(card, sha256=digest)
        return (
            replace(
                opened,
                sha256=digest,
                files=files,
                format=full_name(folder.format),
                model=folder.model(card, digest),
            ),
            tensors,
        )

    def module(self, file: Stored, spec: ModelSpec, prefix: str = "") -> Opened:
        """Build on the meta device, compare, fill: what the tensors with that prefix belong to."""
        spec, parts, contents = self.parts(spec, file, prefix)
        built = build_blueprint(self.catalogue, spec, parts)
        inlined = tuple(
            f"{prefix}{PART_PREFIX}{role}." for role, part in spec.parts.items() if part.inline
        )
        if isinstance(file, DescribedTensors):  # those of a file fit, or are refused
            file.cast({prefix + name: slot.dtype for name, slot in built.own_tensors().items()})
        declared = {
            name.removeprefix(prefix): (info.dtype, info.shape)
            for name, info in file.tensors.items()
            if name.startswith(prefix) and not name.startswith(inlined)
        }
        where = f"{file.name}, {prefix[:-1]}," if prefix else file.name
        check_tensors(built, declared, where)
        fill(built, lambda name: file.tensor(prefix + name), where)
        built.module.eval()
        return replace(built, content=_content(built, file, prefix, contents))

    def parts(
        self, spec: ModelSpec, file: Stored | None = None, prefix: str = ""
    ) -> tuple[ModelSpec, dict[str, nn.Module], dict[str, str]]:
        """`spec` with its parts' full names and digests, and the parts, frozen, by role.

        Those that lie in `file` itself come from there. Last, by role, `Opened.content` of each.
        """
        specs: dict[str, PartSpec] = {}
        contents: dict[str, str] = {}
        modules: dict[str, nn.Module] = {}
        for role, part in spec.parts.items():
            if file is not None and part.inline is not None:
                if "." in role or not role:
                    raise ConfigError(f"{file.name}: a part cannot play the role {role[:80]!r}")
                opened = self.module(file, part.inline, f"{prefix}{PART_PREFIX}{role}.")
                specs[role] = PartSpec(part.model, part.sha256, opened.spec)
            else:
                if file is not None and not part.sha256:
                    raise ConfigError(f"{file.name}: part {quoted(role)} has no sha256")
                opened = self.part(role, part)
                specs[role] = PartSpec(opened.name, opened.sha256)
            modules[role] = _freeze(opened.module)
            contents[role] = opened.content
        return msgspec.structs.replace(spec, parts=specs), modules, contents

    def part(self, role: str, part: PartSpec) -> Opened:
        """The model of the zoo that is a part of another, if it is the very one."""
        what = f"part {quoted(role)} is model {quoted(part.model)}"
        check_name("model", part.model)
        try:
            model = self.catalogue.find_model(part.model)
        except UsageError as error:
            raise ConfigError(f"{what}, which is missing: {error.message}", error.hint) from None
        # By its card first: another one is not fetched in vain.
        _check_part(what, part.sha256, model.card.sha256)
        if model.name not in self.opened_parts:
            self.opened_parts[model.name] = self.open(model)
        opened = self.opened_parts[model.name]
        _check_part(what, part.sha256, opened.sha256)
        return opened


def _built(folder: ModelFolder, module: object) -> Opened:
    """What a format built by itself; `ModelFolder.load` says what that may be."""
    owner = f"format {full_name(folder.format)}"
    if not isinstance(module, nn.Module):
        raise PluginError(f"{owner} gave {type(module).__name__}, no model and no description")
    kind = kind_of(module)
    if kind is None:
        raise PluginError(
            f"{owner} gave {type(module).__name__}, which is none of {', '.join(MODULE_KINDS)}"
        )
    for name, tensor in chain(module.named_parameters(), module.named_buffers()):
        if tensor.is_meta:
            raise WeightsError(f"{owner} left {quoted(name)} of {folder.name} without values")
        if isinstance(tensor, nn.Parameter):  # a mask, which is a buffer, may be infinite
            check_values(tensor.detach(), quoted(name), folder.name)
    if isinstance(module, GenerativeModel):
        msgspec.convert(module.sample_shape, tuple[int, int, int])
    module.requires_grad_(False).eval()
    return Opened(module, ModelSpec(full_name(folder.format), kind=kind))


def _content(built: Opened, file: Stored, prefix: str, parts: Mapping[str, str]) -> str:
    """What `Opened.content` says; `parts` is that of the parts."""
    spec, tensors = built.spec, file.tensors
    names = sorted(built.own_tensors())
    described = {
        "component": (spec.kind, spec.component, spec.config),
        "conditioners": list(spec.conditioners.items()),  # the first reads the prompt
        "parts": {role: parts[role] for role in spec.parts},
        "tensors": [
            (name, tensors[prefix + name].dtype, tensors[prefix + name].shape) for name in names
        ],
    }
    digest = hashlib.sha256(msgspec.json.encode(described, order="deterministic"))
    for name in names:
        digest.update(file.stored(prefix + name))
    return digest.hexdigest()


def _check_part(what: str, wanted: str, found: str) -> None:
    if wanted and found and wanted != found:
        raise IntegrityError(
            f"{what} with sha256 {wanted[:12]}…, but the installed one has {found[:12]}…",
            "install the version of its plugin that the model was made with",
        )


def _freeze(module: nn.Module) -> nn.Module:
    """Make a module a constant: no gradients, and evaluation mode whatever its owner is in."""
    module.requires_grad_(False).eval()
    module.train = MethodType(_stay, module)  # type: ignore[method-assign]
    return module


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    return module
