"""The training set in memory, and which of it a step sees."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from genzoo_core.conditioner import conditioners_of
from genzoo_core.dataset import Dataset
from genzoo_core.errors import ConfigError, DataError
from genzoo_core.images import from_uint8
from genzoo_core.recipe import Recipe
from genzoo_core.training import Batch
from genzoo_train.columns import column_of, prepared
from genzoo_train.seeds import generator


class Batches:
    """All images and prepared conditions, on the device that trains.

    Args:
        images: uint8 `[N, C, H, W]`.
        conditions: Prepared values by name of the conditioner, each `[N, ...]`.
        device: Where steps run.
    """

    def __init__(
        self, images: Tensor, conditions: Mapping[str, Tensor], device: torch.device
    ) -> None:
        self.images = images.to(device)
        self.conditions = {name: value.to(device) for name, value in conditions.items()}
        self.device = device

    def __len__(self) -> int:
        return len(self.images)

    def at(self, indices: Tensor) -> Batch:
        """The batch of these rows; `indices` is int64 `[B]` on the device."""
        images = from_uint8(self.images.index_select(0, indices))
        conditions = {
            name: value.index_select(0, indices) for name, value in self.conditions.items()
        }
        return Batch(images, conditions, indices)

    def first(self, n: int) -> Batch:
        """The first `n` images, or all where there are fewer."""
        return self.at(torch.arange(min(n, len(self)), device=self.device))

    def fingerprint(self) -> str:
        """Digest of the images and the conditions: what the weights depend on."""
        digest = hashlib.sha256()
        for name, tensor in (("", self.images), *sorted(self.conditions.items())):
            digest.update(repr((name, tensor.dtype, tuple(tensor.shape))).encode())
            digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()


class InOrder:
    """The training set from its first to its last image, as often as it is iterated."""

    def __init__(self, batches: Batches, batch_size: int) -> None:
        self._batches = batches
        self._batch_size = batch_size

    def __iter__(self) -> Iterator[Batch]:
        rows = torch.arange(len(self._batches), device=self._batches.device)
        for indices in torch.split(rows, self._batch_size):
            yield self._batches.at(indices)


class Shuffled:
    """Which images step k of a stage sees: a pure function of (seed, stage, k).

    The epochs' permutations are laid end to end and cut into full batches, so every image is
    seen equally often, whatever the batch size.

    Args:
        n: Number of images.
        batch_size: Images in a step.
        seed: The recipe's seed.
        stage: Name of the stage.
        device: Where the indices are wanted.
    """

    def __init__(
        self, n: int, batch_size: int, seed: int, stage: str, device: torch.device
    ) -> None:
        self._n, self._batch_size = n, batch_size
        self._seed, self._stage, self._device = seed, stage, device
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)

    def at(self, step: int) -> Tensor:
        """Indices of the batch of `step`, int64 `[batch_size]`."""
        start = step * self._batch_size
        epoch, offset = divmod(start, self._n)
        indices = self._permutation(epoch)[offset : offset + self._batch_size]
        while len(indices) < self._batch_size:
            epoch += 1
            rest = self._permutation(epoch)[: self._batch_size - len(indices)]
            indices = torch.cat([indices, rest])
        return indices

    def _permutation(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            source = generator(self._seed, "order", self._stage, epoch)
            self._order = torch.randperm(self._n, generator=source).to(self._device)
            self._epoch = epoch
        return self._order


def make_batches(
    dataset: Dataset, recipe: Recipe, module: nn.Module, device: torch.device
) -> Batches:
    """The dataset as the module's training sees it, its conditions prepared once for all.

    Raises:
        ConfigError: The model does not own the recipe's conditioners.
        DataError: No images, images of another shape, or a column that is not there or holds
            what its conditioner does not take.
    """
    shape = tuple(dataset.images.shape[1:])
    if not len(dataset.images) or shape != tuple(recipe.data.shape):
        raise DataError(
            f"{recipe.name} trains on images of {times(recipe.data.shape)}, but the dataset has "
            f"{len(dataset.images)} of {times(shape)}"
        )
    conditioners = conditioners_of(module)
    if set(conditioners) != set(recipe.model.conditioners):
        given = ", ".join(recipe.model.conditioners) or "none"
        owned = ", ".join(conditioners) or "none"
        raise ConfigError(f"{recipe.name} names the conditioners {given}, the model has {owned}")
    conditions = {
        name: prepared(
            conditioner,
            column_of(dataset, recipe, name),
            generator(recipe.seed, "prepare", name),
            f"column {recipe.model.conditioners[name].column!r} of {recipe.data.name}",
        )
        for name, conditioner in conditioners.items()
    }
    return Batches(dataset.images, conditions, device)


def times(shape: Sequence[int]) -> str:
    """A shape in words: "1×28×28"."""
    return "×".join(map(str, shape))
