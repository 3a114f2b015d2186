"""The dual encoder as a judge: where pictures and captions lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.images import from_uint8
from genzoo_core.rng import BatchRng
from genzoo_eval.frozen_net import BATCH, FrozenNet
from genzoo_eval.nets.dual import DualEncoder
from genzoo_eval.text.captions import choose, sampled


@dataclass(frozen=True)
class Judge:
    """A dual encoder of the zoo."""

    name: str
    net: DualEncoder

    @property
    def column(self) -> str:
        """The dataset's column with captions, which is called as the net's conditioner is."""
        return self.net.column

    @torch.inference_mode()
    def similarities(self, images: Tensor, captions: Sequence[str]) -> Tensor:
        """Cosines between images uint8 `[N, C, H, W]` and captions, `[N, len(captions)]`."""
        reader = self.net.conditioners[self.column]
        prepared = reader.prepare(captions, BatchRng(torch.Generator(), len(captions)))
        read = torch.cat([self.net.captions(part) for part in torch.split(prepared, BATCH)])
        seen = [self.net.images(from_uint8(part)) for part in torch.split(images, BATCH)]
        return torch.cat(seen) @ read.T


def judge_of(nets: Sequence[FrozenNet]) -> Judge | None:
    """The first dual encoder among the nets."""
    found = ((net.name, net.encoder) for net in nets)
    return next((Judge(name, net) for name, net in found if isinstance(net, DualEncoder)), None)


def example_captions(
    nets: Sequence[FrozenNet], test: Dataset, train: Dataset, n: int
) -> tuple[tuple[str, Tensor], ...]:
    """`n` captions of the training images, then `n` that no training image has, each with a real
    image, uint8 `[C, H, W]`; none where no net knows captions.

    Raises:
        DataError: The data has no captions, or holds none out.
    """
    judge = judge_of(nets)
    return () if judge is None else sampled(choose(test, train, judge.column), n)
