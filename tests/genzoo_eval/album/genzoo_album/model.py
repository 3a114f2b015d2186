"""A model that obeys as far as it is told to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from genzoo_album.config import AlbumConfig, AlbumOptions, NamesConfig
from genzoo_core import Condition, Conditioner, Context, GenerativeModel, Rng, Stage, UsageError
from genzoo_core.model import OnStep


class Names(Conditioner):
    """A text that is known by heart, as its place; nothing is at the place after the last."""

    Config = NamesConfig
    vector_dim = 1

    def __init__(self, config: NamesConfig, context: Context) -> None:
        super().__init__()
        self.names = config.names

    def parse(self, text: str) -> str:
        return text

    def prepare(self, raw: Sequence[Any], rng: Rng) -> Tensor:
        known = [self.names.index(text) if text in self.names else len(self.names) for text in raw]
        return torch.tensor(known, dtype=torch.int64)

    def forward(self, prepared: Tensor) -> Condition:
        return Condition(prepared[:, None])

    def null(self, n: int) -> Tensor:
        return torch.full((n,), len(self.names))


class Styles(Names):
    """As `Names`, of which it must be one."""

    def parse(self, text: str) -> str:
        if text not in self.names:
            raise UsageError(f"no style {text!r}; there are {', '.join(self.names)}")
        return text


class Album(GenerativeModel[AlbumOptions]):
    """Has a picture of each caption in each style; what was not asked for, it draws by chance."""

    Config = AlbumConfig
    Options = AlbumOptions
    pictures: Tensor

    def __init__(self, config: AlbumConfig, context: Context) -> None:
        super().__init__(context, "prepared")
        self.sample_shape = config.shape
        self.register_buffer("pictures", torch.zeros(config.captions, config.styles, *config.shape))

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: AlbumOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        asked = self.conditioning.complete(conditions, rng.n)
        obeys = rng.uniform((), torch.empty(0)) < options.guidance
        caption, style = (
            self._drawn(asked[name], count, rng, obeys)
            for name, count in zip(("caption", "style"), self.pictures.shape, strict=False)
        )
        return self.pictures[caption, style]

    def _drawn(self, asked: Tensor, count: int, rng: Rng, obeys: Tensor) -> Tensor:
        any_one = rng.integers(count, (), torch.empty(0))
        return torch.where(obeys & (asked < count), asked, any_one)

    def stages(self) -> tuple[Stage, ...]:
        return ()

    def loss(self, batch: Any, rng: Any, phase: Any, progress: Any) -> Any:
        raise NotImplementedError
