"""The end of `genzoo train FAMILY`: what came out, and what can be done with it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from genzoo_core.atomic import becoming
from genzoo_core.dataset import Dataset
from genzoo_core.encoder import Codec
from genzoo_core.errors import GenzooError, NotFittedError, UsageError
from genzoo_core.images import from_uint8, grid, to_pil, to_uint8
from genzoo_core.model import GenerativeModel
from genzoo_core.recipe import Recipe
from genzoo_core.request import Request
from genzoo_core.table import wrapped_command
from genzoo_core.zoo import Zoo

NAMED = 4
"""Classes that the command to go on with draws."""

SHOWN = 16
"""Pictures on each side of the last grid."""


def add_to_list(zoo: Zoo, path: Path) -> str:
    """The name of a model in the user's list, into which it is put unless it is there."""
    try:
        return zoo.add(str(path)).name
    except UsageError:
        card = zoo.card(path.stem)
        if card.weights != str(path.absolute()):
            raise
        return card.name


def _first_classes(module: nn.Module) -> str:
    """Some classes as prompts of a command; "" where the prompt is none."""
    conditioners = module.conditioners if isinstance(module, GenerativeModel) else {}
    reader = next(iter(conditioners.values()), None)
    count = min(NAMED, reader.categories or 0) if reader else 0
    return shlex.join(reader.category(index) for index in range(count)) if reader else ""


def finish(
    zoo: Zoo,
    path: Path,
    dataset: Dataset,
    note: Callable[[str], None],
    *,
    folder: Path,
    seconds: float,
) -> None:
    """Show what came out beside real pictures, put it into the user's list, and say what is next.

    Args:
        zoo: The registry.
        path: The model's file.
        dataset: The training set.
        note: Called with what a user reads.
        folder: Where the pictures lie.
        seconds: How long the training was allowed to take; 0 where steps were chosen.
    """
    _wrote(path, note)
    name, shown = path.stem, path.with_name("pictures.png")
    real = dataset.images[:: max(1, len(dataset.images) // SHOWN)][:SHOWN]
    module = zoo.open(str(path)).module
    if isinstance(module, Codec):
        with torch.no_grad():
            made = to_uint8(module.reconstruct(from_uint8(real)))
        what, first = "copies", [("encode", "PICTURE")]
    else:
        try:
            made = to_uint8(zoo.generate(Request(str(path), n=len(real), seed=0)).images)
        except NotFittedError as error:  # --max-steps ended it before its last stage
            note(f"no pictures yet: {error}")
            return
        what = "pictures of its own"
        named = _first_classes(module)
        first = [("run", f"{named} -n 4" if named else "-n 16"), ("serve", "")]
    with becoming(shown) as temporary:
        sides = torch.stack([grid(made, 4), grid(real, 4)])
        to_pil(grid(sides, 2, gap=8)).save(temporary, "PNG")
    note(f"wrote {shown}: {len(real)} {what}, and as many that it was trained on")
    try:
        name = add_to_list(zoo, path)
        note(f"{name} is in your list now")
    except GenzooError as error:  # the name is taken, or the list cannot be written
        name = str(path)
        note(f"it is not put into your list: {error.message}; `genzoo add {path} --name NAME` does")
    arguments = {"model": name, "data": folder, "seconds": seconds}
    for found in zoo.call_hook("genzoo_after_training", **arguments):
        for line in found:
            note(str(line))
    words = [*first, ("info", ""), ("push", f"YOU/{path.stem}")]
    commands = [f"{verb} {shlex.quote(name)} {rest}".rstrip() for verb, rest in words]
    _go_on([*commands, _ship(path)], note)


def finish_recipe(zoo: Zoo, recipe: Recipe, path: Path, note: Callable[[str], None]) -> None:
    """Say where the file of a recipe's model is, which is put into no list, and what is next."""
    _wrote(path, note)
    file = shlex.quote(str(path))
    run = [f"run {file} -n 16"] if recipe.model.kind == "model" else []
    try:
        if run:
            zoo.generate(Request(str(path), seed=0))
    except NotFittedError as error:  # --max-steps ended it before its last stage
        note(f"no pictures yet: {error}")
        run = []
    except GenzooError:  # such as a prompt that it needs, which `genzoo run` then says
        pass
    _go_on([*run, f"info {file}", f"add {file}", _ship(path)], note)


def _wrote(path: Path, note: Callable[[str], None]) -> None:
    note(f"wrote {path}, and card.toml beside it")


def _ship(path: Path) -> str:
    return f"ship {shlex.quote(str(path.parent))} --into PACKAGE"


def _go_on(commands: list[str], note: Callable[[str], None]) -> None:
    note("go on with")
    for command in commands:
        for line in wrapped_command(f"genzoo {command}", "  ", sys.stderr):
            note(line)
