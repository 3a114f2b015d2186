"""Which recipe, and how many of its steps, fit into the time that there is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from msgspec.structs import replace

from genzoo_core.dataset import Dataset
from genzoo_core.devices import threads
from genzoo_core.errors import ConfigError
from genzoo_core.recipe import Recipe
from genzoo_core.training import Trainable
from genzoo_core.zoo import Opened, Zoo
from genzoo_train.batches import InOrder, make_batches
from genzoo_train.building import model_spec, train_mode
from genzoo_train.launching import make_fabric
from genzoo_train.loop import StageLoop
from genzoo_train.stages import plan_stages
from genzoo_train.threads import set_fastest

ROWS = 512
"""Pictures that steps are timed on."""

REST = 0.9
"""Share of the time that steps get; checkpoints, samples and the end take the rest."""

LEAST_LEFT = 0.1
"""Share of the time that is trained at least, however long the timing took."""

LONGEST = 4.0
"""A training is not stretched beyond so many times the steps that its recipe asks for."""

TRIALS, PATIENCE = 5, 2.0
"""How often a step is timed, and seconds after which it is not timed again."""


class Fitted(NamedTuple):
    """A recipe with its steps fixed.

    Attributes:
        recipe: The recipe.
        seconds: How long its steps take here.
        parameters: Numbers that are trained.
        share: Its steps over those that the template asks for.
        spent: Seconds that timing took.
    """

    recipe: Recipe
    seconds: float
    parameters: int
    share: float
    spent: float = 0.0

    def seconds_of(self, steps: int) -> float:
        """The least time that so many of its steps, of all stages together, fit into."""
        done = sum(stage.steps or 0 for stage in self.recipe.stages)
        return self.spent + steps * self.seconds / done / REST


def fit_recipe(
    zoo: Zoo,
    recipes: Sequence[Recipe],
    dataset: Dataset,
    *,
    seconds: float,
    steps: int | None,
    device: str,
    note: Callable[[str], None],
    ranks: int = 1,
) -> Fitted:
    """The first recipe whose steps fit into the time; else the last, with as many as do.

    Args:
        zoo: Builds the models.
        recipes: From the largest network to the smallest.
        dataset: The training set.
        seconds: The time.
        steps: Steps of all stages, in place of the time.
        device: "cpu", "cuda", "cuda:1", "mps", or "auto" for the first that is here.
        note: Called with what is being timed.
        ranks: How many share each batch: one is timed, on its share alone.

    Raises:
        ConfigError: No recipe was given.
        GenzooError: A model cannot be built.
    """
    fitted: Fitted | None = None
    start = time.monotonic()
    for recipe in recipes:
        note(f"timing steps of {recipe.card.family} with {_size(recipe)}")
        each, parameters = _time_steps(zoo, _of_one(recipe, ranks), dataset, device)
        counts = [stage.steps or 1 for stage in recipe.stages]
        needed = sum(steps * s for steps, s in zip(counts, each, strict=True))
        spent = time.monotonic() - start
        left = max(seconds - spent, LEAST_LEFT * seconds)
        share = min(REST * left / needed, LONGEST) if steps is None else steps / sum(counts)
        fixed = [max(1, round(share * count)) for count in counts]
        stages = tuple(replace(s, steps=n) for s, n in zip(recipe.stages, fixed, strict=True))
        took = sum(n * s for n, s in zip(fixed, each, strict=True))
        fitted = Fitted(replace(recipe, stages=stages), took, parameters, share, spent)
        if share >= 1:
            break
    if fitted is None:
        raise ConfigError("a recipe template gave no recipe")
    return fitted


def _of_one(recipe: Recipe, ranks: int) -> Recipe:
    """A recipe with the batches of one of several ranks."""
    stages = (replace(s, batch_size=-(-s.batch_size // ranks)) for s in recipe.stages)
    return replace(recipe, stages=tuple(stages))


def _size(recipe: Recipe) -> str:
    config = recipe.model.config
    width = config.get("network", config).get("width")
    return f"a network {width} wide" if width else f"the network of {recipe.model.start}"


def _time_steps(zoo: Zoo, recipe: Recipe, dataset: Dataset, device: str) -> tuple[list[float], int]:
    """Seconds of a step of each stage, and the parameters."""
    few = Dataset(dataset.images[:ROWS], {n: v[:ROWS] for n, v in dataset.columns.items()})
    fabric = make_fabric(device, recipe)
    forked = [fabric.device] if fabric.device.type == "cuda" else []
    with torch.random.fork_rng(forked), threads(torch.get_num_threads()):
        built = zoo.build(model_spec(recipe, dataset), training=True)
        module = built.module.to(fabric.device)
        assert isinstance(module, Trainable)  # plan_stages says what is wrong otherwise
        train_mode(built)
        batches = make_batches(few, recipe, module, fabric.device)
        each = []
        for index, plan in enumerate(plan_stages(built, recipe, len(few.images))):
            if index or plan.stage.prepared:
                module.eval()
                with torch.no_grad():
                    rows = InOrder(batches, plan.recipe.batch_size)
                    module.prepare_stage(plan.stage, rows, resumed=False)
                train_mode(built)
            loop = StageLoop(plan, built, batches, recipe, fabric)
            if not index and fabric.device.type == "cpu":
                set_fastest(loop)
            each.append(_seconds(loop))
        return each, _parameters(built)


def _seconds(loop: StageLoop) -> float:
    """The mean seconds of some steps, after one that is not counted."""
    loop.rehearse()
    start = time.monotonic()
    done = 0
    while done < TRIALS and time.monotonic() - start < PATIENCE:
        loop.rehearse()
        done += 1
    return (time.monotonic() - start) / done


def _parameters(built: Opened) -> int:
    shared = {id(p) for part in built.parts.values() for p in part.parameters()}
    return sum(p.numel() for p in built.module.parameters() if id(p) not in shared)
