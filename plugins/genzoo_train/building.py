"""The model that is trained: its conditioners and its first weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from genzoo_core.dataset import Dataset
from genzoo_core.errors import ConfigError, DataError
from genzoo_core.recipe import Recipe
from genzoo_core.specs import ComponentSpec, ModelSpec
from genzoo_core.zoo import Opened
from genzoo_train.batches import column_of


def model_spec(recipe: Recipe, dataset: Dataset) -> ModelSpec:
    """What a recipe builds; conditioners with `typical` get values of their columns.

    Raises:
        DataError: The dataset has no such column, or one that cannot be sorted.
    """
    model, conditioners = recipe.model, {}
    for name, part in model.conditioners.items():
        config = dict(part.config)
        if part.typical:
            try:
                config["typical"] = typical_values(column_of(dataset, recipe, name), part.typical)
            except TypeError as error:  # lists, or texts beside numbers
                raise DataError(
                    f"column {part.column!r} of {recipe.data.name} holds values that cannot be "
                    "sorted, so none of them are typical",
                    "give it texts alone, or set typical = 0",
                ) from error
        conditioners[name] = ComponentSpec(part.component, config)
    return ModelSpec(model.component, model.config, model.kind, conditioners, model.parts)


def typical_values(column: Sequence[Any], count: int) -> list[Any]:
    """`count` of a column's distinct values in their order, evenly spaced; all of fewer."""
    distinct = sorted(set(column))
    count = min(count, len(distinct))
    return [distinct[i * len(distinct) // count] for i in range(count)]


@torch.no_grad()
def begin_from(start: Opened, built: Opened) -> tuple[str, ...]:
    """Copy the weights of another model into a fresh one, wherever name and shape agree.

    Returns:
        Names of the tensors of `built` that stay fresh.

    Raises:
        ConfigError: The two have no tensor in common.
    """
    there, own = start.own_tensors(), built.own_tensors()
    shared = [
        name for name, tensor in own.items() if name in there and there[name].shape == tensor.shape
    ]
    if not shared:
        raise ConfigError(
            f"no weights of {start.name} fit {built.spec.component}",
            "begin from a model of the same component and sizes",
        )
    for name in shared:
        own[name].copy_(there[name])
    return tuple(name for name in own if name not in shared)


def train_mode(built: Opened) -> None:
    """Training mode for the module, evaluation mode for the frozen parts inside it."""
    built.module.train()
    for part in built.parts.values():
        part.eval()


def own_parameters(built: Opened) -> dict[str, nn.Parameter]:
    """The parameters by name, without those of the shared parts."""
    shared = {id(p) for part in built.parts.values() for p in part.parameters()}
    named = built.module.named_parameters()
    return {name: parameter for name, parameter in named if id(parameter) not in shared}
