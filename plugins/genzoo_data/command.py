"""The `genzoo data` command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genzoo_core.errors import UsageError
from genzoo_core.progress import to_stderr
from genzoo_core.table import wrapped
from genzoo_core.text import many
from genzoo_core.zoo import Zoo
from genzoo_data.proposal import shape_text

if TYPE_CHECKING:
    from genzoo_core.templates import Goal
    from genzoo_data.survey import Survey

if find_spec("datasets") is None:
    raise ModuleNotFoundError("No module named 'datasets'", name="datasets")

SHOWN = 5
"""Sizes and classes that are listed."""

MODES = {"L": "grey", "RGB": "colour", "RGBA": "with transparent parts"}


def parse_columns(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """`label=genre` as {"label": "genre"}."""
    found = {}
    for value in values:
        name, equals, column = value.partition("=")
        if not (name and equals and column):
            raise click.BadParameter(f"{value!r} is not NAME=COLUMN, as in label=genre")
        found[name] = column
    return found


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--split", help="Split to look at.  [default: train]")
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=parse_columns,
    metavar="NAME=COLUMN",
    help="What a column is called here: --column label=genre.",
)
@click.option(
    "--size",
    type=click.IntRange(8, 256),
    help="Pixels of the longer side of a model's pictures.  [default: 64, or theirs if smaller]",
)
@click.option(
    "--sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Write a contact sheet.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@click.pass_context
def data(
    context: click.Context,
    *,
    folder: Path,
    split: str | None,
    columns: Mapping[str, str],
    size: int | None,
    sheet: Path | None,
    as_json: bool,
) -> None:
    """Tell what is in a folder of pictures, and what a model would learn from it.

    \b
    genzoo data photos/
    genzoo data photos/ --sheet sheet.png
    """
    import msgspec

    from genzoo_data.proposal import propose
    from genzoo_data.sheet import write_sheet
    from genzoo_data.survey import find_data, survey

    zoo: Zoo = context.obj
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise UsageError(f"cannot write {sheet}: a contact sheet is a .png file")
    recipe = find_data(zoo, folder, split, dict(columns))
    found = survey(zoo, recipe, folder, to_stderr)
    goal = propose(found, recipe, size)
    if sheet is not None:
        write_sheet(zoo, recipe, folder, found.pictures + len(found.faults), sheet)
        to_stderr(f"wrote {sheet}")
    if as_json:
        fields = msgspec.to_builtins(found)
        fields |= {"problems": found.problems, "would_train": msgspec.to_builtins(goal)}
        click.echo(msgspec.json.encode(fields))
        return
    for name, text in _lines(found, goal):
        click.echo("\n".join(wrapped(text, f"{name:<12}")))


def _lines(found: Survey, goal: Goal) -> Iterator[tuple[str, str]]:
    """The survey as a person reads it: what a line is about, and the line."""
    yield "pictures", ", ".join(f"{n:,} in {name}" for name, n in found.splits.items())
    yield "sizes", _counted(found.sizes)
    modes = {MODES.get(mode, mode): count for mode, count in found.modes.items()}
    if found.grey == found.pictures:
        modes = {"all grey": found.pictures}
    yield "colours", _counted(modes)
    if found.labels:
        yield "classes", f"{len(found.labels)}: {_counted(_by_count(found.labels))}"
    if captions := found.captions:
        example = captions.examples[0]
        shown = f"{example[:47]}…" if len(example) > 48 else example
        yield (
            "captions",
            f"{captions.count:,}, {captions.distinct:,} of them different, as {shown!r}",
        )
    if found.columns:
        columns = [f"{name} ({count:,} values)" for name, count in found.columns.items()]
        yield "columns", f"{', '.join(columns)}; for classes: --column label=NAME"
    for number, problem in enumerate(found.problems):
        yield "" if number else "problems", problem
    conditions = " and ".join(goal.conditioners) or "nothing: no classes, no captions"
    about, aside = "", ""
    if goal.data.aside:  # picture by picture, by its content
        about, aside = "about ", f", {goal.data.aside:.0%} set aside"
    mended = "once no picture is damaged, " if found.faults else ""
    shape = shape_text(found, goal.data)
    yield "would train", f"{mended}on {about}{many(goal.pictures, 'picture')}{aside}, {shape}"
    yield "", f"conditioned on {conditions}"


def _by_count(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _counted(counts: Mapping[str, int]) -> str:
    """Names with their counts, the most common first."""
    first = [f"{name} ({count:,})" for name, count in islice(counts.items(), SHOWN)]
    more = len(counts) - len(first)
    return ", ".join(first) + (f", {more:,} others" if more > 0 else "")
