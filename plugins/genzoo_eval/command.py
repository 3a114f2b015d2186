"""The `genzoo eval` command."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import msgspec

from genzoo_core.errors import UsageError
from genzoo_core.picture_files import picture_suffixes
from genzoo_core.progress import to_stderr
from genzoo_core.request import MOST_PICTURES, MOST_SEED, Request
from genzoo_core.table import terminal_width, wrapped, wrapped_command
from genzoo_core.text import printable
from genzoo_core.zoo import Zoo
from genzoo_eval.progress import Progress
from genzoo_eval.settings import FEWEST, LAYOUT, Settings

if TYPE_CHECKING:
    from genzoo_eval.datasets import Measured
    from genzoo_eval.report import Report

# Importing them takes seconds, and waits for an evaluation; a missing one is an error at once.
for _name in ("datasets", "torchmetrics"):
    if find_spec(_name) is None:
        raise ModuleNotFoundError(f"No module named {_name!r}", name=_name)


def _parse_columns(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    from genzoo_data.api import parse_columns

    return parse_columns(context, option, values)


@click.command("eval")
@click.argument("subject", metavar="MODEL|PICTURES")
@click.option(
    "--data",
    metavar="DIR",
    help="Folder with your pictures, or that holds the dataset.  [env: GENZOO_DATA]",
)
@click.option(
    "--reference", metavar="DATASET", help="What to compare with; the model's own dataset."
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=_parse_columns,
    metavar="NAME=COLUMN",
    help="What a column of your own data is called: --column label=genre.",
)
@click.option(
    "-n",
    type=click.IntRange(FEWEST, MOST_PICTURES),
    help="Images.  [default: as many as the dataset's figures that ship have, or 10000; 1000 with "
    "your own pictures]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, MOST_SEED),
    default=0,
    show_default=True,
    help="Seed of the first picture.",
)
@click.option("--steps", type=int, metavar="N", help="Steps of sampling.")
@click.option("--sampler", metavar="NAME", help="How to sample.")
@click.option("--guidance", type=float, metavar="SCALE", help="How closely to keep to a prompt.")
@click.option(
    "--guidance-curve",
    "curve",
    metavar="SCALES",
    help="Measure at each of these scales instead: 1,1.5,2.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the model."
)
@click.option(
    "--net",
    "nets",
    multiple=True,
    metavar="NAME|FILE",
    help="A feature net to use instead; also inception, timm:BACKBONE.",
)
@click.option("--costs/--no-costs", default=True, help="Measure speed and memory.")
@click.option(
    "--again",
    is_flag=False,
    flag_value="all",
    type=click.Choice(["all", "costs"]),
    help="Measure even if there is a report: all of it, or speed and memory alone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def evaluate(
    context: click.Context,
    *,
    subject: str,
    data: str | None,
    reference: str | None,
    columns: dict[str, str],
    n: int | None,
    seed: int,
    steps: int | None,
    sampler: str | None,
    guidance: float | None,
    curve: str | None,
    settings: tuple[str, ...],
    nets: tuple[str, ...],
    costs: bool,
    again: Literal["all", "costs"] | None,
    as_json: bool,
) -> None:
    """Measure a model, or pictures made elsewhere, against real images.

    Pictures are an .npz file with `images`, uint8 [N, H, W, C], and perhaps `labels`; or a
    folder of picture files.

    \b
    genzoo eval gan-mnist --data DIR
    genzoo eval flow-photos --data photos/
    genzoo eval flow-mnist --steps 5 -n 2000
    genzoo eval flow-mnist --guidance-curve 1,1.5,2,3
    genzoo eval pictures.npz --reference mnist
    """
    zoo: Zoo = context.obj
    named = {"steps": steps, "sampler": sampler, "guidance": guidance}
    options = {name: value for name, value in named.items() if value is not None}
    pictures = are_pictures(zoo, subject)
    if pictures and (options or settings or curve):
        raise UsageError("options are of a model; pictures that exist already take none")
    if curve is not None and guidance is not None:
        raise UsageError("--guidance and --guidance-curve do not go together")
    from genzoo_eval.spread import first, sharing
    from genzoo_eval.text.guidance import scales

    context.with_resource(sharing())
    dataset, folder = _measured(zoo, subject, data, reference, columns, pictures=pictures)
    n = n or _usual_n(zoo, subject, dataset, pictures=pictures)
    how = Settings(n, seed, {**options, **_pairs(settings)}, nets=nets, costs=costs)
    points = [how]
    if curve is not None:  # all are checked before the first is measured
        points = []
        for scale in scales(curve):
            zoo.resolve(Request(subject, n=1, options={"guidance": scale}))
            options = {**how.options, "guidance": scale}
            points.append(msgspec.structs.replace(how, options=options, costs=False))
    from genzoo_eval.evaluating import evaluate as measure
    from genzoo_eval.evaluating import evaluate_images

    reports: list[Report] = []
    for point in points:
        with Progress(silent=not first()) as progress:
            if pictures:
                report = evaluate_images(
                    zoo,
                    Path(subject),
                    dataset or "",
                    folder,
                    point,
                    again=again is not None,
                    on_progress=progress.update,
                    tell=progress.tell,
                )
            else:
                report = measure(
                    zoo,
                    subject,
                    folder,
                    point,
                    dataset=dataset,
                    again="costs" if again == "costs" else again is not None,
                    on_progress=progress.update,
                    tell=progress.tell,
                )
        reports.append(report)
    if not first():
        return
    if as_json:
        click.echo(msgspec.json.encode(reports[0] if curve is None else reports))
        return
    from genzoo_eval.report_text import lines
    from genzoo_eval.text.guidance import lines as curve_lines

    found = lines(reports[0], terminal_width()) if curve is None else curve_lines(reports)
    *shown, last = found
    for line in shown:
        click.echo("\n".join(wrapped(line, then="  ")))
    click.echo("\n".join([printable(last)] if curve else wrapped_command(last)))


def _measured(
    zoo: Zoo,
    subject: str,
    data: str | None,
    reference: str | None,
    columns: dict[str, str],
    *,
    pictures: bool,
) -> tuple[Measured | None, Path | None]:
    """What a subject is measured with, None for what a model's card says, and where it lies."""
    from genzoo_eval.datasets import parse_data, require_dataset
    from genzoo_eval.own_data import of_model, of_pictures, trained_on

    in_data, folder = parse_data(zoo, data)
    if not (reference or pictures or columns or folder is None):
        own = trained_on(zoo, subject, folder)
        if own is not None:
            return own, folder
    named, note = reference or in_data, to_stderr
    if named:
        require_dataset(zoo, named)
        return named, folder
    if not pictures:
        explicit = data is not None
        return of_model(zoo, subject, folder, columns, note, explicit=explicit), folder
    if data is None or folder is None:
        hint = "give --reference, or as --data a folder of real pictures"
        raise UsageError("pictures do not say what to compare them with", hint)
    return of_pictures(zoo, Path(subject), folder, columns, note), folder


