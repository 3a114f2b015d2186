"""What a training begins with, looked over before its first step."""

from __future__ import annotations

from typing import NamedTuple

import torch
from lightning_fabric import Fabric
from msgspec.structs import replace

from genzoo_core.compiling import compile_networks
from genzoo_core.dataset import Dataset, Stream
from genzoo_core.errors import DataError
from genzoo_core.recipe import Recipe
from genzoo_core.training import Trainable
from genzoo_core.zoo import Opened, Zoo
from genzoo_train.batches import Batches, derive, make_batches
from genzoo_train.building import begin_from, model_spec, train_mode
from genzoo_train.checking import check_data, classes_without_images, rehearse, rehearse_export
from genzoo_train.folder import RunFolder
from genzoo_train.ranks import Ranks
from genzoo_train.reporting import Reporter
from genzoo_train.stages import Plan, plan_stages
from genzoo_train.starting import begun, card_with
from genzoo_train.streaming import Streamed, stream_batches
from genzoo_train.validation import judged_stages

LISTED = 5
"""Classes that a message names."""


class Ready(NamedTuple):
    """A model, its data and its stages.

    Attributes:
        recipe: With what the card owes to a model that it begins from.
        built: The model, with weights to train.
        plans: Its stages.
        batches: The pictures to learn from.
        aside: Those to judge the weights by, if there are any and a stage can be judged by them.
        data: Digest of the pictures.
        ranks: Those that train together, which have all of this alike.
    """

    recipe: Recipe
    built: Opened
    plans: tuple[Plan, ...]
    batches: Batches
    aside: Batches | None
    data: str
    ranks: Ranks


def make_ready(
    zoo: Zoo,
    recipe: Recipe,
    dataset: Dataset | Stream,
    *,
    aside: Dataset | None,
    folder: RunFolder,
    fabric: Fabric,
    ranks: Ranks,
    reporter: Reporter,
) -> Ready:
    """Build a model, read its data, and find faults that the training would otherwise end in.

    Raises:
        ConfigError: The recipe does not fit the model.
        DataError: The pictures do not fit it, or ranks read others.
        TrainingError: The model cannot be trained, or its file not be written.
    """
    ranks.alone(lambda: folder.check_files(recipe.name))
    known = dataset if isinstance(dataset, Dataset) else dataset.head
    recipe, built = _build(zoo, recipe, known, fabric, ranks, reporter)
    plans = plan_stages(built, recipe, len(dataset))
    module, device = built.module, fabric.device
    batches: Batches
    if isinstance(dataset, Stream):
        batches = stream_batches(dataset, recipe, module, device, folder.path, remember=ranks.first)
    else:
        batches = make_batches(dataset, recipe, module, device)
    module.eval()
    check_data(built, batches, recipe)
    path = folder.weights(recipe.name)
    ranks.alone(lambda: rehearse_export(zoo, built, recipe, path))
    train_mode(built)
    if not isinstance(batches, Streamed):  # of a stream all classes may come later
        _note_missing(classes_without_images(module, batches), reporter)
    rehearse(built, plans, batches, recipe, fabric, ranks)
    looked_at = _set_aside(aside, recipe, built, fabric, reporter)
    data = _fingerprint(batches, looked_at, ranks)
    return Ready(recipe, built, plans, batches, looked_at, data, ranks)


def _build(
    zoo: Zoo, recipe: Recipe, dataset: Dataset, fabric: Fabric, ranks: Ranks, reporter: Reporter
) -> tuple[Recipe, Opened]:
    spec = model_spec(recipe, dataset)
    torch.manual_seed(derive(recipe.seed, "weights"))
    built = zoo.build(spec, training=True)
    if recipe.model.start:
        start = zoo.open(recipe.model.start)
        reporter.note(begun(start, built, begin_from(start, built)))
        recipe = replace(recipe, card=card_with(recipe.card, start))
    built.module.to(fabric.device)
    for part in built.parts.values():
        part.to(fabric.device)
    ranks.send(built.own_tensors())
    if recipe.compile:
        compile_networks(built.module)
    train_mode(built)
    return recipe, built


def _note_missing(missing: list[str], reporter: Reporter) -> None:
    if missing:
        more = f" and {len(missing) - LISTED} more" if len(missing) > LISTED else ""
        listed = f"{', '.join(missing[:LISTED])}{more}"
        reporter.note(f"no images of {listed}: the model will not know what that is")


def _set_aside(
    dataset: Dataset | None, recipe: Recipe, built: Opened, fabric: Fabric, reporter: Reporter
) -> Batches | None:
    """The pictures to look at, if there are any and a stage can be judged by them.

    Raises:
        ConfigError: It shall end early, and nothing says when.
        DataError: The same, and these pictures cannot be used.
    """
    wanted, module = recipe.validation, built.module
    assert isinstance(module, Trainable)  # plan_stages made sure
    stages = judged_stages(recipe, module)
    if not stages:
        return None
    if dataset is None:
        if wanted.looks:
            raise DataError(
                f"{recipe.name} compares weights on pictures set aside; there are none",
                "set validation.looks = 0",
            )
        return None
    try:
        batches = make_batches(dataset, recipe, module, fabric.device)
    except DataError as error:  # a class that only these pictures have
        if wanted.patience:
            raise
        reporter.note(f"the pictures set aside are not used: {error.message}")
        return None
    reporter.note(
        f"the weights that are best on the {len(batches):,} pictures set aside are taken; they "
        f"are compared {wanted.looks} times in stage {' and in stage '.join(stages)}"
    )
    return batches


def _fingerprint(batches: Batches, aside: Batches | None, ranks: Ranks) -> str:
    """Digest of the data, which every rank has to have alike."""
    own = " ".join(each.fingerprint() for each in (batches, aside) if each)
    prints = ranks.gather(own)
    other = next((rank for rank, each in enumerate(prints) if each != prints[0]), None)
    if other is not None:
        raise DataError(
            f"rank {other} of the training reads other pictures than rank 0",
            "give every machine the same --data",
        )
    return own
