"""How good the weights of a stage are on pictures that it does not learn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from msgspec.structs import replace
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.errors import ConfigError, DataError, GenzooError
from genzoo_core.recipe import Recipe
from genzoo_core.rng import BatchRng
from genzoo_core.training import Batch, Phase, Trainable
from genzoo_core.zoo import Zoo
from genzoo_train.batches import Batches, derive
from genzoo_train.building import model_spec
from genzoo_train.figures import added
from genzoo_train.loop import StageLoop
from genzoo_train.ranks import Ranks

LOOKS = 20
"""Looks in a stage."""

EARLY_STOP = (f"validation.looks={LOOKS}", f"validation.patience={LOOKS // 4}")
"""Settings of `--early-stop`, which ends a stage after a quarter of it without progress."""

FEWEST, MOST = 256, 512
"""Rows of a look: of fewer pictures each counts several times, with other noise; of more, some."""

CHUNK = 64

BEST = "best."
"""How the names of the best look begin in a checkpoint."""


def judged_stages(recipe: Recipe, module: Trainable) -> list[str]:
    """Names of the stages that pictures set aside can judge.

    Raises:
        ConfigError: There is none, and the recipe shall end early.
    """
    found = [stage.name for stage in module.stages() if module.validated_phase(stage)]
    if not found and recipe.validation.patience:
        raise ConfigError(
            f"no loss says how good a {recipe.card.family} is, so none can end it early",
            "leave out --early-stop; Ctrl-C or --max-steps ends it where samples are good",
        )
    return found


def check_patience(zoo: Zoo, recipe: Recipe) -> None:
    """Refuse a recipe that shall end early and cannot, before its pictures are read.

    What cannot be built without them is found later.

    Raises:
        ConfigError: No stage of it can be judged.
    """
    if not recipe.validation.patience:
        return
    none = Dataset(torch.empty((0, *recipe.data.shape), dtype=torch.uint8))
    conditioners = {name: replace(c, typical=0) for name, c in recipe.model.conditioners.items()}
    model = replace(recipe.model, conditioners=conditioners)
    try:
        module = zoo.build(model_spec(replace(recipe, model=model), none), training=True).module
    except GenzooError:
        return
    if isinstance(module, Trainable):
        judged_stages(recipe, module)


def pictures_aside(zoo: Zoo, recipe: Recipe, folder: Path | None) -> Dataset | None:
    """The pictures that a recipe looks at, at most `MOST`; None where it looks at none.

    Raises:
        DataError: There are none, or they cannot be read.
    """
    if not recipe.validation.looks:
        return None
    split = recipe.validation.split
    try:
        data = zoo.dataset(replace(recipe.data, split=split), folder)
    except DataError as error:
        raise DataError(
            f"nothing is set aside to look at: {error.message}",
            "try --set data.aside=0.1, or leave out --early-stop (or validation.looks)",
        ) from error
    step = math.ceil(len(data.images) / MOST)
    columns = {name: values[::step] for name, values in data.columns.items()}
    return Dataset(data.images[::step], columns)


def look(
    loop: StageLoop, phase: Phase, batches: Batches, seed: int, ranks: Ranks
) -> dict[str, float]:
    """The mean loss and figures of a phase, by names as "valid/loss".

    Noise, times and rows are the same at each look of a stage (common random numbers), so that
    two looks differ by the weights alone. The weights in the module are those that are looked at,
    in evaluation mode. Each rank looks at some of the pictures, and all get the same figures.
    """
    count, place = len(batches), (loop.plan.stage.name, "validation")
    rows = torch.arange(min(max(count, FEWEST), MOST), device=batches.device) % count
    sums: dict[str, float] = {}
    for index, some in enumerate(torch.split(rows, CHUNK)):
        if index % ranks.count != ranks.index:
            continue
        generator = torch.Generator(batches.device).manual_seed(derive(seed, *place, index))
        batch = batches.at(some)
        # These are no rows of the training set.
        unseen = Batch(batch.images, batch.conditions)
        loss, named = loop.evaluate(phase, unseen, BatchRng(generator, len(some)))
        for name, value in {"loss": loss, **named}.items():
            share = float(value) * len(some) / len(rows)
            sums[f"valid/{name}"] = sums.get(f"valid/{name}", 0.0) + share
    return added(ranks.gather(sums))


class Best:
    """The best look of a stage so far.

    Attributes:
        step: The step that it was at.
        waited: Looks since then.
        tensors: The model's own, by name; none before the first look.
    """

    def __init__(self) -> None:
        self.loss, self.step, self.waited = math.inf, 0, 0
        self.tensors: dict[str, Tensor] = {}

    def see(self, loss: float, step: int, tensors: Mapping[str, Tensor]) -> None:
        """Take a look into account."""
        if loss < self.loss:
            self.loss, self.step, self.waited = loss, step, 0
            self.tensors = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        else:
            self.waited += 1

    def adopt(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy the best weights into the model's, if there are any."""
        with torch.no_grad():
            for name, best in self.tensors.items():
                tensors[name].copy_(best)

    def state(self) -> dict[str, Tensor]:
        """All of it, for a checkpoint; {} before the first look."""
        if not (self.tensors or self.waited):
            return {}
        place = torch.tensor([self.loss, self.step, self.waited], dtype=torch.float64)
        return {BEST: place} | {f"{BEST}{name}": t for name, t in self.tensors.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state()` gave."""
        if BEST in state:
            loss, step, waited = state[BEST].tolist()
            self.loss, self.step, self.waited = loss, int(step), int(waited)
            self.tensors = {n.removeprefix(BEST): t for n, t in state.items() if n != BEST}
