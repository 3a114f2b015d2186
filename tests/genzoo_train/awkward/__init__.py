"""A plugin whose model does what models should not, where it is asked to."""

import json
import os
from collections.abc import Mapping

from genzoo_core import hookimpl


@hookimpl
def genzoo_log_training(run: str, step: int, values: Mapping[str, float]) -> None:
    """Keep what was logged, where the test wants it."""
    if path := os.environ.get("AWKWARD_LOG"):
        with open(path, "a") as file:
            file.write(json.dumps({"run": run, "step": step, **values}) + "\n")
