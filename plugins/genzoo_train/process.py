"""`genzoo train` in a process of its own, which can be stopped and goes on later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from genzoo_core.errors import TrainingError
from genzoo_train.failures import DivergedError

GRACE = 60.0
"""Seconds that a training may take to save its checkpoint before it is killed."""


class TrainingProcess:
    """A training on one CPU thread; it goes on from the checkpoint in `out`, if there is one.

    Args:
        out: Folder of the run. Progress is appended to the file of the same name with ".log".
        max_steps: Steps over all stages after which it stops and exports what there is.
        changes: Fields to change in the recipe, as for `genzoo train --set`.
        data: Folder that holds the dataset; None for the Hub.
    """

    def __init__(
        self,
        recipe: Path,
        out: Path,
        *,
        max_steps: int,
        changes: Sequence[str] = (),
        data: Path | None = None,
    ) -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        self.out, self.log = out, out.with_name(f"{out.name}.log")
        # -P: a file in the current folder must not pass for a module.
        command = [sys.executable, "-P", "-m", "genzoo", "train", str(recipe), "--json"]
        command += ["--out", str(out), "--resume", "--threads", "1", "--max-steps", str(max_steps)]
        command += [] if data is None else ["--data", str(data)]
        command += [word for change in changes for word in ("--set", change)]
        # A file, for nobody reads while it runs: a pipe could fill up.
        self._outcome: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `weights`
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._outcome,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
                start_new_session=True,  # Ctrl-C reaches it once, through `stop_all`
            )

    @property
    def ended(self) -> bool:
        """Whether its process is over."""
        return self._process.poll() is not None

    def weights(self) -> Path:
        """Wait for its end, and give the weights file that it wrote.

        Raises:
            DivergedError: The training diverged.
            TrainingError: It ended for a reason that does not lie in the training.
        """
        code = self._process.wait()
        with self._outcome as file:
            file.seek(0)
            printed = file.read().splitlines()
        outcome = json.loads(printed[-1]) if printed and code in (0, 1) else {}
        if "diverged" in outcome:
            raise DivergedError(outcome["diverged"])
        if code == 0:
            return Path(outcome["path"])
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        reason = f": {lines[-1].removeprefix('Error: ')}" if lines else ""
        raise TrainingError(
            f"training {self.out.name} ended with exit code {code}{reason}",
            f"{self.log} says more; the same command goes on",
        )


def stop_all(trainings: Iterable[TrainingProcess]) -> None:
    """Let trainings save where they stand, and end."""
    processes = [training._process for training in trainings if not training.ended]
    try:
        for process in processes:
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
    finally:  # a second Ctrl-C does not wait
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
