"""A zoo with a cache of its own, and a report that many tests read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from evaluating_cases import CHEAP
from zoos import one_thread, zoo

import genzoo
from genzoo_core.zoo import Zoo
from genzoo_eval.evaluating import evaluate
from genzoo_eval.report import Report

__all__ = ["one_thread", "zoo"]


@pytest.fixture(scope="session")
def warm_zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    """The zoo, with a cache that all tests of a session share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield genzoo.open_zoo()


@pytest.fixture(scope="session")
def itself(warm_zoo: Zoo, digits: Path) -> Report:
    """gan-mnist against pictures of its own."""
    return evaluate(warm_zoo, "gan-mnist", digits, CHEAP)
