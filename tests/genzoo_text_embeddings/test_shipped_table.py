"""The table that comes with genzoo: small, its card's, and closer to meaning than spelling is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from text_cases import prepared, zoo
from tokenizers.implementations import BertWordPieceTokenizer

import genzoo_text_embeddings
from genzoo_core.testing import check_model, check_plugin
from genzoo_text_embeddings.static import StaticText

FILE = Path(genzoo_text_embeddings.__file__).parent / "weights" / "text-minilm.safetensors"
MOST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def shipped() -> StaticText:
    module = zoo().open("text-minilm").module
    assert isinstance(module, StaticText)
    return module


def test_the_file_is_small_and_the_one_of_its_card() -> None:
    card = zoo().card("text-minilm")
    data = FILE.read_bytes()
    assert len(data) == card.size <= MOST_BYTES
    assert hashlib.sha256(data).hexdigest() == card.sha256
    check_model(zoo(), "text-minilm")
    check_plugin(zoo(), "text-embeddings")


def test_captions_are_cut_into_pieces_as_bert_does_it(shipped: StaticText) -> None:
    pieces = shipped.vocabulary.numpy().tobytes().decode().split("\n")
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    peer = BertWordPieceTokenizer({p: i for i, p in enumerate([*pieces, *marks])})
    captions = [
        *("red heart", "call me hand medium skin tone", "Côte d'Ivoire", "keycap #", "piñata"),
        *("face with steam from nose", "UP! button", "Cocos (Keeling) Islands", "T-Rex"),
        *("two o'clock", "St. Barthélemy", "Åland Islands", "jack-o-lantern", "1st place medal"),
    ]
    for caption, row in zip(captions, prepared(shipped, *captions), strict=True):
        expected = peer.encode(caption, add_special_tokens=False).ids
        assert row[row < len(pieces)].tolist() == expected, caption


def test_no_piece_is_a_mark_or_without_a_vector(shipped: StaticText) -> None:
    pieces = shipped.vocabulary.numpy().tobytes().decode().split("\n")
    assert not [piece for piece in pieces if piece.startswith("[") and len(piece) > 1]
    assert bool((shipped.table.float().norm(dim=1) > 0).all())


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("puppy", "dog", "poppy"),
        ("cab", "taxi", "cabbage"),
        ("a physician", "health worker", "musician"),
        ("happy kitten", "grinning cat", "knitting"),
        ("furious", "angry face", "furniture"),
        ("maize", "ear of corn", "maze"),
        ("dawn", "sunrise", "down"),
    ],
)
def test_what_means_the_same_is_nearer_than_what_is_spelt_alike(
    shipped: StaticText, text: str, near: str, far: str
) -> None:
    asked, *others = shipped(prepared(shipped, text, near, far)).vector
    right, wrong = (torch.cosine_similarity(asked, other, dim=0) for other in others)
    assert right > wrong + 0.1
