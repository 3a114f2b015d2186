"""The routes."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from genzoo_core import GenzooError
from genzoo_serve.bodies import Body, Edit, Encoding, Generation, Variation
from genzoo_serve.errors import APIError, of_genzoo, of_validation
from genzoo_serve.forms import MOST_IMAGES, form_schema, images_of, only_image, read_form
from genzoo_serve.metrics import REQUESTS, SECONDS
from genzoo_serve.models import described
from genzoo_serve.playground import playground
from genzoo_serve.service import STRENGTH, Service


def create_app(service: Service, version: str) -> FastAPI:
    """The application that serves a service."""
    app = FastAPI(
        title="genzoo",
        version=version,
        summary="Generative models over HTTP.",
        docs_url=None,  # theirs takes its scripts from another host
        redoc_url=None,
    )
    _add_errors(app)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the server is there."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> dict[str, Any]:
        """Whether it takes requests now."""
        if service.full:
            raise APIError(503, "all places in the queue are taken")
        return {"status": "ok", "models": len(service.models.cards)}

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Requests, queue, batches and pictures, for Prometheus."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The models."""
        data = [_entry(service, name) for name in service.models.cards]
        return {"object": "list", "data": data}

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        """One model."""
        return _entry(service, service.named(name))

    @app.post("/v1/images/generations")
    async def generations(body: Generation, http: Request) -> Response:
        """Pictures of a prompt."""
        request = service.generation(body, body.prompt)
        return await _answer(service, request, body, http)

    @app.post("/v1/images/edits", openapi_extra=form_schema(Edit, many=True))
    async def edits(http: Request) -> Response:
        """Variations of pictures, or of a part of one: of what is transparent in the mask."""
        body, files = await read_form(http, Edit)
        masks = images_of(files, "mask")
        images = only_image(files, MOST_IMAGES)
        request = await service.edit(body, images, masks[0] if masks else None)
        return await _answer(service, request, body, http)

    @app.post("/v1/images/variations", openapi_extra=form_schema(Variation))
    async def variations(http: Request) -> Response:
        """Variations of a picture."""
        body, files = await read_form(http, Variation)
        edit = Edit(**{"strength": STRENGTH, **body.model_dump(exclude_none=True)})
        request = await service.edit(edit, only_image(files), None)
        return await _answer(service, request, edit, http)

    @app.post("/v1/images/encodings", openapi_extra=form_schema(Encoding))
    async def encodings(http: Request) -> dict[str, Any]:
        """The latent of a picture, of a model with an encoder."""
        body, files = await read_form(http, Encoding)
        return await service.latents(body, only_image(files)[0], http)

    @app.get("/files/{name}", response_class=Response)
    async def file(name: str) -> Response:
        """A picture whose `response_format` was `url`, for an hour."""
        found = service.links.get(name)
        if found is None:
            raise APIError(404, "no such picture, or not any more")
        return Response(found[0], media_type=found[1])

    app.include_router(playground(service))
    return app


def _entry(service: Service, name: str) -> dict[str, Any]:
    card = service.models.cards[name]
    # Those of a genzoo file are in its header, which is read when it is opened.
    known = ("conditioners", "classes") if card.classes else ("conditioners",)
    return {
        "id": name,
        "object": "model",
        "created": service.models.began,
        "owned_by": "genzoo",
        "genzoo": described(card, *known),
    }


async def _answer(service: Service, request: Any, body: Body, http: Request) -> Response:
    try:
        if not body.stream:
            return JSONResponse(await service.respond(request, body, http))
        events = service.stream(request, body, http)
        first = await anext(events)  # what is refused is no stream yet
    except APIError as error:
        sized = body.size not in (None, "auto") and request.options.get("height")
        if not sized or not ("height" in error.detail or "width" in error.detail):
            raise
        shape = service.models.cards[request.model].shape
        own = f"; {request.model} makes {shape[2]}x{shape[1]}" if shape else ""
        raise APIError(400, f"size is {body.size}{own}", param="size") from error
    return StreamingResponse(_lines(first, events), media_type="text/event-stream")


async def _lines(
    first: dict[str, Any], events: AsyncIterator[dict[str, Any]]
) -> AsyncIterator[str]:
    """Server-sent events; a failure is the last one."""
    try:
        yield _line(first)
        async for event in events:
            yield _line(event)
    except APIError as error:
        yield _line({"type": "error", **error.content()})


def _line(event: dict[str, Any]) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def _add_errors(app: FastAPI) -> None:
    def answer(kind: type[Exception], as_error: Callable[[Any], APIError]) -> None:
        async def handler(_: Request, error: Exception) -> Response:
            return as_error(error).response()

        app.add_exception_handler(kind, handler)

    answer(APIError, lambda error: error)
    answer(GenzooError, of_genzoo)
    answer(RequestValidationError, lambda error: of_validation(error, Generation))
    answer(HTTPException, lambda e: APIError(e.status_code, e.detail, headers=e.headers))
    answer(Exception, lambda _: APIError(500, "the server failed at this request; see its log"))


class Metered:
    """Middleware that counts requests by their route."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begin = 499, time.monotonic()

        async def watched(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            status = 500
            raise
        finally:
            path = getattr(scope.get("route"), "path", "other")
            REQUESTS.labels(path, status).inc()
            SECONDS.labels(path).observe(time.monotonic() - begin)
