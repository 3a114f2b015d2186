"""What diffusion and mean flows share: a network on pixels, or on the latents of a codec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from genzoo_core import (
    Batch,
    Codec,
    ComponentSpec,
    Conditioner,
    ConfigError,
    Context,
    GenerativeModel,
    Inpainting,
    Posterior,
    Rng,
    ScheduledNoiser,
    Stage,
    Start,
)
from genzoo_core.encoder import check_continuous
from genzoo_core.encoding import at, encode_all
from genzoo_core.layers.mlp import MLP
from genzoo_core.model import OptionsT
from genzoo_diffusion.config import (
    DiffusionConfig,
    ExpertsConfig,
    MeanFlowConfig,
    Network,
    UNetConfig,
)
from genzoo_diffusion.experts import Experts
from genzoo_diffusion.unet import UNet


class NoisyModel(Inpainting, GenerativeModel[OptionsT]):
    """A network on noisy data, and the noiser that says how noise enters.

    Attributes:
        data_shape: Shape of the data, without the batch.

    Raises:
        ConfigError: The noiser has no schedule, or the network does not fit data or conditions.
    """

    def __init__(
        self, config: DiffusionConfig | MeanFlowConfig, context: Context, noiser: ComponentSpec
    ) -> None:
        unet = isinstance(config.network, UNetConfig)
        super().__init__(context, config.network.embedding, spatial=unet)
        self.sample_shape = config.shape
        self._typical = config.unasked == "typical"
        for network in networks(config.network):
            check_tokens(network, self.conditioners)
        built = context.component("noiser", noiser.component, noiser.config)
        if not isinstance(built, ScheduledNoiser):
            raise ConfigError(
                f"noiser {noiser.component} has no schedule of times",
                "diffusion needs one that has, such as genzoo/rectified-flow",
            )
        self.noiser = built
        if config.on == "latents":
            self.codec = codec_of(context.part("codec"))
        self.data_shape = config.shape if self.codec is None else self.codec.latent_shape
        self._encoded: Posterior | None = None
        self.network = build_network(
            config.network, self.data_shape, spatial=bool(self.conditioning.spatial)
        )

    def noise(self, rng: Rng) -> Tensor:
        """What sampling starts from, `[rng.n, *data_shape]`."""
        return self.noiser.prior(rng, self.data_shape, next(self.network.parameters()))

    def typical(self, rng: Rng, start: Start | None) -> Mapping[str, Tensor]:
        """Prepared values where no condition is set, by name of the conditioner; {} for null.

        A picture to start from says what it shows.
        """
        if not self._typical or (start and (start.strength < 1 or start.mask is not None)):
            return {}
        return {name: conditioner.typical(rng) for name, conditioner in self.conditioners.items()}

    def as_data(self, start: Start | None) -> Start | None:
        """A start from pictures as the network sees data."""
        return start if start is None or self.codec is None else start.encoded(self.codec)

    def stages(self) -> tuple[Stage, ...]:
        """One, and before it a pass where there are latents."""
        return tuple(replace(each, prepared=self.codec is not None) for each in super().stages())

    def prepare_stage(self, stage: Stage, batches: Iterable[Batch], *, resumed: bool) -> None:
        """Encode all images once: at each step again, that can take longer than the network."""
        if self.codec is not None:  # every stage after the first is prepared
            self._encoded, _ = encode_all(self.codec, batches)

    def data(self, batch: Batch, rng: Rng) -> Tensor:
        """What is learnt of a batch, `[B, *data_shape]`: its images, or draws of their latents."""
        if self.codec is None:
            return batch.images
        with torch.no_grad():
            if self._encoded is None or batch.rows is None:
                return self.codec.encode(batch.images).sample(rng)
            return at(self._encoded, batch.rows).sample(rng)

    def pictures(self, x: Tensor) -> Tensor:
        """Data as pictures, `[B, C, H, W]` in [-1, 1].

        Raises:
            ConfigError: The codec's pictures are not of the shape that the config says.
        """
        pictures = x if self.codec is None else self.codec.decode(x)
        if pictures.shape[1:] != self.sample_shape:
            made, wanted = ("×".join(map(str, s)) for s in (pictures.shape[1:], self.sample_shape))
            raise ConfigError(
                f"the codec makes pictures of {made}, but the config's shape is {wanted}"
            )
        return pictures.clamp(-1, 1)


def networks(network: Network | ExpertsConfig) -> tuple[Network, ...]:
    """The networks that share the times: `noisy` and `clear`, or the one for all."""
    return (network.noisy, network.clear) if isinstance(network, ExpertsConfig) else (network,)


def build_network(
    network: Network | ExpertsConfig, shape: tuple[int, ...], *, spatial: bool = False
) -> MLP | UNet | Experts:
    """The network for data of `shape`, without the batch; `spatial` where conditions have maps.

    Raises:
        ConfigError: The architecture does not take data of this shape.
    """
    if isinstance(network, ExpertsConfig):
        return Experts(network, *(_build(each, shape) for each in networks(network)))
    return _build(network, shape, spatial=spatial)


def _build(network: Network, shape: tuple[int, ...], *, spatial: bool = False) -> MLP | UNet:
    if not isinstance(network, UNetConfig):
        return MLP(shape, width=network.width, blocks=network.blocks, embedding=network.embedding)
    if len(shape) != 3:
        raise ConfigError(
            f"a U-Net needs data with a height and a width, not of shape {list(shape)}",
            'use network = { type = "mlp" }',
        )
    return UNet(network, (shape[0], shape[1], shape[2]), spatial=spatial)


def check_tokens(network: Network, conditioners: Mapping[str, Conditioner]) -> None:
    """Refuse a network that attends to tokens where no conditioner gives any."""
    if not isinstance(network, UNetConfig) or not network.cross_attention:
        return
    if all(conditioner.token_dim is None for conditioner in conditioners.values()):
        raise ConfigError(
            "the network attends to tokens, but no conditioner gives any",
            "set cross_attention = false, or use a conditioner with tokens, such as genzoo/text",
        )


def codec_of(part: object) -> Codec:
    """The codec that a shared part is or has.

    Raises:
        ConfigError: It has none, or one whose latents are codes.
    """
    codec = part if isinstance(part, Codec) else getattr(part, "codec", None)
    if not isinstance(codec, Codec):
        raise ConfigError(
            f"the part that plays the role 'codec' is a {type(part).__name__}, which has none",
            "name one of kind codec, or a model that can reconstruct",
        )
    check_continuous(codec, "diffusion")
    return codec
