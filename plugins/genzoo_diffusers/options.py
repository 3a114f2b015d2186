"""What can be set of a pipeline: the plain arguments of its call, by genzoo's names."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from genzoo_core import Config

RENAMED = {"num_inference_steps": "steps", "guidance_scale": "guidance"}
"""Arguments of diffusers that genzoo has a name for."""
PASSED = {"prompt", "negative_prompt", "class_labels", "batch_size", "generator", "latents"} | {
    "output_type",
    "return_dict",
    "num_images_per_prompt",
    "callback_steps",
    "strength",
}
"""Arguments that come from the request, or that say how a call answers."""
PLAIN = (bool, int, float, str)
LIMITS = {
    "num_inference_steps": msgspec.Meta(ge=1, le=100_000),
    "guidance_scale": msgspec.Meta(ge=0, le=1000),
    "height": msgspec.Meta(ge=8, le=16_384),
    "width": msgspec.Meta(ge=8, le=16_384),
    "eta": msgspec.Meta(ge=0, le=1),
}


Steps = Annotated[int, LIMITS["num_inference_steps"]]


class UNet2DOptions(Config):
    """How to sample from a trained `UNet2DModel`: arguments of a `DDIMPipeline`."""

    eta: Annotated[float, LIMITS["eta"]] = 0.0
    steps: Steps = 50
    use_clipped_model_output: bool | None = None
    sampler: Literal["ddim"] | None = None


class DiTOptions(Config):
    """How to sample from a trained `DiTTransformer2DModel`: arguments of a `DiTPipeline`."""

    guidance: Annotated[float, LIMITS["guidance_scale"]] = 4.0
    steps: Steps = 50
    sampler: Literal["ddim", "ddpm", "dpm++-2m"] | None = None


class Argument(msgspec.Struct, frozen=True):
    """A plain argument of a pipeline's call.

    Attributes:
        name: Its own name.
        option: Its name among the options.
        kind: Its type.
        default: Its value unless it is set.
        of_each: Whether a list of one for each prompt is taken beside a single one.
    """

    name: str
    option: str
    kind: Any
    default: Any
    of_each: bool


def arguments_of(call: Any) -> list[Argument]:
    """The arguments of a pipeline's call that can be set as plain values."""
    hints = typing.get_type_hints(call)
    found = []
    for name, parameter in inspect.signature(call).parameters.items():
        default = parameter.default
        if name in PASSED or default is parameter.empty or name not in hints:
            continue
        members = _members(hints[name])
        plain = [kind for kind in PLAIN if kind in members]
        of_each = any(typing.get_origin(member) is list for member in members)
        if not plain or not (default is None or isinstance(default, PLAIN)):
            continue
        kind: Any = plain[0]
        for other in plain[1:]:
            kind = kind | other
        if name in LIMITS:
            kind = Annotated[kind, LIMITS[name]]
        if default is None:
            kind = kind | None
        found.append(Argument(name, RENAMED.get(name, name), kind, default, of_each))
    return found


def common_arguments(calls: Sequence[Any]) -> list[Argument]:
    """The arguments of the first call; None, for its own, where another has another default."""
    first, *others = ({each.name: each for each in arguments_of(call)} for call in calls)
    found = []
    for name, each in first.items():
        same = all(name not in other or other[name].default == each.default for other in others)
        own = msgspec.structs.replace(each, kind=each.kind | None, default=None)
        found.append(each if same else own)
    return found


def options_struct(
    arguments: Sequence[Argument], samplers: Sequence[str], settings: Sequence[str] = ()
) -> type[Config]:
    """The options of a pipeline: its arguments, and which sampler takes the scheduler's place.

    Args:
        arguments: Of its call.
        samplers: Those that it can be sampled with.
        settings: Texts that were read when it was loaded.
    """
    fields: list[Any] = [(each.option, each.kind, each.default) for each in arguments]
    fields += [(name, str | None, None) for name in settings]
    if samplers:
        fields.append(("sampler", Literal[tuple(samplers)] | None, None))
    return msgspec.defstruct("Options", fields, bases=(Config,), frozen=True)  # type: ignore[return-value]


def _members(kind: Any) -> tuple[Any, ...]:
    """The types of a union."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return typing.get_args(kind)
    return (kind,)
