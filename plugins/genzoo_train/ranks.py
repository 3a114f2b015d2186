"""The processes of a training, and what they tell each other."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from genzoo_core.errors import ConfigError
from genzoo_core.ranks import Share
from genzoo_train.failures import EndedError

T = TypeVar("T")

BUCKET = 2**24
"""Numbers that are summed at once: 64 MB of float32."""


@dataclass(frozen=True)
class Ranks:
    """This process among those of a training.

    All that the methods send are numbers and texts: nothing is unpickled.

    Attributes:
        index: Of this process.
        count: Of all; 1 for a training without others, which sends nothing.
    """

    index: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.index == 0

    def shares(self, batch_size: int, parts: int) -> tuple[Share, ...]:
        """What this process computes of a batch, one after the other.

        Raises:
            ConfigError: There are fewer rows than ranks and parts.
        """
        count = self.count * parts
        if batch_size < count:
            by = f"{self.count} ranks" + (f" in {parts} parts each" if parts > 1 else "")
            raise ConfigError(
                f"a batch of {batch_size} images cannot be shared by {by}",
                "use fewer, or a larger batch_size",
            )
        return tuple(
            Share(part * self.count + self.index, count, batch_size, parts) for part in range(parts)
        )

    def largest(self, number: int) -> int:
        """The largest of the ranks' numbers."""
        if self.count == 1:
            return number
        told = torch.tensor(number)
        with self._together():
            distributed.all_reduce(told, distributed.ReduceOp.MAX)
        return int(told)

    def gather(self, value: object) -> list[Any]:
        """The values of all ranks in their order: what JSON can say."""
        if self.count == 1:
            return [value]
        data = json.dumps(value).encode()
        lengths = torch.zeros(self.count, dtype=torch.int64)
        lengths[self.index] = len(data)
        with self._together():
            distributed.all_reduce(lengths)
            told = torch.zeros(self.count, int(lengths.max()), dtype=torch.uint8)
            told[self.index, : len(data)] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
            distributed.all_reduce(told)
        rows = zip(told, lengths.tolist(), strict=True)
        return [json.loads(row[:length].numpy().tobytes()) for row, length in rows]

    def alone(self, function: Callable[[], T]) -> T | None:
        """Let the first rank do something while the others wait; None on them.

        Raises:
            EndedError: It failed there, which that rank raises as it is.
        """
        if self.count == 1:
            return function()
        result, failed = None, False
        try:
            if self.first:
                failed = True
                result = function()
                failed = False
        finally:
            # Also where it fails: the others shall end with it, and not wait.
            failed = bool(self.largest(failed))
        if failed:
            raise EndedError(said=True)
        return result

    def told(self, function: Callable[[], Any]) -> Any:
        """What the first rank finds, on all of them: what JSON can say.

        Raises:
            EndedError: It failed there, which that rank raises as it is.
        """
        return self.gather(self.alone(function))[0]

    def send(self, tensors: Mapping[str, Tensor]) -> None:
        """Make tensors of the same names and shapes those of the first rank, in place."""
        if self.count > 1:
            with self._together(), torch.no_grad():
                for tensor in tensors.values():
                    # As bytes in one piece: not every backend knows every dtype.
                    sent = tensor.detach().contiguous()
                    distributed.broadcast(sent.reshape(-1).view(torch.uint8), 0)
                    tensor.copy_(sent)

    def add_up(self, tensor: Tensor) -> None:
        """Add up the ranks' tensors of one shape and dtype, in place."""
        if self.count > 1:
            with self._together():
                distributed.all_reduce(tensor)

    def sum_gradients(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> Tensor:
        """Add up the gradients of all ranks, and give the sum of their losses.

        A parameter that is used on some ranks alone has a gradient of 0 on the others; one that
        none uses has none.
        """
        if self.count == 1:
            return loss
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        # Of the gradients' dtype, and so sent with them: autocast may leave the loss in another.
        total = loss.reshape(1).to(gradients[0].dtype)
        used = torch.tensor([float(p.grad is not None) for p in parameters], dtype=total.dtype)
        with self._together(), torch.no_grad():
            if loss.device.type != "cpu":  # on the host, so that no device is waited for
                distributed.all_reduce(used)
            flags = [used] if loss.device.type == "cpu" else []
            for bucket in buckets([total, *flags, *gradients], BUCKET):
                flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
                distributed.all_reduce(flat)
                start = 0
                for tensor in bucket:
                    part = flat[start : start + tensor.numel()]
                    tensor.copy_(part.view_as(tensor))
                    start += tensor.numel()
        for parameter, gradient, count in zip(parameters, gradients, used.tolist(), strict=True):
            parameter.grad = gradient if count else None
        return total.squeeze(0)

    def neighbours(self) -> int:
        """How many ranks share this machine."""
        names = self.gather(socket.gethostname())
        return names.count(names[self.index])

    @contextmanager
    def _together(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise EndedError() from error


def buckets(tensors: Sequence[Tensor], most: int) -> Iterator[list[Tensor]]:
    """Tensors of one dtype in their order, in lists of up to `most` numbers, or of one tensor."""
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
        bucket: list[Tensor] = []
        size = 0
        for tensor in tensors:
            if tensor.dtype == dtype:
                if bucket and size + tensor.numel() > most:
                    yield bucket
                    bucket, size = [], 0
                bucket.append(tensor)
                size += tensor.numel()
        yield bucket


ALONE = Ranks()
"""A training in one process."""
