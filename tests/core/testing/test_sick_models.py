"""The conformance kit finds what is wrong with a model, and nothing else."""

from __future__ import annotations

import pytest

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
UNFITTED = "what was not fitted says so"
FITS = "it fits what has a closed form"
SAVED = "what was saved and loaded gives the same pictures"
FORM = "pictures are float32 [B, C, H, W] in [-1, 1]"
SEEDS = "equal seeds give equal pictures, other seeds others"
ALONE = "a picture does not depend on its batch"
CHANCE = "all chance comes from the rng"
UNCHANGED = "sampling leaves the model as it was"
STEPS = "on_step is told of steps, and changes nothing"
WALK = "a walk between two seeds begins and ends at their pictures"
NULL = "null is nothing asked, and an unknown condition is refused"

LABEL = {"label": {"component": "genzoo/class-labels", "config": {"classes": ["a", "b"]}}}


@pytest.mark.parametrize("name", ["healthy", "fitted", "dropping"])
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


def test_all_problems_are_told_at_once(zoo: Zoo) -> None:
    with pytest.raises(ConformanceError) as caught:
        check_component(zoo, "model", "sick/noisy")
    text = str(caught.value)
    assert text.startswith("model sick/noisy has ")
    assert isinstance(caught.value, AssertionError)
    for claim in (CHANCE, SEEDS, ALONE, SAVED):
        assert f"\n  - {claim}: expected " in text
