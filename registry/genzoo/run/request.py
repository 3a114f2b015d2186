"""From arguments to a `Request`, and what of it can be checked without a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from genzoo.run.option_list import describe, fields_of
from genzoo.text import quoted
from genzoo_core.errors import UsageError
from genzoo_core.request import MOST_PICTURES, MOST_SEED, Input, Request


def request_of(model: str, prompts: object = (), **fields: Any) -> Request:
    """A request from Python's arguments: one prompt, or one picture, may stand for a list.

    A picture is a path, the bytes of a file, or an `Input`. What is no field of a request is an
    option or a further condition of the model. Types are checked by `check_types`.
    """
    unknown = [name for name in fields if name not in Request.__struct_fields__]
    others = {name: fields.pop(name) for name in unknown}
    inputs = fields.get("inputs", ())
    files = inputs if isinstance(inputs, list | tuple) else (inputs,)
    fields["inputs"] = tuple(_picture("inputs", file) for file in files)
    if fields.get("mask") is not None:
        fields["mask"] = _picture("mask", fields["mask"])
    latents = fields.get("latents")
    if isinstance(latents, str | Path):
        fields["latents"] = Input(str(latents))
    elif not isinstance(latents, Input | None):
        raise UsageError(f"latents is {quoted(latents)}; give the path of a file")
    for name in ("options", "conditions"):
        value = fields.get(name) or {}
        fields[name] = dict(value) if isinstance(value, Mapping) else value
    if isinstance(fields["options"], dict):
        if twice := sorted(others.keys() & fields["options"].keys()):
            raise UsageError(f"{twice[0]} is set twice, beside options and in it")
        fields["options"] |= others
    if isinstance(fields["conditions"], dict):  # `check_types` says what it is elsewhere
        rows = fields["conditions"].items()
        fields["conditions"] = {k: tuple(v) if isinstance(v, list) else v for k, v in rows}
    if isinstance(fields.get("seeds"), list | range):
        fields["seeds"] = tuple(fields["seeds"])
    texts = tuple(prompts) if isinstance(prompts, list | tuple) else (prompts,)
    return Request(model=model, prompts=texts, **fields)


def _picture(field: str, value: object) -> Input:
    """A picture from a path, or from the bytes of a file."""
    if isinstance(value, Input):
        return value
    if isinstance(value, bytes):
        return Input(data=value)
    if not isinstance(value, str | Path):
        raise UsageError(f"{field} is {quoted(value)}; give the path of a picture, or its bytes")
    return Input(str(value))


def check_types(request: Request) -> None:
    """Check the types of all fields, which Python does not."""
    for prompt in request.prompts:
        if not isinstance(prompt, str):
            raise UsageError(f"a prompt is {quoted(prompt)}; give text, as in '7'")
    if isinstance(request.options, dict):
        for name, value in request.options.items():
            if isinstance(value, str):
                continue  # a condition's text has a check of its own
            try:
                msgspec.json.encode(value)
            except (TypeError, ValueError, OverflowError, RecursionError):
                raise UsageError(
                    f"{quoted(name)} is {quoted(value)}, which no record can hold",
                    "give a number, text, true or false, or a component with its config",
                ) from None
    for field in fields_of(Request):
        value = getattr(request, field.name)
        try:
            fits = msgspec.convert(value, field.type) == value  # a list is no tuple
        except (TypeError, ValueError, RecursionError):
            fits = False
        if not fits:
            raise UsageError(f"{field.name} is {quoted(value)}; give {describe(field.type)}")


def check_numbers(request: Request, n: int, rows: int) -> None:
    """Check counts and seeds of `rows` rows of `n` pictures against their ranges."""
    if not 1 <= n * rows <= MOST_PICTURES:
        per_prompt = f" for each of {rows} prompts" if rows > 1 else ""
        raise UsageError(
            f"n is {quoted(n)}{per_prompt}; a run makes from 1 to {MOST_PICTURES:,} pictures "
            "in all",
            "-o FOLDER --shards makes more" if n > 1 else None,
        )
    if request.seed is not None:
        check_seed(request.seed, n * rows)
    for seed in request.seeds:
        check_seed(seed, n)
    if request.threads is not None and not 1 <= request.threads <= 1024:
        raise UsageError(f"threads is {quoted(request.threads)}; give a number from 1 to 1024")
    if request.batch < 1:
        raise UsageError(f"batch is {quoted(request.batch)}; give a number of at least 1")


def check_seed(seed: int, count: int) -> None:
    """Check that `count` seeds from `seed` on are in range."""
    most = MOST_SEED + 1 - count
    if not 0 <= seed <= most:
        raise UsageError(f"seed {quoted(seed)} is out of range; seeds go from 0 to {most}")
