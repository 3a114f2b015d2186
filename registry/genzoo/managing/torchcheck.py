"""Whether torch works, tried in a fresh process."""

from __future__ import annotations

from typing import Any

import msgspec

from genzoo.managing.fresh import ask

PATIENCE = 600.0
"""Seconds that the import and a product may take, on a machine that has much to do."""


class Torch(msgspec.Struct, frozen=True):
    """What torch says of itself.

    Attributes:
        version: Its version.
        cuda: The version of CUDA that it was built for, or None.
        devices: Where it can compute beside the CPU.
        threads: How many threads it uses unless told otherwise.
    """

    version: str
    cuda: str | None
    devices: tuple[str, ...]
    threads: int


def try_torch() -> Torch:
    """Import torch and compute something.

    Raises:
        GenzooError: It fails; says how.
    """
    return msgspec.convert(ask("genzoo.managing.torchcheck:tried", patience=PATIENCE), Torch)


def tried() -> dict[str, Any]:
    """What torch says, for `try_torch`: called in the fresh process."""
    import numpy as np
    import torch

    product = torch.ones(2, 3) @ torch.full((3, 2), 2.0)
    # numpy as well: a torch that was built for another one fails here alone.
    if not np.array_equal(product.numpy(), np.full((2, 2), 6.0)):
        raise ArithmeticError(f"a product of matrices is {product.tolist()}")
    devices = ["mps"] if torch.backends.mps.is_available() else []
    if torch.cuda.is_available():
        devices += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "devices": devices,
        "threads": torch.get_num_threads(),
    }
