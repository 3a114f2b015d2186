"""Recipes: how a model is trained, as data."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Annotated, Any, Literal
from unicodedata import normalize

import msgspec

from genzoo_core.cards import Line, Lines, Text, Word
from genzoo_core.config import Config
from genzoo_core.manifest import Name
from genzoo_core.specs import ComponentSpec, PartSpec

# Every number has a bound: a larger one is a mistake, and NaN and infinity are refused.
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
LearningRate = Annotated[float, msgspec.Meta(ge=0, le=1e30)]
Decay = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Side = Annotated[int, msgspec.Meta(ge=1, le=4096)]

# A recipe may come from a stranger, and these become parts of paths and of addresses.
Folder = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", max_length=100)]
Split = Annotated[str, msgspec.Meta(pattern=r"^(?!\.+\Z)[^/\\\x00-\x1f]+\Z", max_length=100)]
Fit = Literal["stretch", "crop", "pad"]
OnHub = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?)?\Z")]

CHECKPOINT = "checkpoint.safetensors"
"""The file in a training's folder from which it goes on."""


class DataRecipe(Config):
    """Where training images come from.

    Attributes:
        name: Name of the dataset: a folder below `--data` or `GENZOO_DATA`.
        hub: Its name on the Hugging Face Hub, for a machine with a network, or "".
        image: Column that holds the image.
        shape: (C, H, W) that images are converted to.
        background: Grey level 0–255 that transparent pixels are laid on.
        fit: How a picture of another size gets this shape: stretched, cropped around its middle,
            or with a margin of the background.
        columns: What the data call columns that the recipe calls otherwise: `{"label": "genre"}`.
        aside: Share of the pictures that are not trained on, chosen by their content. They are
            the split "test".
        stream: Rows that are shuffled among themselves, block by block; 0 for all rows. Without
            `--data` they are then read from the Hub as they are needed, and not kept.
    """

    name: Folder
    shape: tuple[Side, Side, Side]
    hub: OnHub = ""
    split: Split = "train"
    image: str = "image"
    background: Annotated[int, msgspec.Meta(ge=0, le=255)] = 255
    fit: Fit = "stretch"
    columns: dict[str, str] = {}
    aside: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.0
    stream: Annotated[int, msgspec.Meta(ge=0, le=10**6)] = 0


class ConditionerRecipe(Config):
    """A conditioner and the column that feeds it.

    Attributes:
        component: Name of the conditioner component.
        column: Column of the dataset with its raw values.
        drop: Probability of training with null in its place.
        typical: How many of the column's distinct values go into the component's config under
            this name, for a model that samples with some of them where there is no prompt.
    """

    component: str
    column: str
    config: dict[str, Any] = {}
    drop: Rate = 0.0
    typical: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0

    def spec(self) -> ComponentSpec:
        """The conditioner without its data."""
        return ComponentSpec(self.component, self.config)


class ModelRecipe(Config):
    """What is trained.

    Attributes:
        component: Name of the component.
        config: Config of the component.
        kind: Its kind: "model", "codec", "encoder".
        conditioners: Its conditioners by name; the first reads the prompt.
        parts: Frozen shared components by role, by the names of their models.
        start: Model whose weights it begins from, where names and shapes of tensors agree: to go
            on with it on other data, or to make another model of it. "" for fresh weights.
    """

    component: str
    config: dict[str, Any] = {}
    kind: str = "model"
    conditioners: dict[str, ConditionerRecipe] = {}
    parts: dict[str, PartSpec] = {}
    start: str = ""


class PhaseRecipe(Config):
    """The optimiser of one phase.

    Attributes:
        optimizer: "adam" (Kingma & Ba 2015) or "adamw" (Loshchilov & Hutter 2019).
        lr: Learning rate after warm-up.
        betas: Decay of the moments' running means.
        weight_decay: Decoupled for "adamw", an L2 penalty for "adam".
        schedule: What `lr` does over the stage after warm-up: stays, or falls to `final_lr`
            along half a cosine or a line.
        warmup: Steps over which it rises from 0.
        clip: Largest norm of the gradient; 0 for no clipping.
    """

    optimizer: Literal["adam", "adamw"] = "adam"
    lr: LearningRate = 1e-3
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    weight_decay: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    schedule: Literal["constant", "cosine", "linear"] = "cosine"
    final_lr: LearningRate = 0.0
    warmup: Count = 0
    clip: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 1.0


