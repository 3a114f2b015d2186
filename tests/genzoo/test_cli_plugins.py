"""`genzoo plugins`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from shelf import Shelf, command, component, model

ALONE = {"GENZOO_DISABLE": "genzoo"}
"""Leaves out genzoo's own plugins, whose check imports torch."""


def entry(shelf: Shelf, name: str, *arguments: str) -> dict[str, Any]:
    """What `genzoo plugins --json` says of a plugin."""
    done = shelf.genzoo("plugins", "--json", *arguments, **ALONE)
    [found] = [e for e in json.loads(done.stdout)["plugins"] if e["name"] == name]
    assert done.returncode == (1 if "--check" in arguments and found["status"] == "broken" else 0)
    return dict(found)


def test_plugins_are_shown_with_what_they_bring(shelf: Shelf) -> None:
    folder = shelf.add(
        "acme",
        model("x"),
        model("y"),
        component("net", "model", "acme:Net"),
        command("paint", "acme:paint"),
        head='api = 2\nsummary = "Cats."\nhooks = ["genzoo_before_run"]',
    )
    done = shelf.genzoo("plugins")
    assert done.returncode == 0
    [line] = [line for line in done.stdout.splitlines() if line.startswith("acme ")]
    assert line.split()[:4] == ["acme", "acme", "1.0", "ok"]
    assert line.endswith("2 models, 1 component, 1 command, 1 hook")
    assert entry(shelf, "acme") == {
        "name": "acme",
        "distribution": "acme",
        "version": "1.0",
        "module": "acme",
        "folder": str(folder),
        "builtin": False,
        "summary": "Cats.",
        "status": "ok",
        "errors": [],
        "removal": "genzoo uninstall acme",
        "models": ["x", "y"],
        "components": ["model net"],
        "commands": ["paint"],
        "formats": [],
        "hooks": ["genzoo_before_run"],
        "seconds": None,
    }
    assert not (folder / "imported").exists()


def test_a_broken_plugin_is_shown_with_its_error_and_how_to_remove_it(shelf: Shelf) -> None:
    shelf.add("bad-one", head="no")
    done = shelf.genzoo("plugins")
    assert done.returncode == 0
    assert "bad_one (bad-one 1.0) is broken: genzoo.toml is not TOML" in done.stdout
    assert "remove it with `genzoo uninstall bad-one`" in done.stdout
    assert shelf.genzoo("plugins", "--check", **ALONE).returncode == 1


def test_a_disabled_plugin_is_shown_as_such(shelf: Shelf) -> None:
    shelf.add("acme", head="no")
    lines = shelf.genzoo("--no-plugins", "plugins").stdout.splitlines()
    assert ["acme", "acme", "1.0", "disabled"] in [line.split() for line in lines]


def test_genzoos_own_plugins_pass_their_check(shelf: Shelf) -> None:
    done = shelf.genzoo("plugins", "--check", "--times", "--json")
    found = json.loads(done.stdout)
    assert [e["errors"] for e in found["plugins"]] == [[] for _ in found["plugins"]]
    assert all(e["seconds"] >= 0 for e in found["plugins"])
    assert done.returncode == 0


HOOK = "from genzoo_core import hookimpl\n@hookimpl\n"
NET = component("net", "model", "faulty.net:Net")
OPTIONS = NET + 'options = "faulty.net:Options"\n'


@pytest.mark.parametrize(
    ("name", "tables", "files", "why"),
    [
        ("22 raises", "", {"__init__.py": "raise ValueError('no')"}, "ValueError: no"),
        ("22 exits", "", {"__init__.py": "import sys; sys.exit(0)"}, "SystemExit: 0"),
        ("22 ends", "", {"__init__.py": "import os; os._exit(7)"}, "with code 7"),
        ("22 target", NET, {"net.py": "raise ValueError('no')"}, "faulty.net: ValueError: no"),
        ("target", NET, {"net.py": "class Nett: ..."}, "did you mean Nett"),
        ("target", NET, {}, "No module named 'faulty.net'"),
        ("options", OPTIONS, {"net.py": "class Net: ...\nOptions = 3"}, "no msgspec.Struct"),
        ("command", command("paint", "faulty:paint"), {"__init__.py": "paint = 3"}, "no click"),
        ("weights", model("x", weights="x.safetensors"), {}, "lacks its file"),
        ("recipe", model("x", recipe="x.toml"), {"x.toml": "no"}, "x.toml"),
        (
            "26 signature",
            "",
            {"__init__.py": HOOK + "def genzoo_after_run(record, picture): ..."},
            "Argument(s) {'picture'}",
        ),
        (
            "26 misspelt",
            "",
            {"__init__.py": HOOK + "def genzoo_after_rnu(record): ..."},
            "unknown hook genzoo_after_rnu; did you mean genzoo_after_run",
        ),
    ],
)
def test_a_check_finds_what_is_faulty(
    shelf: Shelf, name: str, tables: str, files: dict[str, str], why: str
) -> None:
    hooks = 'hooks = ["genzoo_after_run"]' if name.startswith("26") else ""
    shelf.add("faulty", tables, head=f"api = 2\n{hooks}", files={"__init__.py": "", **files})
    assert entry(shelf, "faulty")["status"] == "ok"
    found = entry(shelf, "faulty", "--check")
    assert found["status"] == "broken"
    assert why in found["errors"][0]
    assert not any("\n" in error for error in found["errors"])


