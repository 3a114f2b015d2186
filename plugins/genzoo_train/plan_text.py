"""What `genzoo train FAMILY` is about to do, in words."""

from __future__ import annotations

from datetime import timedelta

from genzoo_core.templates import Goal
from genzoo_core.text import many
from genzoo_data.api import Survey, shape_text
from genzoo_train.fitting import Fitted

FEWEST_ASIDE = 8
"""Fewer pictures set aside do not say which weights are best."""


def plan_text(found: Survey, goal: Goal, fitted: Fitted) -> list[tuple[str, str]]:
    """The plan, by parts: what each is about, and a sentence."""
    recipe, data = fitted.recipe, goal.data
    left = found.pictures - goal.pictures
    aside = f"; {left:,} are set aside" if data.aside else ""
    conditions = {
        "label": f"{len(found.labels)} classes",
        "text": f"{found.captions.distinct if found.captions else 0:,} captions",
    }
    learnt = recipe.model.conditioners
    conditioned = " and ".join(conditions.get(n, n) for n in learnt) or "nothing"
    stages = ", ".join(
        f"{stage.steps:,} of {many(stage.batch_size, 'picture')} ({stage.name})"
        for stage in recipe.stages
    )
    parameters = f"{fitted.parameters:,}"
    seen = sum((stage.steps or 0) * stage.batch_size for stage in recipe.stages[:1])
    time = timedelta(seconds=round(fitted.seconds))
    lines = [
        ("model", f"{recipe.name}: {recipe.model.component}, {parameters} parameters to train"),
        ("pictures", f"{goal.pictures:,} to train on{aside}"),
        ("shape", shape_text(found, data)),
        ("conditions", conditioned),
        ("steps", stages),
        ("passes", f"{seen / goal.pictures:.0f} over the pictures"),
        ("device", goal.device),
        ("time", f"about {time}, if the machine stays as busy as now"),
    ]
    if fitted.share < 1:
        factor = 1 / fitted.share
        enough = timedelta(seconds=round(factor * fitted.seconds))
        lines.append(
            (
                "careful",
                f"it needs {factor:,.{1 if factor < 10 else 0}f} times as long, about {enough}, to "
                "learn this well; give it more --time or --steps, or a smaller --size",
            )
        )
    if data.aside and left < FEWEST_ASIDE:
        text = f"{left} set aside are too few to tell which weights are best; bring more pictures"
        lines.append(("careful", text))
    lines += [("careful", problem) for problem in found.problems]
    return lines
