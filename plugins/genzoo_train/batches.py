"""The training set in memory: its columns, and which of its rows a step sees."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from genzoo_core.conditioner import Conditioner, conditioners_of
from genzoo_core.dataset import Dataset
from genzoo_core.errors import ConfigError, DataError, GenzooError, UsageError
from genzoo_core.images import from_uint8
from genzoo_core.recipe import Recipe
from genzoo_core.rng import BatchRng, Rng
from genzoo_core.training import Batch
from genzoo_train.failures import out_of_memory


def derive(seed: int, *place: str | int) -> int:
    """A seed in [0, 2**63) for one place of a training, such as (stage, step, phase).

    Nothing depends on what was drawn before, so a resumed training draws what the
    uninterrupted one would have.
    """
    digest = hashlib.blake2b(repr((seed, place)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def _generator(seed: int, *place: str | int) -> torch.Generator:
    return torch.Generator().manual_seed(derive(seed, *place))


class Batches:
    """All images, uint8 `[N, C, H, W]`, and the prepared values of each conditioner, `[N, ...]`,
    on the device that trains.
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
        rows = {name: value.index_select(0, indices) for name, value in self.conditions.items()}
        return Batch(from_uint8(self.images.index_select(0, indices)), rows, indices)

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
        self._batches, self._batch_size = batches, batch_size

    def __iter__(self) -> Iterator[Batch]:
        n, device = len(self._batches), self._batches.device
        for first in range(0, n, self._batch_size):
            rows = torch.arange(first, min(first + self._batch_size, n), device=device)
            yield self._batches.at(rows)


class Shuffled:
    """Which images step k of a stage sees: a pure function of (seed, stage, k).

    The permutations of the epochs are laid end to end and cut into full batches, so every one of
    the `n` images is seen equally often, whatever the batch size. With a `block` only that many
    neighbours are shuffled among themselves, so that they can be read one after the other.
    """

    def __init__(
        self,
        n: int,
        batch_size: int,
        seed: int,
        stage: str,
        device: torch.device,
        block: int = 0,
    ) -> None:
        self._n, self._batch_size, self._block = n, batch_size, block or n
        self._seed, self._stage, self._device = seed, stage, device
        self._there, self._order = (-1, -1), torch.empty(0, dtype=torch.int64)

    def at(self, step: int) -> Tensor:
        """Indices of the batch of `step`, int64 `[batch_size]`."""
        place, missing, parts = step * self._batch_size, self._batch_size, []
        while missing:
            epoch, row = divmod(place, self._n)
            block, offset = divmod(row, self._block)
            part = self._permutation(epoch, block)[offset : offset + missing]
            parts.append(part)
            place, missing = place + len(part), missing - len(part)
        return torch.cat(parts)

    def _permutation(self, epoch: int, block: int) -> Tensor:
        if (epoch, block) != self._there:
            whole = self._block >= self._n
            place = (epoch,) if whole else (epoch, block)
            source = _generator(self._seed, "order", self._stage, *place)
            first = block * self._block
            length = min(self._block, self._n - first)
            self._order = (first + torch.randperm(length, generator=source)).to(self._device)
            self._there = (epoch, block)
        return self._order


def make_batches(
    dataset: Dataset, recipe: Recipe, module: nn.Module, device: torch.device
) -> Batches:
    """The dataset as the module's training sees it, its conditions prepared once for all.

    Raises:
        ConfigError: The model does not own the recipe's conditioners.
        DataError: No images, images of another shape, or a column that is missing or holds
            values that its conditioner does not take.
    """
    shape = tuple(dataset.images.shape[1:])
    if not len(dataset.images) or shape != tuple(recipe.data.shape):
        raise DataError(
            f"{recipe.name} trains on images of {times(recipe.data.shape)}, but the dataset has "
            f"{len(dataset.images)} of {times(shape)}"
        )
    conditioners = conditioners_of(module)
    if set(conditioners) != set(recipe.model.conditioners):
        named = ", ".join(recipe.model.conditioners) or "none"
        owned = ", ".join(conditioners) or "none"
        raise ConfigError(f"{recipe.name} names the conditioners {named}, the model has {owned}")

    def rng(name: str) -> Rng:
        return BatchRng(_generator(recipe.seed, "prepare", name), len(dataset.images))

    return Batches(dataset.images, prepare(dataset, recipe, conditioners, rng), device)


def prepare(
    dataset: Dataset,
    recipe: Recipe,
    conditioners: Mapping[str, Conditioner],
    rng: Callable[[str], Rng],
) -> dict[str, Tensor]:
    """The columns of the conditioners as they prepare them, `[N, ...]` each.

    Raises:
        DataError: A column is missing or holds values that its conditioner does not take.
    """
    return {
        name: _prepared(dataset, recipe, name, conditioner, rng(name))
        for name, conditioner in conditioners.items()
    }


def column_of(dataset: Dataset, recipe: Recipe, conditioner: str) -> Sequence[object]:
    """The raw values that feed a conditioner of the recipe, one per image.

    Raises:
        DataError: The dataset has no such column, or nothing in one of its rows.
    """
    column = recipe.model.conditioners[conditioner].column
    if column not in dataset.columns:
        there = ", ".join(dataset.columns) or "none"
        raise DataError(f"dataset {recipe.data.name} has no column {column!r}; it has {there}")
    values = dataset.columns[column]
    if len(values) != len(dataset.images):
        raise DataError(
            f"column {column!r} of {recipe.data.name} has {len(values)} rows for "
            f"{len(dataset.images)} images"
        )
    for row, value in enumerate(values):
        if value is None or (isinstance(value, float) and math.isnan(value)):
            raise DataError(
                f"column {column!r} of {recipe.data.name} is null in row {row}",
                "fill it in, or leave that image out",
            )
    return values


def _prepared(
    dataset: Dataset, recipe: Recipe, name: str, conditioner: Conditioner, rng: Rng
) -> Tensor:
    values = column_of(dataset, recipe, name)
    try:
        return conditioner.prepare(values, rng)
    except Exception as error:
        fault = isinstance(error, GenzooError) and not isinstance(error, UsageError)
        if fault or out_of_memory(error):
            raise  # the values are not to blame: an encoder cannot be loaded
        column = recipe.model.conditioners[name].column
        row = _first_refused(conditioner, values)
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"column {column!r} of {recipe.data.name}, row {row}: {reason}") from error


def _first_refused(conditioner: Conditioner, values: Sequence[object]) -> int:
    """The first row that cannot be prepared, found by halving: some encoders take their time."""
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            conditioner.prepare(values[low:middle], BatchRng(torch.Generator(), middle - low))
        except Exception:
            high = middle
        else:
            low = middle
    return low


def times(shape: Sequence[int]) -> str:
    """A shape in words: "1×28×28"."""
    return "×".join(map(str, shape))
