"""A codec, an autoencoder with an ex-post prior, a VAE, and a VAE in two stages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from genzoo_core import (
    Batch,
    Codec,
    Condition,
    Context,
    GenerativeModel,
    NoOptions,
    NotFittedError,
    OnStep,
    Phase,
    Posterior,
    Progress,
    Rng,
    Stage,
    Trainable,
)
from genzoo_tiny.config import TinyConfig
from genzoo_tiny.networks import Net

D = 8  # of the joined condition


class TinyCodec(Codec, Trainable):
    """An encoder and decoder that train on their own, to be shared as a part."""

    Config = TinyConfig

    def __init__(self, config: TinyConfig, context: Context, stochastic: bool = False) -> None:
        super().__init__()
        self.shape, self.stochastic = config.shape, stochastic
        self.latent_shape = (config.latent,)
        pixels, heads = math.prod(config.shape), 2 if stochastic else 1
        self.encoder = Net(pixels, heads * config.latent, config.hidden, D)
        self.decoder = Net(config.latent, pixels, config.hidden, D)

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        out = self.encoder(x, condition)
        if not self.stochastic:
            return Posterior(out)
        mean, log_std = out.chunk(2, 1)
        return Posterior(mean, log_std.exp())

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        out: Tensor = self.decoder(z, condition)
        return out.reshape(-1, *self.shape)

    def stages(self) -> tuple[Stage, ...]:
        return (Stage("copy", (Phase("copy", tuple(self.parameters())),)),)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        z = self.encode(batch.images).sample(rng)
        return nn.functional.mse_loss(self.decode(z), batch.images), {}


class TinyAutoencoder(GenerativeModel[NoOptions]):
    """An autoencoder whose prior is a linear Gaussian given the condition, in closed form."""

    Config = TinyConfig
    codec: TinyCodec
    map: Tensor
    factor: Tensor
    fitted: Tensor

    def __init__(self, config: TinyConfig, context: Context) -> None:
        super().__init__(context, D)
        self.sample_shape = config.shape
        self.codec = TinyCodec(config, context)
        self.register_buffer("map", torch.zeros(D + 1, config.latent))
        self.register_buffer("factor", torch.eye(config.latent))
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))

    def features(self, conditions: Mapping[str, Tensor], n: int) -> Tensor:
        condition = self.condition(conditions, n)
        vector = torch.zeros(n, D) if condition is None else condition.vector
        return torch.cat([vector, torch.ones(n, 1)], 1)

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: NoOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        if not self.fitted:
            raise NotFittedError("the tiny autoencoder was never fitted")
        noise = rng.normal(self.codec.latent_shape, self.map) @ self.factor.T
        z = self.features(conditions, rng.n) @ self.map + noise
        return self.codec.decode(z, self.condition(conditions, rng.n)).clamp(-1, 1)

    def stages(self) -> tuple[Stage, ...]:
        return (Stage("copy", (Phase("copy", tuple(self.parameters())),)),)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        condition = self.condition(batch.conditions, rng.n)
        z = self.codec.encode(batch.images, condition).mean
        return nn.functional.mse_loss(self.codec.decode(z, condition), batch.images), {}

    def finalize(self, batches: Iterable[Batch]) -> None:
        rows, latents = [], []
        for batch in batches:
            n = len(batch.images)
            for conditions in (batch.conditions, {}):  # the null condition sees all pictures
                rows.append(self.features(conditions, n))
                condition = self.condition(conditions, n)
                latents.append(self.codec.encode(batch.images, condition).mean)
        x, z = torch.cat(rows).double(), torch.cat(latents).double()
        # A little ridge: labels span fewer dimensions than their embeddings have.
        gram = x.T @ x + 1e-3 * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
        solution = torch.linalg.solve(gram, x.T @ z)
        rest = (z - x @ solution).T.cov() + 1e-4 * torch.eye(z.shape[1], dtype=z.dtype)
        self.map.copy_(solution)
        self.factor.copy_(torch.linalg.cholesky(rest))
        self.fitted.fill_(True)


class TinyVAE(GenerativeModel[NoOptions]):
    """A VAE with a conditional encoder and decoder, which embeds the ids of labels itself."""

    Config = TinyConfig
    codec: TinyCodec

    def __init__(self, config: TinyConfig, context: Context) -> None:
        super().__init__(context, "prepared")
        self.sample_shape = config.shape
        self.codec = TinyCodec(config, context, stochastic=True)
        tables = {name: nn.Embedding(c.classes + 1, D) for name, c in self.conditioners.items()}
        self.tables = nn.ModuleDict(tables)

    def condition(self, conditions: Mapping[str, Tensor], n: int) -> Condition | None:
        ids = self.conditioning.complete(conditions, n)
        vectors = [self.tables[name](rows) for name, rows in ids.items()]
        return Condition(torch.stack(vectors).sum(0)) if vectors else None

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: NoOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        z = rng.normal(self.codec.latent_shape, self.codec.decoder.write.weight)
        return self.codec.decode(z, self.condition(conditions, rng.n)).clamp(-1, 1)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        condition = self.condition(batch.conditions, rng.n)
        posterior = self.codec.encode(batch.images, condition)
        decoded = self.codec.decode(posterior.sample(rng), condition)
        error = (decoded - batch.images).square().flatten(1).sum(1)
        kl = posterior.kl()
        return (error + kl).mean(), {"kl": kl.mean().detach()}


class TwoStageVAE(TinyVAE):
    """A second VAE learns the latents of the first (Dai & Wipf 2019)."""

    def __init__(self, config: TinyConfig, context: Context) -> None:
        super().__init__(config, context)
        latent = config.latent
        self.second_encoder = Net(latent, 2 * latent, config.hidden, D)
        self.second_decoder = Net(latent, latent, config.hidden, D)

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: NoOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        condition = self.condition(conditions, rng.n)
        u = rng.normal(self.codec.latent_shape, self.second_decoder.write.weight)
        return self.codec.decode(self.second_decoder(u, condition), condition).clamp(-1, 1)

    def stages(self) -> tuple[Stage, ...]:
        second = (*self.second_encoder.parameters(), *self.second_decoder.parameters())
        first = (*self.codec.parameters(), *self.tables.parameters())
        return (
            Stage("first", (Phase("first", first),)),
            Stage("second", (Phase("second", second),)),
        )

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        if phase.name == "first":
            return super().loss(batch, rng, phase, progress)
        condition = self.condition(batch.conditions, rng.n)
        z = self.codec.encode(batch.images, condition).sample(rng)
        mean, log_std = self.second_encoder(z, condition).chunk(2, 1)
        posterior = Posterior(mean, log_std.exp())
        decoded = self.second_decoder(posterior.sample(rng), condition)
        return ((decoded - z).square().sum(1) + posterior.kl()).mean(), {}
