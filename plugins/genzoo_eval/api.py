"""What other plugins may use of genzoo_eval. Names are imported on first use: reports and their
figures need no torch, and neither does the help of a command.

Reports: `Report` and its `Figure`s. `KEYS` says what each figure is; `format_value` and
`figure_cells` write figures as text. `shipped` are the reports that come with genzoo, `usual_n`
is how many images they are of, `Shipped` is a file of such. `seal` and `unseal` put a digest
beside a value in a file.
Measuring: `evaluate` with `Settings`, of `FEWEST` images or more; `cached_report` is a report that
needs no measuring. `Progress` shows how far it is, `OnProgress` is what is called meanwhile.
Feature nets: `load_nets` makes a `FrozenNet` of each, `classifier_of` finds the classifier among
them, whose module is a `Classifier`; `cached_features` looks at the images of a dataset;
`check_takes` says whether a net takes them.
Datasets: `parse_data`, `require_dataset`, `known_datasets`, `data_recipe`.
Captions: `reads_words` finds models whose prompt is a text, `example_captions` some prompts.
Distances: `Moments` and `frechet_distance`, `kernel_distance`, `Manifold` and `manifold_figures`,
`class_frequencies` and `total_variation`, `nearest`. Of single images: `mean_squared_error`,
`sharpness`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genzoo_eval.cache import seal, unseal
    from genzoo_eval.datasets import data_recipe, known_datasets, parse_data, require_dataset
    from genzoo_eval.evaluating import cached_report, evaluate
    from genzoo_eval.feature_nets import FrozenNet, check_takes, classifier_of, load_nets
    from genzoo_eval.keys import KEYS, format_value
    from genzoo_eval.metrics.classes import class_frequencies, total_variation
    from genzoo_eval.metrics.frechet import Moments, frechet_distance
    from genzoo_eval.metrics.images import mean_squared_error, sharpness
    from genzoo_eval.metrics.kernel import kernel_distance
    from genzoo_eval.metrics.manifold import Manifold, manifold_figures
    from genzoo_eval.metrics.neighbours import nearest
    from genzoo_eval.nets.classifier import Classifier
    from genzoo_eval.progress import Progress
    from genzoo_eval.reference import cached_features
    from genzoo_eval.report import Figure, Report
    from genzoo_eval.report_store import Shipped, shipped, usual_n
    from genzoo_eval.report_text import figure_cells
    from genzoo_eval.settings import FEWEST, Settings
    from genzoo_eval.subjects import OnProgress, reads_words
    from genzoo_eval.text.judge import example_captions

_HOME_OF = {
    "FEWEST": "settings",
    "KEYS": "keys",
    "Classifier": "nets.classifier",
    "Figure": "report",
    "FrozenNet": "feature_nets",
    "Manifold": "metrics.manifold",
    "Moments": "metrics.frechet",
    "OnProgress": "subjects",
    "Progress": "progress",
    "Report": "report",
    "Settings": "settings",
    "Shipped": "report_store",
    "cached_features": "reference",
    "cached_report": "evaluating",
    "check_takes": "feature_nets",
    "class_frequencies": "metrics.classes",
    "classifier_of": "feature_nets",
    "data_recipe": "datasets",
    "evaluate": "evaluating",
    "example_captions": "text.judge",
    "figure_cells": "report_text",
    "format_value": "keys",
    "frechet_distance": "metrics.frechet",
    "kernel_distance": "metrics.kernel",
    "known_datasets": "datasets",
    "load_nets": "feature_nets",
    "manifold_figures": "metrics.manifold",
    "mean_squared_error": "metrics.images",
    "nearest": "metrics.neighbours",
    "parse_data": "datasets",
    "reads_words": "subjects",
    "require_dataset": "datasets",
    "seal": "cache",
    "sharpness": "metrics.images",
    "shipped": "report_store",
    "total_variation": "metrics.classes",
    "unseal": "cache",
    "usual_n": "report_store",
}

__all__ = [
    "FEWEST",
    "KEYS",
    "Classifier",
    "Figure",
    "FrozenNet",
    "Manifold",
    "Moments",
    "OnProgress",
    "Progress",
    "Report",
    "Settings",
    "Shipped",
    "cached_features",
    "cached_report",
    "check_takes",
    "class_frequencies",
    "classifier_of",
    "data_recipe",
    "evaluate",
    "example_captions",
    "figure_cells",
    "format_value",
    "frechet_distance",
    "kernel_distance",
    "known_datasets",
    "load_nets",
    "manifold_figures",
    "mean_squared_error",
    "nearest",
    "parse_data",
    "reads_words",
    "require_dataset",
    "seal",
    "sharpness",
    "shipped",
    "total_variation",
    "unseal",
    "usual_n",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"genzoo_eval.{_HOME_OF[name]}"), name)
