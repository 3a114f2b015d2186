"""The same pictures again, from what a file says of how they were made."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.files.foreign import ELSEWHERE
from genzoo.files.listing import LocalSource
from genzoo.files.shards import SUFFIX
from genzoo.models.components import check_name
from genzoo.models.find import is_path
from genzoo.models.formats import ModelFolder
from genzoo.models.weights import Found, has_scheme, resolve_reference
from genzoo.run.compare import Replay
from genzoo.run.outputs.reading import read
from genzoo.run.plan import plan
from genzoo.run.tasks import task_of
from genzoo.text import SHOWN, printable, quoted
from genzoo_core.devices import find_device
from genzoo_core.errors import ConfigError, GenzooError, ReplayError, UsageError
from genzoo_core.formats import Source
from genzoo_core.request import Input, Lora, Record, Request

if TYPE_CHECKING:
    from genzoo.zoo import Zoo
    from genzoo_core.zoo import Opened

NOTES = 5
"""Most differing versions that are named."""


def plan_replay(
    path: Path,
    zoo: Zoo,
    *,
    model: str | None = None,
    inputs: Sequence[Path] = (),
    mask: Path | None = None,
    device: str | None = None,
) -> Replay:
    """Read a file's record, and check that its pictures can be made again. Downloads nothing.

    `model`, `inputs` (or the latents) and `mask` say where these are now, if not where the record
    says; `device` where to compute, by default where it was done before.

    Raises:
        RecordError: The file cannot be read or holds no record.
        ReplayError: Its model, parts or inputs are missing or not what they were.
        UsageError: `device` is not here.
    """
    provenance, stored = read(path)
    record = provenance.record
    if record.encode:
        raise ReplayError(f"{path} holds latents, not pictures", "`genzoo encode` makes them")
    notes: list[str] = []
    device = _recorded_device(record, notes) if device is None else find_device(device)
    if device == "cpu":
        record = msgspec.structs.replace(record, offload="")
    opened = _open(path, record, zoo, model, device)
    _check_weights(path, record, opened)
    try:
        planned = plan(_request(path, record, inputs, mask, device), zoo, opened)
    except UsageError as error:
        raise ReplayError(f"{path} cannot be made again: {error}") from error
    for before, after in zip(_files(record), _files(planned.record), strict=True):
        if before.sha256 != after.sha256:
            what = "mask" if after == planned.record.mask else "input"
            raise ReplayError(
                f"{what} {after.path} is not the file that was used then",
                f"say where that is with --{what}",
            )
    for then, now in zip(record.loras, planned.record.loras, strict=True):
        if then.sha256 != now.sha256:
            raise ReplayError(f"LoRA {now.path} is not the file that was used then")
    first, last = record.pictures or (0, planned.count)
    if not 0 <= first < last <= planned.count:
        raise ReplayError(
            f"{path} cannot be made again: it says that it holds pictures {first} to {last} "
            f"of {planned.count}"
        )
    notes += _other_versions(path, record, planned.record)
    part = msgspec.structs.replace(planned.record, pictures=record.pictures)
    planned = replace(planned, record=part)
    again = Replay(path, stored, provenance.layout, planned, tuple(notes))
    again.check_shape()
    return again


def _other_versions(path: Path, then: Record, now: Record) -> list[str]:
    """What was of another version when the file was made, the first few that it names."""
    others = [name for name, version in then.versions.items() if version != now.versions.get(name)]
    if then.files and not now.files:  # exported to one file: its format has no part in it now
        others = [name for name in others if name in now.versions]
    return [
        f"{path} was made with {printable(name)[:SHOWN]} {printable(then.versions[name])[:SHOWN]}; "
        f"here is {now.versions.get(name, 'none')}"
        for name in others[:NOTES]
    ]


def _recorded_device(record: Record, notes: list[str]) -> str:
    try:
        return find_device(record.device)
    except UsageError:
        notes.append(f"it was made on {record.device[:40]!r}, which is not here; using cpu")
        return "cpu"


def _open(path: Path, record: Record, zoo: Zoo, model: str | None, device: str) -> Opened:
    reference = model or record.model
    installed = not has_scheme(reference) and not is_path(reference)
    if model is None and installed:
        try:
            check_name("model", reference)
        except ConfigError as error:
            raise ReplayError(f"the record in {path} is not well-formed: {error}") from error
    try:
        found = _find_model(path, record, zoo, model)
        if isinstance(found, ModelFolder):
            _check_files(found, record)
            found.files.settings = record.options
        return zoo.open(found, device=device, precision=record.precision, offload=record.offload)
    except ReplayError:
        raise
    except GenzooError as error:
        message = f"{path} was made with {record.model}"
        if model is None and installed and isinstance(error, UsageError):
            raise ReplayError(f"{message}, which is not installed", _owner(record)) from error
        raise ReplayError(f"{message}: {error}") from error


def _find_model(path: Path, record: Record, zoo: Zoo, model: str | None) -> Found:
    """What the record's model is, or what is named in its place."""
    reference = model or record.model
    if has_scheme(reference) and not record.files:
        return resolve_reference(reference, zoo.call_hook, sha256=record.weights)
    if model is None and is_path(reference):
        if not record.files:
            return zoo.find(_find(path, reference, SUFFIX))
        beside = os.path.join(os.curdir, path.parent, Path(reference).name)
        if not os.path.isdir(reference) and os.path.isdir(beside):
            reference = beside
    folder = os.path.expanduser(reference)
    if os.path.isdir(folder):  # it may be in no format without them
        _refuse_missing(LocalSource(folder), record)
    is_file = os.path.isfile(folder)  # an export of the folder
    return zoo.fetch(reference, "" if is_file else record.variant)


