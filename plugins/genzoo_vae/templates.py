"""Recipes of VAEs for anyone's own pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import to_builtins

from genzoo_autoencoder.api import ConvConfig, flow_prior, latent_size, two_stages
from genzoo_core.recipe import PhaseRecipe, Recipe
from genzoo_core.templates import Goal
from genzoo_vae.model import VAEConfig


def vae(goal: Goal) -> Sequence[Recipe]:
    """VAEs with a learned noise level (Rybkin et al. 2021) and a flow as their prior."""

    def config(width: int) -> Mapping[str, object]:
        fields: Mapping[str, object] = to_builtins(
            VAEConfig(
                shape=goal.data.shape,
                latent=latent_size(goal),
                network=ConvConfig(width=width),
                likelihood="optimal",
                kl_warmup=0.2,
                prior=flow_prior(goal),
            )
        )
        return fields

    phase = PhaseRecipe(lr=1e-3, warmup=200)
    return two_stages(goal, "genzoo/vae", "VAE", config, {"elbo": phase})
