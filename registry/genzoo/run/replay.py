"""The same pictures again, from what a file says of how they were made."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.models.components import check_name
from genzoo.models.device import check_device
from genzoo.models.find import SUFFIX, has_scheme, is_path, resolve_reference
from genzoo.run.outputs.layout import lay_out
from genzoo.run.outputs.record import Stored, read
from genzoo.run.plan import fit
from genzoo.run.request import check_types
from genzoo.run.tasks import task_of
from genzoo.run.tasks.task import Plan
from genzoo_core.errors import ConfigError, GenzooError, ReplayError, UsageError
from genzoo_core.pictures import Pictures
from genzoo_core.request import Input, Record, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genzoo.zoo import Zoo
    from genzoo_core.zoo import Opened

ROUNDING = 2
"""Levels of 255 by which pixels may differ on another machine."""


@dataclass(frozen=True)
class Replay:
    """A run to be repeated.

    Attributes:
        path: The file that it was read from.
        stored: What that file holds.
        plan: What will be made.
        notes: What a user should be told: other versions, another device.
    """

    path: Path
    stored: Stored
    plan: Plan
    notes: tuple[str, ...]


def plan_replay(
    path: Path,
    zoo: Zoo,
    *,
    model: str | None = None,
    inputs: Sequence[Path] = (),
    device: str | None = None,
) -> Replay:
    """Read a file's record, and check that its pictures can be made again. Downloads nothing.

    Args:
        path: A file that genzoo wrote.
        zoo: Where the model is looked for.
        model: Where the model is now, if not where the record says.
        inputs: Where the inputs are now, in their order, if not where the record says.
        device: Where to compute; where it was done before unless given.

    Raises:
        RecordError: The file cannot be read or holds no record.
        ReplayError: Its model, parts or inputs are missing or not what they were.
        UsageError: `device` is not here.
    """
    stored = read(path)
    record = stored.record
    if record.encode:
        raise ReplayError(f"{path} holds latents, not pictures", "`genzoo encode` makes them")
    notes: list[str] = []
    if device is not None:
        check_device(device)
    else:
        device = _recorded_device(record, notes)
    opened = _open(path, record, zoo, model, device)
    _check_weights(path, record, opened)
    try:
        request = _request(path, record, inputs, device)
        check_types(request)
        task_of(request).check()
        plan = _part(fit(request, opened, zoo), record)
    except UsageError as error:
        raise ReplayError(f"{path} cannot be made again: {error}") from error
    _check_inputs(record.inputs, plan.record.inputs)
    for name, version in record.versions.items():
        now = plan.record.versions.get(name)
        if now != version:
            notes.append(f"{path} was made with {name} {version}; here is {now or 'none'}")
    return Replay(path, stored, plan, tuple(notes))


def verify(replay: Replay, pictures: Pictures) -> str:
    """Compare pictures with those of the file that is replayed.

    Returns:
        What was found, in one line.

    Raises:
        ReplayError: They differ by more than rounding.
    """
    import numpy as np

    before = replay.stored.pixels
    if before is None:
        return (
            f"made again; {replay.path.suffix or 'the file'} does not keep exact pixels to compare"
        )
    now = _pixels(replay, pictures)
    if now.shape == before.shape:
        apart = np.abs(now.astype(np.int16) - before.astype(np.int16))
        if not apart.any():
            return f"the same pixels as {replay.path}"
        if apart.max() <= ROUNDING:
            return (
                f"the same as {replay.path} but for rounding: {np.count_nonzero(apart)} of "
                f"{apart.size} values differ by at most {apart.max()} of 255"
            )
    reason = "; ".join(replay.notes) or "it was changed after it was made"
    raise ReplayError(f"what {replay.path} shows is not what its record makes", reason)


def _pixels(replay: Replay, pictures: Pictures) -> NDArray[np.uint8]:
    from genzoo_core.images import to_uint8

    before = replay.stored.pixels
    assert before is not None
    if before.ndim == 4:
        return to_uint8(pictures.images).permute(0, 2, 3, 1).numpy()
    alone = replay.stored.layout is None
    image = to_uint8(pictures.images[0]) if alone else lay_out(pictures)
    array = image.permute(1, 2, 0).numpy()
    return array[..., 0] if before.ndim == 2 else array


def _recorded_device(record: Record, notes: list[str]) -> str:
    try:
        check_device(record.device)
    except UsageError:
        notes.append(f"it was made on {record.device[:40]!r}, which is not here; using cpu")
        return "cpu"
    return record.device


def _open(path: Path, record: Record, zoo: Zoo, model: str | None, device: str) -> Opened:
    reference = model or record.model
    elsewhere = has_scheme(reference)
    if model is None and not is_path(reference) and not elsewhere:
        _check_name(path, reference)
    try:
        if elsewhere:
            file = resolve_reference(reference, zoo.call_hook, sha256=record.weights)
            return zoo.open(file, device=device)
        if is_path(reference):
            named = _find(path, reference, SUFFIX) if model is None else model
            return zoo.open(named, device=device)
        return zoo.open(reference, device=device)
    except ReplayError:
        raise
    except UsageError as error:
        if model is not None or is_path(reference) or elsewhere:
            raise ReplayError(f"{path} was made with {record.model}: {error}") from error
        raise ReplayError(
            f"{path} was made with {record.model}, which is not installed", _installation(record)
        ) from error
    except GenzooError as error:
        raise ReplayError(f"{path} was made with {record.model}: {error}") from error


def _installation(record: Record) -> str | None:
    """How to get the model of a record, where it says who ships it."""
    distribution, slash, _ = record.model.partition("/")
    if not slash:
        return None
    version = record.versions.get(distribution, "")
    exactly = f"=={version}" if re.fullmatch(r"[0-9A-Za-z.+!]{1,40}", version) else ""
    return f"if you trust whoever made it: `genzoo install {distribution}{exactly}`"


def _check_name(path: Path, name: str) -> None:
    """Refuse a name that is none, before a message repeats it as a command to type."""
    try:
        check_name("model", name)
    except ConfigError as error:
        raise ReplayError(f"the record in {path} is not well-formed: {error}") from error


def _find(path: Path, name: str, suffix: str = "") -> Path:
    """A file that a record names: from here, or beside the replayed file.

    A record may come from a stranger: what has not the suffix is looked for beside it alone.
    """
    own = Path(name)
    beside = (path.parent / own.name, Path(own.name))
    trusted = name.endswith(suffix)
    for candidate in (own, path.parent / own, *beside) if trusted else beside:
        if os.path.isfile(candidate):  # unlike Path's, for names of any length
            return candidate
    return own if trusted else Path(own.name)


def _check_weights(path: Path, record: Record, opened: Opened) -> None:
    if opened.sha256 != record.weights:
        raise ReplayError(
            f"{path} was made with other weights of {record.model}: sha256 {record.weights[:12]}…, "
            f"here {opened.sha256[:12]}…",
            "install the version that made it, or name a file with those weights: "
            "genzoo run FILE --replay",
        )
    parts = {role: part.sha256 for role, part in opened.spec.parts.items()}
    for role in sorted({*record.parts, *parts}):
        then, now = record.parts.get(role, "none"), parts.get(role, "none")
        if then != now:
            raise ReplayError(
                f"{path} was made with another {role}: sha256 {then[:12]}…, here {now[:12]}…"
            )


def _request(path: Path, record: Record, inputs: Sequence[Path], device: str) -> Request:
    """What was asked then, in the same batches on as many threads, so that rounding is the same."""
    if inputs and len(inputs) != len(record.inputs):
        raise UsageError(f"it has {len(record.inputs)} inputs, not {len(inputs)}")
    asked = {name: getattr(record, name) for name in Request.__struct_fields__}
    task = task_of(record)
    asked["n"] = record.n if task.counts else None
    asked["seed"] = record.seed if task.draws else None
    asked["device"] = device
    asked["threads"] = min(record.threads, os.cpu_count() or 1)
    files = inputs or [_find(path, given.path) for given in record.inputs]
    asked["inputs"] = tuple(Input(str(file)) for file in files)
    return Request(**asked)


def _part(plan: Plan, record: Record) -> Plan:
    """The plan of the pictures that the file holds, where it does not hold all."""
    first, last = record.pictures or (0, plan.count)
    if not 0 <= first < last <= plan.count:
        raise UsageError(f"it says that it holds pictures {first} to {last} of {plan.count}")
    return replace(plan, record=msgspec.structs.replace(plan.record, pictures=record.pictures))


def _check_inputs(then: Sequence[Input], now: Sequence[Input]) -> None:
    for before, after in zip(then, now, strict=True):
        if before.sha256 != after.sha256:
            raise ReplayError(
                f"input {after.path} is not the file that was used then",
                "say where that is with --input",
            )
