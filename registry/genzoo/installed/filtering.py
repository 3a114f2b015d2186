"""Choosing among the models by pattern, family, conditioner and kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate

from genzoo.installed.records import ComponentRow, ModelRow
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
    for what, text in zip(
        ("pattern", "family", "conditioner", "kind"),
        (pattern, family, conditioner, kind),
        strict=True,
    ):
        if text is not None and not isinstance(text, str):
            raise UsageError(f"{what} is {text!r}; give text")
    found = list(rows)
    if family is not None:
        refuse_unknown("family", family, (row.family for row in rows))
        found = [row for row in found if row.family == family]
    if conditioner is not None:
        refuse_unknown(
            "conditioner", conditioner, (name for row in rows for name in row.conditioners)
        )
        found = [row for row in found if conditioner in row.conditioners]
    if kind is not None:
        refuse_unknown("kind", kind, (row.kind for row in rows))
        found = [row for row in found if row.kind == kind]
    return list(filter(_predicate(pattern), found))


def select_components(
    rows: Sequence[ComponentRow], kind: str, pattern: str | None = None
) -> list[ComponentRow]:
    """The components of a kind whose names match, in alphabetical order."""
    return sorted(filter(_predicate(pattern), (row for row in rows if row.kind == kind)))


def _predicate(pattern: str | None) -> Callable[[ModelRow | ComponentRow], bool]:
    """Whether a pattern means a row; all rows without one."""
    if pattern is None:
        return lambda row: True
    matches = _matcher(pattern.lower())
    if "/" in pattern:
        return lambda row: bool(matches(f"{row.distribution}/{row.name}"))
    return lambda row: bool(matches(row.name)) or any(map(matches, row.aliases))


def refuse_unknown(what: str, value: str, values: Iterable[str]) -> None:
    """Raises:
    UsageError: `value` is not among `values`; names those, and the ones close to it.
    """
    known = sorted(set(values) - {""})
    if value not in known:
        near = did_you_mean(value, known)
        there = f"known: {', '.join(known)}" if known else "no installed model has one"
        raise UsageError(f"no {what} {quoted(value)}", f"{near}; {there}" if near else there)


def literal(pattern: str) -> str:
    """The longest text that a name, alias or distribution must hold to match `pattern`."""
    import re

    plain = pattern.lower().partition("[")[0]
    return max(re.split(r"[*?/]", plain), key=len)


def _matcher(pattern: str) -> Callable[[str], object]:
    if not any(character in pattern for character in "*?["):
        return lambda name: pattern in name
    import re

    return re.compile(translate(pattern)).match
