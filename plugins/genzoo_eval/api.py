"""What other plugins may use of genzoo_eval. Names are imported on first use: the formatting of
figures needs no torch.

Figures: `format_value` writes a figure as text. `seal` and `unseal` put a digest beside a value in
a file.
Feature nets: a `FrozenNet` looks at images; `Classifier` is the module of those that know classes;
`check_takes` says whether one takes the images of a dataset.
Distances: `Moments` and `frechet_distance`, `kernel_distance`, `Manifold` and `manifold_figures`,
`class_frequencies` and `total_variation`. Of single images: `mean_squared_error`, `sharpness`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genzoo_eval.cache import seal, unseal
    from genzoo_eval.feature_nets import FrozenNet, check_takes
    from genzoo_eval.keys import format_value
    from genzoo_eval.metrics.classes import class_frequencies, total_variation
    from genzoo_eval.metrics.frechet import Moments, frechet_distance
    from genzoo_eval.metrics.images import mean_squared_error, sharpness
    from genzoo_eval.metrics.kernel import kernel_distance
    from genzoo_eval.metrics.manifold import Manifold, manifold_figures
    from genzoo_eval.nets.classifier import Classifier

_HOME_OF = {
    "Classifier": "nets.classifier",
    "FrozenNet": "feature_nets",
    "Manifold": "metrics.manifold",
    "Moments": "metrics.frechet",
    "check_takes": "feature_nets",
    "class_frequencies": "metrics.classes",
    "frechet_distance": "metrics.frechet",
    "kernel_distance": "metrics.kernel",
    "manifold_figures": "metrics.manifold",
    "mean_squared_error": "metrics.images",
    "seal": "cache",
    "sharpness": "metrics.images",
    "format_value": "keys",
    "total_variation": "metrics.classes",
    "unseal": "cache",
}

__all__ = [
    "Classifier",
    "FrozenNet",
    "Manifold",
    "Moments",
    "check_takes",
    "class_frequencies",
    "format_value",
    "frechet_distance",
    "kernel_distance",
    "manifold_figures",
    "mean_squared_error",
    "seal",
    "sharpness",
    "total_variation",
    "unseal",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"genzoo_eval.{_HOME_OF[name]}"), name)
