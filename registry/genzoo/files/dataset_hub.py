"""A dataset on the Hugging Face Hub."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from genzoo_core.errors import DataError
from genzoo_core.recipe import DataRecipe

if TYPE_CHECKING:
    import datasets

PATIENCE = 2.0
"""Seconds to wait for the Hub's first answer; `datasets` alone would retry for minutes."""


def open_hub(recipe: DataRecipe) -> datasets.IterableDataset:
    """The rows of the recipe's dataset on the Hub, from its cache where it is there.

    Raises:
        DataError: The recipe names none, or the Hub does not deliver it.
    """
    folder = f"give a folder that holds {recipe.name}: --data DIR, or GENZOO_DATA"
    if not recipe.hub:
        raise DataError(f"no data for {recipe.name}", folder)
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if not HF_HUB_OFFLINE:
        _ask(recipe.hub, folder)
    from datasets import load_dataset

    try:
        return load_dataset(recipe.hub, split=recipe.split).to_iterable_dataset()
    except Exception as error:
        reason = " ".join(str(error).split())
        raise DataError(f"cannot load {recipe.hub} from the Hub: {reason}", folder) from error


def _ask(name: str, folder: str) -> None:
    """One short request before the long ones.

    It runs in a thread because no timeout of the client covers looking a host up.
    """
    from huggingface_hub import HfApi

    answers: list[Exception | None] = []

    def ask() -> None:
        try:
            HfApi().dataset_info(name, timeout=PATIENCE)
            answers.append(None)
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not answers:
        raise DataError(f"the Hub does not answer, where {name} is", folder)
    if answers[0] is not None:
        reason = str(answers[0]).strip().splitlines() or [type(answers[0]).__name__]
        raise DataError(f"the Hub does not give {name}: {reason[0]}", folder)
