"""The columns of a dataset that a recipe names."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from genzoo_core.conditioner import Conditioner
from genzoo_core.dataset import Dataset
from genzoo_core.errors import DataError, GenzooError, UsageError
from genzoo_core.recipe import Recipe
from genzoo_core.rng import BatchRng
from genzoo_train.memory import out_of_memory


def column_of(dataset: Dataset, recipe: Recipe, conditioner: str) -> Sequence[object]:
    """The raw values that feed a conditioner of the recipe, one per image.

    Raises:
        DataError: The dataset has no such column, or nothing in one of its rows.
    """
    column = recipe.model.conditioners[conditioner].column
    if column not in dataset.columns:
        known = ", ".join(dataset.columns) or "none"
        raise DataError(f"dataset {recipe.data.name} has no column {column!r}; it has {known}")
    values = dataset.columns[column]
    if len(values) != len(dataset.images):
        raise DataError(
            f"column {column!r} of {recipe.data.name} has {len(values)} rows for "
            f"{len(dataset.images)} images"
        )
    for row, value in enumerate(values):
        if value is None or (isinstance(value, float) and math.isnan(value)):
            raise DataError(
                f"column {column!r} of {recipe.data.name} is null in row {row}",
                "fill it in, or leave that image out",
            )
    return values


def prepared(
    conditioner: Conditioner, values: Sequence[object], generator: torch.Generator, where: str
) -> Tensor:
    """A column as its conditioner prepares it, `[N, ...]`.

    Args:
        conditioner: The model's.
        values: The column.
        generator: For values that ask for chance.
        where: What the column is called in messages.

    Raises:
        DataError: A value is not what the conditioner takes; names the first such row.
    """
    try:
        return conditioner.prepare(values, BatchRng(generator, len(values)))
    except Exception as error:
        fault = isinstance(error, GenzooError) and not isinstance(error, UsageError)
        if fault or out_of_memory(error):
            raise  # whatever the values are: an encoder cannot be had
        row = _first_refused(conditioner, values)
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"{where}, row {row}: {reason}") from error


def _first_refused(conditioner: Conditioner, values: Sequence[object]) -> int:
    """The first row that cannot be prepared, found by halving: some encoders take their time."""
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            conditioner.prepare(values[low:middle], BatchRng(torch.Generator(), middle - low))
        except Exception:
            high = middle
        else:
            low = middle
    return low
