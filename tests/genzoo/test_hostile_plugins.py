"""Rows 22 to 27 of what is hostile, with faulty plugins that pip installed side by side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from shelf import GENZOO, command, component, model
from wheels import write_wheel

HOOK = 'api = 2\nhooks = ["genzoo_before_run"]'
IMPLEMENT = "from genzoo_core import hookimpl\n@hookimpl\n"
LOUD = "import os\nprint('loud')\nos.write(1, b'louder\\n')\nos.system('echo loudest')\n"
MARK = "import pathlib\n(pathlib.Path(__file__).parent / 'imported').touch()\n"
SLOW = f"{MARK}import time\ntime.sleep(3)\n"
TELLS = "def genzoo_before_run(record):\n    open(os.environ['TOLD'], 'a').write(record.model)\n"
TAKEN = (
    model("taken"),
    component("taken", "noiser", "x:Noiser"),
    command("taken", "x:command"),
)

WITH_HOOK = {
    "raising-one": "raise ValueError('at import')",
    "exiting-one": "import sys\nsys.exit('I leave')",
    "midway-one": f"{IMPLEMENT}def genzoo_before_run(record): raise KeyError('in mid-call')",
    "leaving-one": f"{IMPLEMENT}def genzoo_before_run(record): raise SystemExit(7)",
    "loud-one": f"{LOUD}{IMPLEMENT}def genzoo_before_run(record):\n    print('loud in a call')",
    "signed-one": f"{IMPLEMENT}def genzoo_before_run(record, extra): ...",
    "misspelt-one": f"{IMPLEMENT}def genzoo_before_rnu(record): ...",
    "sound-one": f"import os\n{IMPLEMENT}{TELLS}",
}
"""Plugins that list `genzoo_before_run`, and their modules; the sound one comes last."""

NO_MANIFEST = {
    "untoml-one": ("this is no TOML", "genzoo.toml is not TOML"),
    "lacking-one": ('summary = "No API."', "missing required field `api`"),
    "newer-one": ("api = 99\nnews = true", "written for API 99; this genzoo knows 2"),
}
"""Plugins with a faulty manifest, and what is said of each."""


class Crowd(NamedTuple):
    """A folder in which pip installed all of them, and the cache of who uses it."""

    site: Path
    home: Path

    def genzoo(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run genzoo beside them; it must not show a traceback."""
        own = {
            "PYTHONPATH": str(self.site),
            "GENZOO_CACHE": str(self.home / "cache"),
            "TOLD": str(self.home / "told"),
        }
        kept = {n: v for n, v in os.environ.items() if not n.startswith("GENZOO_")}
        done = subprocess.run(
            [str(GENZOO), *words],
            capture_output=True,
            text=True,
            cwd=self.home,
            env={**kept, **own, **more},
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    def plugin(self, distribution: str) -> dict[str, Any]:
        """What `genzoo plugins --json` says of the plugin of a distribution."""
        done = self.genzoo("plugins", "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["plugins"]
        return next(entry for entry in found if entry["distribution"] == distribution)

    def imported(self, distribution: str) -> bool:
        """Whether the plugin's module has run."""
        return (self.site / distribution.replace("-", "_") / "imported").exists()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    folder = tmp_path_factory.mktemp("crowd")
    wheels = [
        write_wheel(folder, name, head=HOOK, files={"__init__.py": body})
        for name, body in WITH_HOOK.items()
    ]
    wheels += [write_wheel(folder, name, head=head) for name, (head, _) in NO_MANIFEST.items()]
    wheels += [write_wheel(folder, name, *TAKEN) for name in ("first-owner", "second-owner")]
    slow = (model("slow"), component("slow", "noiser", "slow_one:Noiser"))
    wheels.append(write_wheel(folder, "slow-one", *slow, files={"__init__.py": SLOW}))
    site, home = folder / "site", folder / "home"
    home.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", str(site), *map(str, wheels)], check=True)
    return Crowd(site, home)


@pytest.fixture(scope="module")
def run(crowd: Crowd) -> subprocess.CompletedProcess[str]:
    """A run of one of genzoo's own models beside them all."""
    done = crowd.genzoo("run", "vae-mlp-mnist", "-n", "1", "--seed", "0", "-o", "x.png", "--json")
    assert done.returncode == 0, done.stderr
    return done


def warnings(done: subprocess.CompletedProcess[str], distribution: str) -> list[str]:
    """The warnings that name the plugin of a distribution."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("Warning: ")]
    return [line for line in lines if f"({distribution} 1.0)" in line]


@pytest.mark.parametrize(
    ("distribution", "why"),
    [
        ("raising-one", "cannot be imported: raising_one: ValueError: at import"),
        ("exiting-one", "cannot be imported: exiting_one: SystemExit: I leave"),
        ("midway-one", "genzoo_before_run failed: KeyError: 'in mid-call'"),
        ("leaving-one", "genzoo_before_run failed: SystemExit: 7"),
    ],
)
def test_hostile_22_one_that_fails_is_a_warning_and_the_run_goes_on(
    crowd: Crowd, run: subprocess.CompletedProcess[str], distribution: str, why: str
) -> None:
    [line] = warnings(run, distribution)
    assert why in line
    assert (crowd.home / "x.png").exists()
    assert (crowd.home / "told").read_text() == "genzoo/vae-mlp-mnist"  # the sound one, after them


def test_hostile_23_what_one_prints_does_not_spoil_what_a_program_reads(
    run: subprocess.CompletedProcess[str],
) -> None:
    assert json.loads(run.stdout)["seeds"] == [0]
    assert {"loud", "louder", "loudest", "loud in a call"} <= set(run.stderr.splitlines())


def test_hostile_24_nobody_waits_for_a_slow_one_but_who_asks_for_times(
    crowd: Crowd, run: subprocess.CompletedProcess[str]
) -> None:
    assert "slow" in [m["name"] for m in json.loads(crowd.genzoo("list", "--json").stdout)]
    assert crowd.genzoo("info", "slow").returncode == 0
    assert not crowd.imported("slow-one")
    alone = {"GENZOO_PLUGINS": "slow-one", "GENZOO_DISABLE": "genzoo"}
    done = crowd.genzoo("plugins", "--times", "--json", **alone)
    times = {p["distribution"]: p["seconds"] for p in json.loads(done.stdout)["plugins"]}
    assert times["slow-one"] >= 3
    assert [times[name] for name in ("raising-one", "genzoo")] == [None, None]


def test_hostile_25_a_name_that_two_have_belongs_to_neither(crowd: Crowd) -> None:
    listed = crowd.genzoo("list", "taken")
    assert {line.split()[0] for line in listed.stdout.splitlines()[1:]} == {
        "first-owner/taken",
        "second-owner/taken",
    }
    for words in (["info", "taken"], ["run", "taken"], ["taken"]):
        done = crowd.genzoo(*words)
        assert done.returncode == 2
        [line] = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
        assert "first-owner/taken and second-owner/taken; use the full name" in line
    assert crowd.genzoo("info", "second-owner/taken").returncode == 0
    told = crowd.genzoo("plugins").stderr
    for what in ("model taken", "command taken", "component noiser taken"):
        assert f"{what} is ambiguous: first_owner (first-owner 1.0) and second_owner" in told


@pytest.mark.parametrize(
    ("distribution", "why"),
    [
        ("signed-one", "Argument(s) {'extra'}"),
        ("misspelt-one", "unknown hook genzoo_before_rnu; did you mean genzoo_before_run"),
    ],
)
def test_hostile_26_a_wrong_hook_is_a_warning_that_says_what_is_wrong(
    run: subprocess.CompletedProcess[str], distribution: str, why: str
) -> None:
    [line] = warnings(run, distribution)
    assert why in line


@pytest.mark.parametrize("distribution", NO_MANIFEST)
def test_hostile_27_one_with_a_faulty_manifest_is_listed_as_broken(
    crowd: Crowd, distribution: str
) -> None:
    found = crowd.plugin(distribution)
    assert (found["status"], found["version"]) == ("broken", "1.0")
    [error] = found["errors"]
    assert NO_MANIFEST[distribution][1] in error
    assert found["removal"].endswith(f" uninstall {distribution}")
    listed = crowd.genzoo("list", "vae-mlp-mnist")
    assert listed.returncode == 0
    assert f"({distribution} 1.0)" in listed.stderr
    assert "3 plugins are broken" in listed.stderr
