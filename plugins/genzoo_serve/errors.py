"""Errors as the OpenAI API gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from genzoo_core import GenzooError, NotFittedError, UsageError

KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
KINDS |= dict.fromkeys((400, 405, 408, 413), "invalid_request_error")
KINDS[429] = "rate_limit_error"
HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}}


class APIError(HTTPException):
    """The answer to a request that is refused or fails."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, {**HEADERS.get(status, {}), **(headers or {})})
        self.param, self.code = param, code

    def content(self) -> dict[str, Any]:
        """The body of the answer."""
        kind = KINDS.get(self.status_code, "server_error")
        error = {"message": self.detail, "type": kind, "param": self.param, "code": self.code}
        return {"error": error}

    def response(self) -> Response:
        """The answer in ASCII: it may repeat what a client sent, which need not be Unicode."""
        return Response(
            json.dumps(self.content()), self.status_code, self.headers, "application/json"
        )


def of_genzoo(error: GenzooError) -> APIError:
    """What genzoo itself refuses is the client's fault; what fails is not."""
    return APIError(400 if isinstance(error, UsageError | NotFittedError) else 500, str(error))


def of_validation(
    error: RequestValidationError | ValidationError, body: type[BaseModel]
) -> APIError:
    """The first fault of a body, with the known fields where one is unknown."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return APIError(400, f"the body is not valid JSON: {first['ctx']['error']}"[:500])
    place = [str(part) for part in first["loc"] if part != "body"]
    if not place:
        return APIError(400, "send the fields as a JSON object, as application/json")
    param = ".".join(place)[:100]
    if first["type"] == "extra_forbidden":
        known = ", ".join(body.model_fields)
        return APIError(400, f"unknown field {param!r}; known: {known}", param=param)
    return APIError(400, f"{param}: {first['msg']}"[:500], param=param)
