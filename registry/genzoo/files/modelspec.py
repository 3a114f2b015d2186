"""What a model file says of itself to other programs, beside what genzoo reads."""

from __future__ import annotations

from genzoo_core.cards import ModelCard
from genzoo_core.specs import ModelSpec

PREFIX = "modelspec."
VERSION = "1.0.1"


def modelspec(spec: ModelSpec, card: ModelCard, digest: str) -> dict[str, str]:
    """The keys of ModelSpec (github.com/Stability-AI/ModelSpec) for the header of a model file.

    `digest` is the sha256 of the bytes of all tensors, as they follow the header. What the
    specification has beside these is left out: a date would differ each time, and a card names no
    author of the weights.
    """
    width_height = f"{card.shape[2]}x{card.shape[1]}" if card.shape else ""
    keys = {
        "sai_model_spec": VERSION,
        "architecture": spec.component,
        "implementation": "genzoo",
        "title": card.name,
        "description": card.summary,
        "resolution": width_height if spec.kind == "model" else "",
        "license": card.license,
        "hash_sha256": f"0x{digest}",
    }
    return {PREFIX + name: value for name, value in keys.items() if value}
