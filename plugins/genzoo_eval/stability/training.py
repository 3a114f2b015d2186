"""Trainings in processes of their own: `genzoo train`, from one checkpoint to the next."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from genzoo_core.errors import TrainingError
from genzoo_eval.stability.plan import Run

GRACE = 60.0
"""Seconds that a training is given to save where it stands."""

DIVERGED = re.compile(r"became (nan|-?inf)|does not fit into")
"""What `genzoo train` says of a training that ended in numbers that are none."""


@dataclass(frozen=True)
class Leg:
    """A training on its way to one of its checkpoints.

    Attributes:
        run: The training.
        mark: Steps after which it stops.
        folder: Where it writes.
        log: What it says.
        process: Its process.
    """

    run: Run
    mark: int
    folder: Path
    log: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def begin(
        cls, run: Run, mark: int, recipe: Path, changes: Sequence[str], data: Path | None, out: Path
    ) -> Leg:
        """Start, or go on from the checkpoint before.

        Args:
            run: The training.
            mark: Steps after which to stop.
            recipe: The recipe's file.
            changes: What is different from it, as of `genzoo train --set`.
            data: Folder that holds the dataset; None for the Hub.
            out: Where the folders of all trainings lie.
        """
        out.mkdir(parents=True, exist_ok=True)
        folder, log = out / run.name, out / f"{run.name}.log"
        # -P: a file in the current folder must not pass for a module.
        words = [sys.executable, "-P", "-m", "genzoo", "train", str(recipe), "--out", str(folder)]
        words += ["--resume", "--threads", "1", "--max-steps", str(mark)]
        words += [] if data is None else ["--data", str(data)]
        words += [word for change in changes for word in ("--set", change)]
        with log.open("ab") as file:
            # A session of its own: Ctrl-C reaches it once, through `stop`.
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
                start_new_session=True,
            )
        return cls(run, mark, folder, log, process)

    @property
    def ended(self) -> bool:
        """Whether its process is over."""
        return self.process.poll() is not None

    def failure(self) -> str | None:
        """Why the training diverged; None where it came to its checkpoint.

        Raises:
            TrainingError: It ended for a reason that is not the training's.
        """
        if self.process.returncode == 0:
            return None
        said = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        last = said[-1].removeprefix("Error: ") if said else ""
        if self.process.returncode == 1 and DIVERGED.search(last):
            return last
        raise TrainingError(
            f"training {self.run.name} ended with exit code {self.process.returncode}"
            + (f": {last}" if last else ""),
            f"{self.log} says more; the same command goes on",
        )


def stop(legs: Iterable[Leg]) -> None:
    """Let trainings save where they stand, and end."""
    legs = [leg for leg in legs if not leg.ended]
    try:
        for leg in legs:
            leg.process.terminate()
        for leg in legs:
            with suppress(subprocess.TimeoutExpired):
                leg.process.wait(GRACE)
    finally:  # a second Ctrl-C does not wait
        for leg in legs:
            if not leg.ended:
                leg.process.kill()
                leg.process.wait()
