"""Reconstruction: of codecs, and of models that have one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from genzoo_core.conditioner import Condition
from genzoo_core.encoder import Codec
from genzoo_core.errors import UsageError
from genzoo_core.images import from_uint8
from genzoo_core.zoo import Zoo
from genzoo_eval.costs import parameters
from genzoo_eval.datasets import (
    Measured,
    data_recipe,
    dataset_name,
    digest_of,
    feature_cards,
    own_dataset,
    read_split,
)
from genzoo_eval.distribution import mean_figure
from genzoo_eval.feature_nets import check_takes
from genzoo_eval.metrics.images import mean_squared_error, peak_signal_to_noise
from genzoo_eval.real import check_enough
from genzoo_eval.reference import Tell
from genzoo_eval.report import Figure, Report, Subject
from genzoo_eval.report_store import ReportKey, ReportStore
from genzoo_eval.settings import Settings, command_of
from genzoo_eval.spread import everywhere, writes

BATCH = 250

MOST_PSNR = 100.0
"""The most that the ratio of one picture counts, in dB."""


def is_codec(zoo: Zoo, model: str) -> bool:
    """Whether this name or file is a codec by itself, not a model that has one."""
    return zoo.card(model).kind == "codec"


def evaluate_codec(
    zoo: Zoo,
    model: str,
    data: Path | None,
    settings: Settings,
    *,
    dataset: Measured | None,
    again: bool,
    tell: Tell,
) -> Report:
    """Measure a codec, which makes no pictures of its own: by its reconstructions of the test
    images alone, all of them. Arguments are those of `genzoo_eval.evaluating.evaluate`.

    Raises:
        UsageError: It is no codec, or the settings have options or feature nets.
        DataError: The dataset cannot be read.
    """
    for name in (*settings.options, *settings.conditions, *(["net"] if settings.nets else [])):
        raise UsageError(f"{model} is a codec, measured by reconstruction alone", f"omit {name}")
    card = zoo.card(model)
    dataset, own = dataset or own_dataset(zoo, model), card.dataset
    name = model if Path(model).exists() else card.name
    opened = zoo.open(model)
    subject = Subject(name, opened.sha256, family=card.family)
    # Reports that ship are stored by the dataset's nets, though none is used.
    plain = msgspec.structs.replace(settings, n=0, seed=0, costs=False)
    nets = feature_cards(zoo, dataset) if isinstance(dataset, str) else ()
    key = ReportKey.of(subject, dataset, plain, nets)
    store = ReportStore(zoo, dataset, data, tell)
    found = None if again else everywhere(store.get(key))
    if found is not None:
        return msgspec.structs.replace(found, subject=subject)
    codec = opened.module
    if not isinstance(codec, Codec):
        raise UsageError(f"{model} is no codec, whatever its card says")
    shown = dataset_name(dataset)
    check_takes(model, codec.reconstruct, shown, data_recipe(zoo, dataset, "test").shape)
    tell(f"reading the test images of {shown}")
    test = read_split(zoo, dataset, "test", data).images
    check_enough(test)
    errors = reconstruction_figures(codec, lambda _: None, test)
    report = Report(
        subject,
        shown,
        digest_of(test),
        0,
        0,
        (*errors, Figure("parameters", parameters(codec))),
        command=command_of(model, Settings(), dataset, own),
    )
    if writes():
        store.put(key, report)
    return report


@torch.inference_mode()
def reconstruction_figures(
    codec: Codec, condition: Callable[[int], Condition | None], test: Tensor
) -> tuple[Figure, ...]:
    """Errors of test images uint8 `[N, C, H, W]` that were encoded and decoded."""
    errors, ratios = [], []
    for part in torch.split(test, BATCH):
        real = from_uint8(part)
        again = codec.reconstruct(real, condition(len(real)))
        errors.append(mean_squared_error(real, again))
        ratios.append(peak_signal_to_noise(real, again))
    # That of a picture which is reconstructed exactly is infinite.
    finite = torch.cat(ratios).clamp(max=MOST_PSNR)
    return (
        mean_figure("reconstruction_mse", torch.cat(errors)),
        mean_figure("reconstruction_psnr", finite),
    )
