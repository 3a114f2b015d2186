"""From what a user asks for to what will be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, cast

import msgspec

from genzoo.pictures.inputs import MAX_PIXELS, shown_path
from genzoo.pictures.provenance import MAX_RECORD
from genzoo.pictures.requests import Mode, Plan, Request, check_counts, picture_count
from genzoo_core.errors import ConfigError, GenzooError, UsageError
from genzoo_core.pictures import RunRecord

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.pictures.inputs import Given
    from genzoo.zoo import Loaded, RegistryZoo
    from genzoo_core.conditioner import Condition, Conditioner
    from genzoo_core.encoder import Codec, Encoder


def resolve(request: Request, loaded: Loaded, zoo: RegistryZoo) -> Plan:
    """Fit a request to a model.

    Args:
        request: What is asked.
        loaded: The model.
        zoo: Where it came from; names other models in messages.

    Raises:
        UsageError: The request does not fit the model; names what does.
    """
    check_counts(request)
    mode = request.mode
    if request.inputs or request.encode:
        _require_codec(loaded, mode)
    if mode == "sample" or isinstance(request.interpolate, tuple):
        _require_sampling(loaded)
    rows = len(request.inputs) if mode in ("reconstruct", "encode") else len(request.prompts) or 1
    options = _options(request, loaded, zoo)
    raws = _conditions(request, loaded, zoo, rows)
    given = _read_inputs(request, loaded, zoo)
    record = RunRecord(
        model=shown_path(loaded.name),
        weights=loaded.sha256,
        mode=mode,
        n=picture_count(request),
        seed=_seed(request),
        prompts=request.prompts,
        interpolate=request.interpolate if isinstance(request.interpolate, tuple) else None,
        inputs=tuple(picture.record for picture in given),
        options=msgspec.to_builtins(options),
        conditions=dict(request.conditions),
        parts=dict(loaded.parts),
        versions=_versions(loaded, zoo),
    )
    if len(msgspec.json.encode(record)) > MAX_RECORD:
        raise UsageError(f"the prompts are longer than the {MAX_RECORD:,} bytes that are recorded")
    return Plan(loaded, record, options, raws, *_stacked(given))


def _seed(request: Request) -> int:
    if isinstance(request.interpolate, tuple):
        return request.interpolate[0]
    if request.mode != "sample":
        return 0
    if request.seed is not None:
        return request.seed
    import secrets

    return secrets.randbits(32)


def _require_codec(loaded: Loaded, mode: Mode) -> None:
    from genzoo_core.encoder import Codec, Encoder

    module = loaded.built.module
    codec = getattr(module, "codec", None)
    if isinstance(module, Codec) or isinstance(codec, Codec):
        return
    if mode == "encode" and (isinstance(module, Encoder) or isinstance(codec, Encoder)):
        return
    raise UsageError(
        f"{loaded.name} has no encoder: it cannot take a picture",
        "autoencoders and VAEs can: see `genzoo list --family autoencoder` and `--family vae`",
    )


def _require_sampling(loaded: Loaded) -> None:
    from genzoo_core.conditioner import Conditioner
    from genzoo_core.model import GenerativeModel

    if isinstance(loaded.built.module, Conditioner):
        raise UsageError(
            f"{loaded.name} makes no pictures: it reads prompts for the models whose part it is",
            "`genzoo list` shows those",
        )
    if not isinstance(loaded.built.module, GenerativeModel):
        raise UsageError(
            f"{loaded.name} is not a generative model: it has nothing to sample from",
            "give it a picture with --input",
        )


def encoder_of(loaded: Loaded) -> Encoder:
    """The encoder of a model that `resolve` accepted for a request with inputs."""
    from genzoo_core.encoder import Encoder

    module = loaded.built.module
    return cast(Encoder, module if isinstance(module, Encoder) else module.codec)


def codec_of(loaded: Loaded) -> Codec:
    """The codec of a model that `resolve` accepted for a request with inputs to decode."""
    from genzoo_core.encoder import Codec

    return cast(Codec, encoder_of(loaded))


def condition_of(loaded: Loaded, conditions: Mapping[str, Tensor], n: int) -> Condition | None:
    """What the model's encoder and decoder are conditioned on; None for one that takes none."""
    from genzoo_core.model import GenerativeModel

    module = loaded.built.module
    return module.condition(conditions, n) if isinstance(module, GenerativeModel) else None


