"""An evaluation: from a model or pictures to a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import torch
from torch import Tensor

from genzoo_core.errors import UsageError
from genzoo_core.images import from_uint8
from genzoo_core.zoo import Zoo
from genzoo_eval.caching import ReportCache, shipped
from genzoo_eval.costs.counting import flops, parameters
from genzoo_eval.costs.timing import images_per_second, machine, run_once
from genzoo_eval.datasets import fingerprint, own_dataset
from genzoo_eval.distribution import drawn_figures, image_figures, memorisation_figure
from genzoo_eval.feature_nets import classifier_of, load_nets
from genzoo_eval.known import asked_of
from genzoo_eval.metrics.classes import class_accuracy, class_frequencies, total_variation
from genzoo_eval.metrics.images import mean_squared_error, peak_signal_to_noise
from genzoo_eval.reference import Reference, Tell, read_reference
from genzoo_eval.report import Figure, Report
from genzoo_eval.settings import FEWEST, Settings
from genzoo_eval.subjects import GivenImages, Images, ModelImages, OnProgress
from genzoo_eval.text.obeying import obedience

MEMORY_RUN = 64
"""Images of the run whose memory is measured."""


def _silent(*_: object) -> None:
    return


def evaluate(
    zoo: Zoo,
    model: str,
    data: Path | None = None,
    settings: Settings | None = None,
    *,
    dataset: str | None = None,
    again: bool | Literal["costs"] = False,
    on_progress: OnProgress = _silent,
    tell: Tell = _silent,
) -> Report:
    """Measure a model; a report that was made before, or that ships with genzoo, is taken.

    Args:
        zoo: Where the model is.
        model: Its name, or the path of a model file.
        data: Folder that holds the dataset; None for the Hub.
        settings: How.
        dataset: What to compare with; what the model's card says unless given.
        again: Measure even if there is a report; "costs" for speed and memory alone.
        on_progress: Told how far the making of images is.
        tell: Told what takes a while.

    Raises:
        UsageError: The model is no generative one, its dataset has no feature net, or the
            settings do not fit.
        DataError: The dataset cannot be read.
    """
    settings = settings or Settings()
    _check(settings)
    images = ModelImages.open(zoo, model, settings.options, settings.conditions, on_progress)
    dataset = dataset or own_dataset(zoo, model)
    nets = load_nets(zoo, dataset, settings.nets)
    asked = asked_of(images.subject, dataset, settings, nets)
    cache = ReportCache(zoo.cache("eval"), fingerprint(dataset, data))
    full = None if again else cache.get(asked) or shipped().get(asked.key())
    if full is not None:
        return full
    # What does not depend on the machine is kept by itself.
    plain = msgspec.structs.replace(asked, costs=False)
    report = None if again is True else cache.get(plain) or shipped().get(plain.key())
    if report is None:
        reference = read_reference(zoo, dataset, data, nets, settings.n, tell)
        figures, tables = _figures(images, reference, settings, tell)
        obeyed, styles = obedience(zoo, images, reference, data, settings, tell)
        report = Report(
            images.subject,
            dataset,
            reference.digest,
            settings.n,
            settings.seed,
            (*figures, *obeyed, *_reconstruction(images, reference)),
            tables | styles,
            _command(model, settings),
        )
        cache.put(plain, report)
    if settings.costs:
        tell("measuring speed and memory")
        report = msgspec.structs.replace(
            report, figures=(*report.figures, *_costs(images)), machine=machine()
        )
        cache.put(asked, report)
    return report


def evaluate_images(
    zoo: Zoo,
    path: Path,
    dataset: str,
    data: Path | None = None,
    settings: Settings | None = None,
    *,
    tell: Tell = _silent,
) -> Report:
    """Measure pictures that were made elsewhere.

    Args:
        zoo: Has the feature nets.
        path: An .npz file; see `GivenImages.read`.
        dataset: What to compare with.
        data: Folder that holds the dataset; None for the Hub.
        settings: `n` is the most images that are looked at; options have no meaning here.
        tell: Told what takes a while.

    Raises:
        UsageError: The file does not hold such pictures, or too few.
        DataError: The dataset cannot be read.
    """
    settings = settings or Settings()
    given = GivenImages.read(path)
    n = min(settings.n, len(given.images))
    settings = msgspec.structs.replace(settings, n=n)
    _check(settings)
    nets = load_nets(zoo, dataset, settings.nets)
    reference = read_reference(zoo, dataset, data, nets, n, tell)
    shape = tuple(reference.test.shape[1:])
    if tuple(given.images.shape[1:]) != shape:
        raise UsageError(
            f"the images of {path} are {_by(given.images.shape[1:])}, those of {dataset} "
            f"{_by(shape)}"
        )
    figures, tables = _figures(given, reference, settings, tell)
    command = f"genzoo eval {path} --reference {dataset} -n {n}"
    return Report(given.subject, dataset, reference.digest, n, 0, tuple(figures), tables, command)


def _by(shape: tuple[int, ...] | torch.Size) -> str:
    return "×".join(map(str, shape))


def _check(settings: Settings) -> None:
    if settings.n < FEWEST:
        raise UsageError(f"{settings.n} images are no distribution; give at least {FEWEST}")


def _command(model: str, settings: Settings) -> str:
    words = ["genzoo", "eval", model]
    words += [f"-n {settings.n}"] if settings.n != Settings().n else []
    words += [f"--seed {settings.seed}"] if settings.seed else []
    given = {**settings.options, **settings.conditions}
    words += [f"--set {name}={value}" for name, value in given.items()]
    words += [f"--net {name}" for name in settings.nets]
    return " ".join([*words, "--data DIR"])


def _figures(
    images: Images, reference: Reference, settings: Settings, tell: Tell
) -> tuple[list[Figure], dict[str, tuple[float, ...]]]:
    """Figures of the images, with their floors, and tables by class."""
    figures: list[Figure] = []
    tables: dict[str, tuple[float, ...]] = {}
    judge = classifier_of(tuple(real.net for real in reference.nets))
    made = images.unasked(settings.n, settings.seed)
    if made is not None:
        tell("comparing")
        figures += _with_floors(_compared(made, reference, settings.seed), reference)
        if judge is not None and reference.frequencies is not None:
            classes = len(reference.frequencies)
            seen = class_frequencies(judge.classes(made), classes)
            imbalance = total_variation(seen, reference.frequencies)
            balance = Figure("class_tv", imbalance, judge.name, n=len(made))
            figures += _with_floors([balance], reference)
            tables["class_histogram"] = tuple(seen.tolist())
    if judge is not None and reference.frequencies is not None:
        classes = len(reference.frequencies)
        asked = images.asked(settings.n, settings.seed, classes)
        if asked is not None:
            accuracy = class_accuracy(judge.classes(asked[0]), asked[1], classes)
            obeyed = Figure("accuracy", accuracy.overall, judge.name, n=len(asked[1]))
            figures += _with_floors([obeyed], reference)
            tables["class_accuracy"] = accuracy.per_class
    return figures, tables


def _compared(made: Tensor, reference: Reference, seed: int) -> Iterator[Figure]:
    for real in reference.nets:
        features = real.net.features(made)
        yield from drawn_figures(features, real, reference.draw, seed)
        yield memorisation_figure(features, real)
    yield from image_figures(made)


def _with_floors(figures: Iterable[Figure], reference: Reference) -> Iterator[Figure]:
    for figure in figures:
        floor = reference.floors.get((figure.key, figure.net), figure.floor)
        yield msgspec.structs.replace(figure, floor=floor)


@torch.inference_mode()
def _reconstruction(images: ModelImages, reference: Reference) -> list[Figure]:
    """Errors of test images that were encoded and decoded, of a model that can do so."""
    model = images.model
    if model.codec is None:
        return []
    errors, ratios = [], []
    for part in torch.split(reference.test, 250):
        real = from_uint8(part)
        again = model.codec.reconstruct(real, model.condition({}, len(real)))
        errors.append(mean_squared_error(real, again))
        ratios.append(peak_signal_to_noise(real, again))
    n = len(reference.test)
    return [
        Figure("reconstruction_mse", torch.cat(errors).mean().item(), n=n),
        Figure("reconstruction_psnr", torch.cat(ratios).mean().item(), n=n),
    ]


def _costs(images: ModelImages) -> list[Figure]:
    model, record = images.model, images.record
    figures = [Figure("parameters", parameters(model))]
    options = msgspec.convert(record.options, model.Options)
    if images.unasked(1, 0) is None:
        return figures
    speed = images_per_second(model, options, record.threads)
    settings = {**images.options, **images.conditions}
    one, several = (run_once(images.reference, settings, n) for n in (1, MEMORY_RUN))
    return [
        *figures,
        Figure("flops", flops(model, options) / 1e6),
        Figure("images_per_second", speed.median, spread=speed.spread),
        Figure("first_image", one.seconds),
        Figure("peak_memory", several.memory / 1e6),
    ]
