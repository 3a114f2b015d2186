"""A model that keeps all rules, and models that break one each."""

from __future__ import annotations

import math
import random
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from genzoo_core import GenerativeModel, Guided, Inpainting, NotFittedError, Phase, Stage, Start
from genzoo_sick.codecs import Unsteady


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shape: tuple[int, int, int] = (1, 4, 4)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scale: float = 1.0


class Healthy(GenerativeModel[Options]):
    Config = Config
    Options = Options
    maps = False

    def __init__(self, config, context):
        super().__init__(context, 8, spatial=self.maps)
        self.sample_shape = config.shape
        self.modulate = nn.Linear(8, 4)
        self.net = nn.Linear(4, math.prod(config.shape))

    def noise(self, rng):
        return rng.normal((4,), self.net.weight)

    def pictures(self, z, conditions):
        condition = self.condition(conditions, len(z))
        if condition is not None:
            z = z + self.modulate(condition.vector)
        return self.net(z).reshape(-1, *self.sample_shape).tanh()

    def sample(self, rng, conditions, options, on_step=None):
        return self.pictures(self.noise(rng) * options.scale, conditions)

    def stages(self):
        return (Stage("copy", (Phase("copy", tuple(self.parameters())),)),)

    def loss(self, batch, rng, phase, progress):
        error = self.pictures(self.noise(rng), batch.conditions) - batch.images
        return error.square().mean(), {"error": error.detach().mean()}


class Mapped(Healthy):
    """It uses the maps of its conditioners."""

    maps = True

    def pictures(self, z, conditions):
        pictures = super().pictures(z, conditions)
        spatial = self.condition(conditions, len(z)).spatial
        return (pictures + self.seen(spatial.mean(1, keepdim=True))).clamp(-1, 1)

    def seen(self, spatial):
        return spatial


class Overlooking(Mapped):
    """It says so, and does not."""

    def seen(self, spatial):
        return torch.zeros_like(spatial)


class Filling(Inpainting, Healthy):
    """Mixes a picture with its own, and leaves what a mask leaves."""

    def sample(self, rng, conditions, options, on_step=None, *, start=None):
        drawn = Healthy.sample(self, rng, conditions, options)
        if start is None:
            return drawn
        return start.project(torch.lerp(start.images, drawn, start.strength))


class Restless(Filling):
    def sample(self, rng, conditions, options, on_step=None, *, start=None):
        noise = rng.normal(self.sample_shape, self.net.weight)
        pictures = super().sample(rng, conditions, options, start=start)
        return pictures if start is None else (pictures + 0.1 * noise).clamp(-1, 1)


class Hasty(Filling):
    def sample(self, rng, conditions, options, on_step=None, *, start=None):
        if start is not None:  # another number than without
            rng.normal((1,), self.net.weight)
        return super().sample(rng, conditions, options, start=start)


class Blending(Filling):
    def sample(self, rng, conditions, options, on_step=None, *, start=None):
        pictures = super().sample(rng, conditions, options, start=start)
        between = start is not None and 0 < start.strength < 1
        return (pictures + pictures.mean(0)) / 2 if between else pictures


class MaskBlind(Filling):
    def sample(self, rng, conditions, options, on_step=None, *, start=None):
        whole = None if start is None else Start(start.images, start.strength)
        return super().sample(rng, conditions, options, start=whole)


class Led(Guided, Healthy):
    """Mixes twice what is asked with what is not wanted."""

    def guidance(self, options, *, asked=True):
        return 2.0

    def sample(self, rng, conditions, options, on_step=None, *, negative=None):
        z = self.noise(rng)
        asked, base = (self.pictures(z, what) for what in (conditions, negative or {}))
        return self.led(asked, base)

    def led(self, asked, base):
        return (base + 2 * (asked - base)).clamp(-1, 1)


class Unled(Led):
    def led(self, asked, base):
        return asked


