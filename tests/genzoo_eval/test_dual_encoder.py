"""The dual encoder: how it reads words, and what its loss is."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import genzoo
from genzoo_core import BatchRng, ComponentSpec, ConfigError, ModelSpec, SampleRng, UsageError
from genzoo_core.testing import check_component
from genzoo_eval.nets.augment import tint
from genzoo_eval.nets.dual import DualEncoder, alike, matching
from genzoo_eval.nets.words import NOTHING, START, CaptionWords, parts, words

WORDS = {"dim": 8, "buckets": 4096, "words": 4, "parts": 5}
SMALL = {
    "trunk": {"shape": [3, 8, 8], "width": 8, "features": 16},
    "width": 16,
    "heads": 2,
    "layers": 1,
    "joint": 8,
}
TEXT = {"text": ComponentSpec("genzoo/caption-words", WORDS)}


def reader(**config: int) -> CaptionWords:
    torch.manual_seed(0)
    spec = ModelSpec("genzoo/caption-words", WORDS | config, "conditioner")
    module = genzoo.open_zoo().build(spec).module
    assert isinstance(module, CaptionWords)
    return module


def build(conditioners: dict[str, ComponentSpec], **config: object) -> DualEncoder:
    torch.manual_seed(0)
    spec = ModelSpec("genzoo/dual-encoder", SMALL | config, "encoder", conditioners)
    module = genzoo.open_zoo().build(spec).module
    assert isinstance(module, DualEncoder)
    return module


def prepare(net: CaptionWords, *texts: str) -> torch.Tensor:
    return net.prepare(texts, SampleRng(range(len(texts))))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Call me hand: medium-dark", ["call", "me", "hand", ":", "medium", "-", "dark"]),
        ("keycap #", ["keycap", "#"]),
        ("Côte d'Ivoire", ["côte", "d", "'", "ivoire"]),
        ("  \t\n\0 ", []),
        ("😀", ["😀"]),
    ],
)
def test_a_text_is_its_words_and_signs(text: str, read: list[str]) -> None:
    assert words(text) == read


def test_a_word_is_itself_and_its_trigrams() -> None:
    assert list(parts("cats")) == [" cats", "#ca", "cat", "ats", "ts#"]
    assert list(parts("a")) == [" a", "#a#"]


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_read(text: str) -> None:
    net = reader()
    prepared = prepare(net, text)
    assert prepared.shape == (1, 5, 5)
    assert torch.equal(prepare(net, text), prepared)
    condition = net(prepared)
    assert condition.vector.isfinite().all()
    assert condition.mask is not None
    assert int(condition.mask.sum()) == 1 + min(4, len(words(text)))


def test_ids_are_those_of_crc32_on_every_machine() -> None:
    """CRC-32 of "123456789" is 0xCBF43926, the check value of its specification."""
    net = reader()
    assert net._id("123456789") == START + 1 + 0xCBF43926 % 4096


def test_what_has_no_words_is_null_and_what_is_no_text_is_refused() -> None:
    net = reader()
    assert torch.equal(prepare(net, "", "\n "), net.null(2))
    assert (net.null(1) != NOTHING).sum() == 1
    with pytest.raises(UsageError, match="'3' is no text"):
        net.prepare([3], SampleRng([0]))


def test_words_that_were_never_learnt_are_as_near_as_their_parts() -> None:
    net = reader(dim=1024, parts=12)
    with torch.no_grad():
        net.table.weight[START:].normal_()
        for word in ("hearts", "heart", "cactus"):
            net.table.weight[net._id(f" {word}")] = 0
        net.positions.zero_()
        vectors = net(prepare(net, "hearts", "heart", "cactus")).tokens[:, 1]
    near = torch.cosine_similarity(vectors[0], vectors[1:])
    # Four trigrams in common, of six and of five; random vectors are nearly at right angles.
    assert near[0].item() == pytest.approx(4 / math.sqrt(6 * 5), abs=0.1)
    assert near[1].item() == pytest.approx(0, abs=0.1)


def test_the_order_of_words_is_seen() -> None:
    net = build(TEXT).eval()
    reading = net.conditioners["text"]
    assert isinstance(reading, CaptionWords)
    with torch.no_grad():
        reading.positions.normal_()
        first, second, again = net.captions(
            prepare(reading, "light dark", "dark light", "light dark")
        )
    torch.testing.assert_close(again, first)
    assert (first - second).norm() > 0.01


def test_embeddings_are_unit_vectors_that_do_not_depend_on_the_batch() -> None:
    net = build(TEXT).eval()
    reading = net.conditioners["text"]
    assert isinstance(reading, CaptionWords)
    prepared = prepare(reading, "a", "red heart", "one two three four five")
    x = SampleRng(range(3)).normal((3, 8, 8), torch.empty(0)).clamp(-1, 1)
    with torch.inference_mode():
        for embed, given in ((net.captions, prepared), (net.images, x)):
            together = embed(given)
            torch.testing.assert_close(together.norm(dim=1), torch.ones(3))
            torch.testing.assert_close(embed(given[1:2]), together[1:2], atol=1e-5, rtol=0)


def test_the_loss_in_closed_form() -> None:
    # At right angles, of B similarities one is s and the others 0.
    axes = torch.eye(3)
    loss, found = matching(axes, axes, torch.eye(3, dtype=torch.bool), 2.0)
    assert loss.item() == pytest.approx(math.log(math.exp(2) + 2) - 2)
    assert found.tolist() == [True] * 3
    # All alike: nothing tells one from the other.
    ones = torch.ones(4, 1)
    loss, _ = matching(ones, ones, torch.eye(4, dtype=torch.bool), 7.0)
    assert loss.item() == pytest.approx(math.log(4))


def test_images_of_one_caption_are_all_right() -> None:
    # Two captions, of which the first stands twice: its images have half of the probability each.
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    same = alike(torch.tensor([[5, 1], [5, 1], [5, 2]]))
    assert same.tolist() == [[True, True, False], [True, True, False], [False, False, True]]
    loss, found = matching(x, x, same, 3.0)
    twice, once = math.log(2 * math.exp(3) + 1) - 3, math.log(math.exp(3) + 2) - 3
    assert loss.item() == pytest.approx((2 * twice + once) / 3)
    assert found.all()
    # That the other image of the caption is as near costs nothing but the log 2 of the two.
    assert twice == pytest.approx(math.log(2), abs=0.03)


def test_each_direction_counts_half() -> None:
    # Both captions lie with the first image: it finds them undecided, the second not at all.
    images, captions = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    loss, _ = matching(images, captions, torch.eye(2, dtype=torch.bool), 1.0)
    back = [math.log(math.e + 1) - 1, math.log(math.e + 1)]
    assert loss.item() == pytest.approx((math.log(2) + sum(back) / 2) / 2)


def test_a_tint_keeps_white_and_changes_each_colour_for_itself() -> None:
    rng = BatchRng(torch.Generator().manual_seed(0), 200)
    x = torch.tensor([1.0, 0.0, -0.2]).repeat(200, 1)[:, :, None, None].expand(-1, -1, 2, 2)
    seen = tint(x, rng, 0.5)
    assert (seen[:, 0] == 1).all()
    ink = (1 - seen[:, 1, 0, 0], (1 - seen[:, 2, 0, 0]) / 1.2)
    for factor in ink:
        assert 0.5 <= factor.min() < 0.55
        assert 1.45 < factor.max() < 1.5 + 1e-6
    assert not torch.allclose(ink[0], ink[1], atol=0.05)


@pytest.mark.parametrize(
    ("conditioners", "config", "complaint"),
    [
        ({}, {}, "needs one conditioner, for its captions, not none"),
        ({"text": TEXT["text"], "more": TEXT["text"]}, {}, "not text, more"),
        (
            {"label": ComponentSpec("genzoo/class-labels", {"classes": ["a"], "dim": 1})},
            {},
            "no tokens",
        ),
        (TEXT, {"heads": 3}, "3 heads do not divide a width of 16"),
    ],
)
def test_what_is_no_dual_encoder_is_refused(
    conditioners: dict[str, ComponentSpec], config: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        build(conditioners, **config)


def test_the_components_keep_to_their_interfaces() -> None:
    zoo = genzoo.open_zoo()
    captions = ["a red heart", "Ünïcode 😀", "", "x" * 5000]
    check_component(zoo, "conditioner", "caption-words", WORDS, values=captions)
    check_component(
        zoo, "encoder", "dual-encoder", SMALL, conditioners=TEXT, columns={"text": captions}
    )
