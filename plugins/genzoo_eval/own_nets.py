"""Feature nets for pictures that none ships for: trained once, then cached.

The recipe depends on the number of the pictures and on their size alone, so that figures of two
machines can be compared. A net is found by the digest of the pictures that it was trained on and
of its recipe. It measures, and is in nobody's list: no model begins from it.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import signal
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from genzoo_core import Config
from genzoo_core.atomic import write_atomically
from genzoo_core.dataset import Dataset
from genzoo_core.encoder import Encoder
from genzoo_core.errors import GenzooError
from genzoo_core.recipe import (
    CardRecipe,
    ConditionerRecipe,
    DataRecipe,
    ModelRecipe,
    PhaseRecipe,
    Recipe,
    ReportRecipe,
    StageRecipe,
)
from genzoo_core.zoo import Opened
from genzoo_eval.cache import load_value, save_value
from genzoo_eval.datasets import FEATURES, OwnData, digest_of, fingerprint
from genzoo_eval.frozen_net import FrozenNet, scaled
from genzoo_eval.progress import OnProgress
from genzoo_eval.real import check_enough
from genzoo_eval.spread import current, everywhere, writes

LONGEST = 64
"""Pixels of the longer side from which on pictures are scaled down for a net."""

FINE = 32
"""Pixels of the longer side up to which a net looks at squares of 2×2 pixels, then of 4×4."""

LABEL = "label"
"""The column with the classes."""

MOST_CLASSES, OF_EACH = 1000, 10
"""Classes that a classifier tells apart, and pictures of each on average, at least."""

BATCH = 128
PASSES, LEAST, MOST = 5, 300, 600
"""Steps of a training: so many passes over the pictures, within these bounds."""

THREADS = 1
"""More gain little on nets so small, and would round otherwise on each machine."""

LONGEST_NAME = 60


class Pictures(Config):
    """What the nets depend on.

    Attributes:
        digest: Of the training images.
        count: How many there are.
        classes: Their classes; none where they are not to be learnt.
    """

    digest: str
    count: int
    classes: tuple[str, ...] = ()


def pictures_of(data: OwnData) -> Pictures:
    """What the nets of somebody's pictures depend on; cached, for reading them takes long."""
    cache, name = data.zoo.cache("eval"), f"{fingerprint(data, None)}.pictures"
    found = load_value(cache, name, Pictures)
    if found is None:
        images = data.train.images
        found = Pictures(digest_of(images), len(images), _classes(data))
        save_value(cache, name, found)
    return found


