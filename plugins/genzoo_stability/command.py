"""The `genzoo stability` command."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from genzoo_core.errors import GenzooError, UsageError, did_you_mean
from genzoo_core.request import MOST_PICTURES
from genzoo_core.zoo import Zoo
from genzoo_stability.plan import DATASET, QUICK, VARIANTS, Settings, Variant, plan_runs

if TYPE_CHECKING:
    from genzoo_stability.results import StabilityResults
    from genzoo_stability.store import Store

NEEDED = ("datasets", "filelock", "lightning_fabric", "torchmetrics")
"""Libraries of the extras `train` and `eval`."""

MOST_SECONDS = 604_800
"""Longest training: a week."""


def _number(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Check for NaN, which click takes to be in every range."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no number")
    return value


@click.command()
@click.option(
    "--data",
    default=DATASET,
    show_default=True,
    metavar="NAME|DIR",
    help="The dataset, or the folder that holds it; GENZOO_DATA is the folder of a name.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the trainings and the results.  [default: runs/stability-NAME]",
)
@click.option("--quick", is_flag=True, help="A few seconds each: to see that it works.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, max=MOST_SECONDS, min_open=True),
    callback=_number,
    help="CPU seconds of one thread for each training.  [default: 120]",
)
@click.option(
    "-n", type=click.IntRange(10, MOST_PICTURES), help="Images to measure.  [default: 2000]"
)
@click.option(
    "--variant",
    "names",
    multiple=True,
    metavar="NAME",
    help=f"Only this one; can be repeated: {', '.join(VARIANTS)}.",
)
@click.option("--net", metavar="MODEL", help="Classifier that measures.  [default: the dataset's]")
@click.option(
    "--jobs",
    type=click.IntRange(1, 1024),
    default=2,
    show_default=True,
    help="Trainings at a time.",
)
@click.option("--measure", is_flag=True, help="Measure here, instead of showing what ships.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.pass_context
def stability(
    context: click.Context,
    *,
    data: str,
    out: Path | None,
    quick: bool,
    seconds: float | None,
    n: int | None,
    names: tuple[str, ...],
    net: str | None,
    jobs: int,
    measure: bool,
    as_json: bool,
) -> None:
    """How steadily each family trains.

    Small nets of each family were trained many times, with other seeds and other learning rates,
    for the same time; the result ships and is printed. With --measure, a folder as --data, or an
    option that says how, it is measured here, which takes more than an hour on two cores;
    interrupted, the same command goes on.

    \b
    genzoo stability --data mnist
    genzoo stability --data mnist --quick
    genzoo stability --data mnist --measure
    """
    from genzoo_stability.results import load_shipped

    zoo: Zoo = context.obj
    variants = _variants(names)
    if data == DATASET and not measure and not _says_how(context):
        shipped = load_shipped(DATASET)
        if shipped is None:
            raise UsageError("no results ship with this copy", "--measure measures them")
        _print(shipped, as_json=as_json)
        _tell(f"this is the result that ships; `{shipped.command}` measures it here")
        return
    folder = _folder(data)
    _require()
    changes = dict(QUICK) if quick else {}
    changes |= {k: v for k, v in (("seconds", seconds), ("n", n)) if v is not None}
    judge_name = net or f"features-{DATASET}-classifier"
    out = out or Path("runs") / f"stability-{DATASET}{'-quick' if quick else ''}"

    import msgspec

    from genzoo_stability.judge import Judge, load_classifier
    from genzoo_stability.protocol import Protocol
    from genzoo_stability.store import Store

    recipe = zoo.recipe(str(variants[0].recipe))
    classifier = load_classifier(zoo, judge_name, recipe.data.shape)
    settings = Settings(
        dataset=DATASET, judge=judge_name, judge_sha256=classifier.sha256, **changes
    )
    with closing(Store(out, settings)) as store:
        try:
            _tell("reading the test images")
            test = zoo.dataset(msgspec.structs.replace(recipe.data, split="test"), folder).images
            judge = Judge(classifier, test, settings.n)
            _tell(_announced(variants, settings, jobs, store))
            protocol = Protocol(
                zoo, settings, variants, store=store, judge=judge, data=folder, tell=_tell
            )
            results = protocol.run(jobs, _command(changes, quick, names, net))
            path = store.write(f"stability-{DATASET}", results)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(f"what is measured lies in {out}, and the same command goes on")
            raise
    _tell(f"wrote {path}")
    _print(results, as_json=as_json)


def _require() -> None:
    """Check at once that the libraries are there; what ships is printed without them."""
    for name in NEEDED:
        if find_spec(name) is None:
            raise GenzooError(
                f"measuring stability needs {name}, which is not installed",
                "`pip install 'genzoo[train,eval]'`",
            )


def _says_how(context: click.Context) -> bool:
    """Whether an option of measuring was set."""
    sources = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    how = {option.name or "" for option in context.command.params} - {"data", "as_json", "measure"}
    return any(context.get_parameter_source(name) in sources for name in how)


def _print(results: StabilityResults, *, as_json: bool) -> None:
    import msgspec

    from genzoo_stability.table import lines

    click.echo(msgspec.json.encode(results) if as_json else "\n".join(lines(results)))


def _announced(variants: Sequence[Variant], settings: Settings, jobs: int, store: Store) -> str:
    """How much is left to be done."""
    names = {run.name for variant in variants for run in plan_runs(variant.name, 1, settings)}
    left = len(names - {row.run for row in store.rows if row.last})
    minutes = left * settings.seconds / 60 / min(jobs, os.cpu_count() or 1)
    time = f", about {minutes:.0f} minutes and their measuring" if minutes >= 2 else ""
    return (
        f"{left} trainings of {settings.seconds:g} CPU seconds are left, {jobs} at a time{time}; "
        f"what is done is saved in {store.path}"
    )


def _variants(names: tuple[str, ...]) -> tuple[Variant, ...]:
    for name in names:
        if name not in VARIANTS:
            raise UsageError(
                f"no variant {name!r}; there are {', '.join(VARIANTS)}",
                did_you_mean(name, VARIANTS),
            )
    return tuple(variant for name, variant in VARIANTS.items() if not names or name in names)


def _folder(data: str) -> Path | None:
    """The folder that holds the dataset; None for the Hub."""
    if data == DATASET:
        data = os.environ.get("GENZOO_DATA", "")
    elif not Path(data).is_dir():
        raise UsageError(
            f"{data!r} is neither {DATASET}, which the protocol trains on, nor a folder",
            did_you_mean(data, [DATASET]),
        )
    return Path(data) if data else None


def _command(changes: dict[str, Any], quick: bool, names: tuple[str, ...], net: str | None) -> str:
    words = ["genzoo", "stability", "--data", DATASET, "--quick" if quick else "--measure"]
    for key, flag in (("seconds", "--seconds"), ("n", "-n")):
        if key in changes and (not quick or changes[key] != QUICK[key]):
            words += [flag, f"{changes[key]:g}"]
    words += [word for name in names for word in ("--variant", name)]
    return shlex.join([*words, *(["--net", net] if net else [])])


def _tell(text: str) -> None:
    click.echo(text, err=True)
