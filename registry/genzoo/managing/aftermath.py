"""What an installation did, found by looking before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from genzoo.managing.installers import Wanted
from genzoo.managing.requirements import needs_of
from genzoo.managing.snapshot import Distribution, Snapshot, check, look
from genzoo.managing.wanted import meant
from genzoo_core.errors import GenzooError
from genzoo_core.plugin import Plugin

OURS = "genzoo"


class Outcome(NamedTuple):
    """What an installation did.

    Attributes:
        asked: The distributions that were asked for, with the requirement that did.
        came: Those that came or were replaced, whoever asked for them.
        plugins: The plugins of both, with what is wrong with each.
        moved: What genzoo needs and has in another version now: name, old version (None where
            it was not there) and new version (None where it is gone).
        conflicts: Names that several plugins give since then.
        after: All that is installed now.
    """

    asked: Mapping[str, str]
    came: tuple[Distribution, ...]
    plugins: tuple[tuple[Plugin, list[str]], ...]
    moved: tuple[tuple[str, str | None, str | None], ...]
    conflicts: tuple[str, ...]
    after: Snapshot

    @property
    def sound(self) -> tuple[Plugin, ...]:
        """The plugins that work."""
        return tuple(plugin for plugin, problems in self.plugins if not problems)


def find_out(before: Snapshot, wanted: Wanted) -> Outcome:
    """What an installation did, and whether genzoo still works.

    Imports the plugins that came, each in a process of its own.

    Args:
        before: What was installed before.
        wanted: What was asked for.

    Raises:
        GenzooError: genzoo does not work any more, or lacks something that it requires.
    """
    after = look()
    lost = [problem for problem in after.unmet if problem not in before.unmet]
    moved = tuple(_moved(before, after))
    if lost:
        raise GenzooError(
            f"genzoo does not have what it requires any more: {lost[0]}", _back(moved)
        )
    if any(name in ("torch", "numpy") for name, _, _ in moved):
        _try_torch(moved)
    came = tuple(
        d for name, d in after.distributions.items() if before.distributions.get(name) != d
    )
    asked = meant(wanted, came, after.distributions)
    names = {*asked, *(distribution.name for distribution in came)} - {OURS}
    return Outcome(
        asked=asked,
        came=came,
        plugins=tuple(check(after.plugins_of(sorted(names)))),
        moved=moved,
        conflicts=tuple(line for line in after.conflicts if line not in before.conflicts),
        after=after,
    )


def _moved(before: Snapshot, after: Snapshot) -> list[tuple[str, str | None, str | None]]:
    needed = {OURS, *(need.name for need in needs_of() if not need.extra)}
    moved = []
    for name in sorted(needed):
        old, new = before.version_of(name), after.version_of(name)
        if old != new:
            moved.append((name, old, new))
    return moved


def _try_torch(moved: tuple[tuple[str, str | None, str | None], ...]) -> None:
    from genzoo.managing.torchcheck import try_torch

    try:
        try_torch()
    except GenzooError as error:
        raise GenzooError(f"torch does not work any more: {error}", _back(moved)) from error


def _back(moved: tuple[tuple[str, str | None, str | None], ...]) -> str | None:
    """How to get the versions of before."""
    pins = " ".join(f"{name}=={old}" for name, old, _ in moved if old)
    return f"go back with `pip install {pins}`" if pins else None