def _classes(data: OwnData) -> tuple[str, ...]:
    """Names of the classes, as training a model numbers them: those of the pictures set aside
    count as well."""
    labels = list(data.train.columns.get(LABEL, ()))
    there = labels + (list(data.test.columns.get(LABEL, ())) if data.recipe.aside else [])
    if None in there:
        return ()
    names = sorted({str(label) for label in there})
    enough = 2 <= len(names) <= min(MOST_CLASSES, len(labels) // OF_EACH)
    return tuple(names) if enough else ()


def own_nets(
    data: OwnData, tell: Callable[[str], None], on_progress: OnProgress, most: int = 2
) -> tuple[FrozenNet, ...]:
    """A self-supervised net and, where there are classes, a classifier; the first `most` of them.

    Raises:
        DataError: There are too few test images to measure with.
        KeyboardInterrupt: Ctrl-C; nothing is left of a net that is not done.
    """
    check_enough(data.test.images)  # before minutes of training
    pictures = pictures_of(data)
    nets = []
    for recipe in recipes(data.recipe, pictures)[:most]:
        opened = everywhere(_cached(data, recipe, pictures))
        opened = opened or _trained(data, recipe, tell, on_progress)
        assert isinstance(opened.module, Encoder)  # both components are
        _, height, width = recipe.data.shape
        nets.append(FrozenNet(recipe.name, opened.sha256, opened.module, (height, width)))
    return tuple(nets)


def are_cached(data: OwnData, most: int = 2) -> bool:
    """Whether the first `most` nets need no training."""
    pictures = pictures_of(data)
    return all(_cached(data, each, pictures) for each in recipes(data.recipe, pictures)[:most])


def recipes(data: DataRecipe, pictures: Pictures) -> tuple[Recipe, ...]:
    """How the nets are trained."""
    shape = _seen(data.shape)
    side, colours = max(shape[1:]), shape[0] > 1
    trunk = {"shape": shape, "patch": _patch(side), "width": 32, "blocks": 1, "features": 128}
    views = {
        "rotate": 15.0,
        "scale": 0.2,
        "shear": 0.1,
        "shift": side / 10,
        "contrast": 0.2 if colours else 0.4,
        "erase": side // 4,
        # Without the tint, views could be matched by their colours alone (Chen et al. 2020).
        "tint": 0.3 if colours else 0.0,
    }
    labels = ConditionerRecipe(
        "genzoo/class-labels", LABEL, {"dim": 1, "classes": pictures.classes}
    )
    models = [
        ("self-supervised", "contrast", {"trunk": trunk, "views": views}, {}),
        ("classifier", "classification", {"trunk": trunk, "shift": side // 14}, {LABEL: labels}),
    ]
    steps = min(max(PASSES * pictures.count // BATCH, LEAST), MOST)
    optimiser = PhaseRecipe(optimizer="adamw", lr=2e-3, warmup=50, weight_decay=0.01)
    short = data.name[:LONGEST_NAME].rstrip("._-")
    return tuple(
        Recipe(
            name=f"features-{short}-{kind}",
            card=CardRecipe(FEATURES, f"Feature net of {short}: {kind}."),
            data=DataRecipe(data.name, shape),
            model=ModelRecipe(f"genzoo/{kind}", config, "encoder", conditioners),
            stages=(StageRecipe(stage, None, steps, BATCH, phases={stage: optimiser}),),
            report=ReportRecipe(steps, 0, steps),
        )
        for kind, stage, config, conditioners in models[: 2 if pictures.classes else 1]
    )


def _patch(side: int) -> int:
    return 2 if side <= FINE else 4


def _seen(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The shape that a net sees pictures in."""
    colours, height, width = shape
    scale = min(1, LONGEST / max(height, width))
    patch = _patch(round(scale * max(height, width)))
    high, wide = (max(patch, patch * round(scale * side / patch)) for side in (height, width))
    return colours, high, wide


def _name(recipe: Recipe, pictures: Pictures) -> str:
    """What a net is cached under, whatever the folder of the pictures is called."""
    depends = (pictures.digest, recipe.data.shape, recipe.model, recipe.stages, recipe.seed)
    return f"net-{hashlib.sha256(msgspec.json.encode(depends, order='sorted')).hexdigest()[:32]}"


def _cached(data: OwnData, recipe: Recipe, pictures: Pictures) -> Opened | None:
    """The net, where it is in the cache, sound."""
    cache, name = data.zoo.cache("eval"), _name(recipe, pictures)
    if cache is None or not (file := cache / f"{name}.safetensors").is_file():
        return None
    try:
        opened = data.zoo.open(file)
    except GenzooError:
        return None
    return opened if opened.sha256 == load_value(cache, name, str) else None


def _trained(
    data: OwnData, recipe: Recipe, tell: Callable[[str], None], on_progress: OnProgress
) -> Opened:
    """The net, trained by one rank and cached by all."""

    def trained() -> bytes:
        return _train(data, recipe, tell, on_progress)

    ranks = current()
    if ranks is None:
        content = trained()
    else:
        content = b64decode(ranks.told(lambda: b64encode(trained()).decode()))
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{recipe.name}.safetensors"
        file.write_bytes(content)
        opened = data.zoo.open(file)
    cache = data.zoo.cache("eval")
    if cache is not None and writes():
        name = _name(recipe, pictures_of(data))
        with contextlib.suppress(OSError):  # as whatever else is cached
            write_atomically(cache / f"{name}.safetensors", content)
            save_value(cache, name, opened.sha256)
    return opened


def _train(
    data: OwnData, recipe: Recipe, tell: Callable[[str], None], on_progress: OnProgress
) -> bytes:
    """The file of the net."""
    from genzoo_train.api import Reporter, StoppedError, train  # only here: it takes seconds

    class Shown(Reporter):
        def step(self, done: int) -> None:
            on_progress("training steps", done, recipe.stages[0].steps or done)

    shape = recipe.data.shape
    tell(
        f"training a net to measure with, {recipe.name}, for a minute or so; it is cached for later"
    )
    # Of very many only as many as the longest training sees, for they are scaled beforehand.
    every = slice(None, None, math.ceil(len(data.train) / (BATCH * MOST)))
    columns = {name: values[every] for name, values in data.train.columns.items()}
    dataset = Dataset(scaled(data.train.images[every], shape[1:]), columns)
    with TemporaryDirectory() as folder:
        out, reporter, content = Path(folder) / "run", Shown(), b""
        try:
            file = train(
                data.zoo,
                recipe,
                dataset,
                out,
                devices=1,
                nodes=1,
                threads=THREADS,
                reporter=reporter,
            )
        except StoppedError as stopped:
            signum = stopped.exit_code - 128
        else:
            signum, content = 0, file.read_bytes()
    if signum:  # it acts as everywhere, now that nothing is left
        signal.raise_signal(signum)
    return content
