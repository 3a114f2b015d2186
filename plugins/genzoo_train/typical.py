"""What a model keeps of its training data, to draw with where nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genzoo_core.dataset import Dataset
from genzoo_core.errors import DataError
from genzoo_core.recipe import Recipe
from genzoo_core.specs import ComponentSpec
from genzoo_train.columns import column_of


def conditioner_specs(recipe: Recipe, dataset: Dataset) -> dict[str, ComponentSpec]:
    """The conditioners of a recipe, those that want typical values with values of their columns.

    Raises:
        DataError: The dataset has no such column, or one that cannot be sorted.
    """
    specs = {}
    for name, given in recipe.model.conditioners.items():
        config = dict(given.config)
        if given.typical:
            column = column_of(dataset, recipe, name)
            try:
                config["typical"] = typical_values(column, given.typical)
            except TypeError as error:  # lists, or texts beside numbers
                raise DataError(
                    f"column {given.column!r} of {recipe.data.name} holds values that cannot be "
                    "sorted, so none of them are typical",
                    "give it texts alone, or set typical = 0",
                ) from error
        specs[name] = ComponentSpec(given.component, config)
    return specs


def typical_values(column: Sequence[Any], count: int) -> list[Any]:
    """`count` of a column's distinct values in their order, evenly spaced; all of fewer."""
    distinct = sorted(set(column))
    count = min(count, len(distinct))
    return [distinct[i * len(distinct) // count] for i in range(count)]
