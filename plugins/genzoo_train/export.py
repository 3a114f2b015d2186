"""From trained weights to a model file and its card."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from genzoo_core.cards import ModelCard
from genzoo_core.errors import TrainingError
from genzoo_core.recipe import Recipe
from genzoo_core.specs import ModelSpec
from genzoo_core.training import Trainable
from genzoo_core.zoo import Opened, Zoo
from genzoo_train.batches import Batches, InOrder
from genzoo_train.building import own_parameters
from genzoo_train.failures import DivergedError


@torch.no_grad()
def finalize(built: Opened, batches: Batches, recipe: Recipe) -> None:
    """Round the weights as they will be stored, then let the model fit what has a closed form,
    so that its statistics belong to the very weights in the file."""
    module = built.module
    module.eval()
    check_rounding(built, recipe)
    dtype: torch.dtype = getattr(torch, recipe.weights_dtype)
    for parameter in own_parameters(built).values():
        parameter.copy_(parameter.to(dtype))
    assert isinstance(module, Trainable)  # plan_stages made sure
    module.finalize(InOrder(batches, recipe.stages[-1].batch_size))


def check_rounding(built: Opened, recipe: Recipe) -> None:
    """Check that the weights can be stored.

    Raises:
        DivergedError: A weight is not finite, or not in the dtype that it is stored in.
    """
    dtype: torch.dtype = getattr(torch, recipe.weights_dtype)
    for name, parameter in own_parameters(built).items():
        if not (finite := parameter.isfinite()).all():
            raise DivergedError(
                f"{name} became {parameter[~finite][0].item()}",
                "lower the learning rate, in another --out",
            )
        if not parameter.to(dtype).isfinite().all():
            raise DivergedError(
                f"{name} does not fit into {recipe.weights_dtype}",
                'set weights_dtype = "bfloat16" in the recipe; --resume goes on with that',
            )


def export(zoo: Zoo, built: Opened, recipe: Recipe, path: Path) -> ModelCard:
    """Write the model file: what is needed without training, parameters in the recipe's dtype.

    Parts that only the training asks for, such as a teacher, are not named in it.

    Returns:
        The model's card.

    Raises:
        TrainingError: The module that is built without training needs what the trained one
            does not have.
    """
    serving = zoo.build(built.spec, training=False)
    parameters = dict(serving.module.named_parameters())
    dtype: torch.dtype = getattr(torch, recipe.weights_dtype)
    trained = built.own_tensors()
    tensors: dict[str, Tensor] = {}
    for name in serving.own_tensors():
        if name not in trained:
            raise TrainingError(
                f"{recipe.model.component} has no {name} when it is built for training",
                "this is an error of its plugin",
            )
        tensor = trained[name].detach().cpu()
        tensors[name] = (tensor.to(dtype) if name in parameters else tensor).contiguous().clone()
    card = _card(recipe, built.spec)
    return zoo.save(path, serving.spec, tensors, card, modelspec=recipe.modelspec)


def _card(recipe: Recipe, spec: ModelSpec) -> ModelCard:
    return ModelCard(
        name=recipe.name,
        family=recipe.card.family,
        summary=recipe.card.summary,
        kind=spec.kind,
        dataset=recipe.data.name,
        shape=recipe.data.shape,
        conditioners=tuple(recipe.model.conditioners),
        weights=f"weights/{recipe.name}.safetensors",
        license=recipe.card.license,
        credits=recipe.card.credits,
        recipe=f"recipes/{recipe.name}.toml",
        notes=recipe.card.notes,
    )


def card_toml(card: ModelCard) -> str:
    """A card as a `[[models]]` block for a manifest."""
    lines = ["[[models]]\n"]
    for name, value in msgspec.to_builtins(card).items():
        # JSON's strings, numbers and arrays of them are TOML's too.
        text = json.dumps(value, ensure_ascii=False)
        # It is printed: what a terminal would obey is escaped.
        text = "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
        lines.append(f"{name} = {text}\n")
    return "".join(lines)
