"""Text as a model's condition: features, null, tokens and their mask, whatever the text."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from text_cases import SHIPPED, prepared, rng, text, zoo

from genzoo_core import ConfigError, SampleRng, UsageError
from genzoo_core.testing import check_component
from genzoo_text_embeddings.conditioner import TextConditioner
from genzoo_text_embeddings.static import StaticText
from genzoo_text_embeddings.texts import readable

VALUES = ["a red heart", "smiling cat face", "", "keycap #", "Côte d'Ivoire"]


@pytest.fixture(scope="module")
def reader() -> TextConditioner:
    """One that reads by the shipped table."""
    return text(tokens=3, dim=5, hidden=7)


def test_prepared_values_are_unit_vectors_and_whether_they_count(reader: TextConditioner) -> None:
    rows = prepared(reader, "red heart", "", "a very red heart")
    part = reader.part
    assert isinstance(part, StaticText)
    assert rows.shape == (3, 4, part.vector_dim + 1)
    assert rows[..., -1].tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]
    lengths = rows[..., :-1].norm(dim=-1)
    torch.testing.assert_close(lengths, rows[..., -1])
    # By hand: the mean of the two words' vectors, and the second word's.
    words = part(part.prepare(["red heart"], rng(1)))
    vectors = words.tokens[0, :2]
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(rows[0, 0, :-1], vectors.mean(0), dim=0) > 0.99999
    assert cosine(rows[0, 2, :-1], vectors[1], dim=0) > 0.99999


def test_blank_text_is_null_and_null_is_zero(reader: TextConditioner) -> None:
    null = reader.null(4)
    assert not null.any()
    assert torch.equal(prepared(reader, "", " \t\n", "\0", "\u3000"), null)


def test_null_has_one_trained_token_to_attend_to(reader: TextConditioner) -> None:
    condition = reader(prepared(reader, "red heart", ""))
    assert condition.mask.tolist() == [[True, True, False], [True, False, False]]
    assert torch.equal(condition.vector[1], reader.null_vector)
    assert torch.equal(condition.tokens[1, 0], reader.null_token)


def test_the_order_of_words_shows_in_the_tokens(reader: TextConditioner) -> None:
    one, other = reader(prepared(reader, "cat dog", "dog cat")).tokens[:, :2]
    assert not torch.allclose(one, other.flip(0), atol=1e-3)
    torch.testing.assert_close(one - reader.positions[:2], (other - reader.positions[:2]).flip(0))


def test_only_its_own_layers_are_trained(reader: TextConditioner) -> None:
    trained = {name for name, p in reader.named_parameters() if p.requires_grad}
    assert trained == {
        *("embed.0.weight", "embed.0.bias", "embed.2.weight", "embed.2.bias"),
        *("null_vector", "null_token", "positions"),
    }
    with torch.enable_grad():
        condition = reader(prepared(reader, "red heart", ""))
        (condition.vector.sum() + condition.tokens[condition.mask].sum()).backward()
    assert all(p.grad is not None and p.grad.any() for p in reader.parameters())


def test_without_tokens_there_is_a_vector_alone() -> None:
    reader = text(tokens=0)
    assert reader.token_dim is None
    condition = reader(prepared(reader, "red heart", ""))
    assert condition.vector.shape == (2, 128)
    assert condition.tokens is None


def test_a_text_is_prepared_alike_in_any_company(reader: TextConditioner) -> None:
    together = prepared(reader, *VALUES, *VALUES[:2])
    alone = torch.cat([prepared(reader, value) for value in (*VALUES, *VALUES[:2])])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("raw", [3, None, b"red", float("nan")])
def test_what_is_no_text_is_refused(reader: TextConditioner, raw: Any) -> None:
    with pytest.raises(UsageError, match="is no text; give words"):
        reader.prepare([raw], rng(1))


def any_text() -> st.SearchStrategy[str]:
    """Texts with lone surrogates, NULs, marks, right-to-left letters and emoji among them."""
    odd = st.sampled_from("\0\ud800\udfff\u0301\u200d\u202eאب😀👩🏽\ufeff \n木")
    every = st.characters(codec=None, categories=None)
    return st.text(st.one_of(odd, every), max_size=60)


@settings(deadline=None, max_examples=300)
@given(value=any_text())
def test_hostile_29_every_text_is_a_value(reader: TextConditioner, value: str) -> None:
    rows = reader.prepare([reader.parse(value)], rng(1))
    assert rows.shape == reader.null(1).shape
    assert torch.isfinite(rows).all()
    assert torch.isfinite(reader(rows).vector).all()


@pytest.mark.parametrize(
    "value",
    ["red heart " * 100_000, "x" * 1_000_000, "\u0301" * 1_000_000, " " * 1_000_000 + "red"],
    ids=["words", "one word", "marks", "spaces"],
)
def test_hostile_29_a_megabyte_of_text_is_cut_before_it_is_read(
    reader: TextConditioner, value: str
) -> None:
    assert len(readable(value)) <= 4_000
    assert prepared(reader, value)[0, 0, -1] == ("red" in value)


def test_what_attention_does_not_see_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    reader = text(tokens=2)
    prepared(reader, "red heart", "two red hearts")
    prepared(reader, "two red hearts")
    (told,) = caplog.messages
    assert told == "attention sees no more than 2 word pieces of the text: 'two red hearts'"
    caplog.clear()
    prepared(text(tokens=0), "two red hearts")  # nothing attends
    assert not caplog.messages


def test_typical_captions_are_drawn_by_each_images_own_seed() -> None:
    captions = ("red heart", "cat", "dog face")
    reader = text(tokens=2, typical=list(captions))
    known = prepared(reader, *captions)
    together = reader.typical(rng(600))
    assert torch.equal(together[7:8], reader.typical(SampleRng([7])))
    which = (together[:, None] == known).all(-1).all(-1)
    assert which.sum(1).tolist() == [1] * 600
    assert (which.sum(0) > 160).all()  # 200 of each are expected, with a deviation of 12


def test_without_captions_what_is_typical_is_null(reader: TextConditioner) -> None:
    assert torch.equal(reader.typical(rng(2)), reader.null(2))


def test_a_part_is_needed_that_reads_text() -> None:
    with pytest.raises(ConfigError, match=r"no part plays the role 'words'"):
        text(encoder={"type": "part", "role": "words"})


@pytest.mark.parametrize("tokens", [0, 3])
def test_it_keeps_to_the_interface(tokens: int) -> None:
    config = {"tokens": tokens, "dim": 6, "hidden": 8, "typical": ["cat", "red heart"]}
    check_component(zoo(), "conditioner", "text", config, parts=SHIPPED, values=VALUES)
