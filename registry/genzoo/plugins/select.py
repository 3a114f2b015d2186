"""Choosing among models and components by pattern, family, conditioner and kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from genzoo.plugins.names import NamedT, Owned, full_name
from genzoo.text import quoted
from genzoo_core.errors import UsageError, did_you_mean
from genzoo_core.manifest import ComponentEntry
from genzoo_core.plugin import Model

if TYPE_CHECKING:
    from genzoo.plugins.names import Named


def select(
    models: Sequence[Model],
    pattern: str | None = None,
    *,
    family: str | None = None,
    conditioner: str | None = None,
    kind: str | None = None,
) -> list[Model]:
    """The models that match all that is given.

    Args:
        models: What to choose among.
        pattern: A glob ("vae*", "acme/*") where it holds one of `*?[`, else a part of a name.
            Upper and lower case are the same. Aliases count; the distribution does where the
            pattern holds a "/".
        family: Only models of this family.
        conditioner: Only models that own a conditioner of this name.
        kind: Only weights of this kind of component.

    Raises:
        UsageError: A family, conditioner or kind that no model has; names those there are.
    """
    wanted: tuple[tuple[str, str | None, Callable[[Model], Iterable[str]]], ...] = (
        ("family", family, lambda model: (model.card.family,)),
        ("conditioner", conditioner, lambda model: model.card.conditioners),
        ("kind", kind, lambda model: (model.card.kind,)),
    )
    for what, text in (("pattern", pattern), *((what, value) for what, value, _ in wanted)):
        if text is not None and not isinstance(text, str):
            raise UsageError(f"{what} is {text!r}; give text")
    found = list(models)
    for what, value, values in wanted:
        if value is not None:
            refuse_unknown(what, value, (each for model in models for each in values(model)))
            found = [model for model in found if value in values(model)]
    return matching(found, pattern)


def select_components(
    components: Sequence[Owned[ComponentEntry]], kind: str, pattern: str | None = None
) -> list[Owned[ComponentEntry]]:
    """The components of a kind whose names match, in alphabetical order."""
    found = [component for component in components if component.entry.kind == kind]
    return sorted(matching(found, pattern), key=lambda each: (each.bare, each.distribution))


def matching(among: list[NamedT], pattern: str | None) -> list[NamedT]:
    """Those that a pattern means; all without one."""
    if pattern is None:
        return among
    fits = _predicate(pattern)
    return [each for each in among if fits(each)]


def refuse_unknown(what: str, value: str, values: Iterable[str]) -> None:
    """Raises:
    UsageError: `value` is not among `values`; names those, and the ones close to it.
    """
    known = sorted(set(values) - {""})
    if value not in known:
        near = did_you_mean(value, known)
        there = f"known: {', '.join(known)}" if known else "no installed model has one"
        raise UsageError(f"no {what} {quoted(value)}", f"{near}; {there}" if near else there)


def _predicate(pattern: str) -> Callable[[Named], bool]:
    text = pattern.lower()
    fits: Callable[[str], object] = lambda name: text in name  # noqa: E731
    if any(character in text for character in "*?["):
        import re
        from fnmatch import translate

        fits = re.compile(translate(text)).match
    if "/" in text:
        return lambda each: bool(fits(full_name(each)))
    return lambda each: bool(fits(each.bare)) or any(map(fits, each.aliases))
