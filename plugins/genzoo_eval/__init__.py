"""Measures generative models."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from genzoo_core.hookspecs import hookimpl
from genzoo_core.zoo import Zoo


@hookimpl
def genzoo_after_training(zoo: Zoo, model: str, data: Path, seconds: float) -> list[str]:
    """How good the model is, beside its floor."""
    if find_spec("torchmetrics") is None:
        return [
            f"how good it is: pip install 'genzoo[eval]', then genzoo eval {model} --data {data}"
        ]
    from genzoo_eval.after_training import lines

    return lines(zoo, model, data, seconds)
