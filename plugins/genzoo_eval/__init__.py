"""Measures generative models."""

from __future__ import annotations

from pathlib import Path

from genzoo_core.hookspecs import hookimpl
from genzoo_core.zoo import Zoo


@hookimpl
def genzoo_after_training(zoo: Zoo, model: str, data: Path, seconds: float) -> list[str]:
    """How good the model is, beside its floor."""
    from genzoo_eval.after_training import lines

    return lines(zoo, model, data, seconds)
