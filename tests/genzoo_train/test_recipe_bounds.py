"""Settings outside their range are refused by name, wherever they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from training_cases import recipe

from genzoo.cli import main
from genzoo_core import UsageError
from genzoo_core.recipe import ConditionerRecipe, ModelRecipe, PhaseRecipe, as_recipe
from genzoo_train.overrides import override

LABEL = ConditionerRecipe("class-labels", "label")
MODEL = ModelRecipe("genzoo-awkward/awkward", conditioners={"label": LABEL})
GAME, FLOW = recipe().stages
STAGES = (msgspec.structs.replace(GAME, phases={"copy": PhaseRecipe()}), FLOW)
RECIPE = msgspec.structs.replace(recipe(), model=MODEL, stages=STAGES)
PHASE = "stages.0.phases.copy"
OUTSIDE = [
    *((f"{PHASE}.lr", value) for value in ("-1", "nan", "inf", "1e31")),
    *((f"{PHASE}.final_lr", value) for value in ("-1e-9", "nan")),
    *((f"{PHASE}.betas", value) for value in ("[1.5, 0.9]", "[0.9, 1.0]", "[nan, 0.9]")),
    *((f"{PHASE}.weight_decay", value) for value in ("-1", "nan", "inf")),
    *((f"{PHASE}.clip", value) for value in ("-1", "nan", "inf")),
    *((f"{PHASE}.warmup", value) for value in ("-1", "1000000000000")),
    *(("stages.1.ema", value) for value in ("-1", "nan", "inf")),
    *(("stages.1.batch_size", value) for value in ("0", "-1", "1000000000000")),
    *(("stages.1.steps", value) for value in ("0", "1" + "0" * 30)),
    *(("stages.1.epochs", value) for value in ("0", "-1", "nan", "inf", "1e300")),
    *(("report.samples", value) for value in ("0", "1000000000")),
    *(("report.log_every", value) for value in ("0", "1" + "0" * 30)),
    ("report.sample_every", "-1"),
    ("report.checkpoint_every", "0"),
    *(("seed", value) for value in ("-1", str(2**63))),
    ("model.conditioners.label.drop", "nan"),
    ("model.conditioners.label.typical", "100000"),
]


def outside(place: str, value: str) -> str:
    """A recipe as TOML, with one field set to what `value` is in TOML."""
    fields: Any = msgspec.json.decode(msgspec.json.encode(RECIPE))
    *tables, last = place.split(".")
    inner = fields
    for key in tables:
        inner = inner[int(key)] if key.isdecimal() else inner[key]
    inner[last] = value
    if last == "epochs":
        del inner["steps"]
    return "\n".join(f"{key} = {toml(field, value)}" for key, field in fields.items())


def toml(field: object, raw: str) -> str:
    """A value in TOML, of which `raw` is already."""
    if isinstance(field, dict):
        items = [f"{k} = {toml(v, raw)}" for k, v in field.items() if v is not None]
        return f"{{ {', '.join(items)} }}"
    if isinstance(field, list):
        return f"[{', '.join(toml(inner, raw) for inner in field)}]"
    return raw if field == raw else json.dumps(field)


def named(place: str) -> str:
    """A field as msgspec names it."""
    return "$." + re.sub(r"\.([0-9])", r"[\1]", place)


@pytest.mark.parametrize(("place", "value"), OUTSIDE)
def test_a_recipe_with_a_setting_outside_its_range_is_refused_by_the_fields_name(
    place: str, value: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.toml").write_text(outside(place, value))
    assert main(["train", str(tmp_path / "bad.toml"), "--out", str(tmp_path / "run")]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"Error: recipe {tmp_path}/bad.toml: Expected ")
    assert f"`{named(place)}" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("place", "value"), OUTSIDE)
def test_a_setting_outside_its_range_is_refused_on_the_command_line_too(
    place: str, value: str
) -> None:
    spelt = value.replace("nan", "NaN").replace("inf", "Infinity")
    with pytest.raises(UsageError, match=re.escape(f"`{named(place)}")):
        override(RECIPE, [f"{place}={spelt}"])


@pytest.mark.parametrize(
    "setting",
    [
        "seed=" + "1" * 5000,
        "stages." + "1" * 5000 + ".steps=1",
        "model.config=" + "[" * 100_000,
        "model.config=" + '{"a":' * 100_000,
        'card.summary="\\ud800"',
        "card.summary=\udcff",
        "x" * 100_000 + "=1",
        "stages.0.steps.x.y=1",
    ],
    ids=range(8),
)
def test_a_setting_that_is_no_setting_at_all_is_a_short_message(setting: str) -> None:
    with pytest.raises(UsageError) as caught:
        override(RECIPE, [setting])
    assert len(str(caught.value)) < 600


def test_one_element_of_a_list_can_be_set() -> None:
    changed = override(RECIPE, [f"{PHASE}.betas.0=0.5"])
    assert changed.stages[0].phases["copy"].betas == (0.5, 0.999)


def test_the_bounds_themselves_are_inside() -> None:
    fields = msgspec.json.decode(msgspec.json.encode(RECIPE))
    fields["stages"][0]["phases"] = {"copy": {"lr": 0, "betas": [0, 0], "clip": 0}}
    fields["stages"][1] |= {"batch_size": 100_000, "ema": 0}
    fields["seed"] = 2**63 - 1
    assert as_recipe(fields).seed == 2**63 - 1
