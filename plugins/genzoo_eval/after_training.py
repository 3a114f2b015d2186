"""What is said of a model of somebody's own pictures when its training is over."""

from __future__ import annotations

import shlex
import sys
import time
from itertools import islice
from pathlib import Path

import torch

from genzoo_core.errors import GenzooError
from genzoo_core.table import wrapped_command
from genzoo_core.zoo import Zoo
from genzoo_eval.datasets import OwnData
from genzoo_eval.distribution import drawn_figures, image_figures, memorisation_figures
from genzoo_eval.keys import format_value, over_floor
from genzoo_eval.own_data import of_model, own_n
from genzoo_eval.own_nets import are_cached, own_nets
from genzoo_eval.progress import Progress
from genzoo_eval.real import FEWEST_REAL, check_enough
from genzoo_eval.reference import read_reference
from genzoo_eval.report_text import below_floor
from genzoo_eval.settings import FEWEST, Settings
from genzoo_eval.subjects import ModelImages

ENOUGH = 600.0
"""Seconds of a training from which on a feature net may be trained for it."""

SECONDS = 60.0
"""How long making the pictures that are measured may take, about."""

COUNTS = (1000, 500, 200, 100)
TRIED = 4


def lines(zoo: Zoo, model: str, folder: Path, seconds: float) -> list[str]:
    """The distance from real pictures beside its floor, and near-copies; else how to measure it."""
    command = shlex.join(["genzoo", "eval", model, "--data", str(folder)])
    later = wrapped_command(command, "all figures: ", sys.stderr)
    if zoo.card(model).kind != "model":
        return later
    try:
        with Progress() as progress:
            data = of_model(zoo, model, folder, {}, lambda _: None)
            if data is not None:
                check_enough(list(islice(data.test_rows(), FEWEST_REAL)))
            if data is None or (seconds < ENOUGH and not are_cached(data, 1)):
                return ["not measured: a net would have to be trained for that first", *later]
            return [*_measured(zoo, model, data, progress), *later]
    except GenzooError as error:
        return [f"not measured: {error.message}"]


def _measured(zoo: Zoo, model: str, data: OwnData, progress: Progress) -> list[str]:
    nets = own_nets(data, progress.tell, progress.update, 1)
    images = ModelImages.open(zoo, model, Settings(n=FEWEST), progress.update)
    progress.tell("trying how fast it makes pictures")
    n = min(own_n(data), _affordable(images))
    reference = read_reference(zoo, data, data.folder, nets, n, progress.tell, progress.update)
    made = images.unconditional(n, 0)
    if made is None:
        return ["not measured: it has nothing to sample from"]
    (real,) = reference.nets
    features = real.net.features(made)
    found = {figure.key: figure for figure in drawn_figures(features, real, reference.draw)}
    found |= {figure.key: figure for figure in memorisation_figures(features, real)}
    distance, copies = found["fd"].value, found["memorised"]
    floor = reference.floors["fd", real.net.name]
    (sharpness,) = image_figures(made)
    real_sharpness = reference.floors[sharpness.key, sharpness.net]
    multiple = over_floor(distance, floor)
    times = "" if multiple is None else f" ({multiple:.1f} floors)"
    return [
        f"distance to real pictures {distance:.3g}; real pictures among themselves "
        f"{floor:.3g}{times}, of {n:,} pictures",
        *below_floor(distance, floor, copies),
        f"sharpness {format_value('sharpness', sharpness.value)}; of real pictures "
        f"{format_value('sharpness', real_sharpness)}",
        f"near-copies of training pictures: {format_value('memorised', copies.value)}; "
        f"of unseen real pictures {format_value('memorised', copies.floor or 0.0)}",
        *reference.notes,
    ]


@torch.inference_mode()
def _affordable(images: ModelImages) -> int:
    """How many pictures can be made in the time that there is."""
    images.on_trial(1)
    start = time.monotonic()
    images.on_trial(TRIED)
    each = (time.monotonic() - start) / TRIED
    return next((count for count in COUNTS if count * each <= SECONDS), COUNTS[-1])
