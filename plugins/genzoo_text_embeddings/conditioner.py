"""Text as a condition that a model owns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from genzoo_core import BatchRng, Condition, Conditioner, ConfigError, Context, Rng
from genzoo_text_embeddings.config import PartEncoder, TextConfig
from genzoo_text_embeddings.pretrained import open_encoder, pack
from genzoo_text_embeddings.texts import Notices, as_text

SPREAD = 0.02
"""Standard deviation of fresh parameters."""


class TextConditioner(Conditioner):
    """A text by a frozen encoder, and small layers that are trained with the model.

    A raw value is a text. Prepared values are the encoder's features as `pack` gives them: a
    training runs the encoder once for each text, before its first step. Null is all zero, and
    blank text is null. Null has a trained vector and one trained token for attention.
    """

    Config = TextConfig
    part: Conditioner | None

    def __init__(self, config: TextConfig, context: Context) -> None:
        super().__init__()
        self.config = config
        encoder = config.encoder
        if isinstance(encoder, PartEncoder):
            self.part = _readable_part(context.part(encoder.role), encoder.role, config.tokens)
            self.encoder_dim = self.part.vector_dim
        else:
            self.part = None
            self.encoder_dim = encoder.dim
        self.vector_dim = config.dim
        self.token_dim = self.encoder_dim if config.tokens else None
        self.embed = nn.Sequential(
            nn.Linear(self.encoder_dim, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.dim),
        )
        self._notices = Notices()
        self.null_vector = _small(config.dim)
        if config.tokens:
            self.positions = _small(config.tokens, self.encoder_dim)
            self.null_token = _small(self.encoder_dim)

    def parse(self, text: str) -> str:
        return text

    @torch.no_grad()
    def prepare(self, raw: Sequence[object], rng: Rng) -> Tensor:
        """The encoder's features, float32 `[B, 1 + tokens, D + 1]`.

        Raises:
            UsageError: A value is no text.
            GenzooError: A pretrained encoder cannot be had; says what to do.
        """
        texts = [as_text(value) for value in raw]
        distinct = list(dict.fromkeys(text for text in texts if text.strip()))
        rows = {text: i for i, text in enumerate(distinct, 1)}
        features = torch.cat([self.null(1), self._encode(distinct)])
        return features[torch.tensor([rows.get(text, 0) for text in texts], dtype=torch.int64)]

    def forward(self, prepared: Tensor) -> Condition:
        """Vector `[B, dim]`, and tokens `[B, tokens, D]` with their mask where there are any."""
        prepared = prepared.to(self.null_vector.dtype)
        # Unit vectors become ones whose channels have the variance 1, as layers expect.
        features, counts = prepared[..., :-1] * self.encoder_dim**0.5, prepared[..., -1] > 0.5
        present = counts[:, :1]
        vector = torch.where(present, self.embed(features[:, 0]), self.null_vector)
        if not self.config.tokens:
            return Condition(vector)
        tokens = features[:, 1:] + self.positions
        tokens = torch.where(present[..., None], tokens, self.null_token)
        first = torch.arange(self.config.tokens, device=prepared.device) == 0
        return Condition(vector, tokens, counts[:, 1:] | (first & ~present))

    def null(self, n: int) -> Tensor:
        """Zeros, `[n, 1 + tokens, D + 1]`."""
        return torch.zeros(n, 1 + self.config.tokens, self.encoder_dim + 1)

    def typical(self, rng: Rng) -> Tensor:
        """Captions of the training data, equally often; null where the config has none."""
        captions = self.config.typical
        if not captions:
            return self.null(rng.n)
        drawn = rng.integers(len(captions), (), torch.empty(0)).tolist()
        return self.prepare([captions[i] for i in drawn], rng)

    def _encode(self, texts: Sequence[str]) -> Tensor:
        if not texts:
            return self.null(0)
        if self.part is not None:
            # A text leaves nothing to chance.
            prepared = self.part.prepare(texts, BatchRng(torch.Generator(), len(texts)))
            tensors = chain(self.part.parameters(), self.part.buffers())
            device = next((tensor.device for tensor in tensors), None)
            condition: Condition = self.part(prepared.to(device))
            if self.config.tokens and condition.mask is not None:
                longer = condition.mask.sum(1) > self.config.tokens
                unseen = [texts[i] for i in longer.nonzero()[:, 0].tolist()]
                self._notices.warn_unattended(self.config.tokens, unseen)
            return pack(condition, self.config.tokens)
        assert not isinstance(self.config.encoder, PartEncoder)
        return open_encoder(self.config.encoder, self.config.tokens).features(texts)


def _readable_part(part: object, role: str, tokens: int) -> Conditioner:
    """The part, where it can read texts; raises a ConfigError elsewhere."""
    if not isinstance(part, Conditioner) or part.categories is not None:
        raise ConfigError(f"part {role!r} reads no text", "text-minilm does")
    if tokens and part.token_dim != part.vector_dim:
        has = "gives no tokens" if part.token_dim is None else f"gives them {part.token_dim} wide"
        raise ConfigError(
            f"part {role!r} has vectors of {part.vector_dim} numbers and {has}", "use tokens = 0"
        )
    return part


def _small(*shape: int) -> nn.Parameter:
    parameter = nn.Parameter(torch.empty(*shape))
    nn.init.normal_(parameter, std=SPREAD)
    return parameter
