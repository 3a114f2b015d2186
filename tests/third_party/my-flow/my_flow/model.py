"""RealNVP (Dinh et al. 2017): an exact map between pictures and noise, trained by likelihood."""

from collections.abc import Mapping
from math import log, pi, prod

import torch
from torch import Tensor, nn

import genzoo_core as core
from my_flow.config import FlowConfig, FlowOptions

CONDITION = 16  # size of the vector that stands for the conditions


class Coupling(nn.Module):
    """Half of the pixels scale and shift the others (equation 9), as on a chessboard."""

    mask: Tensor

    def __init__(self, config: FlowConfig, parity: int) -> None:
        super().__init__()
        _, height, width = config.shape
        board = (torch.arange(height)[:, None] + torch.arange(width) + parity) % 2
        self.register_buffer("mask", board.expand(config.shape).flatten().float())
        pixels = prod(config.shape)
        self.read = nn.Linear(pixels + CONDITION, config.hidden)
        self.write = nn.Linear(config.hidden, 2 * pixels)
        nn.init.zeros_(self.write.weight)  # a fresh coupling changes nothing
        nn.init.zeros_(self.write.bias)

    def scale_and_shift(self, x: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
        """Of the pixels outside of the mask, from those inside: `[B, pixels]` each."""
        h = nn.functional.silu(self.read(torch.cat([x * self.mask, vector], 1)))
        scale, shift = self.write(h).chunk(2, 1)
        return 2 * torch.tanh(scale / 2) * (1 - self.mask), shift * (1 - self.mask)

    def forward(self, x: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
        """Towards noise, and the logarithm of the determinant, `[B]`."""
        scale, shift = self.scale_and_shift(x, vector)
        return x * scale.exp() + shift, scale.sum(1)

    def inverse(self, z: Tensor, vector: Tensor) -> Tensor:
        """Back to pictures."""
        scale, shift = self.scale_and_shift(z, vector)
        return (z - shift) * (-scale).exp()


class FlowCodec(core.Codec):
    """Pictures to noise and back, without loss: a flow is a codec whose latents are normal."""

    Config = FlowConfig

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.shape, self.latent_shape = config.shape, (prod(config.shape),)
        self.couplings = nn.ModuleList(Coupling(config, i) for i in range(config.couplings))

    def encode(self, x: Tensor, condition: core.Condition | None = None) -> core.Posterior:
        return core.Posterior(self.noise_of(x, condition)[0])

    def noise_of(self, x: Tensor, condition: core.Condition | None) -> tuple[Tensor, Tensor]:
        """The noise of pictures, `[B, pixels]`, and the logarithm of the determinant, `[B]`."""
        z, total = x.flatten(1), x.new_zeros(len(x))
        for coupling in self.couplings:
            z, more = coupling(z, vector_of(condition, z))
            total = total + more
        return z, total

    def decode(self, z: Tensor, condition: core.Condition | None = None) -> Tensor:
        for coupling in reversed(self.couplings):
            z = coupling.inverse(z, vector_of(condition, z))
        return z.reshape(-1, *self.shape)


class Flow(core.GenerativeModel[FlowOptions]):
    """What `genzoo run` samples from, and `genzoo train` trains."""

    Config, Options = FlowConfig, FlowOptions
    stage_name = "likelihood"

    def __init__(self, config: FlowConfig, context: core.Context) -> None:
        super().__init__(context, CONDITION)
        self.sample_shape, self.noise = config.shape, config.noise
        self.codec: FlowCodec = FlowCodec(config)

    def sample(
        self,
        rng: core.Rng,
        conditions: Mapping[str, Tensor],
        options: FlowOptions,
        on_step: core.OnStep | None = None,
    ) -> Tensor:
        z = options.temperature * rng.normal(self.codec.latent_shape, next(self.parameters()))
        return self.codec.decode(z, self.condition(conditions, rng.n)).clamp(-1, 1)

    def log_likelihood(self, x: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """In nats, `[B]`: that of the noise, and how much room the map gives each picture."""
        z, determinant = self.codec.noise_of(x, self.condition(conditions, len(x)))
        return determinant - 0.5 * (z.square() + log(2 * pi)).sum(1)

    def loss(
        self, batch: core.Batch, rng: core.Rng, phase: core.Phase, progress: core.Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        # Pixels that take few values have no density: a little noise gives them one.
        x = batch.images + self.noise * rng.normal(self.sample_shape, batch.images)
        nats = self.log_likelihood(x, batch.conditions).mean() / prod(self.sample_shape)
        return -nats, {"nats_per_pixel": nats.detach()}


def vector_of(condition: core.Condition | None, z: Tensor) -> Tensor:
    """The conditions as a vector, `[B, CONDITION]`; zeros of a flow that takes no condition."""
    return z.new_zeros(len(z), CONDITION) if condition is None else condition.vector
