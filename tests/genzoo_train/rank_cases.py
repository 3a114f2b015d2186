"""Small trainings of everything that is trained, one after the other, on the ranks that run this.

`python rank_cases.py FOLDER KIND [CASE…]` writes what rank 0 has in the end: "double" for 50 steps
in double precision, "quick" for 5, "single" for 10 steps in single precision.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors.torch import save_file
from torch import Tensor

import genzoo
from genzoo_core import Batch, Dataset, ModelCard, ModelSpec, Recipe
from genzoo_core.zoo import Zoo
from genzoo_train.batches import Batches, InOrder, make_batches
from genzoo_train.building import model_spec, train_mode
from genzoo_train.finishing import add_to_list
from genzoo_train.launching import launch
from genzoo_train.loop import StageLoop
from genzoo_train.ranks import Ranks
from genzoo_train.stages import plan_stages

SHAPE = [1, 8, 8]
STEPS = {"double": 50, "quick": 5, "single": 10}
N, BATCH = 40, 7
"""A batch that neither two nor three ranks share evenly."""

LABEL = {
    "component": "genzoo/class-labels",
    "column": "label",
    "drop": 0.2,
    "config": {"classes": ["a", "b", "c"], "dim": 4},
}
WORDS = {
    "component": "genzoo/caption-words",
    "column": "text",
    "config": {"dim": 8, "buckets": 32, "words": 4, "parts": 2},
}
MLP = {"type": "mlp", "width": 8, "blocks": 1, "embedding": 8}
UNET = {"type": "unet", "width": 8, "multipliers": [1, 2], "blocks": 1, "embedding": 8}
SMALL = {"type": "mlp", "layers": [16]}
BACKBONE = {"component": "genzoo/timm", "config": {"backbone": "test_resnet", "shape": SHAPE}}
TIMM = {"type": "conv", "width": 4, "encoder": BACKBONE}
VIEWS = {"rotate": 8.0, "shift": 1.0}
FLOW = {"component": "genzoo/rectified-flow"}


def gan(**config: Any) -> dict[str, Any]:
    network = {"type": "conv", "width": 4, "critic_width": 4, "hidden": 8, "embedding": 4}
    return {
        "component": "genzoo/gan",
        "config": {"latent": 4, "network": network, **config},
        "stages": ["adversarial"],
    }


def auto(family: str, *stages: str, **config: Any) -> dict[str, Any]:
    base = {"latent": 4, "network": {"type": "conv", "width": 4}}
    return {"component": f"genzoo/{family}", "config": base | config, "stages": list(stages)}


def diffusion(component: str, stage: str, **config: Any) -> dict[str, Any]:
    return {"component": f"genzoo/{component}", "config": config, "stages": [stage]}


R1_R2 = {"type": "zero-centred", "every": 2}
PENALTY = {"type": "one-centred", "every": 1}
LABELLED = {"conditioners": {"label": LABEL}}
CASES: dict[str, dict[str, Any]] = {
    "flow": diffusion("diffusion", "denoising", noiser=FLOW, network=UNET) | LABELLED,
    "ddpm": diffusion("diffusion", "denoising", noiser={"component": "genzoo/ddpm"}, network=MLP),
    "edm": diffusion("diffusion", "denoising", noiser={"component": "genzoo/edm"}, network=MLP),
    "latent": diffusion("diffusion", "denoising", noiser=FLOW, network=MLP, on="latents")
    | {"parts": {"codec": "codec"}},
    "mean-flow": diffusion("mean-flow", "flowing", network=MLP, guidance=1.5) | LABELLED,
    "mean-flow-few": diffusion("mean-flow", "flowing", network=UNET, spans=0.1),
    "taught": diffusion("mean-flow", "flowing", network=MLP, teacher={"steps": 2})
    | {"parts": {"teacher": "teacher"}},
    "ae": auto("autoencoder", "reconstruction", latent_penalty=0.1) | LABELLED,
    "ae-flow": auto("autoencoder", "reconstruction", "prior", prior={"type": "flow", "width": 8})
    | LABELLED,
    "ae-timm": auto("autoencoder", "reconstruction", network=TIMM),
    "vae": auto("vae", "elbo", kl_warmup=0.5),
    "vae-optimal": auto("vae", "elbo", likelihood="optimal", free_bits=0.1) | LABELLED,
    "vae-vae": auto("vae", "elbo", "prior", prior={"type": "vae", "width": 8, "layers": 1}),
    "vae-timm": auto("vae", "elbo", network=TIMM, likelihood="optimal"),
    "codec": {
        "component": "genzoo/spatial-codec",
        "kind": "codec",
        "config": {"width": 4, "channels": 2},
        "stages": ["reconstruction"],
    },
    "gan-minimax": gan(loss="minimax"),
    "gan-logistic": gan(loss="non-saturating", penalty={**R1_R2, "on": ["reals"]}) | LABELLED,
    "gan-hinge": gan(loss="hinge", mismatched=0.5, penalty=R1_R2) | LABELLED,
    "gan-wasserstein": gan(loss="wasserstein", penalty=PENALTY) | LABELLED,
    "gan-relativistic": gan(loss="relativistic", penalty=R1_R2, augment={"ramp": 0.0}),
    "gan-paired": gan(loss="relativistic", paired=1.0, mismatched=1.0)
    | LABELLED
    | {"stages": ["pairs", "adversarial"]},
    "classifier": {
        "component": "genzoo/classifier",
        "kind": "encoder",
        "config": {"trunk": {"shape": SHAPE, "features": 8, "encoder": BACKBONE}},
        "stages": ["classification"],
    }
    | LABELLED,
    "self-supervised": {
        "component": "genzoo/self-supervised",
        "kind": "encoder",
        "config": {"trunk": {"shape": SHAPE, "width": 8, "features": 8}, "views": VIEWS},
        "stages": ["contrast"],
    },
    "dual": {
        "component": "genzoo/dual-encoder",
        "kind": "encoder",
        "config": {
            "trunk": {"shape": SHAPE, "width": 8, "features": 8},
            "width": 8,
            "heads": 2,
            "layers": 1,
            "joint": 8,
            "forget": 0.2,
            "views": VIEWS,
        },
        "stages": ["matching"],
        "conditioners": {"text": WORDS},
    },
}
# Its probabilities are rounded to single precision: half precision has no room for their logarithm.
SINGLE = {"gan-cross-entropy": gan(loss="cross-entropy") | LABELLED}
ACCUMULATED = ("flow", "mean-flow", "ae", "gan-wasserstein", "vae", "taught")
"""What is computed in parts as well."""


def make_recipe(name: str, case: dict[str, Any], **stage: Any) -> Recipe:
    config = {"shape": SHAPE, **case["config"]}
    if "trunk" in config:
        del config["shape"]
    model = {
        "component": case["component"],
        "kind": case.get("kind", "model"),
        "config": config,
        "conditioners": case.get("conditioners", {}),
        "parts": {role: {"model": f"a-{part}"} for role, part in case.get("parts", {}).items()},
    }
    stages = [
        {"name": each, "steps": 50, "batch_size": BATCH, "ema": 500.0, **stage}
        for each in case["stages"]
    ]
    fields = {
        "name": name,
        "card": {"family": "test", "summary": "A test."},
        "data": {"name": "noise", "shape": SHAPE},
        "model": model,
        "stages": stages,
    }
    return msgspec.convert(fields, Recipe)


def make_dataset() -> Dataset:
    images = torch.randint(
        256, (N, *SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    words = [f"a picture {'red' if i % 3 else 'blue'} {i % 5}" for i in range(N)]
    return Dataset(images, {"label": [i % 3 for i in range(N)], "text": words})


def make_parts(zoo: Zoo, folder: Path) -> None:
    """The codec and the teacher that some of the cases have as parts."""
    specs = {
        "codec": ModelSpec(
            "genzoo/spatial-codec", {"shape": SHAPE, "width": 4, "channels": 2}, "codec"
        ),
        "teacher": ModelSpec("genzoo/diffusion", {"shape": SHAPE, "noiser": FLOW, "network": MLP}),
    }
    for name, spec in specs.items():
        torch.manual_seed(0)
        built = zoo.build(spec, training=True)
        card = ModelCard(f"a-{name}", "test", "A test.", kind=spec.kind, dataset="noise")
        zoo.save(folder / f"a-{name}.safetensors", spec, built.own_tensors(), card)


class Doubles(Batches):
    """A training set in double precision."""

    def at(self, indices: Tensor) -> Batch:
        batch = super().at(indices)
        return Batch(batch.images.double(), batch.conditions, batch.rows)


def train(
    zoo: Zoo, recipe: Recipe, steps: int, ranks: Ranks, *, double: bool
) -> Iterator[tuple[str, Tensor]]:
    """What each stage has after so many steps, by names."""
    dataset = make_dataset()
    torch.manual_seed(0)
    built = zoo.build(model_spec(recipe, dataset), training=True)
    module = built.module.double() if double else built.module
    for part in built.parts.values():
        part.to(next(module.parameters()).dtype)
    train_mode(built)
    device = torch.device("cpu")
    batches = make_batches(dataset, recipe, module, device)
    if double:
        batches = Doubles(batches.images, batches.conditions, device)
    fabric = launch("cpu", recipe, None, None)
    for index, plan in enumerate(plan_stages(built, recipe, len(dataset.images))):
        if index:
            module.eval()
            with torch.no_grad():
                module.prepare_stage(plan.stage, InOrder(batches, 16), resumed=False)
            train_mode(built)
        loop = StageLoop(plan, built, batches, recipe, fabric, ranks)
        for _ in range(steps):
            loop.advance()
        for name, value in loop.figures.means().items():
            yield f"{plan.stage.name}/figure/{name}", torch.tensor(value)
        for name, tensor in loop.tensors().items():
            if not name.startswith("optimizer"):
                yield f"{plan.stage.name}/{name}", tensor.detach().clone()
        loop.average.adopt()


def main(folder: Path, kind: str, *names: str) -> None:
    torch.set_num_threads(1)
    zoo = genzoo.open_zoo()
    fabric = launch("cpu", None, None, None)
    ranks = Ranks(fabric.global_rank, fabric.world_size)
    ranks.alone(lambda: make_parts(zoo, folder))
    for part in ("a-codec", "a-teacher"):
        add_to_list(zoo, folder / f"{part}.safetensors")
    double = kind != "single"
    found = {}
    for name in names or (CASES if double else CASES | SINGLE):
        recipe = make_recipe(name, (CASES | SINGLE)[name])
        for key, tensor in train(zoo, recipe, STEPS[kind], ranks, double=double):
            found[f"{name}/{key}"] = tensor
    if ranks.first:
        save_file(found, folder / f"{kind}-{ranks.count}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
