"""What is installed: genzoo, what it requires, and its plugins."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

import click
import msgspec

import genzoo
from genzoo.cli.doctor import Finding, State
from genzoo.cli.doctor.imports import failing, module_of
from genzoo.cli.plugins import conflicts
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.distributions import installations, installed, installed_version
from genzoo.plugins.guard import removal_hint, run_fresh
from genzoo.text import many
from genzoo_core.errors import GenzooError
from genzoo_core.plugin import Plugin
from genzoo_core.progress import on_terminal

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

PRIVATE = ("dev",)
"""Extras for who works on genzoo itself."""

PATIENCE = 900.0
"""Seconds that torch may take."""


class Need(NamedTuple):
    """A distribution that genzoo requires, or an `extra` of it.

    `problem` is what is wrong with it, "" for nothing, and `advice` what to do about that.
    """

    name: str
    wanted: SpecifierSet
    extra: str
    problem: str = ""
    advice: str = ""


class Packages:
    """What genzoo and its extras require here, looked up and imported once."""

    @cached_property
    def needs(self) -> tuple[Need, ...]:
        """All of it, with what is wrong."""
        needs = tuple(_needs())
        modules = {}
        for need in needs:
            found = None if need.problem or need.extra in PRIVATE else installed(need.name)
            if module := found and module_of(found):
                modules[need.name] = module
        if on_terminal():
            click.echo("importing what is installed …", err=True)  # it takes seconds
        errors = failing(modules.values())
        return tuple(
            need._replace(
                problem=f"{need.name} is installed and cannot be imported: {error}",
                advice=f"`pip install --force-reinstall {quote(need.name)}`",
            )
            if (error := errors.get(modules.get(need.name, "")))
            else need
            for need in needs
        )


class Torch(msgspec.Struct, frozen=True):
    """What torch says of itself: the CUDA it was built for, and its devices beside the CPU."""

    version: str
    cuda: str | None
    devices: tuple[str, ...]
    threads: int


def look_at_packages(packages: Packages) -> Iterator[Finding]:
    """genzoo, and the versions of what it requires."""
    folder = os.path.dirname(os.path.abspath(str(genzoo.__file__)))
    yield Finding("genzoo", f"{installed_version('genzoo')}, {folder}")
    needs = [need for need in packages.needs if not need.extra]
    sound = [f"{need.name} {installed_version(need.name)}" for need in needs if not need.problem]
    yield Finding("requires", ", ".join(sound))
    for need in needs:
        if need.problem:
            yield Finding("requires", need.problem, "problem", need.advice)


def look_at_torch() -> Iterator[Finding]:
    """Whether torch computes, and on what."""
    torch = _try_torch()
    built = f"built for CUDA {torch.cuda}" if torch.cuda else "built without CUDA"
    text = f"{torch.version} computes, with {many(torch.threads, 'thread')}; {built}"
    advice = ""
    if torch.devices:
        text += f"; {', '.join(torch.devices)}"
    elif torch.cuda:
        text += ", but it finds no GPU"
        advice = "look at the driver with `nvidia-smi`; a build for the CPU is far smaller"
    elif shutil.which("nvidia-smi"):
        text += ", and there seems to be a GPU"
        advice = "to use it, install torch as its own page says"
    yield Finding("torch", text, "note" if advice else "ok", advice)


def look_at_extras(packages: Packages, no_plugins: bool) -> Iterator[Finding]:
    """The extras of genzoo: which are there, and what they are for."""
    needs: dict[str, list[Need]] = defaultdict(list)
    for need in packages.needs:
        if need.extra and need.extra not in PRIVATE:
            needs[need.extra].append(need)
    purposes = _purposes(no_plugins)
    for extra, wanted in needs.items():
        purpose = ", ".join(purposes[extra])
        text = f"{extra}, for {purpose}" if purpose else extra
        lacking = [need for need in wanted if need.problem]
        broken = [need.advice for need in lacking if "--force-reinstall" in need.advice]
        advice = " and ".join(broken) or (f"`pip install 'genzoo[{extra}]'`" if lacking else "")
        state: State = "note" if lacking else "ok"
        said = "; ".join(need.problem for need in lacking) or "installed, and can be imported"
        yield Finding("extra", f"{text}: {said}", state, advice)


def look_at_plugins(no_plugins: bool, check: bool) -> Iterator[Finding]:
    """Plugins that are broken or left out, and names that several have; `check` imports all."""
    catalogue = Catalogue.open(no_plugins=no_plugins)
    sound = [plugin for plugin in catalogue.plugins if plugin.status == "ok"]
    others = [str(plugin) for plugin in sound if not plugin.builtin]
    text = f"{len(sound) - len(others)} of genzoo's own; {', '.join(others) or 'no others'}"
    yield Finding("plugins", text)
    hidden = [str(plugin) for plugin in catalogue.plugins if plugin.status == "disabled"]
    if hidden:
        advice = "GENZOO_PLUGINS, GENZOO_DISABLE or --no-plugins ask for that"
        yield Finding("plugins", f"left out: {', '.join(hidden)}", "note", advice)
    for plugin in catalogue.broken:
        yield _broken(plugin, plugin.error)
    for line in conflicts(catalogue):
        yield Finding("names", line, "note", "say distribution/name")
    for name in sorted({plugin.distribution for plugin in catalogue.plugins}):
        yield from _leftovers(name)
    if check:
        from genzoo.models.verify import verify_plugin

        faults = [_broken(p, problem) for p in sound for problem in verify_plugin(p).problems]
        yield from faults or [Finding("plugins", "all that they name can be imported")]


def _leftovers(name: str) -> Iterator[Finding]:
    """What lies on the path of a distribution beside the installation that counts."""
    found = [each.folder for each in installations(name)]
    for other in found[1:]:
        counting = found[0]
        text = f"{name} is there twice: {counting} counts, {other} does not"
        beside = other.parent == counting.parent
        yield Finding("plugins", text, "note", f"`rm -r {quote(str(other))}`" if beside else "")


def _broken(plugin: Plugin, error: str) -> Finding:
    advice = "install genzoo anew" if plugin.builtin else removal_hint(plugin) or ""
    return Finding("plugins", f"{plugin} is broken: {error}", "problem", advice)


def _purposes(no_plugins: bool) -> dict[str, list[str]]:
    """The commands that need each extra, as far as the plugins can be read."""
    purposes: dict[str, list[str]] = defaultdict(list)
    try:
        commands = Catalogue.open(no_plugins=no_plugins).commands
    except GenzooError:  # the look at the plugins reports it
        return purposes
    for command in commands:
        if command.plugin.builtin:
            for extra in filter(None, command.entry.extra.split(",")):
                purposes[extra].append(f"`genzoo {command.bare}`")
    return purposes


def _needs() -> Iterator[Need]:
    """What genzoo requires here, and what its extras do."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    genzoo = installed("genzoo")
    if genzoo is None:
        raise GenzooError("genzoo itself is not installed", "`pip install genzoo`")
    extras = ["", *(genzoo.metadata.get_all("Provides-Extra") or [])]
    for each in map(Requirement, genzoo.requires or []):
        name = canonicalize_name(each.name)
        for extra in extras:
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                advice = f"`pip install '{name}{each.specifier}'`"
                yield Need(name, each.specifier, extra, _problem(name, each.specifier), advice)
                break


