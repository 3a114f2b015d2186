"""The `genzoo ship` command: from a training to a model of a plugin."""

from __future__ import annotations

import json
import os
import re
import tomllib
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path

import click
import msgspec

from genzoo_author.manifest_text import with_card
from genzoo_core.atomic import write_atomically
from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, GenzooError, IntegrityError, UsageError
from genzoo_core.zoo import Zoo

MANIFEST, FIGURES, RECIPE = "genzoo.toml", "figures.json", "recipe.toml"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    help=f"Package to put it into: the folder with {MANIFEST}.  [default: the one below here]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def ship(zoo: Zoo, *, run: Path, into: Path | None, as_json: bool) -> None:
    """Put a trained model into the plugin that you work on.

    RUN is the folder that `genzoo train` wrote. Its weights are copied into the package's folder
    weights/, its recipe into recipes/ unless there is one, and its card into genzoo.toml, in place
    of an earlier one of that name. The figures of the earlier one go from figures.json, for they
    were measured on other weights.

    \b
    genzoo ship runs/my-model
    genzoo ship runs/my-model --into src/my_plugin
    """
    card, weights = _trained(run)
    package = _package(into)
    manifest, recipe, own = package / MANIFEST, package / card.recipe, run / RECIPE
    sound = card.recipe == f"recipes/{card.name}.toml"
    copied = sound and not recipe.is_file() and own.is_file()
    hints = []
    if card.recipe and not (copied or recipe.is_file()):
        hints.append(
            f"{recipe} is not there, so the card names no recipe; "
            "put it there and ship again, so that others can train the model too"
        )
        card = msgspec.structs.replace(card, recipe="")
    if not card.license:
        hints.append(
            "Warning: it is shipped without a licence, which `genzoo check` asks for; write "
            f"`license` and `credits` below [[models]] in {run / 'card.toml'}, and ship again"
        )
    if any(model.added and model.bare == card.name for model in zoo.models()):
        hints.append(
            f"{card.name} is in your own list as well: once the plugin is installed, `genzoo rm "
            f"{card.name}` leaves the plugin's"
        )
    hints.append(_installation(package))
    fields: dict[str, object] = json.loads(msgspec.json.encode(card))
    try:
        text = with_card(manifest.read_text(encoding="utf-8"), fields, str(manifest))
        target = package / card.weights
        _drop_figures(package / FIGURES, card.name)
        target.parent.mkdir(exist_ok=True)
        write_atomically(target, weights.read_bytes())
        if copied:
            recipe.parent.mkdir(exist_ok=True)
            write_atomically(recipe, own.read_bytes())
        write_atomically(manifest, text.encode())
    except OSError as error:
        raise GenzooError(f"cannot write into {package}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{manifest} is not TOML: {error}") from error

    for hint in filter(None, hints):
        click.echo(hint, err=True)
    if as_json:
        click.echo(json.dumps({"model": card.name, "weights": str(target), "card": fields}))
    else:
        click.echo(target)


def _trained(run: Path) -> tuple[ModelCard, Path]:
    """The card in a run's folder, and the file of its weights, both checked."""
    source = run / "card.toml"
    try:
        document = tomllib.loads(source.read_text(encoding="utf-8"))
        if outside := sorted(document.keys() - {"models"}):
            raise ConfigError(
                f"{source} has {outside[0]} above [[models]]", "move it to the lines below that"
            )
        (fields,) = document["models"]
        card = msgspec.convert(fields, ModelCard)
    except OSError as error:
        raise UsageError(
            f"{run} is not the folder of a finished training: it has no card.toml",
            "give the --out of `genzoo train`",
        ) from error
    except (ValueError, TypeError, KeyError, msgspec.ValidationError) as error:
        raise ConfigError(f"{source} is damaged: {error}", "train again") from error
    expected = f"weights/{card.name}.safetensors"
    if not NAME.fullmatch(card.name) or card.weights != expected:
        raise ConfigError(
            f"{source} names {card.name!r} with weights {card.weights!r}, not {expected!r}",
            "train again",
        )
    weights = run / f"{card.name}.safetensors"
    try:
        with weights.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"there is no file {weights}", "train again") from error
    if digest != card.sha256:
        raise IntegrityError(f"{weights} is not what {source} says", "train again")
    return card, weights


def _package(into: Path | None) -> Path:
    """The package to put a model into; raises a UsageError for none and for several."""
    base = into or Path()
    if (base / MANIFEST).is_file():
        return base
    places = ("*", "src/*")
    found = sorted({path.parent for place in places for path in base.glob(f"{place}/{MANIFEST}")})
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(map(str, found[:5]))
        raise UsageError(f"{names} have a {MANIFEST}", "say which with --into")
    raise UsageError(
        f"there is no package with a {MANIFEST} in {base.resolve()}",
        "name a plugin's folder with --into; `genzoo new` begins one",
    )


def _drop_figures(file: Path, name: str) -> None:
    """Take the figures of a model out of a package's `figures.json`."""
    if not file.exists():
        return
    try:
        figures = json.loads(file.read_bytes())
        there = figures.pop(name, None)
    except (ValueError, RecursionError, AttributeError, TypeError) as error:
        raise ConfigError(f"{file} is no JSON object: {error}") from error
    if there is not None:
        write_atomically(file, (json.dumps(figures, indent=1, ensure_ascii=False) + "\n").encode())


def _installation(package: Path) -> str:
    """How to install the plugin, so that genzoo sees the model; "" where it is not needed."""
    name = package.resolve().name
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or spec.origin is None:
        return "install the plugin, and it is in the list: `pip install -e .`"
    if os.path.samefile(Path(spec.origin).parent, package):
        return ""
    return "install the plugin again, and it is in the list: `pip install .`"
