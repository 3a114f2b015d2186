"""Reading forms with files."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from genzoo_serve.errors import APIError, of_validation

BodyT = TypeVar("BodyT", bound=BaseModel)

MOST_IMAGES = 16
"""Most inputs of an edit."""
MOST_FIELDS = 200
"""Most fields of a form."""


async def read_form(http: Request, kind: type[BodyT]) -> tuple[BodyT, dict[str, list[bytes]]]:
    """The fields of a form, and the contents of its files by name."""
    if not http.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise APIError(400, "send the fields as multipart/form-data, with the picture as a file")
    async with http.form(max_files=MOST_IMAGES + 1, max_fields=MOST_FIELDS) as form:
        fields, files = fields_of_form(form.multi_items())
        contents = {name: [await file.read() for file in each] for name, each in files.items()}
    try:
        return kind.model_validate(fields), contents
    except ValidationError as error:
        raise of_validation(error, kind) from error


def images_of(files: dict[str, list[bytes]], name: str = "image", most: int = 1) -> list[bytes]:
    """The pictures of a name, which are taken out of the files of a form."""
    images = files.pop(name, [])
    if len(images) > most:
        few = "one picture" if most == 1 else f"at most {most} pictures"
        raise APIError(400, f"send {few} as `{name}`, not {len(images)}", param=name)
    return images


def only_image(files: dict[str, list[bytes]], most: int = 1) -> list[bytes]:
    """The pictures `image` of a form, which has no other files."""
    images = images_of(files, most=most)
    if files:
        name = next(iter(files))[:100]
        raise APIError(400, f"unknown file {name!r}; send pictures as `image`", param=name)
    if not images:
        raise APIError(400, "no picture was sent: it is the file `image`", param="image")
    return images


def form_schema(kind: type[BaseModel], *, many: bool = False) -> dict[str, Any]:
    """What OpenAPI says of a form with files."""
    schema = kind.model_json_schema()
    file = {"type": "string", "format": "binary"}
    schema["properties"]["image"] = {"type": "array", "items": file} if many else file
    if many:
        schema["properties"]["mask"] = file
    schema["required"] = ["image"]
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"content": content, "required": True}}


def fields_of_form(items: list[tuple[str, Any]]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The fields of a form, and its files by name.

    `options[eta]` is the entry `eta` of `options`, which can also be a JSON object; `image[]` is
    another `image`.
    """
    fields: dict[str, Any] = {}
    files: dict[str, list[Any]] = {}
    for name, value in items:
        if not isinstance(value, str):
            files.setdefault(name.removesuffix("[]"), []).append(value)
            continue
        if name.startswith("svg["):  # has no effect
            fields["svg"] = {}
            continue
        entry = re.fullmatch(r"(options|conditions)\[([^\[\]]+)\]", name)
        place = fields.setdefault(entry[1], {}) if entry else fields
        key = entry[2] if entry else name
        if not isinstance(place, dict) or key in place:
            raise APIError(400, f"{name[:100]!r} is set twice", param=name[:100])
        place[key] = _object(value) if key in ("options", "conditions") else value
    return fields, files


def _object(text: str) -> object:
    """A field of a form, which is text, as JSON where it is that."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
