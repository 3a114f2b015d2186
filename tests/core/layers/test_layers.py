"""Layers that families share: what they compute by hand, and the names of their parameters."""

from __future__ import annotations

import torch
from torch import nn

from genzoo_core import Condition
from genzoo_core.layers.embedding import Embedding, sinusoids
from genzoo_core.layers.mlp import MLP, MLPBlock


def filled(module: nn.Module) -> None:
    """Give all parameters values of about a tenth."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.1 * torch.randn_like(parameter))


def test_times_as_close_as_a_step_of_a_thousand_are_told_apart() -> None:
    steps = torch.arange(1000, dtype=torch.float64) / 999
    told = sinusoids(steps)
    assert told.abs().max() <= 1
    distances = (told[1:] - told[:-1]).norm(dim=1)
    assert distances.min() > 0.5


def test_the_first_and_the_middle_frequency_are_those_of_the_formula() -> None:
    told = sinusoids(torch.tensor([0.25], dtype=torch.float64))[0]
    # 1000 / 10000^(i / 32): 1000 at i = 0, and 10 at i = 16.
    expected = torch.tensor([250.0, 2.5], dtype=torch.float64)
    torch.testing.assert_close(told[[0, 16]], expected.sin())
    torch.testing.assert_close(told[[32, 48]], expected.cos())


def test_a_condition_is_added_to_the_time_before_the_activation() -> None:
    embedding = Embedding(3)
    filled(embedding)
    time, vector = torch.tensor([0.3, 0.9]), torch.tensor([[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]])
    first, second = embedding.layers[0], embedding.layers[2]
    hidden = sinusoids(time) @ first.weight.T + first.bias
    out = (hidden * hidden.sigmoid()) @ second.weight.T + second.bias
    told = out + vector
    torch.testing.assert_close(embedding(time, Condition(vector)), told * told.sigmoid())
    torch.testing.assert_close(embedding(time, None), out * out.sigmoid())


def test_a_block_is_the_identity_at_first_and_then_the_formula_of_adaln_zero() -> None:
    block = MLPBlock(4, 2)
    x, embedded = torch.randn(3, 4), torch.randn(3, 2)
    torch.testing.assert_close(block(x, embedded), x)
    filled(block)
    scale, shift, gate = (embedded @ block.modulation.weight.T + block.modulation.bias).split(4, 1)
    normal = (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
    h = (normal * (1 + scale) + shift) @ block.first.weight.T + block.first.bias
    h = (h * h.sigmoid()) @ block.second.weight.T + block.second.bias
    torch.testing.assert_close(block(x, embedded), x + gate * h)


def test_a_fresh_mlp_predicts_zero_and_rows_keep_to_themselves() -> None:
    net = MLP((2, 3), width=8, blocks=2, embedding=4)
    x, time, vector = torch.randn(5, 2, 3), torch.rand(5), torch.randn(5, 4)
    assert net(x, time, Condition(vector)).abs().max() == 0
    filled(net)
    out = net(x, time, Condition(vector))
    assert out.shape == x.shape
    alone = net(x[3:4], time[3:4], Condition(vector[3:4]))
    torch.testing.assert_close(alone, out[3:4])


def test_the_input_reaches_the_output_through_the_gate_alone_where_blocks_carry_nothing() -> None:
    net = MLP((3,), width=4, blocks=1, embedding=2)
    with torch.no_grad():
        net.gate.bias.copy_(torch.tensor([1.0, -2.0, 0.5]))
    x = torch.tensor([[1.0, 2.0, 4.0]])
    torch.testing.assert_close(net(x, torch.ones(1), None), torch.tensor([[1.0, -4.0, 2.0]]))


def test_parameters_have_the_names_that_are_in_files_which_others_have() -> None:
    names = {name for name, _ in MLP((3,), width=4, blocks=1, embedding=2).named_parameters()}
    layers = {"embedding.layers.0", "embedding.layers.2", "read", "norm", "write", "gate"}
    layers |= {f"blocks.0.{name}" for name in ("modulation", "first", "second")}
    assert names == {f"{layer}.{which}" for layer in layers for which in ("weight", "bias")}
