"""The comparison as JSON, with every figure of every report."""

from __future__ import annotations

import dataclasses

import msgspec

from genzoo_compare import steadiness
from genzoo_compare.comparison import Comparison, Row
from genzoo_compare.verdicts import quality, verdicts


def as_json(comparison: Comparison) -> str:
    """One object: rows with their whole reports, verdicts, what is missing, how to repeat it."""
    found = {
        "dataset": comparison.dataset,
        "command": comparison.command,
        "nets": [dataclasses.asdict(net) for net in comparison.nets],
        "rows": [_row(row, comparison.net_names) for row in comparison.rows],
        "best": {
            verdict.criterion.title.lower(): {
                "model": verdict.best.name,
                "family": verdict.best.family,
                "measured": verdict.criterion.explained,
                "no_worse": [row.name for row in verdict.tied],
            }
            for verdict in verdicts(comparison)
        },
        "missing": [
            {name: getattr(baseline, name) for name in ("title", "family", "source", "reason")}
            for baseline in comparison.missing
        ],
        "stability": steadiness.as_data(comparison.stability) if comparison.stability else None,
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def _row(row: Row, nets: tuple[str, ...]) -> dict[str, object]:
    overall = quality(row.report, nets)
    return {
        "model": row.name,
        "family": row.family,
        "baseline": row.baseline is not None,
        "source": row.baseline.source if row.baseline else "",
        "note": row.note,
        "settings": dict(row.settings),
        "fd_over_floor": None if overall is None else overall.value,
        "report": row.report,
        "curve": [{"steps": steps, "report": report} for steps, report in row.curve],
    }
