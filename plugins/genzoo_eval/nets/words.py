"""Captions as words, for a net that learns what they look like."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from genzoo_core import Condition, Conditioner, Context, Rng, UsageError
from genzoo_eval.nets.config import CaptionWordsConfig

NOTHING, START = 0, 1
"""Ids of what is no part of any word, and of what stands before the first word."""

LETTERS = 3
SPREAD = 0.02
"""Standard deviation of fresh vectors. A word that was never trained has one, which must be small
beside those of its parts that were."""


def words(text: str) -> list[str]:
    """The words of a text without their case, and its signs, each for itself; spaces and controls
    are none."""
    found: list[str] = re.findall(r"\w+|[^\w\s\x00-\x1f\x7f]", text.casefold())
    return found


def parts(word: str) -> Iterator[str]:
    """A word itself, then its runs of three letters, with its ends marked.

    Letter trigrams are those of Huang et al. 2013, "Learning deep structured semantic models for
    web search using clickthrough data", section 3.2: what two words have in common is found
    where only one of them was learnt. That a word has a vector of its own besides is from
    Bojanowski et al. 2017, "Enriching word vectors with subword information", section 3.2.
    """
    marked = f"#{word}#"
    yield f" {word}"
    for start in range(len(marked) - LETTERS + 1):
        yield marked[start : start + LETTERS]


class CaptionWords(Conditioner):
    """A text as a sequence of vectors, one for each word: what a measuring net reads by.

    It has nothing in common with the conditioners of the models that it helps to measure. Words
    and their parts are hashed into one table (Weinberger et al. 2009, "Feature hashing for large
    scale multitask learning"); a word's vector is its own plus the mean of its parts' vectors.

    A raw value is any text. Prepared values are ids, int64 `[B, 1 + words, parts]`: a row for
    what stands before the first word, then one for each word; 0 is nothing. Null is a text
    without words.
    """

    Config = CaptionWordsConfig

    def __init__(self, config: CaptionWordsConfig, context: Context) -> None:
        super().__init__()
        self.config = config
        self.vector_dim = self.token_dim = config.dim
        self.table = nn.Embedding(START + 1 + config.buckets, config.dim, padding_idx=NOTHING)
        self.positions = nn.Parameter(torch.empty(1 + config.words, config.dim))
        with torch.no_grad():
            self.table.weight[START:].normal_(std=SPREAD)
            self.positions.normal_(std=SPREAD)

    def parse(self, text: str) -> str:
        """The text itself."""
        return text

    def prepare(self, raw: Sequence[object], rng: Rng) -> Tensor:
        """Ids, int64 `[B, 1 + words, parts]`.

        Raises:
            UsageError: A value is no text.
        """
        rows = self.null(len(raw))
        for row, text in zip(rows, raw, strict=True):
            if not isinstance(text, str):
                raise UsageError(f"{str(text)[:80]!r} is no text; give a caption")
            for place, word in zip(row[1:], words(text), strict=False):
                ids = [self._id(part) for part in islice(parts(word), self.config.parts)]
                place[: len(ids)] = torch.tensor(ids)
        return rows

    def forward(self, prepared: Tensor) -> Condition:
        """Tokens `[B, 1 + words, dim]` with their mask, and their mean, `[B, dim]`."""
        vectors: Tensor = self.table(prepared)
        smaller = (prepared[..., 1:] != NOTHING).sum(2, keepdim=True).clamp_min(1)
        tokens = vectors[:, :, 0] + vectors[:, :, 1:].sum(2) / smaller + self.positions
        mask = prepared[..., 0] != NOTHING
        counted = mask[..., None].to(tokens)
        return Condition((tokens * counted).sum(1) / counted.sum(1), tokens, mask)

    def null(self, n: int) -> Tensor:
        """What stands before the first word, and no word, `[n, 1 + words, parts]`."""
        rows = torch.full((n, 1 + self.config.words, self.config.parts), NOTHING)
        rows[:, 0, 0] = START
        return rows

    def _id(self, part: str) -> int:
        # A text from a command line may hold half of a surrogate pair.
        code = zlib.crc32(part.encode("utf-8", "surrogatepass"))
        return START + 1 + code % self.config.buckets
