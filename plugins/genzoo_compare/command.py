"""The `genzoo compare` command."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genzoo_core.errors import GenzooError, UsageError
from genzoo_core.progress import to_stderr
from genzoo_core.request import MOST_PICTURES, MOST_SEED
from genzoo_core.table import terminal_width
from genzoo_core.zoo import Zoo
from genzoo_eval.api import FEWEST, Progress

if TYPE_CHECKING:
    from genzoo_compare.comparison import Comparison

# They are imported once there is something to draw; a missing one is reported at once.
for _name in ("datasets", "jinja2", "matplotlib", "torchmetrics"):
    if find_spec(_name) is None:
        raise ModuleNotFoundError(f"No module named {_name!r}", name=_name)


@click.command("compare")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--data",
    metavar="DATASET|DIR",
    help="Dataset, or the folder that holds it.  [folder: env GENZOO_DATA]",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="A page, .html."
)
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE", help="A picture, .png.")
@click.option(
    "--markdown",
    is_flag=False,
    flag_value="-",
    metavar="[FILE]",
    help="The table as Markdown, on stdout or in a file.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=False,
    flag_value="-",
    metavar="[FILE]",
    help="All of it as JSON, on stdout or in a file.",
)
@click.option("-f", "--force", is_flag=True, help="Replace what exists.")
@click.option(
    "-n",
    type=click.IntRange(FEWEST, MOST_PICTURES),
    help="Images.  [default: as many as the dataset's figures that ship have, or 10000]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, MOST_SEED),
    default=0,
    show_default=True,
    help="Seed of the first picture.",
)
@click.option(
    "--curve",
    is_flag=True,
    help="Measure diffusion models at 1, 2 and 5 steps too, where there are no figures of that.",
)
@click.pass_context
def compare(
    context: click.Context,
    *,
    models: tuple[str, ...],
    data: str | None,
    output: Path | None,
    picture: Path | None,
    markdown: str | None,
    as_json: str | None,
    force: bool,
    n: int | None,
    seed: int,
    curve: bool,
) -> None:
    """Compare models of one dataset: a table, a page with pictures and charts.

    All models of the dataset, unless some are named. Trains nothing; what was measured before is
    not measured again.

    \b
    genzoo compare --data mnist
    genzoo compare --data photos/ flow-photos gan-photos -o page.html
    genzoo compare --data mnist -o report.html --picture report.png
    genzoo compare gan-mnist flow-mnist --curve --markdown -
    """
    zoo: Zoo = context.obj
    if markdown == as_json == "-":
        raise UsageError("--markdown - and --json - cannot share stdout", "give one of them a file")
    for option, value in (("--markdown", markdown), ("--json", as_json)):
        if value is not None and _names_a_model(zoo, value):
            raise UsageError(
                f"{option} takes {value}, the name of a model, for its file",
                f"put the models before {option}",
            )
    for path, suffixes in ((output, (".html", ".htm")), (picture, (".png",))):
        if path is not None and path.suffix.lower() not in suffixes:
            raise UsageError(f"cannot write {path}: give {suffixes[0]}")
    places = {"html": output, "picture": picture, "markdown": markdown, "json": as_json}
    files = {form: Path(name) for form, name in places.items() if name is not None}
    _check_free(files, force=force)
    from genzoo_compare.choosing import dataset_of
    from genzoo_compare.gathering import Gatherer
    from genzoo_eval.api import (
        Measured,
        OwnData,
        dataset_name,
        dataset_names,
        of_model,
        own_n,
        parse_data,
        require_dataset,
        trained_on,
        usual_n,
    )

    named, folder = parse_data(zoo, data)
    own: OwnData | None = None
    if models and folder is not None and data is not None:
        own = trained_on(zoo, models[0], folder)
        if own is None and named is None:
            own = of_model(zoo, models[0], folder, {}, to_stderr)
    dataset: Measured = own or named or dataset_of(zoo, models, dataset_names(zoo))
    if isinstance(dataset, str):
        require_dataset(zoo, dataset)
    usual = usual_n(dataset) if isinstance(dataset, str) else own_n(dataset)
    n = n or usual
    where = str(dataset.folder) if isinstance(dataset, OwnData) else dataset_name(dataset)
    command = _command(models, where, output or picture, n if n != usual else None, seed)
    # It would report where its own cache lies, and how long its list of fonts takes.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    with Progress() as progress:
        comparison = Gatherer(
            zoo=zoo,
            dataset=dataset,
            folder=folder,
            models=models,
            n=n,
            seed=seed,
            curve=curve,
            pictures=bool(output or picture),
            command=command,
            progress=progress,
        ).gather()
    from genzoo_compare.as_json import as_json as to_json
    from genzoo_compare.markdown import as_markdown
    from genzoo_compare.page import as_html
    from genzoo_compare.poster import as_png
    from genzoo_compare.terminal import WIDTH, as_text

    if "-" not in (markdown, as_json):
        click.echo(as_text(comparison, terminal_width() or WIDTH), nl=False)
    forms: dict[str, Callable[[Comparison], str | bytes]] = {
        "html": as_html,
        "picture": as_png,
        "markdown": as_markdown,
        "json": to_json,
    }
    for form, path in files.items():
        _write(path, forms[form](comparison))


def _names_a_model(zoo: Zoo, text: str) -> bool:
    """Whether a text that stands where a file's name does was meant for a model."""
    name = text.rpartition("/")[2]
    return name.endswith(".safetensors") or any(card.name == name for card in zoo.cards())


def _command(
    models: tuple[str, ...], dataset: str, output: Path | None, n: int | None, seed: int
) -> str:
    """The command that draws the same again, without the folders of this machine."""
    words = ["genzoo", "compare", *models, "--data", dataset]
    words += ["-n", str(n)] if n is not None else []
    words += ["--seed", str(seed)] if seed else []
    if output is not None:
        words += ["--picture" if output.suffix.lower() == ".png" else "-o", output.name]
    return shlex.join(words)


def _check_free(files: Mapping[str, Path], *, force: bool) -> None:
    """Check, before any work, that the files can be written; "-" is stdout."""
    paths = [path for path in files.values() if str(path) != "-"]
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"{path} is named twice")
        try:
            if path.is_dir():
                raise UsageError(f"cannot write {path}: it is a folder")
            if not path.parent.is_dir():
                raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
            if path.exists() and not path.is_file():
                raise UsageError(f"cannot write {path}: it is not a regular file")
            if path.exists() and not force:
                hint = "choose another name, or replace it with --force"
                raise UsageError(f"{path} exists", hint)
        except OSError as error:  # too long a name
            raise UsageError(f"cannot write {path}: {error.strerror}") from error
        if not os.access(path.parent, os.W_OK):
            raise UsageError(f"cannot write into {path.parent}: Permission denied")


def _write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, replacing one that exists; "-" is stdout."""
    from genzoo_core.atomic import write_atomically

    if str(path) == "-":
        click.echo(content, nl=False)
        return
    try:
        write_atomically(path, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        hint = "choose another place"
        raise GenzooError(f"cannot write {path}: {error.strerror}", hint) from error
    to_stderr(f"wrote {path}")
