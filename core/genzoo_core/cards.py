"""Model cards: the description of a model, as data."""

from __future__ import annotations

from typing import Annotated

import msgspec

from genzoo_core.config import Config

# A card may come from a stranger, and a listing shows all of them together.
Word = Annotated[str, msgspec.Meta(max_length=100)]
Line = Annotated[str, msgspec.Meta(max_length=1000)]
Text = Annotated[str, msgspec.Meta(max_length=20_000)]
Place = Annotated[str, msgspec.Meta(max_length=4096)]
"""A path, an address or a command."""
Words = Annotated[tuple[Word, ...], msgspec.Meta(max_length=100)]
Lines = Annotated[tuple[Line, ...], msgspec.Meta(max_length=100)]


class Metric(Config, omit_defaults=True):
    """A measured figure.

    Attributes:
        name: What was measured, in the field's term ("Fréchet distance").
        value: The figure.
        command: The command that measures it again.
        unit: "" for a plain number.
        n: Number of images it was measured on, or None where that has no meaning.
        floor: The same figure for real training images against the test images, or None.
        note: The conditions of a fair comparison: the feature net, the split.
    """

    name: Line
    value: float
    command: Place
    unit: Word = ""
    n: int | None = None
    floor: float | None = None
    note: Line = ""


Metrics = Annotated[tuple[Metric, ...], msgspec.Meta(max_length=1000)]


class ModelCard(Config, omit_defaults=True):
    """One model of the zoo: an entry of `[[models]]` in a plugin's manifest.

    A word has at most 100 characters, a line 1,000, notes 20,000; of each list there are at most
    100, of metrics 1,000, of classes 100,000.

    Attributes:
        name: Unique within its distribution: `[a-z0-9][a-z0-9._-]*`.
        family: "autoencoder", "vae", "gan", "diffusion", or a family of the plugin's own.
        summary: What it makes, in one line.
        kind: Kind of component that the weights hold; "model" for what `genzoo run` runs.
        dataset: Name of the dataset it was trained on.
        shape: Shape of one picture, (C, H, W).
        conditioners: Names of its conditioners; the first reads the prompt.
        classes: The names that the first conditioner takes, in the order of their ids, where they
            are few. Those of a genzoo file are in its header.
        weights: Where the weights are: a path inside the plugin's package, or a reference
            that a `genzoo_resolve_weights` hook understands ("scheme://…").
        sha256: Digest of the weights file, lower-case hexadecimal.
        size: Size of the weights file in bytes.
        parameters: How many numbers were learnt, without those of shared parts.
        license: SPDX identifier of the licence of the weights.
        credits: The authors of the data and of the recipe.
        recipe: Path of the recipe inside the plugin's package.
        aliases: Other names; an alias never shadows a name.
        metrics: Measured figures; those of a plugin's models stand in `figures.json`.
        notes: Whatever else is worth knowing.
    """

    name: Word
    family: Word
    summary: Line
    kind: Word = "model"
    dataset: Word = ""
    shape: tuple[int, int, int] | None = None
    conditioners: Words = ()
    classes: Annotated[tuple[Line, ...], msgspec.Meta(max_length=100_000)] = ()
    weights: Place = ""
    sha256: Word = ""
    size: int = 0
    parameters: int = 0
    license: Line = ""
    credits: Lines = ()
    recipe: Place = ""
    aliases: Words = ()
    metrics: Metrics = ()
    notes: Text = ""