class StageRecipe(Config):
    """How long a stage of the model runs, and on what.

    Attributes:
        steps: Optimiser steps, in place of `epochs`.
        batch_size: Images in a step: at most as many as there are, or 128 where there are fewer,
            which are then seen several times in a step.
        accumulate: Parts in which each rank computes its share of a step's images, one after the
            other, where they do not fit into memory at once. The result is the same, so a loss
            that looks across the rows of a batch refuses it.
        ema: Half-life of the weights' moving average in images, ramped to at most 5 % of the
            images seen so far (Karras et al. 2022, `ema_rampup_ratio`); 0 for no average.
        phases: Settings of each phase by its name.
    """

    name: str
    epochs: Annotated[float, msgspec.Meta(gt=0, le=1e6)] | None = None
    steps: Positive | None = None
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 128
    accumulate: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1
    ema: Annotated[float, msgspec.Meta(ge=0, le=1e12)] = 50_000
    phases: dict[str, PhaseRecipe] = {}

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("a stage needs either `epochs` or `steps`")


class ReportRecipe(Config):
    """What a training logs and stores while it runs.

    Attributes:
        log_every: Steps between logged figures.
        sample_every: Steps between sample grids; 0 for none.
        checkpoint_every: Steps between checkpoints.
        samples: Pictures in a grid.
    """

    log_every: Positive = 50
    sample_every: Count = 2000
    checkpoint_every: Positive = 1000
    samples: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 64


class ValidationRecipe(Config):
    """How a training looks at pictures that it does not learn from.

    A stage whose loss says how good the model is ends with the weights of its best look. Others,
    such as a GAN's, are not looked at.

    Attributes:
        looks: Looks in each stage, evenly spread; 0 for none.
        patience: A stage ends after so many looks without a better one; 0 to run all its steps.
        split: Split of the dataset with the pictures: "test" is what `data.aside` sets aside.
    """

    looks: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    patience: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    split: Split = "test"


class CardRecipe(Config):
    """The fields of the trained model's card that are not measured."""

    family: Word
    summary: Line
    license: Line = ""
    credits: Lines = ()
    notes: Text = ""


class Recipe(Config):
    """A training, whole: data, model, stages.

    Attributes:
        name: Name of the model that comes out, and of its files.
        card: What the model's card says beside what is measured.
        data: What it is trained on.
        model: What is trained.
        stages: One for each of the model's stages, in their order.
        seed: Seed of the initial weights, the order of the data and the noise.
        precision: "32", or "bf16" for bfloat16 autocast on a device that has instructions for it.
            On another it would be many times as slow as float32, which is taken there.
        compile: Whether `torch.compile` compiles the networks first.
        weights_dtype: How parameters are stored; statistics stay float32.
        modelspec: Whether the file of the weights says in the keys of ModelSpec what it is.
        report: What is written down while it runs.
        validation: How pictures that are set aside are looked at.
        tried: Experiments and their results, for whoever improves it next.
    """

    name: Name
    card: CardRecipe
    data: DataRecipe
    model: ModelRecipe
    stages: Annotated[tuple[StageRecipe, ...], msgspec.Meta(min_length=1)]
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    precision: Literal["32", "bf16"] = "32"
    compile: bool = False
    weights_dtype: Literal["float16", "bfloat16", "float32"] = "float16"
    modelspec: bool = True
    report: ReportRecipe = ReportRecipe()
    validation: ValidationRecipe = ValidationRecipe()
    tried: tuple[str, ...] = ()


def folder_name(name: str) -> str:
    """A name as a dataset can have it: "My photos!" is "my-photos"."""
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", plain).strip("._-")[:100] or "pictures"


def as_recipe(fields: object) -> Recipe:
    """A recipe of plain data: dicts, lists, numbers and text.

    Raises:
        msgspec.ValidationError: What is wrong, and at which field.
    """
    try:
        return msgspec.convert(fields, Recipe)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(_with_key(str(error), fields)) from None


def _with_key(message: str, fields: Any) -> str:
    """An error message of msgspec with the key that it leaves out of `phases[...].lr`."""
    place = re.search(r"`\$([^`]*?)\[\.\.\.\]", message)
    if place is None:
        return message
    fields = deepcopy(fields)
    table = fields
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", place[1]):
        table = table[name or int(index)]
    for key, value in dict(table).items():
        # Alone in its table, the entry at fault is refused with the same words.
        table.clear()
        table[key] = value
        try:
            msgspec.convert(fields, Recipe)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return message.replace("[...]", f".{key[:80]}", 1)
    return message
