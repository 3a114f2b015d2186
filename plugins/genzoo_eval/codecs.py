"""What encoding and decoding costs: of codecs, and of models that have one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from genzoo_core.conditioner import Condition
from genzoo_core.encoder import Codec
from genzoo_core.errors import UsageError
from genzoo_core.images import from_uint8
from genzoo_core.zoo import Zoo
from genzoo_eval.caching import Asked, ReportCache, shipped
from genzoo_eval.costs.counting import parameters
from genzoo_eval.datasets import data_recipe, fingerprint, own_dataset
from genzoo_eval.distribution import parts_of
from genzoo_eval.feature_nets import load_nets
from genzoo_eval.metrics.images import mean_squared_error, peak_signal_to_noise
from genzoo_eval.metrics.subsets import spread
from genzoo_eval.reference import Tell
from genzoo_eval.report import Figure, Report, Subject
from genzoo_eval.settings import Settings

BATCH = 250

GENERATED = 0
"""Images that a codec makes from noise; all test images are encoded and decoded."""


def codec_of(zoo: Zoo, model: str) -> Codec | None:
    """The codec of this name or file; None for what is none by itself, as a model that has one.

    Raises:
        GenzooError: It cannot be loaded.
    """
    module = zoo.load(model).module
    return module if isinstance(module, Codec) else None


def evaluate_codec(
    zoo: Zoo,
    model: str,
    codec: Codec,
    data: Path | None,
    settings: Settings,
    *,
    dataset: str | None,
    again: bool,
    tell: Tell,
) -> Report:
    """Measure a codec, which makes no pictures of its own, by its reconstructions alone.

    Args: as of `genzoo_eval.evaluating.evaluate`.

    Raises:
        UsageError: Options were given.
        DataError: The dataset cannot be read.
    """
    given = [*settings.options, *settings.conditions]
    if given:
        raise UsageError(f"{model} is a codec: it takes no {given[0]}")
    card = zoo.card(model)
    dataset = dataset or own_dataset(zoo, model)
    digest = hashlib.sha256(zoo.weights(model).path.read_bytes()).hexdigest()
    subject = Subject(card.name, digest, family=card.family)
    nets = tuple(net.sha256 for net in load_nets(zoo, dataset, settings.nets))
    asked = Asked.of(subject, dataset, GENERATED, 0, nets, costs=False)
    cache = ReportCache(zoo.cache("eval"), fingerprint(dataset, data))
    found = None if again else cache.get(asked) or shipped().get(asked.key())
    if found is not None:
        return found
    tell(f"reading the test images of {dataset}")
    test = zoo.dataset(data_recipe(zoo, dataset, "test"), data).images
    errors = reconstruction_figures(codec, lambda _: None, test)
    report = Report(
        subject,
        dataset,
        hashlib.sha256(test.numpy().tobytes()).hexdigest(),
        GENERATED,
        0,
        (*errors, Figure("parameters", parameters(codec))),
        command=f"genzoo eval {model} --data DIR",
    )
    cache.put(asked, report)
    return report


@torch.inference_mode()
def reconstruction_figures(
    codec: Codec, condition: Callable[[int], Condition | None], test: Tensor
) -> tuple[Figure, ...]:
    """Errors of test images that were encoded and decoded.

    Args:
        codec: What does both.
        condition: Of so many images, where nothing is asked for.
        test: uint8 `[N, C, H, W]`.
    """
    errors, ratios = [], []
    for part in torch.split(test, BATCH):
        real = from_uint8(part)
        again = codec.reconstruct(real, condition(len(real)))
        errors.append(mean_squared_error(real, again))
        ratios.append(peak_signal_to_noise(real, again))
    measured = {"reconstruction_mse": torch.cat(errors), "reconstruction_psnr": torch.cat(ratios)}
    return tuple(_figure(key, values) for key, values in measured.items())


def _figure(key: str, values: Tensor) -> Figure:
    each = spread(lambda rows: values[rows].mean().item(), parts_of(len(values)))
    return Figure(key, values.mean().item(), spread=each.std, n=len(values))
