"""How much faster two processes train than one, each on one thread.

`genzoo train` of a recipe on two processes and on one, in turns, so that the ratio does not depend
on the machine; the time of a step is what their logs say, without starts, samples and checkpoints.

    python benchmarks/ranks.py --data DIR [--rounds 3] [--steps 100] [--ranks 2]
    python benchmarks/ranks.py --data DIR --recipe gan-mnist --set stages.0.batch_size=128
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RECIPES = ("flow-mnist", "gan-mnist")
BAR = 1.7
SETS = 5
"""Sets of figures in a run, of which the first is not counted."""


def seconds(recipe: str, data: Path, ranks: int, steps: int, settings: list[str]) -> float:
    """The median seconds of a step on so many processes of one thread each."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        words = [sys.executable, "-m", "genzoo", "train", recipe, "--data", str(data)]
        words += ["--out", str(out), "--threads", "1", "--devices", str(ranks)]
        words += ["--max-steps", str(steps)]
        every = {"log_every": steps // SETS, "sample_every": 0, "checkpoint_every": 10**6}
        settings = [*settings, *(f"report.{k}={v}" for k, v in every.items())]
        words += [word for setting in settings for word in ("--set", setting)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "GENZOO_MODELS": folder}
        subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL)
        lines = (out / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return statistics.median(float(json.loads(line)["s/step"]) for line in lines[1:])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--recipe", nargs="+", default=RECIPES)
    parser.add_argument("--set", nargs="+", default=[], dest="settings")
    given = parser.parse_args()
    slow = False
    for recipe in given.recipe:
        ratios = []
        for _ in range(given.rounds):
            one, several = (
                seconds(recipe, given.data, n, given.steps, given.settings)
                for n in (1, given.ranks)
            )
            ratios.append(one / several)
            print(f"{recipe}: {one:.4f} s a step, {several:.4f} on {given.ranks} processes")
        ratio = statistics.median(ratios)
        print(f"{recipe}: {ratio:.2f} times as fast (wanted: {BAR})")
        slow |= ratio < BAR
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
