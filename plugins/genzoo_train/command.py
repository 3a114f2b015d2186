"""The `genzoo train` command."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genzoo_core.devices import complete_device, find_device
from genzoo_core.errors import UsageError, did_you_mean
from genzoo_core.progress import to_stderr
from genzoo_core.zoo import Zoo

if TYPE_CHECKING:
    from genzoo_core.dataset import Dataset, Stream
    from genzoo_core.recipe import Recipe

# The libraries of the extra take seconds to import, so they wait for the training to start; a
# missing one is reported at once.
for _name in ("datasets", "lightning_fabric"):
    if find_spec(_name) is None:
        raise ModuleNotFoundError(f"No module named {_name!r}", name=_name)


DEFAULT_TIME = "30m"

OF_FAMILIES = ("duration", "steps", "size", "columns", "name")
"""Parameters that only a family takes: a recipe says all of this itself."""


def _refuse_of_families(context: click.Context) -> None:
    for option in context.command.params:
        if option.name in OF_FAMILIES and context.params[option.name]:
            raise UsageError(
                f"{option.opts[0]} is for training a family, and a recipe says it itself",
                "change a recipe by --set",
            )


def _recipe(zoo: Zoo, reference: str) -> Recipe:
    """See `Zoo.recipe`; what is neither a model nor a file may be meant for a family."""
    try:
        return zoo.recipe(reference)
    except UsageError as error:
        names = zoo.templates
        # In full only where two plugins have one of a name.
        short = [name for name in names if name.rpartition("/")[2] not in names or "/" not in name]
        families = f"families are {', '.join(short)}"
        near = did_you_mean(reference, short)
        hints = (families, near) if near else (error.hint, families)
        raise UsageError(error.message, "; ".join(filter(None, hints))) from error


def _column(text: str) -> tuple[str, str]:
    name, equals, column = text.partition("=")
    if not (name and equals and column):
        raise UsageError(f"--column {text}: not NAME=COLUMN, as in label=genre")
    return name, column


@click.command()
@click.argument("recipe", metavar="FAMILY|RECIPE")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="GENZOO_DATA",
    show_envvar=True,
    help="Folder with your pictures, or that holds the recipe's dataset, which is else read from "
    "the Hub.",
)
@click.option(
    "--time",
    "duration",
    metavar="45m",
    help="Of a FAMILY: about how long it takes, if the machine stays as busy.  [default: 30m]",
)
@click.option("--steps", type=click.IntRange(min=1), help="Of a FAMILY, in place of --time.")
@click.option(
    "--size",
    type=click.IntRange(8, 256),
    help="Of a FAMILY: pixels of the longer side.  [default: 64, or theirs if smaller]",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME=COLUMN",
    help="Of a FAMILY: what a column is called in the data: --column label=genre.",
)
@click.option(
    "--start",
    metavar="MODEL",
    help="Begin from the weights of a model: a name, a file, a folder. Of a FAMILY: its network "
    "too.",
)
@click.option("--name", help="Of a FAMILY: name of the model.  [default: FAMILY-FOLDER]")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the run.  [default: runs/NAME]",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out, if there is one.")
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    shell_complete=complete_device,
    help="cpu, cuda, cuda:1, mps, or auto: the first that is here.",
)
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    help="Devices of this machine that share each batch, or processes on the CPU.  "
    "[default: as torchrun or SLURM started, or 1]",
)
@click.option("--nodes", type=click.IntRange(min=1), help="Machines, likewise.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="CPU threads.  [default: the fastest number; of several processes, equal shares]",
)
@click.option(
    "--max-steps",
    type=click.IntRange(min=1),
    help="Stop after that many steps over all stages, and export what there is.",
)
@click.option(
    "--early-stop",
    is_flag=True,
    help="End a stage where the pictures set aside show no progress for a quarter of it.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the recipe's seed.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Change a field of the recipe: --set stages.0.epochs=2.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the model's path and card, or why the training diverged, as JSON.",
)
@click.pass_context
def train(
    context: click.Context,
    *,
    recipe: str,
    data: Path | None,
    duration: str | None,
    steps: int | None,
    size: int | None,
    columns: tuple[str, ...],
    start: str | None,
    name: str | None,
    out: Path | None,
    resume: bool,
    device: str,
    devices: int | None,
    nodes: int | None,
    threads: int | None,
    max_steps: int | None,
    early_stop: bool,
    seed: int | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train a model and write its weights file and its card.

    FAMILY, which may be flow, ldm, ddpm, gan, vae, ae or codec, or one that a plugin brings,
    trains a model of the pictures in --data in the --time that there is, puts it into your list,
    and says what to do with it. RECIPE is a TOML file, or the name of a model whose recipe is to
    be run again.

    \b
    genzoo data photos/
    genzoo train flow --data photos/ --time 45m
    genzoo train flow-mnist --data DIR
    genzoo train flow-mnist --data DIR --device cuda --devices 8
    """
    zoo: Zoo = context.obj
    found = None if recipe in zoo.templates else _recipe(zoo, recipe)
    if found is not None:
        _refuse_of_families(context)
    elif steps and duration:
        raise UsageError("--steps is in the place of --time", "give one of them")
    elif data is None:
        raise UsageError("no pictures to train on", "give their folder as --data")
    # A wrong word is said before this: torch takes seconds to import.
    from genzoo_train import training
    from genzoo_train.finishing import finish, finish_recipe
    from genzoo_train.folder import check_free
    from genzoo_train.launching import join
    from genzoo_train.own import train_own
    from genzoo_train.reporting import BarReporter, LineReporter
    from genzoo_train.starting import changed_recipe
    from genzoo_train.validation import EARLY_STOP, check_patience, pictures_aside
    from genzoo_train.wish import Wish, parse_time

    seeded = () if seed is None else (f"seed={seed}",)
    settings = (*(EARLY_STOP if early_stop else ()), *overrides, *seeded)
    device = find_device(device)
    ranks = join(device, devices, nodes)
    note = to_stderr if ranks.first else _silent

    def train_in(recipe: Recipe, dataset: Dataset | Stream, folder: Path) -> Path:
        aside = pictures_aside(zoo, recipe, data)
        reporter = BarReporter() if sys.stderr.isatty() and ranks.first else LineReporter()
        try:
            return training.train(
                zoo,
                recipe,
                dataset,
                folder,
                resume=resume,
                device=device,
                devices=devices,
                nodes=nodes,
                threads=threads or "fastest",
                max_steps=max_steps,
                reporter=reporter,
                aside=aside,
            )
        finally:
            reporter.close()

    with _failures(context, note, first=ranks.first, as_json=as_json):
        if found is None:
            assert data is not None  # or it was refused
            wish = Wish(
                family=recipe,
                folder=data,
                name=name,
                size=size,
                columns=dict(map(_column, columns)),
                seconds=parse_time(duration or DEFAULT_TIME),
                steps=steps,
                device=device,
                start=start or "",
            )
            out = out or Path("runs") / wish.model
            path, dataset = train_own(
                zoo,
                wish,
                out,
                settings,
                resume=resume,
                max_steps=max_steps,
                note=note,
                train=train_in,
                ranks=ranks,
            )
        else:
            parsed = changed_recipe(zoo, found, settings, start)
            out = out or Path("runs") / parsed.name
            # Before the data, which take seconds to read.
            ranks.alone(partial(check_free, out, resume=resume))
            ranks.alone(partial(check_patience, zoo, parsed))
            streams = parsed.data.stream and data is None
            path = train_in(
                parsed,
                zoo.stream(parsed.data) if streams else zoo.dataset(parsed.data, data),
                out,
            )
    if ranks.first:
        if found is None:
            finish(zoo, path, dataset, note, folder=wish.folder, seconds=wish.allowed)
        else:
            finish_recipe(zoo, parsed, path, note)
        if as_json:
            _print_card(path)


@contextmanager
def _failures(
    context: click.Context, note: Callable[[str], None], *, first: bool, as_json: bool
) -> Iterator[None]:
    """What is printed of a training that ends too soon, and its exit code."""
    from genzoo_train.failures import DivergedError, EndedError, StoppedError

    try:
        yield
    except StoppedError as stopped:
        note(str(stopped))
        context.exit(stopped.exit_code)
    except DivergedError as error:
        if not first:  # all ranks see the same loss, and one says it
            context.exit(1)
        if as_json:
            click.echo(json.dumps({"diverged": str(error)}))
        raise
    except EndedError as ended:
        if ended.said:
            context.exit(1)
        raise


def _silent(message: str) -> None:
    """Say nothing: the first rank does."""


def _print_card(path: Path) -> None:
    import tomllib

    (fields,) = tomllib.loads(path.with_name("card.toml").read_text(encoding="utf-8"))["models"]
    click.echo(json.dumps({"path": str(path), "card": fields}))
