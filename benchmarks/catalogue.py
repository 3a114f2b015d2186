"""What genzoo costs where a great many models are installed, beside `python -c "import click"`.

    python benchmarks/catalogue.py [ROUNDS]

20 distributions with 50 models each, 1,000 in all. CPU time (user and system) of whole processes,
median of alternating rounds, and the most memory that one of them held. Fails where a bar is
missed.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from listing import BASE, GENZOO, Case, Usage, clean_environment, settle, usage

PLUGINS = 20
MODELS = 50
"""Models of each plugin."""

BARS = {
    "list PATTERN": 3.0,
    "list PATTERN --json": 3.0,
    "list": 3.0,
    "info NAME": 3.0,
    "complete `run PREFIX`": 3.0,
    "list PATTERN, cold": None,
}
"""Highest ratio by case; None where the figure is only shown."""


def install(site: Path, number: int) -> None:
    """Put a distribution with `MODELS` models into `site`, each card as full as ours are."""
    name = f"acme_{number:03}"
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(f"[genzoo]\n{name} = {name}\n", encoding="utf-8")
    folder = site / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    tables = [
        f"""
api = 2
summary = "One of many plugins."
[[components]]
kind = "model"
name = "net-{number:03}"
target = "{name}.net:Net"
options = "{name}.config:Options"
"""
    ]
    tables += [
        f"""
[[models]]
name = "model-{number:03}-{model:02}"
family = "family-{number % 10}"
summary = "One of many models, with a summary as long as such summaries are."
dataset = "mnist"
shape = [1, 28, 28]
conditioners = ["label"]
weights = "weights/model-{model:02}.safetensors"
sha256 = "{number * 1000 + model:064x}"
size = 5432100
parameters = 1234567
license = "Apache-2.0"
credits = ["MNIST: LeCun, Cortes and Burges"]
recipe = "recipes/model-{model:02}.toml"
aliases = ["alias-{number:03}-{model:02}"]
notes = "What a user should know of it, which takes a sentence or two. This is the second one."
"""
        for model in range(MODELS)
    ]
    (folder / "genzoo.toml").write_text("".join(tables), encoding="utf-8")
    figures = {
        f"model-{number:03}-{model:02}": [
            {
                "name": "Fréchet distance",
                "value": 12.5,
                "command": f"genzoo eval model-{number:03}-{model:02} --data DIR",
                "n": 10000,
                "floor": 1.5,
                "note": "in the features of the classifier",
            }
        ]
        for model in range(MODELS)
    }
    (folder / "figures.json").write_text(json.dumps(figures), encoding="utf-8")


def cases(work: Path) -> dict[str, Case]:
    """The cases by name, their caches warm."""
    site, empty = work / "site", work / "empty"
    for number in range(PLUGINS):
        install(site, number)
    settle(site)
    plain = clean_environment()
    zoo = {**plain, "PYTHONPATH": str(site)}
    warm = {**zoo, "GENZOO_CACHE": str(work / "warm")}
    typed = {"COMP_WORDS": "genzoo run model-017-4", "COMP_CWORD": "2"}
    pattern = [str(GENZOO), "list", "model-017-4*"]
    found = {
        BASE: Case([sys.executable, "-c", "import click"], plain),
        "list PATTERN": Case(pattern, warm),
        "list PATTERN --json": Case([*pattern, "--json"], warm),
        "list": Case([str(GENZOO), "list"], warm),
        "info NAME": Case([str(GENZOO), "info", "model-017-45"], warm),
        "complete `run PREFIX`": Case(
            [str(GENZOO)], {**warm, **typed, "_GENZOO_COMPLETE": "bash_complete"}
        ),
        "list PATTERN, cold": Case(
            pattern,
            {**zoo, "GENZOO_CACHE": str(empty)},
            lambda: shutil.rmtree(empty, ignore_errors=True),
        ),
    }
    for case in found.values():
        usage(case)
    return found


def main(rounds: int) -> int:
    """Measure, print a table, and say by the exit code whether all bars were reached."""
    with tempfile.TemporaryDirectory() as work:
        timed = cases(Path(work))
        used: dict[str, list[Usage]] = {name: [] for name in timed}
        for _ in range(rounds):
            for name, case in timed.items():
                used[name].append(usage(case))
        size = sum(file.stat().st_size for file in Path(work, "warm", "index").iterdir())
    seconds = {name: statistics.median(u.cpu for u in found) for name, found in used.items()}
    print(f"{PLUGINS} plugins with {MODELS} models each; an index of {size / 1e6:.1f} MB")
    print(f"{'genzoo …':32}{'ms':>8}{'ratio':>8}{'bar':>8}{'MB':>8}")
    missed = False
    for name, found in used.items():
        ratio, bar = seconds[name] / seconds[BASE], BARS.get(name)
        missed |= bar is not None and ratio > bar
        memory = max(u.memory for u in found) / 1e6
        shown = f"{bar:.1f}" if bar else ""
        print(f"{name:32}{seconds[name] * 1000:8.1f}{ratio:8.2f}{shown:>8}{memory:8.0f}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 11))
