"""The conformance kit finds what is wrong with codecs, noisers, samplers and conditioners."""

from __future__ import annotations

import pytest

from genzoo_core import UsageError
from genzoo_core.testing import check_component, examine_component
from genzoo_core.zoo import Zoo

LATENT = "a posterior has the latent's shape, and a positive deviation or none"
BATCH = "a latent does not depend on its batch"
ENCODES = "encoding draws no numbers"
DECODES = "it decodes and reconstructs"
PRIOR = "its prior is drawn by each sample's own rng"
TIME = "t goes from data at 0 to noise at 1"
GRID = "a grid falls from noise to data"
MIXES = "perturb mixes data and noise by the coefficients"
SPLITS = "split undoes target"
NUMBERS = "training times, weights and embeddings are one number for each sample"
FITS = "it fits a noiser"
FORM = "data has the form of the noise"
EXACT = "exact predictions lead to the data"
ALONE = "a sample does not depend on its batch"
CHANCE = "all chance comes from the rng"
CALLED = "step_done is called at each step"
NULL = "null is a row for each image, and is trained"
ROWS = "prepared values are rows like null's"
OWN = "values are drawn by each image's own rng"
EMBEDS = "embeddings have the dimensions that it says"
DROPS = "drop puts null in the place of rows"
TEXTS = "any text is a value, or refused with the choices"
SAVED = "what was saved and loaded embeds the same"
LATENTS_SAVED = "what was saved and loaded gives the same latents"

VALUES = {"conditioner": [0, 1, 2]}


@pytest.mark.parametrize("kind", ["codec", "noiser", "sampler", "conditioner"])
def test_a_sound_piece_passes(zoo: Zoo, kind: str) -> None:
    report = check_component(zoo, kind, "sick/healthy", values=VALUES.get(kind, ()))
    assert all(finding.status == "ok" for finding in report.findings) or kind == "codec"


def test_a_codec_that_is_sound_on_smooth_pictures_passes(zoo: Zoo) -> None:
    check_component(zoo, "codec", "sick/unsteady", {"shape": [1, 16, 16]})


def test_a_codec_with_discrete_codes_passes(zoo: Zoo) -> None:
    check_component(zoo, "codec", "sick/coded")


@pytest.mark.parametrize("values", [(), ("circle", "triangle")])
def test_the_conditioner_of_the_tutorial_passes(zoo: Zoo, values: tuple[str, ...]) -> None:
    """It has categories and leaves `typical` to the base class, which gives null."""
    check_component(zoo, "conditioner", "sick/corners", values=values)


@pytest.mark.parametrize(
    ("kind", "name", "claims", "why"),
    [
        ("codec", "wronglatent", {LATENT}, "of shape [3, 4], got [3, 3]"),
        ("codec", "negativedeviation", {LATENT}, "a deviation above 0, got -1"),
        ("codec", "bare", {LATENT, LATENTS_SAVED}, "return Posterior(mean, std)"),
        ("codec", "centred", {BATCH}, "use no statistics over the batch"),
        ("codec", "drawing", {ENCODES}, "torch's global generator"),
        ("codec", "flat", {DECODES}, "of shape [3, 1, 4, 4], got [3, 16]"),
        ("codec", "uncounted", {LATENT}, "set it to the number of codes"),
        ("codec", "fewercodes", {LATENT}, "codes in [0, 1), got "),
        ("codec", "floatcodes", {LATENT}, "of shape [3, 3], got torch.float32"),
        ("codec", "spreadcodes", {LATENT}, "return Posterior(codes)"),
        ("noiser", "backwards", {TIME, GRID}, "time 0 is data, time 1 is noise"),
        ("noiser", "wavy", {TIME}, "more noise at a later time"),
        ("noiser", "rising", {GRID}, "grid(1) to fall"),
        ("noiser", "short", {GRID}, "grid(1) of shape [2], got [1]"),
        ("noiser", "wrongsplit", {SPLITS}, "the data back from its target"),
        ("noiser", "scaling", {MIXES}, "alpha x + sigma noise"),
        ("noiser", "sharedtimes", {NUMBERS}, "time of sample 1 of a batch as it is alone"),
        ("noiser", "globaltimes", {NUMBERS}, "torch's global generator"),
        ("noiser", "negativeweight", {NUMBERS}, "weights at least 0, got -1"),
        ("noiser", "globalprior", {PRIOR}, "torch's global generator"),
        ("sampler", "fitless", {FITS}, "noiser={…}"),
        ("sampler", "astray", {EXACT}, "the one picture that there is"),
        ("sampler", "shrinking", {EXACT}, "data of deviation 0.5 after 100 steps"),
        ("sampler", "globalnoise", {CHANCE}, "torch's global generator"),
        ("sampler", "sharednoise", {ALONE}, "sample 1 of a batch as it is alone"),
        ("sampler", "inplace", {FORM}, "work on a copy"),
        ("sampler", "silent", {CALLED}, "calls with 1 to 6 of 6, got none"),
        ("sampler", "fromzero", {CALLED}, "got 0 of 6"),
        ("conditioner", "onenull", {NULL, ROWS, DROPS}, "null(0) of shape [0, …], got [1]"),
        ("conditioner", "nullisaclass", {NULL}, "null as the id 3"),
        ("conditioner", "untrainednull", {NULL}, "gradients for what embeds null"),
        ("conditioner", "wrongdimension", {EMBEDS}, "of shape [4, 6], got [4, 5]"),
        ("conditioner", "secretmap", {EMBEDS}, "set spatial_dim, or None"),
        ("conditioner", "flatmap", {EMBEDS}, "a map of shape [B, D, H, W], got shape [4, 1, 4]"),
        ("conditioner", "sharedchance", {OWN}, "row 1 of a batch as it is alone"),
        ("conditioner", "globalchance", {OWN}, "torch's global generator"),
        ("conditioner", "crashing", {TEXTS}, "raise UsageError, and name the choices"),
        ("conditioner", "curt", {TEXTS}, "an error that names the choices"),
        ("conditioner", "accepting", {TEXTS}, "got a value"),
        ("conditioner", "nosuchid", {ROWS}, "typical to give ids up to 3"),
        ("conditioner", "floatrows", {ROWS}, "as null does"),
        ("conditioner", "dropszero", {DROPS}, "leave drop to the base class"),
        ("conditioner", "forgetsnull", {SAVED}, "persistent buffers"),
    ],
)
def test_a_broken_rule_is_found_and_no_other(
    zoo: Zoo, kind: str, name: str, claims: set[str], why: str
) -> None:
    report = examine_component(zoo, kind, f"sick/{name}", values=VALUES.get(kind, ()))
    failed = {f.check.partition(" (")[0] for f in report.findings if f.status == "failed"}
    assert failed == claims, report.problems
    assert why in "\n".join(report.problems)


def test_a_sampler_that_remembers_is_found(zoo: Zoo) -> None:
    report = examine_component(zoo, "sampler", "sick/remembering")
    assert "local variables" in "\n".join(report.problems)


def test_a_kind_without_an_interface_is_refused(zoo: Zoo) -> None:
    with pytest.raises(UsageError, match="kinds are model, codec"):
        check_component(zoo, "writer", "sick/healthy")
