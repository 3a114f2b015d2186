"""What a look at something found, and how a look that fails is kept from ending the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from genzoo_core.errors import GenzooError

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of what `genzoo doctor` says.

    Attributes:
        topic: What was looked at.
        text: What was found.
        state: "problem" where something does not work, "note" where that may be meant.
        advice: What to do about it, or "".
    """

    topic: str
    text: str
    state: State = "ok"
    advice: str = ""


Look = Callable[[], Iterable[Finding]]


def guarded(topic: str, look: Look) -> Iterator[Finding]:
    """What `look` finds; a problem where it fails, whatever it fails with."""
    try:
        yield from look()
    except GenzooError as error:
        yield Finding(topic, error.message, "problem", error.hint or "")
    except (Exception, SystemExit) as error:
        from genzoo.text import one_line

        yield Finding(topic, f"it cannot be looked at: {one_line(error)}", "problem")
