"""The `genzoo train` command."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from genzoo_core.zoo import Zoo

# The libraries of the extra take seconds to import, so they wait for the training to start; a
# missing one is reported at once.
for _name in ("datasets", "lightning_fabric"):
    if find_spec(_name) is None:
        raise ModuleNotFoundError(f"No module named {_name!r}", name=_name)


@click.command()
@click.argument("recipe")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="GENZOO_DATA",
    show_envvar=True,
    help="Folder that holds the dataset; without it the recipe's dataset on the Hub is read.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the run.  [default: runs/NAME]",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out, if there is one.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, mps.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads.  [default: the fastest number]"
)
@click.option(
    "--max-steps",
    type=click.IntRange(min=1),
    help="Stop after that many steps over all stages, and export what there is.",
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
    "--json", "as_json", is_flag=True, help="Print the card, or why the training diverged, as JSON."
)
@click.pass_context
def train(
    context: click.Context,
    *,
    recipe: str,
    data: Path | None,
    out: Path | None,
    resume: bool,
    device: str,
    threads: int | None,
    max_steps: int | None,
    seed: int | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train a model and write its weights file and its card.

    RECIPE is a TOML file, or the name of a model whose recipe is to be run again.
    """
    zoo: Zoo = context.obj
    from genzoo_train import training
    from genzoo_train.failures import DivergedError
    from genzoo_train.folder import check_free
    from genzoo_train.overrides import override
    from genzoo_train.reporting import BarReporter, LineReporter
    from genzoo_train.session import StoppedError

    settings = overrides if seed is None else (*overrides, f"seed={seed}")
    parsed = override(zoo.recipe(recipe), settings)
    out = out or Path("runs") / parsed.name
    check_free(out, resume=resume)  # before the data, which take seconds to read
    dataset = zoo.dataset(parsed.data, data)
    reporter = BarReporter() if sys.stderr.isatty() else LineReporter()
    try:
        path = training.train(
            zoo,
            parsed,
            dataset,
            out,
            resume=resume,
            device=device,
            threads=threads or "fastest",
            max_steps=max_steps,
            reporter=reporter,
        )
    except StoppedError as stopped:
        reporter.close()
        click.echo(str(stopped), err=True)
        context.exit(stopped.exit_code)
    except DivergedError as error:
        if as_json:
            click.echo(json.dumps({"diverged": str(error)}))
        raise
    finally:
        reporter.close()
    card = path.with_name("card.toml").read_text(encoding="utf-8")
    click.echo(f"wrote {path}", err=True)
    if as_json:
        import tomllib

        (fields,) = tomllib.loads(card)["models"]
        click.echo(json.dumps({"path": str(path), "card": fields}))
    else:
        sys.stdout.write(card)
