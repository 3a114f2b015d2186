"""What a look at something found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