class LedTogether(Led):
    def led(self, asked, base):
        return super().led(asked, (base + base.mean(0)) / 2)


class Rough(Healthy):
    """Its codec is sound on the model's own pictures, which are rough, and on no others."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.codec = RoughCodec(config, context)
        self.modulate, self.net = nn.Linear(8, 64), nn.Linear(4, 64)

    def pictures(self, z, conditions):
        condition = self.condition(conditions, len(z))
        z = self.net(z) if condition is None else self.net(z) + self.modulate(condition.vector)
        return self.codec.decode(0.1 * z).clamp(-1, 1)


class RoughCodec(Unsteady):
    def own(self):
        noise = torch.randn(256, 64, generator=torch.Generator().manual_seed(0))
        return torch.linalg.qr(noise).Q.T.contiguous()


class Peeking(Healthy):
    def sample(self, *args, **kwargs):
        torch.rand(1)
        return super().sample(*args, **kwargs)


class PeekingInPython(Healthy):
    def sample(self, *args, **kwargs):
        random.random()
        return super().sample(*args, **kwargs)


class Noisy(Healthy):
    def sample(self, *args, **kwargs):
        pictures = super().sample(*args, **kwargs)
        return (pictures + 0.1 * torch.randn_like(pictures)).clamp(-1, 1)


class Centred(Healthy):
    def sample(self, *args, **kwargs):
        pictures = super().sample(*args, **kwargs)
        return (pictures - 0.5 * pictures.mean(0)) / 2


class SharedNoise(Healthy):
    def noise(self, rng):
        noise = super().noise(rng)
        return noise[:1] + 0.1 * noise


class Bright(Healthy):
    def sample(self, *args, **kwargs):
        return 3 * super().sample(*args, **kwargs)


class Blind(Healthy):
    def noise(self, rng):
        return torch.ones(rng.n, 4)


class Flat(Healthy):
    def sample(self, *args, **kwargs):
        return super().sample(*args, **kwargs).flatten(1)


class Double(Healthy):
    def sample(self, *args, **kwargs):
        return super().sample(*args, **kwargs).double()


class NotFinite(Healthy):
    def sample(self, *args, **kwargs):
        return super().sample(*args, **kwargs) * torch.nan


class Overlapping(Healthy):
    def stages(self):
        everything = tuple(self.parameters())
        again = tuple(self.net.parameters())
        return (Stage("game", (Phase("one", everything), Phase("two", again))),)


class LeftOut(Healthy):
    def stages(self):
        return (Stage("copy", (Phase("copy", tuple(self.net.parameters())),)),)


class Foreign(Healthy):
    def stages(self):
        stranger = nn.Parameter(torch.zeros(1))
        return (Stage("copy", (Phase("copy", (*self.parameters(), stranger)),)),)


class LenientOptions(Healthy):
    class Options(msgspec.Struct, frozen=True):
        scale: float = 1.0


class ChangingOptions(Healthy):
    class Options(msgspec.Struct, forbid_unknown_fields=True):
        scale: float = 1.0


class UntypedOptions(Healthy):
    class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        scale: Any = 1.0


class LenientConfig(Healthy):
    class Config(msgspec.Struct, frozen=True):
        shape: tuple[int, int, int] = (1, 4, 4)


class Inner(msgspec.Struct, frozen=True):
    width: int = 3


class LenientInside(Healthy):
    class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        shape: tuple[int, int, int] = (1, 4, 4)
        inner: tuple[Inner, ...] = ()


class ChangingConfig(Healthy):
    class Config(msgspec.Struct, forbid_unknown_fields=True):
        shape: tuple[int, int, int] = (1, 4, 4)


class Forgetful(Healthy):
    shift = 1.0

    def finalize(self, batches):
        self.shift = float(torch.cat([batch.images for batch in batches]).std())

    def sample(self, *args, **kwargs):
        return super().sample(*args, **kwargs) * self.shift


class Fitted(Healthy):
    """Keeps all rules, and has something to fit."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))
        self.register_buffer("shift", torch.zeros(()))

    def finalize(self, batches):
        self.shift.copy_(torch.cat([batch.images for batch in batches]).std())
        self.fitted.fill_(True)

    def sample(self, *args, **kwargs):
        if not self.fitted:
            raise NotFittedError("it was never fitted", "finish its training")
        return super().sample(*args, **kwargs) * self.shift


