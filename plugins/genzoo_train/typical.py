"""What a model keeps of its training data, to draw with where nothing is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genzoo_core.errors import DataError
from genzoo_core.recipe import ConditionerRecipe
from genzoo_core.specs import ComponentSpec


def conditioner_specs(
    conditioners: Mapping[str, ConditionerRecipe], columns: Mapping[str, Sequence[Any]]
) -> dict[str, ComponentSpec]:
    """The conditioners of a recipe, those that want typical values with values of their columns.

    Args:
        conditioners: By name.
        columns: The dataset's, by name.

    Raises:
        DataError: There is no such column.
    """

    def spec(given: ConditionerRecipe) -> ComponentSpec:
        if not given.typical:
            return given.spec()
        values = typical_values(columns, given.column, given.typical)
        return ComponentSpec(given.component, {**given.config, "typical": values})

    return {name: spec(given) for name, given in conditioners.items()}


def typical_values(columns: Mapping[str, Sequence[Any]], column: str, count: int) -> list[Any]:
    """`count` of a column's distinct values in their order, evenly spaced; all if there are fewer.

    Raises:
        DataError: There is no such column.
    """
    if column not in columns:
        raise DataError(f"the dataset has no column {column!r} to take typical values from")
    distinct = sorted(set(columns[column]))
    count = min(count, len(distinct))
    return [distinct[i * len(distinct) // count] for i in range(count)]
