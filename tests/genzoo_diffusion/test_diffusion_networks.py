"""The networks: shapes, size, what tells them time and condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from diffusion_cases import UNET, built

import genzoo
import genzoo_diffusion
from genzoo_core import Condition, ConfigError
from genzoo_core.layers.config import ResidualMLPConfig
from genzoo_diffusion.base import build_network
from genzoo_diffusion.config import DiffusionConfig, MeanFlowConfig, Network, UNetConfig
from genzoo_diffusion.unet import Flat

RECIPES = sorted((Path(genzoo_diffusion.__file__).parent / "recipes").glob("*.toml"))
MEGABYTE = 1_000_000


def awake(network: Network, shape: tuple[int, ...], *, spatial: bool = False) -> Any:
    torch.manual_seed(0)
    net = build_network(network, shape, spatial=spatial)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (ResidualMLPConfig(width=16, embedding=8), (32,)),
        (ResidualMLPConfig(width=16, embedding=8), (3, 8, 8)),
        (UNetConfig(width=8, embedding=8), (1, 28, 28)),
        (UNetConfig(width=8, embedding=8, multipliers=(1, 2, 2), patch=1), (3, 32, 32)),
        (UNetConfig(width=8, embedding=8, multipliers=(1,), patch=1), (4, 7, 7)),
        (UNetConfig(width=12, embedding=8, blocks=1), (1, 8, 12)),
        (UNetConfig(width=8, embedding=8, patch=4, flat=24), (3, 16, 16)),
    ],
)
def test_a_prediction_has_the_shape_of_the_data_and_heeds_all_it_is_told(
    network: Network, shape: tuple[int, ...]
) -> None:
    net = awake(network, shape)
    x, time, condition = torch.randn(2, *shape), torch.tensor([0.2, 0.7]), torch.randn(2, 8)
    out = net(x, time, Condition(condition))
    assert out.shape == x.shape
    for other in (
        net(x + 0.1, time, Condition(condition)),
        net(x, time + 0.1, Condition(condition)),
        net(x, time, Condition(condition + 1)),
        net(x, time, None),
    ):
        assert not torch.allclose(other, out, atol=1e-4)


@pytest.mark.parametrize("network", [ResidualMLPConfig(), UNetConfig(), UNetConfig(flat=16)])
def test_a_fresh_network_predicts_zero(network: Network) -> None:
    net = build_network(network, (1, 28, 28))
    out = net(torch.randn(2, 1, 28, 28), torch.rand(2), None)
    assert out.abs().max() == 0


def test_a_flat_network_begins_as_the_identity_and_tells_places_apart() -> None:
    torch.manual_seed(0)
    flat, x, embedded = Flat(2 * 3 * 3, 8, 4), torch.randn(1, 2, 3, 3), torch.randn(1, 4)
    assert torch.equal(flat(x, embedded), x)
    torch.nn.init.normal_(flat.write.weight)
    even = flat(torch.ones(1, 2, 3, 3), embedded)
    # A convolution of even pictures, padded with their border, is even.
    assert even.flatten(2).std(2).min() > 0.01


def reading_net() -> Any:
    return awake(UNetConfig(width=8, embedding=8, cross_attention=True), (3, 16, 16))


def test_each_place_can_attend_to_tokens() -> None:
    net, x, time = reading_net(), torch.randn(2, 3, 16, 16), torch.tensor([0.2, 0.7])
    vector, tokens = torch.randn(2, 8), torch.randn(2, 5, 8)
    out = net(x, time, Condition(vector, tokens))
    # Tokens are a set, as in Vaswani et al. 2017 without positions, and no row reads another's.
    shuffled = net(x, time, Condition(vector, tokens[:, [3, 1, 4, 0, 2]]))
    assert torch.allclose(out, shuffled, atol=1e-5)
    told = tokens.clone()
    told[1, 2] += 1
    changed = (net(x, time, Condition(vector, told)) - out).flatten(1).abs().amax(1)
    assert changed[0] == 0
    assert changed[1] > 1e-4


def test_a_masked_token_says_nothing_and_all_may_be_masked() -> None:
    net, x, time = reading_net(), torch.randn(2, 3, 16, 16), torch.tensor([0.2, 0.7])
    vector, tokens = torch.randn(2, 8), torch.randn(2, 5, 8)
    mask = torch.tensor([[True, True, False, False, False], [False] * 5])
    out = net(x, time, Condition(vector, tokens, mask))
    assert out.isfinite().all()
    noisy = tokens + 100 * ~mask[..., None]
    assert torch.equal(net(x, time, Condition(vector, noisy, mask)), out)
    short = net(x[:1], time[:1], Condition(vector[:1], tokens[:1, :2]))
    assert torch.allclose(short, out[:1], atol=1e-5)


def test_a_network_that_reads_tokens_wants_a_conditioner_that_gives_some() -> None:
    with pytest.raises(ConfigError, match=r"no conditioner gives any.*cross_attention = false"):
        built(shape=[1, 8, 8], network={**UNET, "cross_attention": True}, labels=True)


def test_attention_reaches_all_places() -> None:
    net = awake(UNetConfig(width=8, embedding=8, multipliers=(1,), patch=1, blocks=1), (1, 40, 40))
    x = torch.zeros(1, 1, 40, 40)
    x[0, 0, 0, 0] = 100.0
    # Convolutions alone reach 8 places far, the norms' statistics aside; a corner sees the other.
    before = net.attention.norm(torch.randn(1, 8, 40, 40))
    moved = before.clone()
    moved[0, :, 0, 0] += 5
    net.attention.norm = torch.nn.Identity()
    change = net.attention(moved) - net.attention(before)
    assert change[0, :, -1, -1].abs().max() > 0


@pytest.mark.parametrize("patch", [1, 2])
def test_a_map_says_what_is_where(patch: int) -> None:
    """It is as further channels of the input are; one of another size is averaged."""
    config = UNetConfig(width=8, embedding=8, multipliers=(1, 2), patch=patch)
    net, time = awake(config, (1, 8, 12), spatial=True), torch.tensor([0.5])
    x, vector, spatial = torch.randn(1, 1, 8, 12), torch.randn(1, 8), torch.randn(1, 8, 8, 12)
    overlay = net.overlay(spatial)
    assert overlay.shape[2:] == (8 // patch, 12 // patch)
    changed = spatial.clone()
    changed[:, :, :, 6:] += 1
    assert torch.equal(net.overlay(changed)[..., : 6 // patch], overlay[..., : 6 // patch])
    out = net(x, time, Condition(vector, spatial=spatial))
    assert not torch.allclose(net(x, time, Condition(vector, spatial=changed)), out, atol=1e-4)
    larger = spatial.repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(net(x, time, Condition(vector, spatial=larger)), out)


def test_a_fresh_network_gives_a_map_no_weight() -> None:
    net = build_network(UNetConfig(width=8, embedding=8), (1, 8, 8), spatial=True)
    assert net.overlay(torch.randn(1, 8, 8, 8)).count_nonzero() == 0


@pytest.mark.parametrize("shape", [(1, 30, 28), (1, 28, 26)])
def test_sides_that_cannot_be_halved_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigError, match="sides divisible by 4"):
        build_network(UNetConfig(), shape)


def test_more_places_than_can_attend_are_refused() -> None:
    with torch.device("meta"), pytest.raises(ConfigError, match=r"262,144 places.*raise patch"):
        build_network(UNetConfig(patch=1, multipliers=(1,)), (1, 512, 512))


def test_a_unet_wants_pictures() -> None:
    with pytest.raises(ConfigError, match=r"not of shape \[32\].*mlp"):
        build_network(UNetConfig(), (32,))


@pytest.mark.parametrize("path", RECIPES, ids=[path.stem for path in RECIPES])
def test_a_recipes_weights_are_small_enough_to_ship(path: Path) -> None:
    recipe = genzoo.open_zoo().recipe(str(path))
    kind = {"genzoo/mean-flow": MeanFlowConfig}.get(recipe.model.component, DiffusionConfig)
    config = msgspec.convert(recipe.model.config, kind)
    # Codecs fold pictures to four channels of a quarter of their sides.
    shape = config.shape if config.on == "pixels" else (4, *(s // 4 for s in config.shape[1:]))
    net = build_network(config.network, shape)
    parameters = sum(parameter.numel() for parameter in net.parameters())
    assert 2 * parameters < 8 * MEGABYTE
    taught = isinstance(config, MeanFlowConfig) and config.teacher is not None
    if config.guidance != 1 and not taught:
        # Guidance needs a trained null; where a teacher guides, it is the teacher's.
        assert all(conditioner.drop > 0 for conditioner in recipe.model.conditioners.values())
