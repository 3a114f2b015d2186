"""A table of word vectors: text without a network to run."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from genzoo_core import Condition, Conditioner, Context, Rng
from genzoo_text_embeddings.config import StaticTextConfig
from genzoo_text_embeddings.pieces import word_pieces
from genzoo_text_embeddings.texts import Notices, as_text, is_longer, readable, spelled_out


class StaticText(Conditioner):
    """The vectors of a text's word pieces as tokens, and their mean as its vector.

    `tools/distil_text.py` makes the table; a piece's weight in the mean is folded into its vector.
    A raw value is a text; prepared values are the ids of its pieces, int64 `[B, length]`, filled
    up with the id `pieces`. Null and blank text have no piece.
    """

    Config = StaticTextConfig
    vector_dim: int
    token_dim: int
    table: Tensor
    vocabulary: Tensor

    def __init__(self, config: StaticTextConfig, context: Context) -> None:
        super().__init__()
        self.config = config
        self.vector_dim = self.token_dim = config.dim
        self.register_buffer("table", torch.zeros(config.pieces, config.dim, dtype=torch.float16))
        self.register_buffer("vocabulary", torch.zeros(config.vocabulary_bytes, dtype=torch.uint8))
        self._notices = Notices()

    def parse(self, text: str) -> str:
        return text

    def prepare(self, raw: Sequence[object], rng: Rng) -> Tensor:
        """Ids of pieces, int64 `[B, length]`.

        Raises:
            UsageError: A value is no text.
        """
        texts, length = [as_text(value) for value in raw], self.config.length
        tokenizer = word_pieces(self.vocabulary.cpu().numpy().tobytes(), self.config.pieces)
        rows: list[list[int]] = []
        cut, strange = [], []
        for text in texts:
            spelled = spelled_out(readable(text))
            ids = tokenizer.ids(spelled) if spelled else []
            if len(ids) > length or is_longer(text):
                cut.append(text)
            if text.strip() and not ids:
                strange.append(text)
            rows.append(ids[:length] + [self.config.pieces] * (length - len(ids)))
        self._notices.warn(f"the text is cut after {length} word pieces", cut)
        self._notices.warn("no word of the text is known, so it is read as no prompt", strange)
        return torch.tensor(rows, dtype=torch.int64).reshape(len(rows), length)

    def forward(self, prepared: Tensor) -> Condition:
        """Vector `[B, dim]`, tokens `[B, length, dim]` and their mask, float32."""
        mask = prepared < self.config.pieces
        tokens = F.embedding(prepared.clamp_max(self.config.pieces - 1), self.table).float()
        tokens = tokens * mask[..., None]
        count = mask.sum(1, keepdim=True).clamp_min(1)
        return Condition(tokens.sum(1) / count, tokens, mask)

    def null(self, n: int) -> Tensor:
        """No pieces, `[n, length]`."""
        return torch.full((n, self.config.length), self.config.pieces)
