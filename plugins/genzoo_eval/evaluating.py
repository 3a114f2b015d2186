"""An evaluation: from a model or pictures to a report."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
from torch import Tensor

from genzoo_core.errors import GenzooError, UsageError
from genzoo_core.zoo import Zoo
from genzoo_eval.codecs import evaluate_codec, is_codec, reconstruction_figures
from genzoo_eval.costs import flops, images_per_second, machine, parameters, run_once
from genzoo_eval.datasets import Measured, OwnData, data_recipe, dataset_name, own_dataset
from genzoo_eval.distribution import (
    drawn_figures,
    figure,
    image_figures,
    mean_figure,
    memorisation_figures,
)
from genzoo_eval.external import ExternalImages
from genzoo_eval.feature_nets import load_nets
from genzoo_eval.frozen_net import FrozenNet, classifier_of
from genzoo_eval.metrics.classes import class_accuracy, class_frequencies, total_variation
from genzoo_eval.progress import OnProgress
from genzoo_eval.reference import Reference, Tell, read_reference
from genzoo_eval.report import Figure, Report, Subject
from genzoo_eval.report_store import ReportKey, ReportStore
from genzoo_eval.settings import FEWEST, Settings, command_of
from genzoo_eval.spread import everywhere, first, writes
from genzoo_eval.subjects import ModelImages
from genzoo_eval.text.adherence import adherence_figures
from genzoo_eval.text.styles import Tables

BRIEF = (
    "nets trained so briefly hardly see blur and noise: look at the sharpness and at the pictures"
)
"""What is said beside figures in nets of somebody's own pictures."""

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
    dataset: Measured | None = None,
    again: bool | Literal["costs"] = False,
    on_progress: OnProgress = _silent,
    tell: Tell = _silent,
) -> Report:
    """Measure a model or a codec; a report that was made before, or that ships, is taken.

    Args:
        data: Folder that holds the dataset; None for the Hub.
        dataset: What to compare with, or `own_data(…)`; None for what the model's card says.
        again: Measure even if there is a report; "costs" for speed and memory alone.

    Raises:
        UsageError: The model is neither a generative one nor a codec, its dataset has no feature
            net, or the settings do not fit.
        DataError: The dataset cannot be read.
    """
    settings = settings or Settings()
    if is_codec(zoo, model):
        return evaluate_codec(
            zoo, model, data, settings, dataset=dataset, again=again is True, tell=tell
        )
    _check_enough(settings.n)
    images = ModelImages.open(zoo, model, settings, on_progress)
    card = zoo.card(model)
    own = card.dataset
    dataset = dataset or own_dataset(zoo, model)
    _check_shape(images, dataset_name(dataset), data_recipe(zoo, dataset, "test").shape)
    nets = load_nets(zoo, dataset, settings.nets, tell, on_progress)
    key = ReportKey.of(images.subject, dataset, settings, nets)
    store = ReportStore(zoo, dataset, data, tell)
    command = command_of(model, settings, dataset, own)
    full = None if again else everywhere(store.get(key))
    if full is not None:
        return _named(full, images.subject, command)
    # What does not depend on the machine is cached by itself.
    without = msgspec.structs.replace(settings, costs=False)
    plain = ReportKey.of(images.subject, dataset, without, nets)
    report = None if again is True else everywhere(store.get(plain))
    if report is not None:
        report = _named(report, images.subject, command)
    else:
        counts = [metric.n for metric in card.metrics if metric.n is not None]
        if counts and dataset == own:  # before minutes are spent on others
            tell(
                f"figures of {card.name} ship with it, n = {max(counts):,}: genzoo info {card.name}"
            )
        reference = read_reference(zoo, dataset, data, nets, settings.n, tell, on_progress)
        # The classes of another dataset are others, even if they are as many.
        labelled = own in ("", dataset) or _same_classes(images, nets)
        figures, tables = _figures(images, reference, settings, tell, labelled=labelled)
        of_captions, styles = adherence_figures(
            zoo, images, reference, dataset, data, settings, tell
        )
        figures += of_captions
        if (codec := images.model.codec) is not None:
            condition = partial(images.model.condition, {})
            figures += reconstruction_figures(codec, condition, reference.test)
        figures += _counted(images)
        report = Report(
            images.subject,
            reference.dataset,
            reference.digest,
            settings.n,
            settings.seed,
            tuple(figures),
            tables | styles,
            command,
            notes=_notes(reference, dataset),
            classes=_class_names(tables, nets),
        )
        if writes():
            store.put(plain, report)
    # Of one process on a machine that does nothing else.
    if settings.costs and first():
        tell("measuring speed and memory")
        try:
            timed = _timed(images)
        except GenzooError as error:  # the other figures took minutes
            note = f"speed and memory are not measured: {error}"
            return msgspec.structs.replace(report, notes=(*report.notes, note))
        report = msgspec.structs.replace(
            report, figures=(*report.figures, *timed), machine=machine()
        )
        store.put(key, report)
    return report


