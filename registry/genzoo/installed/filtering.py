"""Choosing among the models by pattern, family, conditioner and kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate

from genzoo.installed.records import ModelRow
from genzoo.text import quoted
from genzoo_core.errors import UsageError, did_you_mean


def select(
    rows: Sequence[ModelRow],
    pattern: str | None = None,
    *,
    family: str | None = None,
    conditioner: str | None = None,
    kind: str | None = None,
) -> list[ModelRow]:
    """The rows that match all that is given.

    Args:
        rows: What to choose among.
        pattern: A glob ("vae*", "acme/*") where it holds one of `*?[`, else a part of a name.
            Upper and lower case are the same. Aliases count; the distribution does where the
            pattern holds a "/".
        family: Only models of this family.
        conditioner: Only models that own a conditioner of this name.
        kind: Only weights of this kind of component.

    Raises:
        UsageError: A family, conditioner or kind that no model has; names those there are.
    """
    found = list(rows)
    if family is not None:
        _known("family", family, (row.family for row in rows))
        found = [row for row in found if row.family == family]
    if conditioner is not None:
        _known("conditioner", conditioner, (name for row in rows for name in row.conditioners))
        found = [row for row in found if conditioner in row.conditioners]
    if kind is not None:
        _known("kind", kind, (row.kind for row in rows))
        found = [row for row in found if row.kind == kind]
    if pattern is not None:
        matches = _matcher(pattern.lower())
        if "/" in pattern:
            found = [row for row in found if matches(row.full_name)]
        else:
            found = [row for row in found if any(map(matches, (row.name, *row.aliases)))]
    return found


def _known(what: str, value: str, values: Iterable[str]) -> None:
    known = sorted(set(values) - {""})
    if value not in known:
        near = did_you_mean(value, known)
        there = f"known: {', '.join(known)}" if known else "no installed model has one"
        raise UsageError(f"no {what} {quoted(value)}", f"{near}; {there}" if near else there)


def _matcher(pattern: str) -> Callable[[str], object]:
    if not any(character in pattern for character in "*?["):
        return lambda name: pattern in name
    import re

    return re.compile(translate(pattern)).match
