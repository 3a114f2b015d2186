"""All that can be said of a model without building it: its card, its file and its options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.catalogue import Catalogue
from genzoo.installed.records import ModelEntry, PluginRecord
from genzoo_core.cards import ModelCard
from genzoo_core.errors import GenzooError
from genzoo_core.specs import Choice, ComponentSpec

if TYPE_CHECKING:
    from genzoo.modelfile.reading import ModelFileHeader
    from genzoo_core.specs import ModelSpec
    from genzoo_core.weights import WeightsFile


@dataclass(frozen=True)
class Option:
    """An option of a model, as `--set NAME=VALUE` sets it.

    Attributes:
        name: Its name.
        type: What it takes, in words: "a number from 0 to 2".
        choices: The values that there are, or () where they are not countable.
        default: Its default; None where there is none.
        required: Whether it must be given.
        of: The component that has it, where the model only chooses that: "ddim" has `sampler.eta`.
    """

    name: str
    type: str
    choices: tuple[Any, ...]
    default: Any
    required: bool
    of: str = ""


@dataclass(frozen=True)
class Description:
    """What is known of a model.

    Attributes:
        name: `distribution/name`, the path of a model file, or the reference it was fetched by.
        card: Its card; None for a file that has none.
        plugin: The plugin that ships it; None for a file.
        weights: The file that holds its weights, or None where it is not on this machine.
        spec: What the file says is to be built, or None without a file.
        options: Options of its component; empty where that cannot be told.
        problems: Why something of this is missing, in one line each.
    """

    name: str
    card: ModelCard | None
    plugin: PluginRecord | None
    weights: Path | None
    spec: ModelSpec | None
    options: tuple[Option, ...]
    problems: tuple[str, ...]


def describe_model(catalogue: Catalogue, entry: ModelEntry) -> Description:
    """What is known of a model of the zoo. What is missing is among its `problems`."""
    problems: list[str] = []
    weights: Path | None = None
    spec: ModelSpec | None = None
    try:
        weights = _local_weights(catalogue, entry)
        spec = _header(weights).spec if weights else None
    except GenzooError as error:
        problems.append(str(error))
    options = _options(catalogue, spec, problems) if spec else ()
    return Description(
        entry.name, entry.card, entry.plugin, weights, spec, options, tuple(problems)
    )


def describe_file(catalogue: Catalogue, weights: WeightsFile) -> Description:
    """What a model file says of itself.

    Raises:
        UsageError: No such file.
        IntegrityError: Not the file that was promised.
        WeightsError: Not a genzoo model file.
        ConfigError: Its description of the model is not well-formed.
    """
    from genzoo.models.sources import check_digest

    path, sha256 = weights.path, check_digest(weights).sha256
    header = _header(path)
    card = header.card or ModelCard(name=path.stem, family="", summary="")
    card = msgspec.structs.replace(card, sha256=sha256, size=header.size)
    problems: list[str] = []
    options = _options(catalogue, header.spec, problems)
    name = weights.reference or str(path)
    return Description(name, card, None, path, header.spec, options, tuple(problems))


def options_of(options: type[msgspec.Struct]) -> tuple[Option, ...]:
    """The options that a typed `Options` declares."""
    from genzoo.pictures.settings import describe

    return tuple(
        Option(
            field.encode_name,
            describe(field.type),
            _choices(field.type),
            _default(field),
            field.required,
        )
        for field in msgspec.structs.fields(options)
    )


def _local_weights(catalogue: Catalogue, entry: ModelEntry) -> Path | None:
    from genzoo.models.sources import CACHED_HOOK, file_in_package, has_scheme

    weights = entry.card.weights
    if not weights:
        return None
    if has_scheme(weights):
        found = catalogue.call_hook(CACHED_HOOK, reference=weights, sha256=entry.card.sha256)
        return next((Path(getattr(one, "path", one)) for one in found), None)
    if entry.dynamic:
        return Path(weights)
    return file_in_package(entry.plugin, weights, f"weights of {entry.name}")


def _header(path: Path) -> ModelFileHeader:
    from genzoo.modelfile.reading import read_header

    return read_header(path)


def _options(catalogue: Catalogue, spec: ModelSpec, problems: list[str]) -> tuple[Option, ...]:
    from genzoo.pictures.settings import takes_choice

    try:
        plugin, component = catalogue.find_component(spec.kind, spec.component)
        if component.options is None:
            return ()
        struct = catalogue.load_target(plugin, component.options)
        options = {option.name: option for option in options_of(struct)}
    except GenzooError as error:
        problems.append(str(error))
        return ()
    for field in msgspec.structs.fields(struct):
        if takes_choice(field.type):
            own = spec.config.get(field.encode_name)
            options |= _choice(catalogue, options[field.encode_name], own)
    return tuple(options.values())


def _choice(catalogue: Catalogue, option: Option, own: Any) -> dict[str, Option]:
    """An option that chooses a component, and after it those of all that it can choose.

    Args:
        catalogue: Has the components.
        option: The option; it is named after their kind.
        own: What the model's config says in its place.
    """
    from genzoo.models.building import component_options, component_rows

    kind, rows = option.name, component_rows(catalogue, option.name)
    try:
        chosen = ComponentSpec.of(msgspec.convert(option.default or own or "", Choice))
    except msgspec.ValidationError:  # the config of a file that cannot be built
        chosen = ComponentSpec("")
    found = {
        kind: replace(
            option,
            type=f"one of {', '.join(rows)}",
            choices=tuple(rows),
            default=chosen.component or None,
        )
    }
    for name, struct in component_options(catalogue, kind).items():
        full = f"{rows[name].distribution}/{rows[name].name}"
        config = chosen.config if chosen.component in (name, full) else {}
        for one in options_of(struct):
            default = config.get(one.name, one.default)
            inner = replace(one, name=f"{kind}.{one.name}", of=name, default=default)
            found[f"{inner.name} of {name}"] = inner
    return found


def _choices(kind: Any) -> tuple[Any, ...]:
    from msgspec import inspect

    info = inspect.type_info(kind)
    kinds = info.types if isinstance(info, inspect.UnionType) else (info,)
    found: list[Any] = []
    for one in kinds:
        if isinstance(one, inspect.LiteralType):
            found += one.values
        elif isinstance(one, inspect.EnumType):
            found += [member.value for member in one.cls]
    return tuple(found)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default_factory())
    return None