def cached_report(
    zoo: Zoo,
    model: str,
    dataset: Measured,
    data: Path | None,
    settings: Settings,
    nets: tuple[FrozenNet, ...],
) -> Report | None:
    """The report that `evaluate` would take instead of measuring; None where it would measure."""
    images = ModelImages.open(zoo, model, settings)
    key = ReportKey.of(images.subject, dataset, settings, nets)
    return ReportStore(zoo, dataset, data, _silent).get(key)


def _named(report: Report, subject: Subject, command: str) -> Report:
    """A report that was made of the same weights, perhaps under another name."""
    if report.subject.name == subject.name:
        return report
    versions = report.subject.versions
    return msgspec.structs.replace(
        report, subject=msgspec.structs.replace(subject, versions=versions), command=command
    )


def evaluate_images(
    zoo: Zoo,
    path: Path,
    dataset: Measured,
    data: Path | None = None,
    settings: Settings | None = None,
    *,
    again: bool = False,
    on_progress: OnProgress = _silent,
    tell: Tell = _silent,
) -> Report:
    """Measure pictures that were made elsewhere; a report that was made before is taken.

    Args:
        path: An .npz file or a folder; see `ExternalImages.read`.
        data: Folder that holds the dataset; None for the Hub.
        settings: `n` is the most images that are measured, drawn with `seed` where there are
            more; options have no meaning here.

    Raises:
        UsageError: There are no such pictures, or too few.
        DataError: The dataset cannot be read.
    """
    settings = settings or Settings()
    images = ExternalImages.read(path, data_recipe(zoo, dataset, "test"), tell)
    n = min(settings.n, len(images.images))
    seed = settings.seed if n < len(images.images) else 0  # all are measured: none is drawn
    settings = msgspec.structs.replace(settings, n=n, seed=seed, costs=False)
    _check_enough(n)
    nets = load_nets(zoo, dataset, settings.nets, tell, on_progress)
    judge = classifier_of(nets)
    if judge is not None:
        images.check_labels(judge.class_count)
    key = ReportKey.of(images.subject, dataset, settings, nets)
    store = ReportStore(zoo, dataset, data, tell)
    found = None if again else everywhere(store.get(key))
    command = command_of(str(path), settings, dataset)
    if found is not None:  # the same pictures may lie elsewhere now
        return msgspec.structs.replace(found, subject=images.subject, command=command)
    reference = read_reference(zoo, dataset, data, nets, n, tell, on_progress)
    figures, tables = _figures(images, reference, settings, tell)
    report = Report(
        images.subject,
        reference.dataset,
        reference.digest,
        n,
        seed,
        tuple(figures),
        tables,
        command,
        notes=_notes(reference, dataset),
        classes=_class_names(tables, nets),
    )
    if writes():
        store.put(key, report)
    return report


def _check_enough(n: int) -> None:
    if n < FEWEST:
        raise UsageError(f"too few images for a distribution: {n}; give at least {FEWEST}")


