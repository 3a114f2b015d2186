"""What can be learnt from a dataset: in which shape, and on which conditions."""

from __future__ import annotations

from msgspec.structs import replace

from genzoo_core.recipe import ConditionerRecipe, DataRecipe
from genzoo_core.specs import PartSpec
from genzoo_core.templates import Goal
from genzoo_data.survey import LABEL, TEXT, Survey

SIZE = 64
"""Pixels of the longer side where nothing else is said, and the pictures are no smaller."""

MULTIPLE = 4
"""Networks halve a picture's sides twice."""

SAME = 0.9
"""Share of pictures with one aspect from which on the model's pictures have it."""

CLEAR = 0.5
"""Share of pictures with transparent parts from which on they are padded: they show one thing."""

WIDEST = 4.0
"""Sides of a model's pictures differ at most by this factor."""

FITTED = {"crop": "cropped", "pad": "padded", "stretch": "stretched"}
"""What is done to pictures of another shape, by `DataRecipe.fit`."""

MOST_CLASSES = 1000
TYPICAL = 600
"""Captions that a model keeps, to draw some where there is no prompt."""

ASIDE, MOST_ASIDE = 0.1, 0.25
"""Share of the pictures set aside where there is no test split, and of few pictures at most."""

ENOUGH_ASIDE = 16
"""Pictures to set aside, about, so that there are some to measure a model with."""

TEXT_MODEL = "genzoo/text-minilm"


def propose(survey: Survey, data: DataRecipe, size: int | None = None) -> Goal:
    """What a model of a dataset would learn.

    Args:
        survey: What is in the dataset.
        data: How it was read.
        size: Pixels of the longer side of the model's pictures; chosen where None.
    """
    channels = 1 if survey.grey == survey.pictures else 3
    height, width = _sides(survey, size or min(SIZE, survey.side))
    crops = survey.modes.get("RGBA", 0) < CLEAR * survey.pictures
    data = replace(
        data,
        shape=(channels, height, width),
        fit="crop" if crops else "pad",
        aside=0.0 if "test" in _alike(survey) else _aside(survey.pictures),
    )
    conditioners: dict[str, ConditionerRecipe] = {}
    parts: dict[str, PartSpec] = {}
    captions = survey.captions
    if captions and captions.distinct > 1 and captions.count == survey.pictures:
        conditioners[TEXT] = ConditionerRecipe(
            "genzoo/text", TEXT, {"tokens": 0}, drop=0.1, typical=TYPICAL
        )
        parts[TEXT] = PartSpec(TEXT_MODEL)
    if 2 <= len(survey.labels) <= MOST_CLASSES and not survey.unlabelled:
        conditioners[LABEL] = ConditionerRecipe(
            "genzoo/class-labels", LABEL, {"classes": list(survey.labels)}, drop=0.1
        )
    pictures = round(survey.pictures * (1 - data.aside))
    return Goal(survey.name, data, pictures, conditioners, parts)


def shape_text(found: Survey, data: DataRecipe) -> str:
    """A model's shape, and what is done to pictures of another one: `3×64×64, cropped`."""
    channels, height, width = data.shape
    shape = f"{channels}×{height}×{width}"
    sides = (map(int, size.split("×")) for size in found.sizes)
    alike = all(wide * height == high * width for wide, high in sides)
    return shape if alike else f"{shape}, {FITTED[data.fit]}"


def _aside(pictures: int) -> float:
    enough = round(ENOUGH_ASIDE / max(pictures, 1), 2)
    return min(max(ASIDE, enough), MOST_ASIDE)


def _alike(survey: Survey) -> set[str]:
    return {"test" if name == "testing" else name for name in survey.splits}


def _sides(survey: Survey, size: int) -> tuple[int, int]:
    """Height and width of the model's pictures."""
    aspect = survey.aspect if survey.same_aspect >= SAME else 1.0
    aspect = min(max(aspect, 1 / WIDEST), WIDEST)
    height, width = size / max(aspect, 1), size / max(1 / aspect, 1)
    return _multiple(height), _multiple(width)


def _multiple(side: float) -> int:
    return max(MULTIPLE, MULTIPLE * round(side / MULTIPLE))
