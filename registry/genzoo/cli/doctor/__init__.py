"""`genzoo doctor`: whether genzoo works here, and what to do where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of what `genzoo doctor` says: what was looked at, and what was found.

    Attributes:
        state: "problem" where something does not work, "note" where that may be meant.
        advice: What to do about it, or "".
    """

    topic: str
    text: str
    state: State = "ok"
    advice: str = ""