def _check_shape(images: ModelImages, dataset: str, shape: tuple[int, ...]) -> None:
    found = tuple(images.model.sample_shape)
    if found != shape:
        made, real = ("×".join(map(str, each)) for each in (found, shape))
        raise UsageError(
            f"{images.reference} makes pictures of {made}; those of {dataset} are {real}",
            "choose another model, or another --data or --reference",
        )


def _same_classes(images: ModelImages, nets: tuple[FrozenNet, ...]) -> bool:
    """Whether the model's prompt is one of the very classes that the classifier tells apart."""
    first = next(iter(images.model.conditioners.values()), None)
    judge = classifier_of(nets)
    if judge is None or first is None or first.categories != judge.class_count:
        return False
    return judge.class_names == tuple(map(first.category, range(judge.class_count)))


def _figures(
    images: ModelImages | ExternalImages,
    reference: Reference,
    settings: Settings,
    tell: Tell,
    *,
    labelled: bool = True,
) -> tuple[list[Figure], Tables]:
    """Figures of the images, with their floors, and tables by class.

    Where they are not `labelled`, their classes are not those of the reference.
    """
    figures: list[Figure] = []
    tables: Tables = {}
    judge, frequencies = classifier_of([real.net for real in reference.nets]), reference.frequencies
    made = images.unconditional(settings.n, settings.seed)
    if made is not None:
        for real in reference.nets:
            tell(f"comparing in {real.net.name}")
            features = real.net.features(made)
            figures += drawn_figures(features, real, reference.draw, settings.seed)
            figures += memorisation_figures(features, real, settings.seed)
        figures += image_figures(made)
    if judge is not None and frequencies is not None:
        classes = len(frequencies)
        if made is not None:
            ids = judge.classes(made)

            def imbalance(rows: Tensor) -> float:
                return total_variation(class_frequencies(ids[rows], classes), frequencies)

            figures.append(figure("class_tv", imbalance, len(ids), judge.name))
            tables["class_histogram"] = tuple(class_frequencies(ids, classes).tolist())
        of_classes = images.of_classes(settings.n, settings.seed, classes) if labelled else None
        if of_classes is not None:
            pictures, wanted = of_classes
            found = judge.classes(pictures)
            figures.append(mean_figure("accuracy", found == wanted, judge.name))
            tables["class_accuracy"] = class_accuracy(found, wanted, classes).per_class
    floors = (reference.floors.get((each.key, each.net), each.floor) for each in figures)
    pairs = zip(figures, floors, strict=True)
    return [msgspec.structs.replace(each, floor=floor) for each, floor in pairs], tables


def _counted(images: ModelImages) -> list[Figure]:
    """What a picture costs on any machine; of a model with nothing to sample from, its size."""
    figures = [Figure("parameters", parameters(images.model))]
    if images.samples:
        options = msgspec.convert(images.record.options, images.model.Options)
        figures.append(Figure("flops", flops(images.model, options) / 1e6))
    return figures


def _notes(reference: Reference, dataset: Measured) -> tuple[str, ...]:
    return (*reference.notes, BRIEF) if isinstance(dataset, OwnData) else reference.notes


def _class_names(tables: Tables, nets: tuple[FrozenNet, ...]) -> dict[str, tuple[str, ...]]:
    judge = classifier_of(nets)
    return {} if judge is None else dict.fromkeys(tables, judge.class_names)


def _timed(images: ModelImages) -> list[Figure]:
    """What a picture costs on this machine."""
    model, record = images.model, images.record
    if not images.samples:
        return []
    options = msgspec.convert(record.options, model.Options)
    settings = {**images.options, **images.conditions}
    one, several = (run_once(images.reference, settings, n) for n in (1, MEMORY_RUN))
    return [
        images_per_second(model, options, record.threads),
        Figure("first_image", one.seconds),
        Figure("peak_memory", several.memory / 1e6),
    ]
