"""Words into pieces, as BERT does it (Devlin et al. 2019), by the `tokenizers` library."""

from __future__ import annotations

from functools import lru_cache

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from genzoo_core.errors import WeightsError

UNKNOWN = "[UNK]"


class WordPieces:
    """The uncased tokeniser of BERT for a vocabulary.

    Args:
        vocabulary: The pieces in the order of their ids; those within a word begin with "##".
    """

    def __init__(self, vocabulary: tuple[str, ...]) -> None:
        ids = {piece: i for i, piece in enumerate(vocabulary)}
        self._unknown = ids.setdefault(UNKNOWN, len(vocabulary))
        self._tokenizer = Tokenizer(WordPiece(ids, unk_token=UNKNOWN))
        self._tokenizer.normalizer = BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = BertPreTokenizer()

    def ids(self, text: str) -> list[int]:
        """The ids of a text's pieces, without the words that the vocabulary cannot spell."""
        found = self._tokenizer.encode(text, add_special_tokens=False).ids
        return [i for i in found if i != self._unknown]


@lru_cache(maxsize=4)
def word_pieces(vocabulary: bytes, count: int) -> WordPieces:
    """The tokeniser of a vocabulary as a file holds it: `count` pieces in UTF-8, one a line.

    That of a table that was never filled is all NUL, and has no piece.

    Raises:
        WeightsError: It is no such vocabulary.
    """
    lines = vocabulary.rstrip(b"\0")
    try:
        pieces = tuple(lines.decode().split("\n")) if lines else ()
    except UnicodeDecodeError:
        raise WeightsError("the vocabulary of a text table is damaged: it is not UTF-8") from None
    if pieces and (len(pieces) != count or len(set(pieces)) != count or "" in pieces):
        raise WeightsError(
            f"the vocabulary of a text table is damaged: it is not {count:,} different pieces"
        )
    return WordPieces(pieces)
