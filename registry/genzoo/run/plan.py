"""From a request to what will be made."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from shlex import quote
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.files.pictures import read_input, read_mask, stack
from genzoo.models.device import place
from genzoo.models.formats import ModelFolder
from genzoo.models.precision import check_precision, in_precision
from genzoo.run.computing import best_threads
from genzoo.run.conditions import parse_conditions, parse_negative
from genzoo.run.loras import adapt
from genzoo.run.options import read_settings
from genzoo.run.outputs.reading import in_true_size
from genzoo.run.outputs.record import MAX_RECORD
from genzoo.run.request import check_types
from genzoo.run.tasks import task_of
from genzoo.run.tasks.abilities import sampler_of
from genzoo.run.tasks.decode import latents_of
from genzoo.run.tasks.task import Plan, Task
from genzoo.text import shown_path
from genzoo_core.devices import find_device, slow_half, threads
from genzoo_core.errors import ConfigError, GenzooError, UsageError
from genzoo_core.picture_files import MAX_PIXELS
from genzoo_core.request import Record, Request
from genzoo_core.specs import ComponentSpec

if TYPE_CHECKING:
    from genzoo.zoo import Zoo
    from genzoo_core.zoo import Opened

DEFAULTS = ("steps", "sampler", "guidance")
"""Options that other programs know, which a model's config may have for those that are unset."""
Chosen = int | float | str | ComponentSpec


def plan(
    request: Request, zoo: Zoo, opened: Opened | None = None, like: Plan | None = None
) -> Plan:
    """As `resolve`, and the model takes its options.

    Raises:
        UsageError: The request does not fit the model; names what does.
        NotFittedError: The model has nothing to sample from.
        GenzooError: The model cannot be opened.
    """
    planned = resolve(request, zoo, opened, like)
    if planned.task.guides:
        sampler_of(planned.opened).check_options(planned.options)
    if planned.negative is not None:
        _check_guidance(planned)
    return planned


def resolve(
    request: Request, zoo: Zoo, opened: Opened | None = None, like: Plan | None = None
) -> Plan:
    """Fit a request to its model, which is opened, or moved to the device where it is open.

    An open one goes on computing in the precision that it was opened in, unless the request has
    one. `like` is the last plan of `opened`, as for `genzoo_core.Zoo.plan`.
    """
    check_types(request)
    task_of(request).check()
    rest = _rest(request)
    if like is not None and rest and like.rest == rest:
        return _again(request, zoo, like)
    return replace(_fit(*_open(request, zoo, opened), zoo), rest=rest)


def _open(request: Request, zoo: Zoo, opened: Opened | None) -> tuple[Request, Opened]:
    """The model of a request, ready to compute, and the request with device and LoRAs filled in."""
    request = msgspec.structs.replace(request, device=find_device(request.device))
    check_precision(request.precision, request.device)
    if opened is None:
        found = zoo.fetch(request.model, request.variant)  # before torch is imported
        if isinstance(found, ModelFolder):
            found.files.settings = request.options
        from genzoo.models.open import open_model

        with threads(1):  # the checks of a load are too short to gain from a second one
            opened = open_model(
                zoo.catalogue, found, request.device, request.precision, request.offload
            )
    else:
        place(opened, request.device, request.offload)
        wanted = opened.precision if request.precision == "auto" else request.precision
        opened = in_precision(opened, wanted)
    from genzoo_core.compiling import compile_networks

    for module in (opened.module, *opened.parts.values()):
        compile_networks(module, request.compile)
    return msgspec.structs.replace(request, loras=adapt(request, opened, zoo)), opened


def _rest(request: Request) -> str:
    """All of a request but prompts, `n` and seeds, as text; "" where it has files.

    Those may change. Compared as data, 1 would be True.
    """
    if request.inputs or request.latents or request.loras:
        return ""
    return repr(msgspec.structs.replace(request, prompts=(), n=None, seed=None, seeds=()))


def _again(request: Request, zoo: Zoo, like: Plan) -> Plan:
    """The plan of a request whose rest is that of another."""
    task, record = task_of(request), like.record
    raws = parse_conditions(request.prompts, record.conditions, task.rows, like.opened, zoo)
    record = msgspec.structs.replace(
        record,
        prompts=request.prompts,
        n=task.n,
        seed=task.seed,
        seeds=request.seeds,
        batch=min(request.batch, task.rows * task.n),
        defaults=_defaults(like.opened, like.options, task, asked=bool(raws)),
    )
    _check_size(record)
    return replace(like, task=task_of(record), record=record, raws=raws)


