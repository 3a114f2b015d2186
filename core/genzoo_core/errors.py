"""The errors of genzoo: one line each, saying what, where and what to do next."""

from __future__ import annotations

from collections.abc import Iterable

from genzoo_core.text import as_message

COMPARED = 200
"""Names that are compared closely with a mistyped one, at a tenth of a millisecond each: of more,
those that share the most pairs of letters with it."""

LETTERS = 200
"""Letters of a mistyped name whose pairs count."""

SHORTEST = 3
"""Letters from which on a name may be the beginning of others."""


class GenzooError(Exception):
    """Base of all errors that a user of genzoo can meet.

    Args:
        message: What is wrong, and where. One line; of a long one, the middle is left out.
        hint: What to do next, or None. Joined to the message by a semicolon.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        # They may hold anything: the name of a file, for example.
        self.message = as_message(message)
        self.hint = hint and as_message(hint)
        super().__init__(f"{self.message}; {self.hint}" if self.hint else self.message)


class UsageError(GenzooError):
    """The user's input is not among the valid choices (exit code 2)."""

    exit_code = 2


class ConfigError(GenzooError):
    """A config, card, manifest or recipe is not of its type."""


class WeightsError(GenzooError):
    """A weights file is not a well-formed genzoo model file, or does not fit its model."""


class IntegrityError(WeightsError):
    """A weights file does not have the expected sha256."""


class HubError(GenzooError):
    """A remote source of weights did not deliver."""


class PluginError(GenzooError):
    """A plugin is broken, missing or ambiguous."""


class DataError(GenzooError):
    """A dataset cannot be found or read."""


class TrainingError(GenzooError):
    """A training cannot start, continue or finish."""


class NotFittedError(GenzooError):
    """A model needs a fit that was never made."""


class ReplayError(GenzooError):
    """A picture cannot be made again from its record."""


def did_you_mean(name: str, choices: Iterable[str], before: str = "") -> str | None:
    """A hint that names the choices closest to `name`, or that begin with it; None for none.

    `before` is put before each. Of names that end alike after a slash, the short one is named.
    """
    import difflib

    names = list(choices)
    if len(names) > COMPARED:
        from heapq import nlargest

        pairs = {name[i : i + 2] for i in range(min(len(name), LETTERS) - 1)}
        names = nlargest(COMPARED, names, key=lambda choice: sum(p in choice for p in pairs))
    close = difflib.get_close_matches(name, names, n=3)
    if not close and len(name) >= SHORTEST:
        close = [choice for choice in names if choice.startswith(name)][:3]
    close = [
        choice for choice in close if choice.rpartition("/")[2] not in close or "/" not in choice
    ]
    *others, last = [f"{before}{choice}" for choice in close] or [""]
    either = f"{', '.join(others)} or {last}" if others else last
    return f"did you mean {either}?" if close else None
