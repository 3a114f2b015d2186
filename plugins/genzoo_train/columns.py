"""The columns of a dataset that a recipe names."""

from __future__ import annotations

from collections.abc import Sequence

from genzoo_core.dataset import Dataset
from genzoo_core.errors import DataError
from genzoo_core.recipe import Recipe


def column_of(dataset: Dataset, recipe: Recipe, conditioner: str) -> Sequence[object]:
    """The raw values that feed a conditioner of the recipe.

    Raises:
        DataError: The dataset has no such column.
    """
    column = recipe.model.conditioners[conditioner].column
    if column not in dataset.columns:
        known = ", ".join(dataset.columns) or "none"
        raise DataError(f"dataset {recipe.data.name} has no column {column!r}; it has {known}")
    return dataset.columns[column]
