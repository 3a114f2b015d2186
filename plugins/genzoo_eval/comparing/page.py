"""The comparison as one page of HTML that needs nothing else."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from genzoo_eval.comparing.bars import bars
from genzoo_eval.comparing.columns import cells, columns, floor_cell
from genzoo_eval.comparing.comparison import USABLE, Comparison
from genzoo_eval.comparing.families import LOOKS, OTHER, css_name, in_order, look
from genzoo_eval.comparing.galleries import few, walls
from genzoo_eval.comparing.scatter import scatter
from genzoo_eval.comparing.verdicts import by_family, criteria, verdicts
from genzoo_eval.keys import KEYS, format_value
from genzoo_eval.report_text import figure_cells
from genzoo_stability.api import DATASET

TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}


def as_html(comparison: Comparison) -> str:
    """The page: verdicts, tables, charts, pictures, and how each figure is measured again.

    Its styles, drawings and pictures are part of it, and it has no scripts. It follows the
    reader's choice of light or dark. All text that others wrote is escaped.
    """
    rows = comparison.rows
    table = columns(comparison)
    nets = comparison.net_names
    grid = [cells(column, rows, nets) for column in table]
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            c=comparison,
            dataset=TITLES.get(comparison.dataset, comparison.dataset),
            looks={**LOOKS, "other": OTHER},
            families=in_order(row.family for row in rows),
            verdicts=[(verdict, few(verdict.best)) for verdict in verdicts(comparison)],
            criteria=criteria(comparison),
            by_family=by_family(comparison),
            usable=f"{USABLE:.0f}",
            columns=table,
            floors=[floor_cell(column, rows) for column in table],
            lines=[(row, [column[i] for column in grid]) for i, row in enumerate(rows)],
            bars=[chart for chart in (bars(comparison, net) for net in nets) if chart.bars],
            scatters=[
                chart for chart in (scatter(comparison, net) for net in nets) if chart.points
            ],
            walls=walls(comparison),
            everything=[(r, [(f.net, *figure_cells(f)) for f in r.report.figures]) for r in rows],
            steadied=DATASET,
            glossary=[KEYS[key] for key in KEYS if any(row.report.figure(key) for row in rows)],
            counts=sorted({row.report.n for row in rows}),
            machines=sorted({row.report.machine for row in rows if row.report.machine}),
        )
    )


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("genzoo_eval.comparing"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown_count"] = "{:,}".format
    environment.globals.update(look=look, css_name=css_name, shown=format_value, KEYS=KEYS)
    return environment
