"""Manifests of an installed plugin: it is listed, or broken alone; none of it runs."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from importlib import invalidate_caches
from pathlib import Path
from random import Random

from fuzzing.judging import check_message, command, expect, parsed
from fuzzing.material import install, on_path
from fuzzing.mutations import as_json, as_toml, changed, changed_text

import genzoo
from genzoo_core.plugin import Plugin

MANIFEST = """
api = 2
summary = "A plugin."
hooks = ["genzoo_after_run"]
[[models]]
name = "one"
family = "vae"
summary = "The model one."
shape = [1, 8, 8]
weights = "w.safetensors"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
size = 10
recipe = "recipes/one.toml"
[[models]]
name = "two"
family = "vae"
summary = "The model two."
aliases = ["deux"]
conditioners = ["label"]
credits = ["someone"]
[[components]]
kind = "model"
name = "net"
target = "mutant_one.models:Net"
options = "mutant_one.models:Options"
[[commands]]
name = "do"
help = "Does it."
target = "mutant_one.commands:do"
extra = "train"
"""
FIGURES = {
    "one": [
        {"name": "FD", "value": 1.5, "command": "genzoo eval x", "n": 10, "floor": 1.0},
        {"name": "R", "value": 50, "command": "genzoo eval x", "unit": "%", "note": "A net."},
    ]
}
SOUND = """
api = 2
[[models]]
name = "fine"
family = "vae"
summary = "The model fine."
"""


def prepare() -> Callable[[Random], None]:
    site, folder = install_both()
    tree = tomllib.loads(MANIFEST)

    def example(chance: Random) -> None:
        text = as_toml(changed(chance, tree)).encode("utf-8", "surrogatepass")
        text = changed_text(chance, text) if chance.random() < 0.2 else text
        figures = as_json(FIGURES)
        if chance.random() < 0.3:
            text = MANIFEST.encode()
            figures = as_json(changed(chance, FIGURES))
            figures = changed_text(chance, figures) if chance.random() < 0.3 else figures
        (folder / "genzoo.toml").write_bytes(text)
        (folder / "figures.json").write_bytes(figures)
        [found] = look(chance, site)
        expect((found.name, found.distribution) == ("mutant_one", "mutant-one"), "another name")

    return example


def install_both() -> tuple[Path, Path]:
    """Install a sound plugin and the one to change; the site, and that one's package."""
    os.environ["GENZOO_DISABLE"] = "genzoo"  # a search is fast without these
    site = on_path("site")
    install(site, "sound-one", SOUND)
    return site, install(site, "mutant-one", MANIFEST)


def look(chance: Random, site: Path) -> list[Plugin]:
    """Check that the sound plugin works, and what is said of the others, which it gives."""
    os.utime(site)  # as an installer does; and times are too coarse for Python to tell
    invalidate_caches()
    zoo = genzoo.open_zoo()
    expect(zoo.card("sound-one/fine").name == "fine", "the sound model is another")
    found = [
        plugin for plugin in zoo.plugins() if plugin.distribution not in ("sound-one", "genzoo")
    ]
    for plugin in found:
        if plugin.manifest is None:
            check_message(plugin.error)
        else:
            expect(plugin.error == "", plugin.error)
            expect(all(card.size >= 0 for card in plugin.manifest.models), "a negative size")
    if chance.random() < 0.03:
        expect("fine" in command("list"), "the sound model is not listed")
        expect(("mutant" in command("plugins")) >= bool(found), "the plugin is not listed")
        command("info", "sound-one/fine")
        command("--help")
        parsed(command("list", "--json"))
        parsed(command("plugins", "--json"))
    expect(not list(site.glob("*/*.ran")), "code of a plugin ran")
    return found