def _problem(name: str, wanted: SpecifierSet) -> str:
    from packaging.version import InvalidVersion

    version = installed_version(name)
    if version is None:
        return f"{name} is not installed"
    try:
        fits = wanted.contains(version, prereleases=True)
    except InvalidVersion:
        fits = True  # an old spelling that cannot be compared
    return "" if fits else f"{name} {version} is installed, {name}{wanted} is required"


def _try_torch() -> Torch:
    """Import torch in a fresh process, and compute something; a `GenzooError` says how it fails."""
    code = "import sys; from genzoo.cli.doctor.packages import compute; compute(sys.argv[1])"
    with tempfile.TemporaryFile() as stderr:
        try:
            answer, ending = run_fresh(code, patience=PATIENCE, stderr=stderr)
        except subprocess.TimeoutExpired:
            raise GenzooError(f"it did not compute within {PATIENCE:.0f} s") from None
        try:
            return msgspec.json.decode(answer, type=Torch)
        except ValueError:
            stderr.seek(max(0, stderr.tell() - 10_000))
            lines = stderr.read().decode(errors="replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
            raise GenzooError(last[:300] or f"the process ended with code {ending}") from None


def compute(answer: str) -> None:
    """Compute with torch, and write what it says of itself into the file `answer`."""
    import numpy as np
    import torch

    product = torch.ones(2, 3) @ torch.full((3, 2), 2.0)
    # numpy as well: a torch that was built for another one fails here alone.
    if not np.array_equal(product.numpy(), np.full((2, 2), 6.0)):
        raise ArithmeticError(f"a product of matrices is {product.tolist()}")
    devices = ["mps"] if torch.backends.mps.is_available() else []
    if torch.cuda.is_available():
        devices += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    version = str(torch.__version__)
    found = Torch(version, torch.version.cuda, tuple(devices), torch.get_num_threads())
    Path(answer).write_bytes(msgspec.json.encode(found))
