"""A discriminator that is too good, on pictures that are easy to tell apart."""

from __future__ import annotations

from statistics import median

import msgspec
import pytest
import torch

from genzoo_core import ConfigError, Progress, Recipe
from genzoo_core.zoo import Zoo
from genzoo_stability.plan import VARIANTS
from genzoo_stability.starving import Draws, pretrained_generator, starve
from genzoo_stability.stepping import LONG, fresh_stage, steps_per_second

STEPS = (1, 10, 200)


def small(zoo: Zoo, variant: str, **config: object) -> Recipe:
    """A variant's recipe with tiny nets for images of 8×8 pixels."""
    recipe = zoo.recipe(str(VARIANTS[variant].recipe))
    fields = {**recipe.model.config, "shape": [1, 8, 8], **config}
    model = msgspec.structs.replace(recipe.model, config=fields)
    given = recipe.stages[0]
    phases = {name: msgspec.structs.replace(p, lr=5e-3) for name, p in given.phases.items()}
    stage = msgspec.structs.replace(given, batch_size=16, phases=phases)
    data = msgspec.structs.replace(recipe.data, shape=(1, 8, 8))
    return msgspec.structs.replace(recipe, data=data, model=model, stages=(stage,))


@pytest.fixture
def images() -> torch.Tensor:
    """uint8 `[64, 1, 8, 8]`: bright halves on black."""
    images = torch.zeros(64, 1, 8, 8, dtype=torch.uint8)
    images[::2, :, :4] = 255
    images[1::2, :, :, :4] = 255
    return images


@pytest.fixture
def recipes(zoo: Zoo) -> dict[str, Recipe]:
    """Both GANs as small MLPs."""
    network = {"type": "mlp", "hidden": 64}
    return {name: small(zoo, name, network=network) for name in ("gan", "gan-classic")}


def test_the_minimax_loss_starves_the_generator_and_the_modern_one_does_not(
    zoo: Zoo, recipes: dict[str, Recipe], images: torch.Tensor
) -> None:
    """Arjovsky & Bottou 2017, theorem 2.4: the gradient of log(1 - D) vanishes as D gets better.
    That of softplus(D(real) - D(fake)) cannot: its slope goes to 1 where D is sure."""
    classic, modern = recipes["gan-classic"], recipes["gan"]
    rows = list(starve(zoo, classic, modern, images, pretraining=2, steps=STEPS, seeds=[1]))
    losses = ("minimax", "non-saturating", "relativistic")
    found = {loss: [starved for starved in rows if starved.loss == loss] for loss in losses}
    assert sum(map(len, found.values())) == len(rows)
    assert all([starved.steps for starved in course] == [*STEPS] for course in found.values())
    for course in found.values():
        assert course[0].margin < course[-1].margin
    first, _, last = (starved.gradient for starved in found["minimax"])
    assert last < 0.1 * first
    first, _, last = (starved.gradient for starved in found["relativistic"])
    assert last > 0.1 * first
    # The two face the very same discriminator: they differ in the generator's side alone.
    margins = {loss: [starved.margin for starved in course] for loss, course in found.items()}
    assert margins["minimax"] == margins["non-saturating"] != margins["relativistic"]
    assert found["non-saturating"][-1].gradient > 100 * found["minimax"][-1].gradient


def test_all_discriminators_face_the_same_generator(
    zoo: Zoo, recipes: dict[str, Recipe], images: torch.Tensor
) -> None:
    first, second = (pretrained_generator(zoo, recipes["gan"], images, 2) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_step_moves_every_weight_against_its_own_gradient(zoo: Zoo, images: torch.Tensor) -> None:
    """The first step of Adam is the rate times the gradient's sign. Convolutions leave gradients
    in another order of memory than their weights, which a fused optimiser does not look at."""
    loop = fresh_stage(zoo, small(zoo, "gan"), images, seed=0)
    discriminator, _ = loop.phases
    draws = Draws(images, loop.batch_size, seed=0)
    loop.gradients(discriminator, draws.batch(), draws.rng(), Progress(0, LONG))
    before = [(p.grad, p.detach().clone()) for p in discriminator.parameters if p.grad is not None]
    assert any(weight.ndim == 4 for _, weight in before)
    discriminator.apply(Progress(0, LONG))
    weights = [p for p in discriminator.parameters if p.grad is None]
    for (gradient, weight), now in zip(before, weights, strict=True):
        certain = gradient.abs() > 1e-5
        expected = weight - 5e-3 * gradient.sign()
        assert torch.allclose(now[certain], expected[certain], atol=1e-4)


def test_larger_nets_make_fewer_steps_a_second(zoo: Zoo, images: torch.Tensor) -> None:
    sizes = {"small": 4, "large": 32}
    recipes = {
        name: small(zoo, "vae", network={"type": "conv", "width": width, "blocks": 1})
        for name, width in sizes.items()
    }
    rates = steps_per_second(zoo, recipes, images, seconds=0.1)
    assert rates["small"] > rates["large"] > 0


def test_the_steps_are_those_of_a_training(zoo: Zoo, images: torch.Tensor) -> None:
    loop = fresh_stage(zoo, small(zoo, "autoencoder"), images, seed=0)
    errors = []
    for _ in range(60):
        loop.advance()
        errors.append(loop.figures.means()["mse"])
    assert median(errors[-5:]) < 0.5 * median(errors[:5])


def test_a_recipe_of_other_stages_than_the_model_is_refused(zoo: Zoo, images: torch.Tensor) -> None:
    recipe = small(zoo, "vae")
    two = msgspec.structs.replace(recipe, stages=recipe.stages * 2)
    with pytest.raises(ConfigError, match="the recipe has the stages elbo, elbo, the model has"):
        fresh_stage(zoo, two, images, seed=0)
