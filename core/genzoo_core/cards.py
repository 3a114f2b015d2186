"""Model cards: what is known of a model without running code."""

from __future__ import annotations

from genzoo_core.config import Config


class Metric(Config, omit_defaults=True):
    """A measured figure.

    Attributes:
        name: What was measured, in the field's term ("Fréchet distance").
        value: The figure.
        command: The command that measures it again.
        unit: Its unit, or "" for a plain number.
        n: Number of images it was measured on, or None where that has no meaning.
        floor: The same figure for real training images against the test images, or None.
        note: What a reader must know to compare it: the feature net, the split.
    """

    name: str
    value: float
    command: str
    unit: str = ""
    n: int | None = None
    floor: float | None = None
    note: str = ""


class ModelCard(Config, omit_defaults=True):
    """One model of the zoo: an entry of `[[models]]` in a plugin's manifest.

    Attributes:
        name: The model's name, unique within its distribution: `[a-z0-9][a-z0-9._-]*`.
        family: "autoencoder", "vae", "gan", "diffusion", or a family of the plugin's own.
        summary: One line.
        kind: Kind of component that the weights hold; "model" for what `genzoo run` runs.
        dataset: Name of the dataset it was trained on.
        shape: Shape of one picture, [channels, height, width].
        conditioners: Names of its conditioners; the first reads the prompt.
        weights: Where the weights are: a path inside the plugin's package, or a reference
            that a `genzoo_resolve_weights` hook understands ("scheme://…").
        sha256: Digest of the weights file, lower-case hexadecimal.
        size: Size of the weights file in bytes.
        parameters: Number of parameters.
        license: SPDX identifier of the licence of the weights.
        credits: Whom the data and the recipe are owed to.
        recipe: Path of the recipe inside the plugin's package.
        aliases: Other names; an alias never shadows a name.
        metrics: Measured figures.
        notes: What a user should know that the fields above do not say.
    """

    name: str
    family: str
    summary: str
    kind: str = "model"
    dataset: str = ""
    shape: tuple[int, int, int] | None = None
    conditioners: tuple[str, ...] = ()
    weights: str = ""
    sha256: str = ""
    size: int = 0
    parameters: int = 0
    license: str = ""
    credits: tuple[str, ...] = ()
    recipe: str = ""
    aliases: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    notes: str = ""
