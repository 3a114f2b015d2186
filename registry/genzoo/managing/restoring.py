"""What of the ledger is to be installed here, and what cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from genzoo.managing.installers import Wanted
from genzoo.managing.ledger import Entry
from genzoo.managing.snapshot import Snapshot


class Step(NamedTuple):
    """What becomes of an entry of the ledger.

    Attributes:
        entry: The entry.
        wanted: What to install, or None where there is nothing to do.
        problem: Why it cannot be installed; "" where it can.
    """

    entry: Entry
    wanted: Wanted | None = None
    problem: str = ""


def plan_restore(
    entries: Sequence[Entry], installed: Snapshot, constraints: str | None = None
) -> list[Step]:
    """What to do for each entry, in order."""
    return [_step(entry, installed, constraints) for entry in entries]


def _step(entry: Entry, installed: Snapshot, constraints: str | None) -> Step:
    there = installed.distributions.get(entry.distribution)
    if there is not None and there.version == entry.version:
        return Step(entry)
    path = entry.path
    if path is not None and not path.exists():
        return Step(entry, problem=f"it came from {path}, which is not there any more")
    exactly = entry.exactly
    if entry.editable:
        return Step(entry, Wanted((), (exactly,), constraints=constraints))
    return Step(entry, Wanted((exactly,), constraints=constraints))
