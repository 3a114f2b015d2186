"""genzoo's version, and what it requires."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator

import genzoo
from genzoo.cli.doctor.findings import Finding
from genzoo.cli.doctor.torchcheck import try_torch
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.distributions import installed_version
from genzoo_core.errors import GenzooError

PRIVATE = ("dev",)
"""Extras for who works on genzoo itself."""


def look_at_packages() -> Iterator[Finding]:
    """genzoo, and the versions of what it requires."""
    from genzoo.cli.doctor.requirements import requirements

    folder = os.path.dirname(os.path.abspath(str(genzoo.__file__)))
    yield Finding("genzoo", f"{installed_version('genzoo')}, {folder}")
    needs = requirements()
    sound = [f"{need.name} {need.installed}" for need in needs if not need.problem]
    yield Finding("requires", ", ".join(sound))
    for need in needs:
        if need.problem:
            advice = f"`pip install '{need.name}{need.wanted}'`"
            yield Finding("requires", need.problem, "problem", advice)


def look_at_torch() -> Iterator[Finding]:
    """Whether torch computes, and on what. A fresh process tries it."""
    torch = try_torch()
    built = f"built for CUDA {torch.cuda}" if torch.cuda else "built without CUDA"
    threads = f"{torch.threads} thread{'' if torch.threads == 1 else 's'}"
    text = f"{torch.version} computes, with {threads}; {built}"
    if torch.devices:
        yield Finding("torch", f"{text}; {', '.join(torch.devices)}")
    elif torch.cuda:
        advice = "look at the driver with `nvidia-smi`; a build for the CPU is far smaller"
        yield Finding("torch", f"{text}, but it finds no GPU", "note", advice)
    elif shutil.which("nvidia-smi"):
        advice = "to use it, install torch as its own page says"
        yield Finding("torch", f"{text}, and there seems to be a GPU", "note", advice)
    else:
        yield Finding("torch", text)


def look_at_extras(no_plugins: bool) -> Iterator[Finding]:
    """The extras of genzoo: which are there, and what they are for."""
    from genzoo.cli.doctor.requirements import all_requirements

    problems: dict[str, list[str]] = defaultdict(list)
    for need in all_requirements():
        if need.extra and need.extra not in PRIVATE:
            problems[need.extra] += [need.problem] if need.problem else []
    purposes = _purposes(no_plugins)
    for extra, lacking in problems.items():
        purpose = ", ".join(purposes[extra])
        text = f"{extra}, for {purpose}" if purpose else extra
        if lacking:
            advice = f"`pip install 'genzoo[{extra}]'`"
            yield Finding("extra", f"{text}: {', '.join(lacking)}", "note", advice)
        else:
            yield Finding("extra", f"{text}: installed")


def _purposes(no_plugins: bool) -> dict[str, list[str]]:
    """The commands that need each extra, where these can be known."""
    purposes: dict[str, list[str]] = defaultdict(list)
    try:
        commands = Catalogue.open(no_plugins=no_plugins).commands
    except GenzooError:  # the look at the plugins tells of it
        return purposes
    for command in commands:
        if command.plugin.builtin:
            for extra in filter(None, command.entry.extra.split(",")):
                purposes[extra].append(f"`genzoo {command.bare}`")
    return purposes
