"""What other plugins may use of genzoo_eval. Names are imported on first use: reports and their
figures need no torch, and neither does the help of a command.

Reports: `Report` and its `Figure`s. `KEYS` says what each figure is; `format_value` and
`figure_cells` write figures as text, `aligned` a table; `over_floor` is a multiple of a floor.
`shipped` are the reports that come with genzoo, `usual_n` is how many images they are of, `Shipped`
is a file of such. `seal` and `unseal` put a digest beside a value in a file.
Measuring: `evaluate` with `Settings`, of `FEWEST` images or more; `cached_report` is a report that
needs no measuring. `Progress` shows how far it is, `OnProgress` is what is called meanwhile.
Feature nets: `load_nets` makes a `FrozenNet` of each, `classifier_of` finds the classifier among
them, whose module is a `Classifier`; `cached_features` looks at the images of a dataset;
`check_takes` says whether a net takes them.
Datasets: `parse_data`, `require_dataset`, `dataset_names`, `data_recipe`, `read_split`. What is
`Measured` with is a name, or `OwnData`: `of_model` and `trained_on` find these, `own_n` is how many
images.
Captions: `reads_words` finds models whose prompt is a text, `example_captions` some prompts.
Distances: `Moments` and `frechet_distance`, `kernel_distance`, `Manifold` and `manifold_figures`,
`class_frequencies` and `total_variation`, `nearest`. Of single images: `mean_squared_error`,
`sharpness`. `threads` sets how many CPU threads compute.
"""

# ruff: noqa: PLC0414 (an import `as` its own name is one for others)

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genzoo_core.devices import threads as threads
    from genzoo_eval.cache import seal as seal
    from genzoo_eval.cache import unseal as unseal
    from genzoo_eval.datasets import Measured as Measured
    from genzoo_eval.datasets import OwnData as OwnData
    from genzoo_eval.datasets import data_recipe as data_recipe
    from genzoo_eval.datasets import dataset_name as dataset_name
    from genzoo_eval.datasets import dataset_names as dataset_names
    from genzoo_eval.datasets import parse_data as parse_data
    from genzoo_eval.datasets import read_split as read_split
    from genzoo_eval.datasets import require_dataset as require_dataset
    from genzoo_eval.evaluating import cached_report as cached_report
    from genzoo_eval.evaluating import evaluate as evaluate
    from genzoo_eval.feature_nets import check_takes as check_takes
    from genzoo_eval.feature_nets import load_nets as load_nets
    from genzoo_eval.frozen_net import FrozenNet as FrozenNet
    from genzoo_eval.frozen_net import classifier_of as classifier_of
    from genzoo_eval.keys import KEYS as KEYS
    from genzoo_eval.keys import format_value as format_value
    from genzoo_eval.keys import over_floor as over_floor
    from genzoo_eval.metrics.classes import class_frequencies as class_frequencies
    from genzoo_eval.metrics.classes import total_variation as total_variation
    from genzoo_eval.metrics.frechet import Moments as Moments
    from genzoo_eval.metrics.frechet import frechet_distance as frechet_distance
    from genzoo_eval.metrics.images import mean_squared_error as mean_squared_error
    from genzoo_eval.metrics.images import sharpness as sharpness
    from genzoo_eval.metrics.kernel import kernel_distance as kernel_distance
    from genzoo_eval.metrics.manifold import Manifold as Manifold
    from genzoo_eval.metrics.manifold import manifold_figures as manifold_figures
    from genzoo_eval.metrics.neighbours import nearest as nearest
    from genzoo_eval.nets.classifier import Classifier as Classifier
    from genzoo_eval.own_data import of_model as of_model
    from genzoo_eval.own_data import own_n as own_n
    from genzoo_eval.own_data import trained_on as trained_on
    from genzoo_eval.progress import OnProgress as OnProgress
    from genzoo_eval.progress import Progress as Progress
    from genzoo_eval.reference import cached_features as cached_features
    from genzoo_eval.report import Figure as Figure
    from genzoo_eval.report import Report as Report
    from genzoo_eval.report_store import Shipped as Shipped
    from genzoo_eval.report_store import shipped as shipped
    from genzoo_eval.report_store import usual_n as usual_n
    from genzoo_eval.report_text import aligned as aligned
    from genzoo_eval.report_text import figure_cells as figure_cells
    from genzoo_eval.settings import FEWEST as FEWEST
    from genzoo_eval.settings import Settings as Settings
    from genzoo_eval.subjects import reads_words as reads_words
    from genzoo_eval.text.judge import example_captions as example_captions

_HOMES = {
    "cache": "seal unseal",
    "costs": "threads",
    "datasets": "Measured OwnData data_recipe dataset_name dataset_names parse_data read_split "
    "require_dataset",
    "evaluating": "cached_report evaluate",
    "feature_nets": "check_takes load_nets",
    "frozen_net": "FrozenNet classifier_of",
    "keys": "KEYS format_value over_floor",
    "metrics.classes": "class_frequencies total_variation",
    "metrics.frechet": "Moments frechet_distance",
    "metrics.images": "mean_squared_error sharpness",
    "metrics.kernel": "kernel_distance",
    "metrics.manifold": "Manifold manifold_figures",
    "metrics.neighbours": "nearest",
    "nets.classifier": "Classifier",
    "own_data": "of_model own_n trained_on",
    "progress": "OnProgress Progress",
    "reference": "cached_features",
    "report": "Figure Report",
    "report_store": "Shipped shipped usual_n",
    "report_text": "aligned figure_cells",
    "settings": "FEWEST Settings",
    "subjects": "reads_words",
    "text.judge": "example_captions",
}
"""The names of each module that has some."""


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names.split():
            return getattr(import_module(f"genzoo_eval.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
