"""What clients send: the fields of the OpenAI images API, and genzoo's own beside them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_PICTURES = 1000
"""Most pictures of one request."""
NO_EFFECT = "Has no effect."
Size = Annotated[str, Field(pattern=r"^(auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4})$")]


class Body(BaseModel):
    """The fields of all requests for pictures."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str | None = Field(None, description="An id of /v1/models.")
    n: int | None = Field(None, ge=1, le=MOST_PICTURES, description="Pictures; 1 unless given.")
    size: Size | None = Field(None, description="WIDTHxHEIGHT, where the model can, or auto.")
    response_format: Literal["b64_json", "url"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: int | None = Field(None, ge=0, le=100, description="Of JPEG and WebP.")
    stream: bool | None = Field(None, description="Answer with server-sent events.")
    partial_images: int | None = Field(None, ge=0, le=3, description="Of each, when streaming.")

    seed: int | None = Field(None, ge=0, lt=2**63, description="Of the first picture.")
    steps: int | None = Field(None, ge=1)
    guidance: float | None = None
    negative_prompt: str | None = None
    sampler: str | None = None
    options: dict[str, Any] | None = Field(
        None, description="Options, as `genzoo info` lists them."
    )
    conditions: dict[str, str] | None = Field(None, description="Further conditions by name.")

    background: Literal["auto", "opaque", "transparent"] | None = Field(None, description=NO_EFFECT)
    quality: str | None = Field(None, description=NO_EFFECT)
    style: str | None = Field(None, description=NO_EFFECT)
    user: str | None = Field(None, description=NO_EFFECT)
    moderation: str | None = Field(None, description=NO_EFFECT)
    complexity: str | None = Field(None, description=NO_EFFECT)
    safety_identifier: str | None = Field(None, description=NO_EFFECT)
    frame_count: int | None = Field(None, description=NO_EFFECT)
    frame_duration_ms: int | None = Field(None, description=NO_EFFECT)
    svg: dict[str, Any] | None = Field(None, description=NO_EFFECT)

    @property
    def form(self) -> str:
        """The format of the pictures."""
        return self.output_format or "png"


class Generation(Body):
    """`POST /v1/images/generations`; JSON has types, which a form has not."""

    model_config = ConfigDict(strict=True)

    prompt: str | None = Field(None, description="Left out or empty: whatever the model makes.")


class Edit(Body):
    """`POST /v1/images/edits`, beside the files `image` or `image[]`, and `mask`."""

    prompt: str | None = None
    strength: float | None = Field(None, ge=0, le=1, description="How much is made anew.")
    input_fidelity: str | None = Field(None, description=NO_EFFECT)


class Variation(Body):
    """`POST /v1/images/variations`, beside the file `image`."""

    strength: float | None = Field(None, ge=0, le=1, description="How much is made anew.")


class Encoding(BaseModel):
    """`POST /v1/images/encodings`, beside the file `image`."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str | None = None
    prompt: str | None = None
    conditions: dict[str, str] | None = None
