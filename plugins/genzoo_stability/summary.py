"""Statistics of a variant's checkpoints: pure functions. Imports no torch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean, median, stdev

from genzoo_stability.plan import Variant
from genzoo_stability.results import Row, Summary

FAR = 3.0
"""Times the median of its variant beyond which a run's distance or error is a failure."""

THIN = 0.5
"""Times the median of its variant below which a run's coverage is a failure."""

LOPSIDED = 0.2
"""Total variation of the classes from the data's above which a run is a failure."""


def summarize(variant: Variant, rows: Sequence[Row]) -> Summary:
    """How steadily a variant trains, by those of its trainings that came to their end."""
    ends = [row for row in rows if row.last]
    own = [row for row in ends if row.rate == 1]
    finished = {row.run for row in own if row.failed is None}
    courses = [[row for row in rows if row.run == run] for run in sorted(finished)]
    key = variant.judged_by
    reasons = [failures(variant, row, ends) for row in ends]
    rates = medians_by_rate(ends, key)
    return Summary(
        variant=variant.name,
        family=variant.family,
        judged_by=key,
        runs=len(ends),
        seeds=len(own),
        steps=max((row.total for row in rows), default=0),
        failed=sum(bool(reason) for reason in reasons),
        reasons=dict(Counter(name for reason in reasons for name in reason)),
        medians=medians(own),
        cv=variation([row.figures["kid" if key == "fd" else key] for row in own if row.figures]),
        by_rate={f"{r:.3g}": m if math.isfinite(m) else None for r, m in rates.items()},
        sensitivity=sensitivity(rates.values()),
        wobble=wobble(courses, key),
        checkpoints=max(map(len, courses), default=0),
        failed_seeds=sum(bool(failures(variant, row, ends)) for row in own),
    )


def failures(variant: Variant, row: Row, ends: Sequence[Row]) -> tuple[str, ...]:
    """Why a run counts as failed; empty where it does not.

    "diverged": the training ended with NaN or infinite values. "far": its Fréchet distance, or
    reconstruction error, is more than `FAR` times the median of all runs of its variant. And of
    what is judged by its pictures: "thin", the coverage is below `THIN` times the median;
    "lopsided", the classes are more than `LOPSIDED` from the data's in total variation.
    """
    if row.failed is not None:
        return ("diverged",)
    middle = medians(ends)
    found = []
    if row.figures[variant.judged_by] > FAR * middle[variant.judged_by]:
        found.append("far")
    if variant.judged_by == "fd":
        if row.figures["coverage"] < THIN * middle["coverage"]:
            found.append("thin")
        if row.figures["class_tv"] > LOPSIDED:
            found.append("lopsided")
    return tuple(found)


def medians(rows: Iterable[Row]) -> dict[str, float]:
    """Median of each figure that all rows with figures have."""
    measured = [row.figures for row in rows if row.figures]
    keys = [key for key in (measured[0] if measured else {}) if all(key in m for m in measured)]
    return {key: median(figures[key] for figures in measured) for key in keys}


def variation(values: Sequence[float]) -> float | None:
    """The sample standard deviation over the mean; None for fewer than two values, and where the
    mean is not positive, as that of an unbiased kernel distance can be."""
    if len(values) < 2 or (mean := fmean(values)) <= 0:
        return None
    return stdev(values) / mean


def medians_by_rate(ends: Iterable[Row], key: str) -> dict[float, float]:
    """Median of a figure at the end for each rate; a run that diverged counts as infinite."""
    values: dict[float, list[float]] = {}
    for row in ends:
        values.setdefault(row.rate, []).append(row.figures.get(key, math.inf))
    return {rate: median(values[rate]) for rate in sorted(values)}


def sensitivity(by_rate: Iterable[float]) -> float | None:
    """The worst of the medians over the best; None for fewer than two rates, where most runs of a
    rate diverged, and where the best is 0."""
    values = list(by_rate)
    if len(values) < 2 or not all(map(math.isfinite, values)) or min(values) <= 0:
        return None
    return max(values) / min(values)


def wobble(courses: Iterable[Sequence[Row]], key: str) -> float | None:
    """Median over runs of a figure's coefficient of variation over their checkpoints."""
    each = [variation([row.figures[key] for row in course]) for course in courses]
    computed = [value for value in each if value is not None]
    return median(computed) if computed else None