def _refuse_missing(source: Source, record: Record) -> None:
    """Name a file that was read then and is not there."""
    for name in record.files:
        if not name.startswith(ELSEWHERE) and name not in source.files:
            raise ReplayError(f"{name} of {source.reference} is missing; it was read then")


def _check_files(folder: ModelFolder, record: Record) -> None:
    """Check that the files of then are those of now, before anything is made of them."""
    _refuse_missing(folder.files.checked.source, record)
    for name, digest in record.files.items():
        if not name.startswith(ELSEWHERE) and folder.files.checked.digest(name) != digest:
            raise ReplayError(
                f"{name} of {folder.name} is not the file that was used then",
                "name a folder with that file: genzoo run FOLDER --replay",
            )


def _owner(record: Record) -> str | None:
    """Whose the model of a record is, where it says so; no command: anyone can write a record."""
    distribution, slash, _ = record.model.partition("/")
    if not slash:
        return None
    version = record.versions.get(distribution, "")
    of = f" {version}" if re.fullmatch(r"[0-9A-Za-z.+!]{1,40}", version) else ""
    return f"it is of the plugin {quoted(distribution)}{of}: ask its author where to get it"


def _find(path: Path, name: str, suffix: str = "") -> Path:
    """A file that a record names: from here, or beside the replayed file.

    Without the suffix it is only looked for beside it: a record may come from a stranger.
    """
    own = Path(name)
    beside = (path.parent / own.name, Path(own.name))
    trusted = name.endswith(suffix)
    for candidate in (own, path.parent / own, *beside) if trusted else beside:
        if os.path.isfile(candidate):  # unlike Path's, for names of any length
            return candidate
    return own if trusted else Path(own.name)


def _check_weights(path: Path, record: Record, opened: Opened) -> None:
    if opened.content and opened.content == record.content:
        return  # perhaps in another file: an export
    if opened.sha256 != record.weights:
        if not record.weights:
            raise ReplayError(f"{path} was made with weights of {record.model} that no file held")
        if opened.name != record.model and not (has_scheme(opened.name) or is_path(opened.name)):
            raise ReplayError(
                f"{path} was made with {record.model}, not with {opened.name}",
                "leave out the model's name, or name a file with its weights",
            )
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


def _files(record: Record) -> tuple[Input, ...]:
    """The files that went into a run."""
    return (*record.inputs, *filter(None, (record.mask, record.latents)))


def _input(path: Path, picture: Input, option: str) -> Input:
    """A file that a record names, where it is now."""
    if not picture.path:
        raise UsageError(
            f"a picture that went into it was given as bytes (sha256 {picture.sha256[:12]}…)",
            f"name a file with these: {option} FILE",
        )
    found = _find(path, picture.path)
    if not os.path.exists(found):
        raise UsageError(f"cannot read {found}: it is not there", f"say where with {option} FILE")
    return Input(str(found))


def _lora(path: Path, lora: Lora) -> Lora:
    """A LoRA that a record names, where it is now."""
    if has_scheme(lora.path):
        return lora
    return msgspec.structs.replace(lora, path=str(_find(path, lora.path, SUFFIX)))


def _request(
    path: Path, record: Record, inputs: Sequence[Path], mask: Path | None, device: str
) -> Request:
    """The request of then, in the same batches on as many threads, so that rounding is the same."""
    decoded = () if record.latents is None else (record.latents,)
    recorded = record.inputs or decoded  # --input says where either is now
    if inputs and len(inputs) != len(recorded):
        raise UsageError(f"it has {len(recorded)} inputs, not {len(inputs)}")
    if mask is not None and record.mask is None:
        raise UsageError("it has no mask", "leave out --mask")
    task = task_of(record)
    moved = [Input(str(file)) for file in inputs]
    files = moved or [_input(path, each, "--input") for each in recorded]
    fields = {name: getattr(record, name) for name in Request.__struct_fields__}
    fields |= {
        "n": record.n if task.counts else None,
        "seed": record.seed if task.draws and not record.seeds else None,
        "inputs": () if decoded else tuple(files),
        "mask": Input(str(mask)) if mask else record.mask and _input(path, record.mask, "--mask"),
        "latents": files[0] if decoded else None,
        "loras": tuple(_lora(path, lora) for lora in record.loras),
        "device": device,
        "threads": min(record.threads, os.cpu_count() or 1),
    }
    return Request(**fields)
