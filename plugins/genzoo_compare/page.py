"""The comparison as one page of HTML that needs nothing else."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from genzoo_compare import steadiness
from genzoo_compare.charts import bars, scatter
from genzoo_compare.columns import cells, columns, floor_cell
from genzoo_compare.comparison import Comparison
from genzoo_compare.families import LOOKS, OTHER, css_name, in_order, look
from genzoo_compare.pictures import first_samples, walls
from genzoo_compare.verdicts import USABLE, by_family, criteria, explained, verdicts
from genzoo_eval.api import KEYS, figure_cells

TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}


def as_html(comparison: Comparison) -> str:
    """The page: verdicts, tables, charts, pictures, and how each figure is measured again.

    Its styles, drawings and pictures are part of it, and it has no scripts. It follows the
    reader's choice of light or dark. All text that others wrote is escaped.
    """
    rows, nets = comparison.rows, comparison.net_names
    table = columns(comparison)
    grid = [cells(column, rows, nets) for column in table]
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            c=comparison,
            dataset=TITLES.get(comparison.dataset, comparison.dataset),
            families=in_order(row.family for row in rows),
            verdicts=[(verdict, first_samples(verdict.best)) for verdict in verdicts(comparison)],
            criteria=criteria(comparison),
            below_floor=explained(comparison),
            by_family=by_family(comparison),
            columns=table,
            floors=[floor_cell(column, rows) for column in table],
            lines=[(row, [column[i] for column in grid]) for i, row in enumerate(rows)],
            bars=[chart for net in nets if (chart := bars(comparison, net))],
            scatters=[chart for net in nets if (chart := scatter(comparison, net))],
            walls=walls(comparison),
            everything=[(r, [(f.net, *figure_cells(f)) for f in r.report.figures]) for r in rows],
            glossary=[KEYS[key] for key in KEYS if any(row.report.figure(key) for row in rows)],
        )
    )


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("genzoo_compare"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["with_commas"] = "{:,}".format
    environment.globals.update(
        look=look,
        looks={**LOOKS, "other": OTHER},
        css_name=css_name,
        usable=f"{USABLE:.0f}",
        drawing=Markup,
        steadiness=steadiness,
        KEYS=KEYS,
    )
    return environment
