"""The table of word vectors: pieces, their mean, what is cut, and what is no vocabulary."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from text_cases import VECTORS, WORDS, prepared, rng, table, zoo
from tokenizers.implementations import BertWordPieceTokenizer

from genzoo_core import UsageError, WeightsError
from genzoo_core.testing import check_component
from genzoo_text_embeddings.pieces import word_pieces
from genzoo_text_embeddings.texts import spelled_out

NO_PIECE = len(WORDS)


def test_a_text_is_its_pieces_and_their_mean() -> None:
    words = table()
    rows = prepared(words, "Playing, red!", "", "HEART")
    assert rows.tolist() == [[2, 3, 0, 5], [6, 6, 6, 6], [1, 6, 6, 6]]
    condition = words(rows)
    # (2, 2) + (4, 0) + (1, 0) + (0, -2) over four pieces; nothing; the heart's own.
    assert condition.vector.tolist() == [[1.75, 0.0], [0.0, 0.0], [0.0, 1.0]]
    assert condition.mask.sum(1).tolist() == [4, 0, 1]
    assert torch.equal(condition.tokens[0], VECTORS[[2, 3, 0, 5]])
    assert not condition.tokens[~condition.mask].any()


def test_null_is_no_piece_at_all() -> None:
    words = table()
    assert torch.equal(prepared(words, "", "  ", "\0", "\ud800"), words.null(4))
    assert words.null(1).tolist() == [[NO_PIECE] * 4]


def test_pieces_are_those_of_berts_own_tokeniser() -> None:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "é", "re", "##d", "木"]
    peer = BertWordPieceTokenizer({piece: i for i, piece in enumerate(vocabulary)})
    ours = word_pieces("\n".join(vocabulary).encode(), len(vocabulary))
    for text in ("Red HEART!cat", "réd playing木cat", "re\u0301d\tred\u200bheart", "redred", "x!"):
        expected = [i for i in peer.encode(text, add_special_tokens=False).ids if i != 1]
        assert ours.ids(text) == expected, text
    assert ours.ids("playing") == [7, 8]


def test_long_text_is_cut_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    words = table()
    long = "red heart playing cat"
    with caplog.at_level(logging.WARNING):
        rows = prepared(words, long, long, "red", f"{long} !")
        prepared(words, long)
    assert rows[0].tolist() == [0, 1, 2, 3]
    assert [record.getMessage() for record in caplog.records] == [
        f"the text is cut after 4 word pieces: {long!r}, and for 1 more"
    ]


def test_a_text_of_which_no_word_is_known_is_null_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    words = table()
    with caplog.at_level(logging.WARNING):
        assert torch.equal(prepared(words, "ж"), words.null(1))
    assert [record.getMessage() for record in caplog.records] == [
        "no word of the text is known, so it is read as no prompt: 'ж'"
    ]


def test_an_emoji_is_read_as_its_name() -> None:
    """Those of the captions of emoji data."""
    words = table()
    assert torch.equal(prepared(words, "❤️"), prepared(words, "red heart"))
    assert torch.equal(prepared(words, "a❤!"), prepared(words, "a red heart !"))
    for text, spelled in (
        ("👩‍🚒", "woman firefighter"),
        ("a_b 👋🏽", "a_b  waving hand medium skin tone"),
        ("🇯🇵", "Japan"),
        ("Ångström", "Ångström"),
    ):
        assert spelled_out(text).strip() == spelled


@pytest.mark.parametrize("raw", [3, None, b"red", ["red"]])
def test_what_is_no_text_is_refused(raw: Any) -> None:
    with pytest.raises(UsageError, match="is no text; give words"):
        table().prepare(["red", raw], rng(2))


@pytest.mark.parametrize("words", [[*WORDS, "dog"], WORDS[:-1], [*WORDS[:-1], "red"]])
def test_a_vocabulary_that_does_not_go_with_the_table_is_damage(words: list[str]) -> None:
    with pytest.raises(WeightsError, match="it is not 6 different pieces"):
        prepared(table(words), "red")


def test_a_vocabulary_that_is_no_text_is_damage() -> None:
    words = table()
    words.vocabulary[0] = 255
    with pytest.raises(WeightsError, match="it is not UTF-8"):
        prepared(words, "red")


def test_it_keeps_to_the_interface() -> None:
    config = {"pieces": 6, "dim": 3, "vocabulary_bytes": 20}
    check_component(zoo(), "conditioner", "static-text", config, values=["a red heart", "", "!"])
