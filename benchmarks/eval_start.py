"""How soon `genzoo eval` begins: its CPU time before the first batch, beside `import torch`.

python benchmarks/eval_start.py [MODEL] --data DIR

The cache is filled first, by a whole evaluation. A plugin's hook then ends the process where it
would make pictures. The runs alternate, so that whatever else the machine does falls on both
alike; user and system time of all threads count. Exits with 1 where the bar is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from run_cost import cpu_time, median_times

BAR = 1.5

STOPS = """
import os
from genzoo_core import hookimpl

@hookimpl
def genzoo_before_run(record):
    os._exit(0)
"""


def install_stop(site: Path) -> None:
    """Put a plugin into `site` that ends each process before its first picture."""
    package, info = site / "stops", site / "stops-1.0.dist-info"
    files = {
        package / "__init__.py": STOPS,
        package / "genzoo.toml": 'api = 2\nhooks = ["genzoo_before_run"]\n',
        info / "METADATA": "Metadata-Version: 2.1\nName: stops\nVersion: 1.0\n",
        info / "entry_points.txt": "[genzoo]\nstops = stops\n",
    }
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    hour_ago = time.time() - 3600  # what changed a moment ago is looked at again each time
    for path in (*site.rglob("*"), site):
        os.utime(path, (hour_ago, hour_ago))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="gan-mnist")
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    # As the hook ends it: an interpreter that shuts down takes another tenth of a second or more.
    torch = [sys.executable, "-c", "import os, torch; os._exit(0)"]
    evaluate = [sys.executable, "-m", "genzoo", "eval", arguments.model, "-n", "1000"]
    evaluate += ["--data", str(arguments.data.resolve()), "--no-costs"]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GENZOO_CACHE"] = str(Path(folder, "cache"))
        cold = cpu_time([*evaluate, "--seed", "0"], folder)
        install_stop(Path(folder, "site"))
        os.environ["PYTHONPATH"] = str(Path(folder, "site"))
        # Another seed is another report, of the same real images.
        commands = {"torch": torch, "eval": [*evaluate, "--seed", "1"]}
        seconds = median_times(commands, arguments.runs, folder)
    ratio = seconds["eval"] / seconds["torch"]
    print(f"import torch   {seconds['torch']:.2f} s CPU, median of {arguments.runs}")
    print(f"genzoo eval    {seconds['eval']:.2f} s CPU before its first batch, {arguments.model}")
    print(f"all of it      {cold:.0f} s CPU with an empty cache")
    print(f"ratio          {ratio:.2f}, the bar is {BAR}")
    sys.exit(ratio > BAR)


if __name__ == "__main__":
    main()
