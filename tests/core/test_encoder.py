"""The posterior: draws and KL divergence against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from genzoo_core import Condition, ConfigError, Encoder, Posterior, SampleRng
from genzoo_core.encoder import check_continuous


def test_kl_of_known_normals() -> None:
    mean = torch.tensor([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]])
    std = torch.tensor([[1.0, 1.0], [1.0, 1.0], [2.0, 0.5]])
    # KL(N(m, s²) ‖ N(0, 1)) = (m² + s² − 1)/2 − ln s per dimension.
    third = (4 - 1) / 2 - math.log(2) + (0.25 - 1) / 2 - math.log(0.5)
    assert Posterior(mean, std).kl().tolist() == pytest.approx([0, 2.5, third])


def test_kl_agrees_with_torch_distributions() -> None:
    mean, std = torch.randn(4, 2, 3), torch.rand(4, 2, 3) + 0.1
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, std), normal(0.0, 1.0))
    torch.testing.assert_close(Posterior(mean, std).kl(), expected.sum((1, 2)))


def test_a_point_posterior_is_its_mean_and_has_no_kl() -> None:
    point = Posterior(torch.tensor([[1.0, 2.0]]))
    assert torch.equal(point.sample(SampleRng([0])), point.mean)
    assert torch.equal(point.mode(), point.mean)
    with pytest.raises(ValueError, match="deterministic"):
        point.kl()


def test_codes_are_a_point_and_have_no_kl() -> None:
    codes = Posterior(torch.tensor([[3, 0, 511]]))
    assert codes.sample(SampleRng([0])).tolist() == codes.mode().tolist() == [[3, 0, 511]]
    assert codes.mode().dtype == torch.int64
    with pytest.raises(ValueError, match="codes have no KL"):
        codes.kl()


class Codes(Encoder):
    codebook_size = 512

    def encode(self, x: torch.Tensor, condition: Condition | None = None) -> Posterior:
        return Posterior(torch.zeros(len(x), 4, dtype=torch.int64))


def test_what_computes_with_latents_refuses_codes() -> None:
    with pytest.raises(ConfigError, match=r"diffusion needs .* real numbers.*Codes are 512 discr"):
        check_continuous(Codes(), "diffusion")


def test_draws_have_the_posteriors_mean_and_spread() -> None:
    n = 4000
    posterior = Posterior(torch.full((n, 1), 3.0), torch.full((n, 1), 0.5))
    draws = posterior.sample(SampleRng(range(n)))
    assert draws.mean().item() == pytest.approx(3, abs=4 * 0.5 / n**0.5)
    assert draws.std().item() == pytest.approx(0.5, rel=0.05)
