"""Conditioners joined: nothing asked is null, vectors add up, tokens are concatenated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genzoo_core import (
    ComponentSpec,
    Condition,
    Conditioned,
    Conditioner,
    Conditioning,
    ConfigError,
    Rng,
    SampleRng,
)
from genzoo_core.conditioner import conditioners_of


class Words(Conditioner):
    """Numbers as vectors; with tokens where asked for. Null is -1."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.vector_dim = 2
        self.token_dim = 2 if tokens else None
        self.tokens = tokens
        self.embedding = nn.Parameter(torch.ones(2))

    def parse(self, text: str) -> Any:
        return float(text)

    def prepare(self, raw: Sequence[Any], rng: Rng) -> Tensor:
        return torch.tensor(raw)

    def forward(self, prepared: Tensor) -> Condition:
        vector = prepared[:, None] * self.embedding
        if not self.tokens:
            return Condition(vector)
        return Condition(vector, vector[:, None].expand(-1, self.tokens, 2))

    def null(self, n: int) -> Tensor:
        return torch.full((n,), -1.0)


class Maps(Words):
    """Numbers as maps of one channel, `side` × 4."""

    spatial_dim = 1

    def __init__(self, side: int) -> None:
        super().__init__(0)
        self.side = side

    def forward(self, prepared: Tensor) -> Condition:
        spatial = prepared[:, None, None, None].expand(-1, 1, self.side, 4)
        return Condition(super().forward(prepared).vector, spatial=spatial)


class Shelf:
    """A context that builds `Words`."""

    training = True

    def __init__(self, **tokens: int) -> None:
        self.conditioners = {
            name: ComponentSpec("words", {"tokens": count}) for name, count in tokens.items()
        }

    def component(self, kind: str, name: str, config: Mapping[str, Any]) -> Any:
        assert (kind, name) == ("conditioner", "words")
        # Less than 0 stands for maps of so many rows.
        return Words(config["tokens"]) if config["tokens"] >= 0 else Maps(-config["tokens"])

    def part(self, role: str) -> Any:
        raise AssertionError(role)


def test_vectors_add_up_and_tokens_are_concatenated() -> None:
    join = Conditioning(Shelf(a=2, b=3, c=0), dim=5)
    asked = {name: torch.tensor([0.5, 1.0]) for name in "abc"}
    joined = join(asked, 2)
    assert joined.vector.shape == (2, 5)
    assert joined.tokens.shape == (2, 5, 5)
    assert joined.mask.all()
    parts = [join.vectors[name](torch.tensor([[0.5, 0.5], [1.0, 1.0]])) for name in "abc"]
    torch.testing.assert_close(joined.vector, sum(parts))


def test_maps_are_projected_and_added() -> None:
    join = Conditioning(Shelf(a=-2, b=-2, c=0), dim=5, spatial=True)
    asked = {name: torch.tensor([0.5, 1.0]) for name in "abc"}
    joined = join(asked, 2)
    assert joined.spatial.shape == (2, 5, 2, 4)
    maps = torch.tensor([0.5, 1.0])[:, None, None, None].expand(-1, 1, 2, 4)
    torch.testing.assert_close(joined.spatial, join.spatial["a"](maps) + join.spatial["b"](maps))
    assert joined.rows(slice(1, 2)).spatial.equal(joined.spatial[1:])
    assert Conditioning(Shelf(c=0), dim=5, spatial=True)({}, 2).spatial is None


def test_maps_of_two_sizes_are_refused() -> None:
    join = Conditioning(Shelf(a=-2, b=-3), dim=5, spatial=True)
    with pytest.raises(ConfigError, match="conditioner 'a' is 2×4, that of 'b' 3×4"):
        join({}, 1)


@pytest.mark.parametrize("dim", [3, "prepared"])
def test_a_model_without_maps_refuses_a_conditioner_with_one(dim: Any) -> None:
    with pytest.raises(ConfigError, match="cannot use the map that conditioner 'b' gives"):
        Conditioning(Shelf(a=2, b=-2), dim)


def test_what_is_not_asked_is_null() -> None:
    join = Conditioning(Shelf(a=0, b=0), dim=3)
    asked = {"a": torch.tensor([1.0])}
    spelled = asked | {"b": torch.tensor([-1.0])}
    assert torch.equal(join(asked, 1).vector, join(spelled, 1).vector)


def test_without_conditioners_there_is_no_condition() -> None:
    assert Conditioning(Shelf(), dim=3)({}, 4) is None


def test_nothing_is_joined_where_the_network_embeds_prepared_values_itself() -> None:
    own = Conditioning(Shelf(a=0, b=3), dim="prepared")
    owned = {id(p) for p in own.conditioners.parameters()}
    assert {id(p) for p in own.parameters()} == owned  # no projection
    assert not any(p.requires_grad for p in own.parameters())
    asked = own.complete({"b": torch.tensor([0.5, 1.0])}, 2)
    assert {name: rows.tolist() for name, rows in asked.items()} == {"a": [-1, -1], "b": [0.5, 1]}
    with pytest.raises(ConfigError, match="no conditioner 'c'"):
        own.complete({"c": torch.zeros(2)}, 2)
    with pytest.raises(TypeError, match="define `condition`"):
        own({}, 2)


def test_an_unknown_name_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no conditioner 'lable'; the model has label.*did you"):
        Conditioning(Shelf(label=0), dim=3)({"lable": torch.zeros(1)}, 1)


def test_a_model_that_takes_no_condition_refuses_conditioners() -> None:
    with pytest.raises(ConfigError, match="takes no conditioner"):
        Conditioning(Shelf(label=0), dim=None)


class Reader(nn.Module, Conditioned):
    """A net that reads numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conditioners = nn.ModuleDict({"b": Words(0), "a": Words(0)})


def test_the_conditioners_of_a_module_are_those_that_it_says_it_owns() -> None:
    reader = Reader()
    assert list(conditioners_of(reader)) == ["b", "a"]
    assert conditioners_of(reader)["a"] is reader.conditioners["a"]
    assert conditioners_of(nn.Linear(1, 1)) == {}


def test_drop_replaces_rows_by_null_at_the_given_rate() -> None:
    n = 4000
    dropped = Words(0).drop(torch.ones(n), SampleRng(range(n)), 0.25)
    assert set(dropped.tolist()) == {1.0, -1.0}
    share = (dropped == -1).float().mean().item()
    assert share == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / n) ** 0.5)
    assert torch.equal(Words(0).drop(torch.ones(9), SampleRng(range(9)), 0.0), torch.ones(9))