def picture_shape(loaded: Loaded) -> tuple[int, int, int]:
    """(C, H, W) of the model's pictures.

    Raises:
        GenzooError: Neither the model nor its card says it.
        ConfigError: It is the shape of no picture that genzoo would read or write.
    """
    shape = getattr(loaded.built.module, "sample_shape", None) or loaded.card.shape
    if shape is None:
        raise GenzooError(f"the card of {loaded.name} does not give the shape of its pictures")
    if min(shape) < 1 or prod(shape) > MAX_PIXELS:
        sides = "×".join(map(str, shape))
        raise ConfigError(f"{loaded.name} says that its pictures are {sides}, which none can be")
    return cast("tuple[int, int, int]", tuple(shape))


def conditioners_of(loaded: Loaded) -> Mapping[str, Conditioner]:
    """The model's conditioners by name; the first reads the prompt."""
    return cast("Mapping[str, Conditioner]", getattr(loaded.built.module, "conditioners", {}))


def options_type(loaded: Loaded) -> type[msgspec.Struct]:
    """The type of the model's options; a codec has none."""
    from genzoo_core.model import NoOptions

    return cast("type[msgspec.Struct]", getattr(loaded.built.module, "Options", NoOptions))


def _options(request: Request, loaded: Loaded, zoo: RegistryZoo) -> msgspec.Struct:
    from genzoo.pictures.settings import resolve_options

    return resolve_options(
        loaded.name,
        options_type(loaded),
        request.options,
        own=loaded.built.spec.config,
        catalogue=zoo.catalogue,
    )


def _conditions(
    request: Request, loaded: Loaded, zoo: RegistryZoo, rows: int
) -> dict[str, tuple[Any, ...]]:
    from genzoo.pictures.settings import check_text, unknown_setting

    conditioners = conditioners_of(loaded)
    if request.prompts and not conditioners:
        raise _no_prompt(loaded, zoo, request.prompts[0])
    raws: dict[str, tuple[Any, ...]] = {}
    names = list(conditioners)
    if request.prompts:
        texts = [check_text("the prompt", prompt) for prompt in request.prompts]
        parsed = [_parse(conditioners[names[0]], text) for text in texts]
        if len(parsed) not in (1, rows):
            raise UsageError(f"{len(parsed)} prompts do not go with {rows} inputs; give one or all")
        raws[names[0]] = tuple(parsed) if len(parsed) == rows else tuple(parsed) * rows
    for name, text in request.conditions.items():
        if name not in names[1:]:
            raise unknown_setting(loaded.name, name, (), names[1:])
        raws[name] = (_parse(conditioners[name], check_text(name, text)),) * rows
    return raws


def _parse(conditioner: Conditioner, text: str) -> Any:
    """The raw value of `text`, checked before any work is done for it."""
    from genzoo_core.rng import SampleRng

    raw = conditioner.parse(text)
    conditioner.prepare([raw], SampleRng([0]))
    return raw


def _no_prompt(loaded: Loaded, zoo: RegistryZoo, prompt: str) -> UsageError:
    if prompt.lower().endswith((".png", ".jpg", ".jpeg", ".webp", ".gif")):
        return UsageError(f"{loaded.name} takes no prompt", f"give a picture with --input {prompt}")
    able = [card.name for card in zoo.cards() if card.conditioners]
    hint = f"these do: {', '.join(able[:5])}" if able else "no installed model does"
    return UsageError(f"{loaded.name} takes no prompt", hint)


def _read_inputs(request: Request, loaded: Loaded, zoo: RegistryZoo) -> list[Given]:
    if not request.inputs:
        return []
    from genzoo.pictures.inputs import read_picture

    shape, background = picture_shape(loaded), _background(loaded, zoo)
    return [read_picture(path, shape, background) for path in request.inputs]


def _background(loaded: Loaded, zoo: RegistryZoo) -> int:
    """Grey level of the dataset's background: what transparent pixels become."""
    if not loaded.card.recipe:
        return 255
    try:
        return zoo.recipe(loaded.name).data.background
    except GenzooError:
        return 255


def _stacked(given: Sequence[Given]) -> tuple[Tensor | None, tuple[str, ...]]:
    if not given:
        return None, ()
    from genzoo.pictures.inputs import stack

    return stack(given), tuple(picture.converted for picture in given if picture.converted)


def _versions(loaded: Loaded, zoo: RegistryZoo) -> dict[str, str]:
    import torch

    spec = loaded.built.spec
    named = [(spec.kind, spec.component)]
    named += [("conditioner", other.component) for other in spec.conditioners.values()]
    owners = [zoo.catalogue.find_component(kind, name)[0] for kind, name in named]
    versions = {owner.distribution: owner.version for owner in owners}
    return {**versions, "torch": str(torch.__version__)}
