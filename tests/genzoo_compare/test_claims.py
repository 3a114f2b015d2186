"""What tutorials say, held to the reports that ship."""

from __future__ import annotations

import pytest

from genzoo_compare.claims import CLAIMS, FAMILIES
from genzoo_compare.verdicts import USABLE

EQUAL = dict.fromkeys(FAMILIES, 1.0)


@pytest.mark.parametrize(
    ("text", "figures", "holds"),
    [
        # The same threshold as in the table: what lies at ten floors is not close to real images.
        ("An autoencoder is not generative", {"ae": USABLE}, True),
        ("An autoencoder is not generative", {"ae": 9.99}, False),
        ("A VAE is smooth and somewhat blurry", {"vae": 0.89}, True),
        ("A VAE is smooth and somewhat blurry", {"vae": 0.9}, False),
        ("A GAN is sharp", {"gan": 0.91}, True),
        ("A GAN is sharp", {"gan": 0.9}, False),
        ("A GAN leaves out part of the data", {"gan": 0.99}, True),
        ("A GAN leaves out part of the data", {"vae": 0.99}, False),
        ("Diffusion gives the best pictures", {"flow": 0.9}, True),
        ("The same, seen by another net", {"gan": 0.9}, False),
        ("Diffusion is slow", {"flow": 2.0}, True),
        ("Diffusion is slow", {"gan": 2.0}, False),
        ("Conditioning layers on all four", {"gan": 0.91}, True),
        ("Conditioning layers on all four", {"gan": 0.9}, False),
    ],
)
def test_a_claim_holds_by_its_rule(text: str, figures: dict[str, float], holds: bool) -> None:
    (claim,) = (claim for claim in CLAIMS if claim.text == text)
    assert claim.holds({**EQUAL, **figures}) == holds


@pytest.mark.parametrize("dataset", ["mnist", "fashion"])
def test_each_claim_has_figures_of_each_family(dataset: str) -> None:
    for claim in CLAIMS:
        figures, _ = claim.of(dataset)
        assert list(figures) == list(FAMILIES)
        assert all(figure > 0 for figure in figures.values()), claim.text
