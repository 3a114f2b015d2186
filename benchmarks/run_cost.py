"""What a picture costs: CPU time of `genzoo run MODEL -n 16` beside `python -c "import torch"`.

python benchmarks/run_cost.py [MODEL]

The runs alternate, so that whatever else the machine does falls on both alike; user and system
time of all threads count, and the picture is written. Exits with 1 where the bar is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

BAR = 1.35


def cpu_time(command: Sequence[str], folder: str) -> float:
    """Seconds of user and system time that a command takes, in all its threads."""
    # Installed packages are compiled; so are those that are imported from a checkout.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def median_times(commands: Mapping[str, Sequence[str]], runs: int, folder: str) -> dict[str, float]:
    """The median `cpu_time` of each command, which alternate; a first round does not count."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for warm_up in [True] + [False] * runs:
        for name, command in commands.items():
            seconds = cpu_time(command, folder)
            if not warm_up:
                times[name].append(seconds)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="vae-mnist")
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    torch = [sys.executable, "-c", "import torch"]
    run = [sys.executable, "-m", "genzoo", "run", arguments.model, "-n", "16", "--seed", "0"]
    run += ["--force", "-o", "x.png"]
    with tempfile.TemporaryDirectory() as folder:
        seconds = median_times({"torch": torch, "run": run}, arguments.runs, folder)
    ratio = seconds["run"] / seconds["torch"]
    print(f"import torch       {seconds['torch']:.3f} s CPU, median of {arguments.runs}")
    print(f"genzoo run -n 16   {seconds['run']:.3f} s CPU, {arguments.model}")
    print(f"ratio              {ratio:.3f}, the bar is {BAR}")
    sys.exit(ratio > BAR)


if __name__ == "__main__":
    main()
