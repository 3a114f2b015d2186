"""Faults that a training would end in, found before its first step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from genzoo_core.atomic import beside
from genzoo_core.conditioner import conditioners_of
from genzoo_core.encoder import Encoder
from genzoo_core.errors import ConfigError, GenzooError, TrainingError
from genzoo_core.model import GenerativeModel
from genzoo_core.recipe import Recipe
from genzoo_core.training import Batch, Trainable
from genzoo_core.zoo import Opened, Zoo
from genzoo_train.batches import Batches, times
from genzoo_train.export import check_rounding, export
from genzoo_train.failures import plainly, stage_failures
from genzoo_train.loop import StageLoop
from genzoo_train.ranks import Ranks
from genzoo_train.stages import Plan
from genzoo_train.streaming import Streamed


def check_data(built: Opened, batches: Batches, recipe: Recipe) -> None:
    """Check that the model can be trained on these data to the end.

    Raises:
        ConfigError: The model or its codec is for pictures of another shape.
        GenzooError: What the model's own `check_data` says.
    """
    module = built.module
    assert isinstance(module, Trainable)  # plan_stages made sure
    with torch.no_grad(), plainly(f"{recipe.model.component} refuses these data"):
        _check_shapes(built, batches.first(2), recipe)
        if not isinstance(batches, Streamed):  # nobody has seen all of a stream
            module.check_data(len(batches), batches.conditions)


def _check_shapes(built: Opened, batch: Batch, recipe: Recipe) -> None:
    """Check sizes: a fully convolutional network learns from images of any, and draws its own."""
    module, condition = built.module, None
    hint = "give the data, the model and its codec one shape"
    if isinstance(module, GenerativeModel):
        if tuple(module.sample_shape) != tuple(batch.images.shape[1:]):
            raise ConfigError(
                f"{recipe.name} trains on images of {times(recipe.data.shape)}, but its model "
                f"makes pictures of {times(module.sample_shape)}",
                hint,
            )
        encoder: nn.Module | None = module.codec
        # A codec of its own may depend on the model's condition; a shared one does not have it.
        if not any(encoder is inner for part in built.parts.values() for inner in part.modules()):
            condition = module.condition(batch.conditions, len(batch.images))
    else:
        encoder = module
    if isinstance(encoder, Encoder):
        latent = encoder.encode(batch.images, condition).mode().shape[1:]
        if tuple(latent) != tuple(encoder.latent_shape):
            raise ConfigError(
                f"{recipe.name} trains on images of {times(recipe.data.shape)}, which the model's "
                f"{type(encoder).__name__} makes latents of {times(latent)} of, "
                f"not of {times(encoder.latent_shape)}",
                hint,
            )


def classes_without_images(module: nn.Module, batches: Batches) -> list[str]:
    """Classes that the training set has no images of, as "label rare"."""
    missing = []
    for name, conditioner in conditioners_of(module).items():
        if conditioner.categories is not None:
            counts = batches.conditions[name].bincount(minlength=conditioner.categories).tolist()
            without = [i for i in range(conditioner.categories) if not counts[i]]
            missing += [f"{name} {conditioner.category(i)}" for i in without]
    return missing


def rehearse(
    built: Opened,
    plans: Sequence[Plan],
    batches: Batches,
    recipe: Recipe,
    fabric: Fabric,
    ranks: Ranks,
) -> None:
    """Do a step of each stage that can be done now, without changing the weights.

    Stages that need a `prepare_stage`, which comes after the stages before them, cannot.
    """
    prepares = type(built.module).prepare_stage is not Trainable.prepare_stage  # type: ignore[attr-defined]
    for index, plan in enumerate(plans[:1] if prepares else plans):
        with stage_failures(index, plan, recipe.model.component, "fails on these data"):
            StageLoop(plan, built, batches, recipe, fabric, ranks).rehearse()


def rehearse_export(zoo: Zoo, built: Opened, recipe: Recipe, path: Path) -> None:
    """Write the fresh weights as the trained ones will be, and open the file.

    Raises:
        TrainingError: The disk is full, the header is too long, a weight does not fit its dtype.
    """
    check_rounding(built, recipe)
    doing = f"{path} cannot be written and read"
    with plainly(doing), beside(path) as trial:
        try:
            export(zoo, built, recipe, trial)
            zoo.open(trial)
        except GenzooError as error:
            reason = error.message.replace(str(trial), "it")
            hint = "choose another --out" if isinstance(error.__cause__, OSError) else error.hint
            raise TrainingError(f"{doing}: {reason}", hint) from error