def _usual_n(zoo: Zoo, subject: str, dataset: Measured | None, *, pictures: bool) -> int:
    from genzoo_eval.datasets import OwnData, own_dataset
    from genzoo_eval.own_data import own_n
    from genzoo_eval.report_store import usual_n

    if isinstance(dataset, OwnData):
        return own_n(dataset)
    return Settings().n if pictures else usual_n(dataset or own_dataset(zoo, subject))


def _pairs(settings: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in settings]
    for name, equals, value in pairs:
        if not name or not equals:
            raise UsageError(f"--set {name + equals + value!r} is not of the form KEY=VALUE")
    return {name: value for name, _, value in pairs}


def are_pictures(zoo: Zoo, subject: str) -> bool:
    """Whether a subject is an .npz file or a folder of pictures, and not a model.

    A model of the same name as a folder is the model; a folder with a model file in it, or in a
    format of others, is none of pictures, whatever else a training left there.

    Raises:
        UsageError: It is a file of pictures, but of a kind that cannot be measured.
    """
    path = Path(subject)
    suffix = path.suffix.lower()
    if suffix in (".npy", *picture_suffixes()):
        raise UsageError(
            f"{subject} cannot be measured: give an .npz file or a folder of pictures",
            f"`images` in the file are {LAYOUT}",
        )
    if suffix == ".npz":
        return True
    if not path.is_dir() or any(path.glob("*.safetensors")):
        return False
    manifests = [plugin.manifest for plugin in zoo.plugins() if plugin.manifest is not None]
    formats = [each for manifest in manifests for each in manifest.formats]
    markers = [each.markers for each in formats if each.markers]
    if any(all((path / marker).is_file() for marker in each) for each in markers):
        return False
    return all(card.name != path.name for card in zoo.cards())
