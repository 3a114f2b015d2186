"""Errors as the OpenAI API gives them."""

from __future__ import annotations

from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

from genzoo_core import GenzooError, UsageError

KINDS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}
KINDS |= {405: "invalid_request_error", 413: "invalid_request_error", 429: "rate_limit_error"}


class APIError(Exception):
    """What a request is answered with in place of pictures."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code

    def content(self) -> dict[str, Any]:
        """The body of the answer."""
        kind = KINDS.get(self.status, "server_error")
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": error}

    def response(self) -> JSONResponse:
        headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}}
        return JSONResponse(self.content(), self.status, headers.get(self.status))


def of_genzoo(error: GenzooError) -> APIError:
    """What genzoo itself refuses is the client's fault; what fails is not."""
    return APIError(400 if isinstance(error, UsageError) else 500, str(error))


def of_validation(
    error: RequestValidationError | ValidationError, body: type[BaseModel]
) -> APIError:
    """The first fault of a body, with the known fields where one is unknown."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if part != "body"]
    param = ".".join(place) or None
    if first["type"] == "extra_forbidden":
        known = ", ".join(body.model_fields)
        return APIError(400, f"unknown field {param!r:.100}; known: {known}", param=param)
    what = f"{param}: " if param else ""
    return APIError(400, f"{what}{first['msg']}"[:500], param=param)
