"""What `genzoo list` costs, beside `python -c "import click"`.

    python benchmarks/listing.py [ROUNDS]

CPU time (user and system) of whole processes, median of alternating rounds. Fails where a bar
is missed, or where listing imports torch, numpy or a plugin.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

GENZOO = Path(sys.executable).with_name("genzoo")
FURTHER = 100
"""Plugins that are installed beside genzoo's own for one of the figures."""

BASE = 'python -c "import click"'
BARS = {"warm": 1.6, f"warm, {FURTHER} further plugins": 2.0, "cold": 6.0}
FORBIDDEN = ("torch", "numpy", "genzoo_autoencoder", "genzoo_vae", "genzoo_train", "acme_0")


@dataclass(frozen=True)
class Case:
    """A command that is timed.

    Attributes:
        command: Its words.
        environment: Its environment.
        prepare: Called before each run.
    """

    command: list[str]
    environment: Mapping[str, str]
    prepare: Callable[[], object] = lambda: None


class Usage(NamedTuple):
    """What one run took: seconds of CPU, and bytes of memory at most."""

    cpu: float
    memory: int


def usage(case: Case) -> Usage:
    """Run a case, and say what it took."""
    case.prepare()
    process = subprocess.Popen(
        case.command,
        env=case.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, case.command
    unit = 1 if sys.platform == "darwin" else 1024
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss * unit)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would steer genzoo or Python."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("GENZOO_", "PYTHON"))}


def install(site: Path, number: int) -> None:
    """Put a plugin with a model, a component and a command into `site`."""
    name = f"acme_{number}"
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(f"[genzoo]\n{name} = {name}\n", encoding="utf-8")
    folder = site / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "genzoo.toml").write_text(
        f"""
api = 2
[[components]]
kind = "model"
name = "net-{number}"
target = "{name}.net:Net"
[[commands]]
name = "paint-{number}"
help = "Paints."
target = "{name}.cli:paint"
[[models]]
name = "model-{number}"
family = "vae"
summary = "One of many."
dataset = "mnist"
shape = [1, 28, 28]
weights = "weights/model.safetensors"
""",
        encoding="utf-8",
    )


def settle(folder: Path) -> None:
    """Make all of it an hour old: what changed a moment ago is not kept in the index."""
    hour_ago = folder.stat().st_mtime - 3600
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (hour_ago, hour_ago))


def cases(work: Path) -> dict[str, Case]:
    """The cases by name, their caches warm."""
    site, empty = work / "site", work / "empty"
    for number in range(FURTHER):
        install(site, number)
    settle(site)
    plain = clean_environment()
    warm = {**plain, "GENZOO_CACHE": str(work / "warm")}
    listing = [str(GENZOO), "list"]
    found = {
        BASE: Case([sys.executable, "-c", "import click"], plain),
        "warm": Case(listing, warm),
        f"warm, {FURTHER} further plugins": Case(listing, {**warm, "PYTHONPATH": str(site)}),
        "cold": Case(
            listing,
            {**plain, "GENZOO_CACHE": str(empty)},
            lambda: shutil.rmtree(empty, ignore_errors=True),
        ),
    }
    for case in found.values():
        usage(case)
    return found


def imported(case: Case) -> set[str]:
    """Top-level names of what a run of a case imports."""
    case.prepare()
    done = subprocess.run(
        case.command,
        env={**case.environment, "PYTHONPROFILEIMPORTTIME": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def main(rounds: int) -> int:
    """Measure, print a table, and say by the exit code whether all bars were reached."""
    with tempfile.TemporaryDirectory() as work:
        timed = cases(Path(work))
        times: dict[str, list[float]] = {name: [] for name in timed}
        for _ in range(rounds):
            for name, case in timed.items():
                times[name].append(usage(case).cpu)
        slow = {name: imported(timed[name]) & set(FORBIDDEN) for name in BARS}
    base = statistics.median(times[BASE])
    print(f"{BASE}: {base * 1000:.1f} ms of CPU, median of {rounds}")
    print(f"{'genzoo list':32}{'ms':>8}{'ratio':>8}{'bar':>8}")
    missed = False
    for name, bar in BARS.items():
        median = statistics.median(times[name])
        ratio = median / base
        missed |= ratio > bar or bool(slow[name])
        print(f"{name:32}{median * 1000:8.1f}{ratio:8.2f}{bar:8.1f}")
        if slow[name]:
            print(f"  imports {', '.join(sorted(slow[name]))}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
