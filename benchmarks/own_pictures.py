"""How good a model of one's own pictures is, by family and size, after 20 minutes of training.

    python benchmarks/own_pictures.py DIR/emoji_styles -o runs/own-pictures [--time 20m]

The emoji in four styles, as if they were a stranger's: PNGs in a folder for each style, with their
captions in .txt files beside them. Each family is trained on them with `genzoo train FAMILY`, and
measured with `genzoo eval` in nets that were trained for these pictures alone. All plans are made
first, on the idle machine (but for what is trained on a codec, which has to be there): from then on
their steps are fixed, so that what runs later beside a training makes it longer, but not worse.
What is there is not made again. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import msgspec
from pyarrow import parquet

from genzoo_core import Recipe
from genzoo_eval.keys import format_value
from genzoo_eval.report import Report

FAMILIES = ("flow", "ldm", "ddpm", "gan", "vae", "ae")


def unpack(dataset: Path, folder: Path) -> None:
    """Write each picture as `folder/split/style/number.png`, with its caption beside it."""
    for split in ("train", "test"):
        (source,) = dataset.glob(f"{split}-*.parquet")
        columns = parquet.read_table(source, columns=["image", "text", "style"]).to_pylist()
        for number, row in enumerate(columns):
            file = folder / split / row["style"] / f"{number:05}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(row["image"]["bytes"])
            file.with_suffix(".txt").write_text(row["text"], encoding="utf-8")


def genzoo(out: Path, *words: str) -> str:
    """Run a command whose list, and whose nets, are in `out`; returns what it printed."""
    own = {"GENZOO_MODELS": str(out / "models"), "GENZOO_CACHE": str(out / "cache")}
    own["GENZOO_DISABLE"] = "eval" if words[0] == "train" else ""  # it is measured once, by itself
    command = [sys.executable, "-m", "genzoo", *words]
    print("$ genzoo", *words, file=sys.stderr, flush=True)
    done = subprocess.run(
        command, env={**os.environ, **own}, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    return done.stdout


def row(run: Path) -> str:
    """A line of the table: what was made, and beside its floor how good it is."""
    recipe = msgspec.toml.decode((run / "recipe.toml").read_bytes(), type=Recipe)
    report = msgspec.json.decode((run / "report.json").read_bytes(), type=Report)
    steps = " + ".join(f"{stage.steps:,} × {stage.batch_size}" for stage in recipe.stages)
    figures = [figure for figure in report.figures if figure.key == "fd" and figure.floor]
    figures += filter(None, map(report.figure, ("accuracy", "memorised", "sharpness")))
    cells = [run.name, steps]
    for figure in figures:
        floor = "" if figure.floor is None else f" / {format_value(figure.key, figure.floor)}"
        cells.append(format_value(figure.key, figure.value) + floor)
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="folder of emoji_styles, as parquet")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--time", default="20m", help="of each training (%(default)s)")
    parser.add_argument("--family", nargs="+", default=FAMILIES)
    parser.add_argument("--size", nargs="+", default=("32", "64"))
    asked = parser.parse_args()
    out, data = asked.out.resolve(), asked.out.resolve() / "emoji"
    if not data.exists():
        unpack(asked.dataset, data)
    wanted = [(family, size) for size in asked.size for family in asked.family]
    for only_plan in (True, False):
        for family, size in wanted:
            run = out / f"{family}-{size}"
            words = ["train", family, "--data", str(data), "--size", size, "--time", asked.time]
            words += ["--name", run.name, "--out", str(run), "--resume"]
            if only_plan and not (run / "recipe.toml").exists():
                genzoo(out, *words, "--max-steps", "1")
            elif not only_plan and not (run / "report.json").exists():
                genzoo(out, *words)
                report = genzoo(out, "eval", run.name, "--data", str(data), "--no-costs", "--json")
                (run / "report.json").write_text(report, encoding="utf-8")
    for family, size in wanted:
        print(row(out / f"{family}-{size}"))


if __name__ == "__main__":
    main()