def _fit(request: Request, opened: Opened, zoo: Zoo) -> Plan:
    """Check all that depends on the model, and fill in what the request leaves open."""
    task = task_of(request)
    task.require(opened)
    options, conditions = read_settings(request, opened, zoo.catalogue)
    raws = parse_conditions(request.prompts, conditions, task.rows, opened, zoo)
    negative = parse_negative(request, opened, zoo)
    shape = picture_shape(opened, options)
    background = background_of(opened, zoo) if request.inputs else 255
    pictures = [read_input(file, shape, background, in_true_size) for file in request.inputs]
    mask = None if request.mask is None else read_mask(request.mask, pictures, shape)
    latents = latents_of(request, opened)
    n = task.n if latents is None else latents.shape[0] // task.rows
    own = opened.model.variant if opened.model else ""
    fields = msgspec.structs.asdict(request) | {
        # Not a name in the user's own list: it means nothing elsewhere, and can go.
        "model": shown_path(opened.model.reference if opened.model else opened.name),
        "n": n,
        "seed": task.seed,
        "options": msgspec.to_builtins(options),
        "conditions": conditions,
        "inputs": tuple(picture.record for picture in pictures),
        "variant": request.variant or own if opened.files else "",
        "strength": task.strength,
        "mask": mask and mask.record,
        "precision": opened.precision,
        "latents": latents and latents.digest(),
        "threads": request.threads or best_threads(opened.module),
        "batch": min(request.batch, task.rows * n),
        "weights": opened.sha256,
        "files": dict(opened.files),
        "content": opened.content,
        "parts": {role: part.sha256 for role, part in opened.spec.parts.items()},
        "defaults": _defaults(opened, options, task, asked=bool(raws)),
        "versions": _versions(opened, zoo),
    }
    record = Record(**fields)
    _check_size(record)
    notes = [picture.note for picture in pictures] + ([mask.note] if mask else [])
    if slow := slow_half(request.device, opened.precision):
        notes.append(slow)
    if task.strength is not None and mask is None:
        # Most drawings have a transparent background, so it is no mask by itself.
        for path in (each.record.path for each in pictures if each.clear):
            only = f"--mask {quote(path)} makes only what is transparent in it"
            notes.append(path and f"{path}: all of it is varied; {only}")
    return Plan(
        opened=opened,
        task=task_of(record),
        record=record,
        options=options,
        raws=raws,
        negative=negative,
        inputs=stack(pictures) if pictures else None,
        # With all of it made there is nothing to fit to.
        mask=mask.made[None] if mask and not mask.made.all() else None,
        latents=latents,
        notes=tuple(filter(None, notes)),
    )


def _defaults(
    opened: Opened, options: msgspec.Struct, task: Task, *, asked: bool
) -> dict[str, Any]:
    """What a model chooses where the options leave it open; `asked`: whether there is a prompt."""
    from genzoo_core.model import Guided

    model = opened.module
    config = getattr(model, "config", None)
    found: dict[str, Any] = {}
    for name in DEFAULTS if task.guides else ():
        chosen = getattr(config, name, None)
        if getattr(options, name, chosen) is None and isinstance(chosen, Chosen):
            found[name] = msgspec.to_builtins(chosen)
    if "guidance" in found and isinstance(model, Guided):
        found["guidance"] = model.guidance(options, asked=asked)
    return found


def _check_guidance(plan: Plan) -> None:
    """Check that guidance leads away from a negative prompt."""
    from genzoo_core.model import Guided

    model, options, asked = plan.opened.module, plan.options, bool(plan.raws)
    assert isinstance(model, Guided)  # as parsing it has checked
    if (scale := model.guidance(options, asked=asked)) in (0, 1):
        hint = "set a --guidance above 1"
        if hasattr(options, "guidance"):
            try:  # that would be refused as well where nothing can guide
                model.guidance(msgspec.structs.replace(options, guidance=2.0), asked=asked)
            except UsageError as error:
                hint = f"leave it out: {error.message}"
        raise UsageError(f"with guidance {scale:g} nothing leads away from a negative prompt", hint)


def _check_size(record: Record) -> None:
    if len(msgspec.json.encode(record)) > MAX_RECORD:
        raise UsageError(f"the prompts are longer than the {MAX_RECORD:,} bytes that are recorded")


def picture_shape(opened: Opened, options: msgspec.Struct) -> tuple[int, int, int]:
    """(C, H, W) of the model's pictures, as it or its card says."""
    from genzoo_core.model import GenerativeModel

    module = opened.module
    shape = module.shape(options) if isinstance(module, GenerativeModel) else None
    if shape is None and opened.model is not None:
        shape = opened.model.card.shape
    if shape is None:
        raise GenzooError(f"the card of {opened.name} does not give the shape of its pictures")
    if min(shape) < 1 or prod(shape) > MAX_PIXELS:
        sides = "×".join(map(str, shape))
        raise ConfigError(f"{opened.name} says that its pictures are {sides}, which none can be")
    channels, height, width = shape
    return channels, height, width


def background_of(opened: Opened, zoo: Zoo) -> int:
    """Grey level, in 0..255, of the dataset's background: what transparent pixels become."""
    if opened.model is None or not opened.model.card.recipe:
        return 255
    try:
        return zoo.recipe(opened.name).data.background
    except GenzooError:
        return 255


def _versions(opened: Opened, zoo: Zoo) -> dict[str, str]:
    import torch

    spec = opened.spec
    owners = [zoo.catalogue.find_format(opened.format).plugin] if opened.format else []
    # What a format has built is no component.
    named = [(spec.kind, spec.component)] if opened.content or not opened.format else []
    named += [("conditioner", other.component) for other in spec.conditioners.values()]
    owners += [zoo.catalogue.find_component(kind, name).plugin for kind, name in named]
    versions = {owner.distribution: owner.version for owner in owners}
    return {**versions, "torch": str(torch.__version__)}
