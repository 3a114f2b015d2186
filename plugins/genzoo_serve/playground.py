"""The page in the browser, and what it needs beside the API of images, which any client may use:
a model's options and figures, the settings in a picture, a walk between seeds, a reconstruction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import Field

from genzoo_core import (
    Codec,
    GenerativeModel,
    GenzooError,
    Guided,
    Inpainting,
    Input,
    Opened,
    Record,
    Varying,
)
from genzoo_core import Request as ZooRequest
from genzoo_core.conditioner import conditioners_of
from genzoo_serve.bodies import Body
from genzoo_serve.errors import APIError
from genzoo_serve.forms import form_schema, only_image, read_form
from genzoo_serve.models import described
from genzoo_serve.service import Service

ValueT = TypeVar("ValueT")

PAGE = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
FILES = {path.name: path for path in PAGE.iterdir() if path.suffix in TYPES}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
A_FILE = {
    "requestBody": {
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        "required": True,
    }
}
MOST_CLASSES = 2000
"""Most names of what a conditioner takes that are sent."""


class Walk(Body):
    """`POST /v1/genzoo/walks`: from the noise of one seed to that of another, in `n` steps."""

    prompt: str | None = None
    n: int | None = Field(None, ge=1, le=64, description="Pictures; 8 by default.")
    to: int = Field(ge=0, lt=2**63, description="The seed at the end; `seed` is at the start.")


class Reconstruction(Body):
    """`POST /v1/genzoo/reconstructions`, beside the file `image`."""

    prompt: str | None = None


def playground(service: Service) -> APIRouter:
    """The routes of the page, and those under `/v1/genzoo/`."""
    router = APIRouter()

    @router.get("/", include_in_schema=False)
    async def index() -> Response:
        return _file("index.html")

    @router.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return _file("docs.html")

    @router.get("/page/{name}", include_in_schema=False)
    async def page(name: str) -> Response:
        return _file(name)

    @router.get("/v1/genzoo/models/{name:path}")
    async def model(name: str, http: Request) -> dict[str, Any]:
        """A model's options, conditions, figures, and what it can do; it is opened for that."""
        name = service.named(name)

        def look(opened: Opened) -> dict[str, Any]:
            return _facts(service, name, opened)

        facts: dict[str, Any] = await service.only(ZooRequest(name), http, look)
        return facts

    @router.post("/v1/genzoo/walks")
    async def walks(body: Walk, http: Request) -> Response:
        """Pictures between those of two seeds."""
        if body.seed is None:
            raise APIError(400, "seed: a walk begins at one", param="seed")
        if body.stream:
            raise APIError(400, "stream: walks come whole", param="stream")
        request = service.generation(body, body.prompt)
        ends = (body.seed, body.to)
        request = msgspec.structs.replace(request, seed=None, interpolate=ends)
        return JSONResponse(await service.respond(request, body, http))

    @router.post("/v1/genzoo/reconstructions", openapi_extra=form_schema(Reconstruction))
    async def reconstructions(http: Request) -> Response:
        """A picture through a model's encoder and decoder."""
        body, files = await read_form(http, Reconstruction)
        image = Input(data=only_image(files)[0])
        request = service.generation(body, body.prompt, inputs=(image,))
        return JSONResponse(await service.respond(request, body, http))

    @router.post("/v1/genzoo/records", openapi_extra=A_FILE)
    async def records(http: Request) -> Any:
        """What made a picture; its file is the body."""
        record = await asyncio.to_thread(service.zoo.read_record, await http.body())
        return _settings(service, record)

    return router


def _file(name: str) -> Response:
    if name not in FILES:
        raise APIError(404, "no such file")
    path = FILES[name]
    return FileResponse(path, media_type=TYPES[path.suffix], headers=HEADERS)


def _facts(service: Service, name: str, opened: Opened) -> dict[str, Any]:
    card, module = service.models.cards[name], opened.module
    plain_works = _accepts(module)
    options = []
    for option in service.zoo.options(opened):
        own, choices = option.resolved, option.choices
        if plain_works:  # some samplers suit some training only
            choices = tuple(c for c in choices if _accepts(module, **{option.name: c}))
        plain = own if isinstance(own, bool | int | float | str) else None
        options.append(asdict(option) | {"default": plain, "choices": choices})
    codec = module.codec if isinstance(module, GenerativeModel) else module
    return {
        "id": name,
        **described(card, "parameters", "credits", "notes"),
        "figures": msgspec.to_builtins(card.metrics),
        "conditioners": _conditioners(opened, card.classes),
        "options": options,
        "can": {
            "generate": isinstance(module, GenerativeModel),
            "vary": isinstance(module, Varying),
            "inpaint": isinstance(module, Inpainting),
            "negative": isinstance(module, Guided),
            "reconstruct": isinstance(codec, Codec),
        },
    }


def _accepts(module: object, **options: Any) -> bool:
    """Whether a model takes such options, or makes no pictures."""
    if isinstance(module, GenerativeModel):
        try:
            module.check_options(msgspec.convert(options, module.Options))
        except (GenzooError, msgspec.ValidationError):
            return False
    return True


def _conditioners(opened: Opened, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """The conditioners in order, with the values of each; the first reads the prompt.

    By custom, one that takes one of a few names has `classes` in its config.
    """
    found = []
    for place, name in enumerate(conditioners_of(opened.module)):
        spec = opened.spec.conditioners.get(name)
        values = spec.config.get("classes") if spec else None
        if not isinstance(values, list | tuple):
            values = classes if place == 0 else ()
        found.append({"name": name, "values": [str(v) for v in values[:MOST_CLASSES]]})
    return found


def _settings(service: Service, record: Record) -> dict[str, Any]:
    """What made a picture, in the fields of the API; `name` is the model's in the record."""
    first = record.pictures[0] if record.pictures else 0
    row, offset = divmod(first, max(record.n, 1))  # a client may have written it
    own = _of_row(record.seeds, row)
    walk = record.interpolate if isinstance(record.interpolate, tuple) else None
    if walk:
        task = "walk"
    elif record.latents or record.encode or record.interpolate or record.loras:
        task = "other"
    elif not record.inputs:
        task = "generation"
    else:
        task = "reconstruction" if record.strength is None else "edit"
    names = (record.model, record.model.rpartition("/")[2])  # it may be served by its bare name
    return {
        "model": next((name for name in names if name in service.models.cards), None),
        "name": record.model,
        "task": task,
        "prompt": _of_row(record.prompts, row) or "",
        "negative_prompt": record.negative,
        "seed": walk[0] if walk else record.seed + first if own is None else own + offset,
        "options": _flat(record.options),
        "conditions": {
            name: values if isinstance(values, str) else _of_row(values, row) or ""
            for name, values in record.conditions.items()
        },
        "strength": record.strength,
        "to": walk[1] if walk else None,
    }


def _of_row(values: Sequence[ValueT], row: int) -> ValueT | None:
    """The value of a row, of which one may stand for all; None where there are none."""
    return values[row % len(values)] if values else None


def _flat(options: dict[str, Any]) -> dict[str, Any]:
    """Options as `--set` takes them: a component that is chosen as its name and its options."""
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, dict) and "component" in value:
            flat[name] = str(value["component"]).rpartition("/")[2]
            config = value.get("config")
            if isinstance(config, dict):
                flat |= {f"{name}.{key}": each for key, each in config.items()}
        elif value is not None:
            flat[name] = value
    return flat
