"""A conformance kit: one line in a plugin's test suite for each of its components.

    >>> import genzoo
    >>> from genzoo_core.testing import check_component, check_model, check_plugin
    >>> zoo = genzoo.open_zoo()
    >>> check_plugin(zoo, "my-plugin")
    >>> check_component(zoo, "model", "my-plugin/my-model", {"shape": [1, 8, 8]})
    >>> check_model(zoo, "my-plugin/my-model-mnist")

Each raises a `ConformanceError` that lists all that is wrong; the `examine_…` functions give the
same in a `Report` and raise nothing. No test framework is needed.
"""

from genzoo_core.testing.checking import (
    check_component,
    check_model,
    check_plugin,
    check_recipe,
    examine_component,
    examine_model,
    examine_plugin,
    examine_recipe,
)
from genzoo_core.testing.report import ConformanceError, Finding, Report
from genzoo_core.testing.strictness import unbounded

__all__ = [
    "ConformanceError",
    "Finding",
    "Report",
    "check_component",
    "check_model",
    "check_plugin",
    "check_recipe",
    "examine_component",
    "examine_model",
    "examine_plugin",
    "examine_recipe",
    "unbounded",
]
