"""From a request to what will be made."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.files.pictures import MAX_PIXELS, Given, read_picture, stack
from genzoo.models.device import check_device
from genzoo.run.options import check_text, resolve_options, split_settings
from genzoo.run.outputs.record import MAX_RECORD
from genzoo.run.request import check_types
from genzoo.run.tasks import task_of
from genzoo.run.tasks.task import Plan
from genzoo.run.threads import best_threads, threads
from genzoo.text import shown_path
from genzoo_core.errors import ConfigError, GenzooError, UsageError
from genzoo_core.request import Record, Request

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo.zoo import Zoo
    from genzoo_core.conditioner import Conditioner
    from genzoo_core.zoo import Opened


def plan(request: Request, zoo: Zoo, opened: Opened | None = None) -> Plan:
    """Fit a request to its model, which is opened.

    Args:
        request: What is asked.
        zoo: Where the model is found.
        opened: The model, where it is open already; it is moved to the device.

    Raises:
        UsageError: The request does not fit the model; names what does.
        GenzooError: The model cannot be opened.
    """
    check_types(request)
    task_of(request).check()
    check_device(request.device)
    if opened is None:
        found = zoo.fetch(request.model)  # before torch is imported
        # The checks of a load are too short to gain from a second thread.
        with threads(1):
            opened = zoo.open(found, device=request.device)
    else:
        opened.module.to(request.device)
    return fit(request, opened, zoo)


def fit(request: Request, opened: Opened, zoo: Zoo) -> Plan:
    """Fit a request that was checked to a model that is open; as `plan`."""
    from genzoo_core.conditioner import conditioners_of

    task = task_of(request)
    task.require(opened)
    conditioners = conditioners_of(opened.module)
    chosen, conditions = split_settings(
        opened.name, options_type(opened), list(conditioners), request
    )
    options = resolve_options(
        opened.name,
        options_type(opened),
        chosen,
        own=opened.spec.config,
        catalogue=zoo.catalogue,
    )
    raws = _parse_all(request.prompts, conditions, opened, zoo, task.rows)
    given = _read_inputs(request, opened, zoo)
    record = Record(
        model=shown_path(opened.name),
        prompts=request.prompts,
        n=task.n,
        seed=task.seed,
        options=msgspec.to_builtins(options),
        conditions=conditions,
        interpolate=request.interpolate,
        inputs=tuple(picture.record for picture in given),
        encode=request.encode,
        device=request.device,
        threads=request.threads or best_threads(opened.module),
        batch=min(request.batch, task.rows * task.n),
        weights=opened.sha256,
        parts={role: part.sha256 for role, part in opened.spec.parts.items()},
        versions=_versions(opened, zoo),
    )
    if len(msgspec.json.encode(record)) > MAX_RECORD:
        raise UsageError(f"the prompts are longer than the {MAX_RECORD:,} bytes that are recorded")
    _check_memory(task.rows * task.n, picture_shape(opened))
    return Plan(opened, task_of(record), record, options, raws, *_stacked(given))


def picture_shape(opened: Opened) -> tuple[int, int, int]:
    """(C, H, W) of the model's pictures.

    Raises:
        GenzooError: Neither the model nor its card says it.
        ConfigError: It is the shape of no picture that genzoo would read or write.
    """
    from genzoo_core.model import GenerativeModel

    module = opened.module
    shape = module.sample_shape if isinstance(module, GenerativeModel) else None
    if shape is None and opened.model is not None:
        shape = opened.model.card.shape
    if shape is None:
        raise GenzooError(f"the card of {opened.name} does not give the shape of its pictures")
    if min(shape) < 1 or prod(shape) > MAX_PIXELS:
        sides = "×".join(map(str, shape))
        raise ConfigError(f"{opened.name} says that its pictures are {sides}, which none can be")
    channels, height, width = shape
    return channels, height, width


def options_type(opened: Opened) -> type[msgspec.Struct]:
    """The type of the model's options; a codec has none."""
    from genzoo_core.model import GenerativeModel, NoOptions

    module = opened.module
    return module.Options if isinstance(module, GenerativeModel) else NoOptions


def _parse_all(
    prompts: Sequence[str],
    conditions: Mapping[str, str],
    opened: Opened,
    zoo: Zoo,
    rows: int,
) -> dict[str, tuple[Any, ...]]:
    """By name of the conditioner, the raw value of each row."""
    from genzoo_core.conditioner import conditioners_of

    conditioners = conditioners_of(opened.module)
    if prompts and not conditioners:
        raise _no_prompt(opened, zoo, prompts[0])
    raws: dict[str, tuple[Any, ...]] = {}
    if prompts:
        first = next(iter(conditioners))
        texts = [check_text("the prompt", prompt) for prompt in prompts]
        parsed = tuple(_parse(conditioners[first], text) for text in texts)
        if len(parsed) not in (1, rows):
            raise UsageError(f"{len(parsed)} prompts do not go with {rows} inputs; give one or all")
        raws[first] = parsed if len(parsed) == rows else parsed * rows
    for name, text in conditions.items():
        raws[name] = (_parse(conditioners[name], check_text(name, text)),) * rows
    return raws


def _parse(conditioner: Conditioner, text: str) -> Any:
    """The raw value of `text`, checked before any work is done for it."""
    from genzoo_core.rng import SampleRng

    raw = conditioner.parse(text)
    conditioner.prepare([raw], SampleRng([0]))
    return raw


def _no_prompt(opened: Opened, zoo: Zoo, prompt: str) -> UsageError:
    if prompt.lower().endswith((".png", ".jpg", ".jpeg", ".webp", ".gif")):
        return UsageError(f"{opened.name} takes no prompt", f"give a picture with --input {prompt}")
    able = [card.name for card in zoo.cards() if card.conditioners]
    hint = f"these do: {', '.join(able[:5])}" if able else "no installed model does"
    return UsageError(f"{opened.name} takes no prompt", hint)


def _read_inputs(request: Request, opened: Opened, zoo: Zoo) -> list[Given]:
    if not request.inputs:
        return []
    shape, background = picture_shape(opened), _background(opened, zoo)
    return [read_picture(Path(given.path), shape, background) for given in request.inputs]


def _background(opened: Opened, zoo: Zoo) -> int:
    """Grey level of the dataset's background: what transparent pixels become."""
    if opened.model is None or not opened.model.card.recipe:
        return 255
    try:
        return zoo.recipe(opened.name).data.background
    except GenzooError:
        return 255


def _stacked(given: Sequence[Given]) -> tuple[Tensor | None, tuple[str, ...]]:
    notes = tuple(picture.converted for picture in given if picture.converted)
    return (stack(given) if given else None), notes


def _versions(opened: Opened, zoo: Zoo) -> dict[str, str]:
    import torch

    spec = opened.spec
    named = [(spec.kind, spec.component)]
    named += [("conditioner", other.component) for other in spec.conditioners.values()]
    owners = [zoo.catalogue.find_component(kind, name).plugin for kind, name in named]
    versions = {owner.distribution: owner.version for owner in owners}
    return {**versions, "torch": str(torch.__version__)}


def _check_memory(count: int, shape: Sequence[int]) -> None:
    """Raises:
    UsageError: That many pictures would fill the memory.
    """
    needed, memory = count * 4 * prod(shape), _memory()
    if memory is not None and needed > memory / 2:
        raise UsageError(
            f"{count:,} pictures take {needed / 2**30:.1f} GiB, and this machine has "
            f"{memory / 2**30:.1f} GiB of memory; ask for fewer, and for the others with --seed"
        )


def _memory() -> int | None:
    """Bytes of memory of this machine, where the system says it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