def test_a_check_finds_a_wrong_sha256(shelf: Shelf) -> None:
    header = b'{"__metadata__":{"format":"genzoo","format_version":"1","model":' + (
        b'"{\\"component\\":\\"acme/net\\"}"}}'
    )
    header += b" " * (-len(header) % 8)
    folder = shelf.add(
        "acme",
        model("x", weights="x.safetensors", sha256="0" * 64),
        files={"__init__.py": ""},
    )
    (folder / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert "sha256 is not the card's" in entry(shelf, "acme", "--check")["errors"][0]


def test_hostile_23_what_a_plugin_prints_does_not_spoil_json(shelf: Shelf) -> None:
    loud = "import os\nprint('loud')\nos.write(1, b'louder')\nos.system('echo loudest')\n"
    shelf.add("acme", files={"__init__.py": loud})
    assert entry(shelf, "acme", "--check")["status"] == "ok"


def test_an_extra_that_is_not_installed_is_no_fault(shelf: Shelf) -> None:
    body = "import click\nimport not_installed_anywhere\n"
    files = {"__init__.py": "", "cli.py": body}
    shelf.add("acme", command("paint", "acme.cli:paint", extra="paint"), files=files)
    assert entry(shelf, "acme", "--check")["status"] == "ok"


def test_hostile_24_times_show_which_import_is_slow(shelf: Shelf) -> None:
    shelf.add("acme", files={"__init__.py": "import time; time.sleep(0.5)"})
    assert entry(shelf, "acme", "--times")["seconds"] >= 0.5
    header, *lines = shelf.genzoo("plugins", "--times", **ALONE).stdout.splitlines()
    [line] = [line for line in lines if line.startswith("acme ")]
    assert float(line[header.index("IMPORT") :].split()[0]) >= 0.5


def test_hostile_25_names_that_are_taken_are_told_of(shelf: Shelf) -> None:
    shelf.add("acme", model("x"), command("list", "acme:a"), command("paint", "acme:b"))
    shelf.add("other", model("x"), command("paint", "other:b"))
    expected = {
        "command list is genzoo's own; acme's is `genzoo acme/list`",
        "command paint is ambiguous: acme (acme 1.0) and other (other 1.0) have it",
        "model x is ambiguous: acme (acme 1.0) and other (other 1.0) have it",
    }
    assert set(shelf.json("plugins")["conflicts"]) == expected
    warnings = shelf.genzoo("plugins").stderr.splitlines()
    assert {line.removeprefix("Warning: ") for line in warnings} == expected


def test_a_check_says_each_fault_once_with_its_file_and_line(shelf: Shelf) -> None:
    files = {
        "net.py": "import os\n\n\ndef load():\n    import not_there\n\n\nload()\n",
        "odd.py": "x = 1\ndef (:\n",
        "fine.py": "class Fine:\n    pass\n",
    }
    targets = {"a": "net:A", "b": "net:B", "c": "odd:C", "d": "fine:D", "e": "fine:Fine"}
    tables = [component(name, "sampler", f"acme.{target}") for name, target in targets.items()]
    folder = shelf.add("acme", *tables, files=files)
    errors = entry(shelf, "acme", "--check")["errors"]
    manifest = (folder / "genzoo.toml").read_text(encoding="utf-8").splitlines()
    number = manifest.index('target = "acme.fine:D"') + 1
    assert errors == [
        "cannot be imported: acme.net: ModuleNotFoundError: No module named 'not_there' "
        f"({folder}/net.py:5)",
        f"cannot be imported: acme.odd: SyntaxError: invalid syntax ({folder}/odd.py:2)",
        f"module acme.fine has no 'D' ({folder}/genzoo.toml:{number})",
    ]
    drawn = shelf.genzoo("plugins", "--check", **ALONE).stdout
    assert drawn.count("not_there") == 1
