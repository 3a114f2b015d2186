"""Conditioning is a layer on any family: the page's table has no empty cell, each of its commands
is run, and what it draws is looked at by a net that was not trained with it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

import genzoo
from genzoo_core import BatchRng, Conditioner
from genzoo_core.images import from_uint8, to_uint8
from genzoo_core.request import Request
from genzoo_core.zoo import Zoo
from genzoo_eval.frozen_net import FrozenNet
from genzoo_eval.nets.classifier import Classifier
from genzoo_eval.text.judge import judge_of

PAGE = Path(__file__).parent.parent / "docs" / "conditioning.md"
WAYS = ("unconditional", "class labels", "text")
FAMILIES = ("autoencoder", "VAE", "GAN", "diffusion", "latent diffusion")
N = 40

CAPTIONS = (
    "red heart",
    "cat face",
    "woman firefighter",
    "Japan",
    "evergreen tree",
    "soccer ball",
    "blue square",
    "automobile",
    "pizza",
    "musical note",
)
"""What an emoji is asked to show, and could show instead: people and faces, but things as well,
which are rarer in the training data. "blue square" is in none of it."""

EACH = 8
"""Pictures of each."""


def cells() -> dict[tuple[str, str], list[str]]:
    """The commands of the table, by family and by what is asked."""
    page = PAGE.read_text(encoding="utf-8").splitlines()
    first = next(index for index, line in enumerate(page) if line[:1] == "|")
    lines = list(takewhile(lambda line: line[:1] == "|", page[first:]))
    _, *ways = (cell.strip() for cell in lines[0].strip("|").split("|"))
    assert tuple(ways) == WAYS
    table = {}
    for line in lines[2:]:
        family, *row = (cell.strip() for cell in line.strip("|").split("|"))
        for way, cell in zip(ways, row, strict=True):
            table[family, way] = re.findall(r"`(genzoo run [^`]+)`", cell)
    return table


RUNS = [(way, command) for (_, way), commands in cells().items() for command in commands]


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return genzoo.open_zoo()


def frozen(zoo: Zoo, name: str) -> FrozenNet:
    card = zoo.card(name)
    return FrozenNet(card.name, card.sha256, zoo.open(name).module)


def drawn(command: str, folder: Path) -> tuple[Tensor, str, list[str]]:
    """Pictures uint8 `[N, C, H, W]` that a command draws, with the model and its prompts."""
    _, _, model, *prompts = shlex.split(command)
    out = folder / "x.npz"
    asked = [sys.executable, "-m", "genzoo", "run", model, *prompts, "-n", str(N)]
    done = subprocess.run(
        [*asked, "--seed", "0", "-o", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with np.load(out) as file:
        return torch.from_numpy(file["images"]).permute(0, 3, 1, 2), model, prompts


@torch.inference_mode()
def classes(zoo: Zoo, dataset: str, pictures: Tensor) -> Tensor:
    """The ids that a classifier of the dataset sees, `[N]`."""
    return classifier(zoo, dataset).logits(from_uint8(pictures)).argmax(1)


def classifier(zoo: Zoo, dataset: str) -> Classifier:
    name = {"mnist": "mnist", "fashion_mnist": "fashion"}[dataset]
    return cast(Classifier, zoo.open(f"features-{name}-classifier").module)


def test_no_cell_is_empty() -> None:
    table = cells()
    assert set(table) == {(family, way) for family in FAMILIES for way in WAYS}
    assert [cell for cell, commands in table.items() if not commands] == []


@pytest.mark.parametrize(
    "model", sorted({command.split()[2] for way, command in RUNS if way == "text"})
)
def test_what_is_drawn_differs_by_what_is_asked(model: str, zoo: Zoo) -> None:
    """One easy prompt says little: each of several is told from the others."""
    made = to_uint8(zoo.generate(Request(model, tuple(CAPTIONS), n=EACH, seed=0)).images)
    judge = judge_of([frozen(zoo, "features-emoji-dual")])
    assert judge is not None
    seen = judge.similarities(made, CAPTIONS).argmax(1)
    asked = torch.arange(len(CAPTIONS)).repeat_interleave(EACH)
    for prompt, right in zip(CAPTIONS, (seen == asked).split(EACH), strict=True):
        # By chance, the prompt is nearest of ten for a tenth of the pictures.
        assert right.double().mean() >= 0.5, prompt


@pytest.mark.long
@pytest.mark.parametrize(("way", "command"), RUNS, ids=[command for _, command in RUNS])
def test_what_is_asked_is_drawn(way: str, command: str, zoo: Zoo, tmp_path: Path) -> None:
    pictures, model, prompts = drawn(command, tmp_path)
    if way == "text":
        (prompt,) = prompts
        judge = judge_of([frozen(zoo, "features-emoji-dual")])
        assert judge is not None
        seen = judge.similarities(pictures, [prompt, *(c for c in CAPTIONS if c not in prompt)])
        # By chance, the prompt is nearest of ten for a tenth of the pictures.
        assert (seen.argmax(1) == 0).double().mean() >= 0.5
        return
    dataset = zoo.card(model).dataset
    ids = classes(zoo, dataset, pictures)
    if way == "class labels":
        reader = cast(Conditioner, classifier(zoo, dataset).conditioners["label"])
        asked = reader.prepare(prompts, BatchRng(torch.Generator(), 1))
        assert (ids == asked).double().mean() >= 0.8
    else:
        assert not prompts
        # Of forty fair draws, four or more of ten classes are absent once in a million times.
        assert len(ids.unique()) >= 7
