"""What an evaluation finds, as data. Imports no torch."""

from __future__ import annotations

from typing import Any

from genzoo_core import Config


class Figure(Config, omit_defaults=True):
    """One measured figure.

    Attributes:
        key: What was measured; `genzoo_eval.keys` names and explains each.
        net: Name of the feature net that it was measured in, or "".
        floor: The same figure for real images in the place of the generated ones (training
            images; for the accuracy, test images), or None where that has no meaning.
        spread: Standard error of the value, over parts of the images, draws or captions; of a
            speed, the standard deviation over repetitions. None where it was not measured.
    """

    key: str
    value: float
    net: str = ""
    floor: float | None = None
    spread: float | None = None
    n: int | None = None


class Subject(Config, omit_defaults=True):
    """What was evaluated.

    Attributes:
        name: `distribution/name`, or the path of a model file or of pictures.
        sha256: Digest of the weights file, or of the file or files with the pictures.
        parts: sha256 of each shared part's weights, by role.
        conditions: Values of conditioners other than the first, by name.
    """

    name: str
    sha256: str
    parts: dict[str, str] = {}
    family: str = ""
    options: dict[str, Any] = {}
    conditions: dict[str, str] = {}
    versions: dict[str, str] = {}


class Report(Config, omit_defaults=True):
    """An evaluation: who, against what, and what came out.

    Attributes:
        tables: Figures that are rows: by key, a list of numbers (the class histogram, the
            accuracy of each class).
        classes: The classes that rows are of, by key, where these are known.
        notes: How far to trust the figures, a sentence each.
    """

    subject: Subject
    dataset: str
    reference: str
    n: int
    seed: int
    figures: tuple[Figure, ...]
    tables: dict[str, tuple[float, ...]] = {}
    command: str = ""
    machine: str = ""
    notes: tuple[str, ...] = ()
    classes: dict[str, tuple[str, ...]] = {}

    def figure(self, key: str, net: str = "") -> Figure | None:
        """The figure of this key; with `net`, the one that was measured in it."""
        return next(
            (f for f in self.figures if f.key == key and (not net or f.net == net)),
            None,
        )
