"""Logarithmic scales: where a value lies, and which values are worth a line."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class LogScale:
    """A logarithmic axis.

    Attributes:
        low: The value at its beginning, above 0.
        high: The value at its end, above `low`.
        start: Coordinate of its beginning.
        end: Coordinate of its end; may lie before `start`.
    """

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(cls, values: Iterable[float], start: float, end: float) -> LogScale:
        """A scale with a little room around values; those that are not above 0 do not count."""
        positive = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
        low, high = min(positive), max(positive)
        room = max((high / low) ** 0.06, 1.25)
        return cls(low / room, high * room, start, end)

    def at(self, value: float) -> float:
        """Coordinate of a value, kept within the axis."""
        kept = min(max(value, self.low), self.high)
        share = math.log(kept / self.low) / math.log(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, most: int = 7) -> tuple[float, ...]:
        """Round values on the axis: as many as there is room for of 1, 2, 5 times powers of ten."""
        first = math.floor(math.log10(self.low))
        last = math.ceil(math.log10(self.high))
        found: tuple[float, ...] = ()
        for factors in ((1, 2, 5), (1, 3), (1,)):
            all_of_them = (f * 10.0**power for power in range(first, last + 1) for f in factors)
            found = tuple(v for v in all_of_them if self.low <= v <= self.high)
            if len(found) <= most:
                break
        return found
