"""The conformance kit finds what is wrong with a model, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from genzoo_core import ComponentSpec, ModelSpec
from genzoo_core.testing import ConformanceError, check_component, examine_component
from genzoo_core.zoo import Zoo

BUILDS = "it can be built from its config"
CONFIG = "its config is strict and frozen"
OPTIONS = "its options are strict and frozen"
TYPED = "its options are typed"
PHASES = "phases are disjoint, and cover all that is trainable"
LOSS = "the loss is a finite scalar, with figures to log"
GRADIENTS = "a phase gives gradients to its parameters"
FUNCTION = "the loss is a function of its arguments"
UNFITTED = "it refuses to sample before it is fitted"
FITS = "it fits what has a closed form"
SAVED = "what was saved and loaded gives the same pictures"
FORM = "pictures are float32 [B, C, H, W] in [-1, 1]"
SEEDS = "equal seeds give equal pictures, other seeds others"
ALONE = "a picture does not depend on its batch"
CHANCE = "all chance comes from the rng"
UNCHANGED = "sampling leaves the model as it was"
STEPS = "on_step is called at each step, and changes nothing"
WALK = "a walk between two seeds begins and ends at their pictures"
NOTHING = "strength 0 gives the picture itself"
EVERYTHING = "strength 1 gives the same as the seed alone"
VARIED = "a variation does not depend on its batch"
STAYS = "pixels outside of a mask stay"
NEGATIVE = "a negative condition changes the pictures"
NEGATIVE_ALONE = "a picture with a negative condition does not depend on its batch"
NULL = "conditions may be null or left out, and an unknown one is refused"

LABEL = {"label": {"component": "genzoo/class-labels", "config": {"classes": ["a", "b"]}}}


@pytest.mark.parametrize("name", ["healthy", "fitted", "dropping", "filling", "led"])
@pytest.mark.parametrize("conditioners", [{}, LABEL], ids=["unconditional", "label"])
def test_a_sound_model_passes(
    zoo: Zoo, name: str, conditioners: dict[str, dict[str, object]]
) -> None:
    report = check_component(zoo, "model", f"sick/{name}", conditioners=conditioners)
    skipped = [finding.check for finding in report.findings if finding.status == "skipped"]
    assert skipped == ([] if name == "fitted" else [UNFITTED])


def test_the_codec_of_a_model_need_only_be_sound_on_its_pictures(zoo: Zoo) -> None:
    check_component(zoo, "model", "sick/rough", {"shape": [1, 16, 16]})


@pytest.mark.parametrize(
    ("name", "claims", "why"),
    [
        ("peeking", {CHANCE}, "torch's global generator"),
        ("peekinginpython", {CHANCE}, "Python's random module"),
        ("noisy", {CHANCE, SEEDS, ALONE, STEPS, WALK, SAVED}, "draw every number from the `rng`"),
        ("centred", {ALONE, WALK}, "no statistics over the batch"),
        ("sharednoise", {ALONE, WALK}, "picture 1 of a batch as it is alone"),
        ("bright", {FORM, NULL}, "end with tanh or clamp(-1, 1)"),
        ("blind", {SEEDS}, "other pictures from other seeds"),
        ("flat", {FORM}, "of shape [3, 1, 4, 4], got [3, 16]"),
        ("double", {FORM, NULL}, "torch.float64"),
        ("notfinite", {FORM, SAVED}, "NaN or infinity"),
        ("overlapping", {PHASES}, "got net.weight, net.bias"),
        ("leftout", {PHASES}, "none for modulate.weight, modulate.bias"),
        ("foreign", {PHASES}, "1 that are not the model's own"),
        ("lenientoptions", {OPTIONS}, "forbid_unknown_fields=True"),
        ("changingoptions", {OPTIONS}, "frozen=True"),
        ("untypedoptions", {TYPED}, "option scale"),
        ("lenientconfig", {BUILDS}, "forbid_unknown_fields=True"),
        ("lenientinside", {CONFIG}, "Inner in LenientInside.Config"),
        ("changingconfig", {CONFIG}, "frozen=True"),
        ("forgetful", {SAVED}, "persistent buffers"),
        ("overconfident", {UNFITTED}, "NotFittedError"),
        ("neverfits", {FITS, FORM}, "fitted set by finalize"),
        ("growing", {FITS, SAVED}, "another for shift"),
        ("vectorloss", {LOSS}, "take its mean"),
        ("detachedloss", {LOSS}, "do not detach it"),
        ("infiniteloss", {LOSS}, "to be finite"),
        ("attachedfigures", {LOSS}, "figure 'loss' as a detached scalar"),
        ("counting", {FUNCTION}, "functions of `progress`"),
        ("chanceinloss", {FUNCTION}, "uses `rng` alone"),
        ("meddling", {GRADIENTS, FUNCTION}, "leave that to the optimiser"),
        ("stray", {GRADIENTS}, "gradients in phase 'rest' alone"),
        ("idle", {GRADIENTS}, "gradients for phase 'copy', got none"),
        ("deaf", {NULL}, "which refuses them"),
        ("wearing", {UNCHANGED}, "count to stay as it is"),
        ("miscounting", {STEPS}, "got 0 of 3, 1 of 3, 2 of 3"),
        ("readsseeds", {WALK}, "raised"),
        ("biggertosample", {SAVED}, "extra.weight"),
        ("ephemeral", {BUILDS}, "non-persistent buffer"),
        ("restless", {NOTHING, EVERYTHING, STAYS}, "the picture itself at strength 0"),
        ("hasty", {EVERYTHING}, "draw the same numbers in the same order"),
        ("blending", {VARIED}, "row i of start.images"),
        ("maskblind", {STAYS}, "put start.images where start.mask is False"),
        ("loud", {FORM, SAVED}, "RuntimeError: no pictures today (in models.py, line"),
    ],
)
def test_a_broken_rule_is_found_and_no_other(
    zoo: Zoo, name: str, claims: set[str], why: str
) -> None:
    report = examine_component(zoo, "model", f"sick/{name}")
    failed = {finding.check for finding in report.findings if finding.status == "failed"}
    assert failed == claims, report.problems
    assert why in "\n".join(report.problems)
    assert not any("\n" in line for line in report.problems)


@pytest.mark.parametrize(
    ("name", "claims", "why"),
    [
        ("unled", {NEGATIVE}, "put `negative` where null stands"),
        ("ledtogether", {NEGATIVE_ALONE, ALONE, WALK}, "row i of `negative`"),
    ],
)
def test_a_broken_rule_of_guidance_is_found(
    zoo: Zoo, name: str, claims: set[str], why: str
) -> None:
    report = examine_component(zoo, "model", f"sick/{name}", conditioners=LABEL)
    failed = {finding.check for finding in report.findings if finding.status == "failed"}
    assert failed == claims, report.problems
    assert why in "\n".join(report.problems)


def test_all_problems_are_listed_at_once(zoo: Zoo) -> None:
    with pytest.raises(ConformanceError) as caught:
        check_component(zoo, "model", "sick/noisy")
    text = str(caught.value)
    assert text.startswith("model sick/noisy has ")
    assert isinstance(caught.value, AssertionError)
    for claim in (CHANCE, SEEDS, ALONE, SAVED):
        assert f"\n  - {claim}: expected " in text


MAPS = {"mask": {"component": "sick/mapped"}, "label": {"component": "sick/healthy"}}
NET = {"type": "unet", "width": 8, "blocks": 1, "multipliers": [1], "embedding": 16}
FLOW = {"shape": [1, 4, 4], "noiser": {"component": "rectified-flow"}, "network": NET}


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("sick/mapped", {}),
        ("genzoo/diffusion", FLOW | {"guidance": 2.0}),
        # The map is smaller than the pictures.
        ("genzoo/diffusion", FLOW | {"shape": [1, 8, 8], "network": NET | {"patch": 1}}),
        ("genzoo/mean-flow", {"shape": [1, 4, 4], "network": NET, "guidance": 2.0}),
    ],
)
def test_a_model_that_uses_maps_passes(zoo: Zoo, name: str, config: dict[str, Any]) -> None:
    report = check_component(zoo, "model", name, config, conditioners=MAPS)
    assert any("maps" in finding.check for finding in report.findings)


def test_a_map_that_is_overlooked_is_found(zoo: Zoo) -> None:
    report = examine_component(zoo, "model", "sick/overlooking", conditioners=MAPS)
    assert len(report.problems) == 1
    assert "use condition.spatial, or leave out spatial=True" in report.problems[0]


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("sick/healthy", {}),
        ("genzoo/diffusion", FLOW | {"network": {"type": "mlp"}}),
        ("genzoo/vae", {"shape": [1, 4, 4], "network": {"type": "mlp", "hidden": 16}}),
        ("genzoo/gan", {"shape": [1, 8, 8], "network": {"type": "conv", "width": 8}}),
    ],
)
def test_a_model_that_cannot_use_maps_says_so_when_it_is_built(
    zoo: Zoo, name: str, config: dict[str, Any]
) -> None:
    report = examine_component(zoo, "model", name, config, conditioners=MAPS)
    (problem,) = report.problems
    assert "cannot use the map that conditioner 'mask' gives" in problem


def test_a_map_is_added_without_another_name_for_what_there_was(zoo: Zoo) -> None:
    def model(conditioners: dict[str, ComponentSpec]) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        spec = ModelSpec("genzoo/diffusion", FLOW, conditioners=conditioners)
        return zoo.build(spec, training=True).own_tensors()

    label = {"label": ComponentSpec("sick/healthy")}
    plain, mapped = model(label), model(label | {"mask": ComponentSpec("sick/mapped")})
    more = {name for name in mapped if name not in plain}
    assert set(plain) <= set(mapped)
    assert {name for name in more if not name.startswith("conditioning.")} == {
        "network.overlay.weight",
        "network.overlay.bias",
    }