class Overconfident(Fitted):
    def sample(self, *args, **kwargs):
        return Healthy.sample(self, *args, **kwargs) * (1 - self.shift)


class NeverFits(Fitted):
    def finalize(self, batches):
        pass


class Growing(Fitted):
    def finalize(self, batches):
        super().finalize(batches)
        self.shift = torch.ones(1) * self.shift


class VectorLoss(Healthy):
    def loss(self, batch, rng, phase, progress):
        error = self.pictures(self.noise(rng), batch.conditions) - batch.images
        return error.square().flatten(1).mean(1), {}


class DetachedLoss(Healthy):
    def loss(self, *args):
        loss, figures = super().loss(*args)
        return loss.detach(), figures


class InfiniteLoss(Healthy):
    def loss(self, *args):
        loss, figures = super().loss(*args)
        return loss / 0, figures


class AttachedFigures(Healthy):
    def loss(self, *args):
        loss, _ = super().loss(*args)
        return loss, {"loss": loss}


class Counting(Healthy):
    calls = 0

    def loss(self, *args):
        loss, figures = super().loss(*args)
        self.calls += 1
        return loss * self.calls, figures


class ChanceInLoss(Healthy):
    def loss(self, *args):
        loss, figures = super().loss(*args)
        return loss * (1 + torch.rand(())), figures


class Dropping(Healthy):
    """Keeps all rules: a training seeds what layers of dropout draw from."""

    def __init__(self, config, context):
        super().__init__(config, context)
        self.net = nn.Sequential(nn.Dropout(0.5), self.net)

    def noise(self, rng):
        return rng.normal((4,), self.net[1].weight)


class Meddling(Healthy):
    def loss(self, *args):
        with torch.no_grad():
            self.net.bias.add_(0.1)
        return super().loss(*args)


class Stray(Healthy):
    def stages(self):
        net, modulate = tuple(self.net.parameters()), tuple(self.modulate.parameters())
        rest = (*modulate, *self.conditioning.parameters())
        return (Stage("game", (Phase("net", net), Phase("rest", rest))),)

    def loss(self, *args):
        self.requires_grad_(True)
        return super().loss(*args)


class Idle(Healthy):
    def loss(self, batch, rng, phase, progress):
        return (torch.zeros(1, requires_grad=True) * 2).sum(), {}


class Deaf(Healthy):
    def condition(self, conditions, n):
        return None


class Wearing(Healthy):
    def __init__(self, config, context):
        super().__init__(config, context)
        self.register_buffer("count", torch.zeros(()))

    def sample(self, *args, **kwargs):
        self.count += 1
        return super().sample(*args, **kwargs)


class Miscounting(Healthy):
    def sample(self, rng, conditions, options, on_step=None):
        pictures = super().sample(rng, conditions, options)
        for step in range(3):
            if on_step is not None:
                on_step(step, 3, pictures)
        return pictures


class ReadsSeeds(Healthy):
    def sample(self, rng, *args, **kwargs):
        assert rng.seeds
        return super().sample(rng, *args, **kwargs)


class BiggerToSample(Healthy):
    def __init__(self, config, context):
        super().__init__(config, context)
        if not context.training:
            self.extra = nn.Linear(2, 2)


class Ephemeral(Healthy):
    def __init__(self, config, context):
        super().__init__(config, context)
        self.register_buffer("shift", torch.zeros(2), persistent=False)


class Loud(Healthy):
    def sample(self, *args, **kwargs) -> Tensor:
        raise RuntimeError("no pictures today")
