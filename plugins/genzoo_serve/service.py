"""From what clients send to requests of genzoo, and from pictures to answers."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from starlette.requests import Request as HTTPRequest

from genzoo_core import GenzooError, Input, Latents, Opened, Pictures, Request, Zoo
from genzoo_serve.bodies import Body, Edit, Encoding, Generation
from genzoo_serve.errors import APIError, of_genzoo
from genzoo_serve.files import Links, encoded, is_clear
from genzoo_serve.jobs import Facts, Job, OnTheWay
from genzoo_serve.metrics import QUEUE
from genzoo_serve.models import Models

STRENGTH = 0.6
"""How much of a picture is made anew where neither a mask nor a strength says it."""
QUALITY = 90
"""Of JPEG and WebP unless a client says otherwise."""
LARGE = 100_000
"""Values of pictures from which on a thread encodes them, so that other clients need not wait."""


class Service:
    """Answers clients; at most `max_queue` requests wait or are under way."""

    def __init__(self, zoo: Zoo, models: Models, max_queue: int) -> None:
        self.zoo, self.models, self.links = zoo, models, Links()
        self._max_queue, self._queue = max_queue, 0

    def named(self, model: str | None) -> str:
        """The id of a model; without one, that of the only one that is served."""
        cards = self.models.cards
        if model is None and len(cards) == 1:
            return next(iter(cards))
        if model is None:
            raise APIError(400, "no model was named; GET /v1/models lists them", param="model")
        if model not in cards:
            message = f"no model {model[:100]!r}; GET /v1/models lists them"
            raise APIError(404, message, param="model", code="model_not_found")
        return model

    def generation(self, body: Body, prompt: str | None, **fields: Any) -> Request:
        """The request of a body."""
        name = self.named(body.model)
        own = {"steps": body.steps, "guidance": body.guidance, "sampler": body.sampler}
        options = {key: value for key, value in own.items() if value is not None}
        if twice := sorted(options.keys() & (body.options or {}).keys()):
            raise APIError(400, f"{twice[0]} is set twice", param=twice[0])
        options |= body.options or {}
        if body.size not in (None, "auto"):
            options |= self._size(name, str(body.size))
        return Request(
            name,
            (prompt,) if prompt else (),
            n=body.n,
            seed=body.seed,
            options=options,
            conditions=body.conditions or {},
            negative=body.negative_prompt,
            **fields,
        )

    def _size(self, name: str, size: str) -> dict[str, int]:
        """The options that set a size; none where it is the model's own."""
        width, height = map(int, size.split("x"))
        shape = self.models.cards[name].shape
        own = shape is not None and tuple(shape[1:]) == (height, width)
        return {} if own else {"height": height, "width": width}

    async def edit(self, body: Edit, images: list[bytes], mask: bytes | None) -> Request:
        """The request of an edit: of what is transparent, or of all of a picture."""
        if mask is None and len(images) == 1 and await asyncio.to_thread(is_clear, images[0]):
            mask = images[0]
        strength = STRENGTH if mask is None and body.strength is None else body.strength
        return self.generation(
            body,
            body.prompt,
            inputs=tuple(Input(data=image) for image in images),
            mask=None if mask is None else Input(data=mask),
            strength=strength,
        )

    async def events(
        self,
        request: Request,
        http: HTTPRequest,
        partials: int = 0,
        look: Callable[[Opened], Facts] | None = None,
    ) -> AsyncGenerator[Pictures | OnTheWay | Latents | Facts, None]:
        """The events of a request as they come; it is cancelled when its client goes away.

        Raises:
            APIError: The request is refused, or fails.
        """
        if self.full:
            raise APIError(429, f"{self._queue} requests are waiting; try again later")
        job = Job(request, partials, look, on_end=self._leave)
        self._queue += 1
        QUEUE.inc()
        worker = self.models.worker(request.model)
        while not worker.submit(job):  # it was closed a moment ago
            worker = self.models.worker(request.model)
        watch = asyncio.create_task(_watch(http, lambda: worker.cancel(job)))
        try:
            while (event := await job.next()) is not None:
                yield event
            if job.cancelled:
                raise APIError(499, "the client has gone")
        except GenzooError as error:
            raise of_genzoo(error) from error
        finally:
            watch.cancel()
            worker.cancel(job)

    async def only(
        self,
        request: Request,
        http: HTTPRequest,
        look: Callable[[Opened], Facts] | None = None,
    ) -> Any:
        """The one event of a request for a latent, or for facts."""
        async with aclosing(self.events(request, http, look=look)) as events:
            return await anext(events)

    @property
    def full(self) -> bool:
        """Whether the next request is refused."""
        return self._queue >= self._max_queue

    def _leave(self) -> None:
        self._queue -= 1
        QUEUE.dec()

    async def encoded(self, pictures: Pictures, body: Body) -> list[bytes]:
        """Pictures as the client wants them; a PNG carries its record."""

        def encode() -> list[bytes]:
            if body.form == "png":
                return self.zoo.png(pictures)
            quality = QUALITY if body.output_compression is None else body.output_compression
            return [encoded(image, body.form, quality=quality) for image in pictures.images]

        if pictures.images.numel() < LARGE:
            return encode()
        return await asyncio.to_thread(encode)

    async def respond(self, request: Request, body: Body, http: HTTPRequest) -> dict[str, Any]:
        """All pictures in one answer."""
        data: list[dict[str, Any]] = []
        shape: tuple[int, ...] = ()
        async for event in self.events(request, http):
            assert isinstance(event, Pictures)
            data += await self._data(event, body, http)
            shape = tuple(event.images.shape)
        return {
            "created": int(time.time()),
            "data": data,
            "size": f"{shape[3]}x{shape[2]}",
            "output_format": body.form,
            "usage": usage(request, len(data)),
        }

    async def _data(
        self, pictures: Pictures, body: Body, http: HTTPRequest
    ) -> list[dict[str, Any]]:
        files = await self.encoded(pictures, body)
        if body.response_format == "url":
            urls = [f"{http.base_url}files/{self.links.add(file, body.form)}" for file in files]
            data: list[dict[str, Any]] = [{"url": url} for url in urls]
        else:
            data = [{"b64_json": base64.b64encode(file).decode()} for file in files]
        seeds = pictures.seeds or (None,) * len(files)
        return [{**datum, "seed": seed} for datum, seed in zip(data, seeds, strict=True)]

    async def stream(
        self, request: Request, body: Body, http: HTTPRequest
    ) -> AsyncIterator[dict[str, Any]]:
        """The events of a stream: pictures on their way, and each finished one."""
        kind = "image_generation" if isinstance(body, Generation) else "image_edit"
        count = 0
        async for event in self.events(request, http, body.partial_images or 0):
            if isinstance(event, OnTheWay):
                yield {
                    **_facts(body),
                    "type": f"{kind}.partial_image",
                    "b64_json": base64.b64encode(event.png).decode(),
                    "output_format": "png",
                    "partial_image_index": event.number,
                    "index": event.index,
                }
                continue
            assert isinstance(event, Pictures)
            height, width = event.images.shape[2:]
            for datum in await self._data(event, body, http):
                yield {
                    **_facts(body),
                    **datum,
                    "type": f"{kind}.completed",
                    "size": f"{width}x{height}",
                    "index": count,
                    "usage": usage(request, 1),
                }
                count += 1

    async def latents(self, body: Encoding, image: bytes, http: HTTPRequest) -> dict[str, Any]:
        """The latent of a picture."""
        request = Request(
            self.named(body.model),
            (body.prompt,) if body.prompt else (),
            conditions=body.conditions or {},
            inputs=(Input(data=image),),
            encode=True,
        )
        latents: Latents = await self.only(request, http)
        mean, std = latents.posterior.mean[0], latents.posterior.std
        return {
            "created": int(time.time()),
            "model": request.model,
            "shape": list(mean.shape),
            "mean": mean.tolist(),
            "std": None if std is None else std[0].tolist(),
        }


def _facts(body: Body) -> dict[str, Any]:
    """Further fields of events in the OpenAI API."""
    return {
        "created_at": int(time.time()),
        "size": body.size or "auto",
        "quality": "auto",
        "background": "opaque",
        "output_format": body.form,
    }


def usage(request: Request, pictures: int) -> dict[str, Any]:
    """Words, inputs and pictures, which clients count as tokens."""
    words = sum(len(prompt.split()) for prompt in request.prompts)
    inputs = len(request.inputs)
    return {
        "input_tokens": words + inputs,
        "input_tokens_details": {"text_tokens": words, "image_tokens": inputs},
        "output_tokens": pictures,
        "total_tokens": words + inputs + pictures,
    }


async def _watch(http: HTTPRequest, gone: Callable[[], None]) -> None:
    """Wait until the client goes; its request was read to the end."""
    while (await http.receive())["type"] != "http.disconnect":
        pass
    gone()
