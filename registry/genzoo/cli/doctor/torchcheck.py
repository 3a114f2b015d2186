"""Whether torch works, tried in a fresh process."""

from __future__ import annotations

import msgspec

from genzoo.cli.doctor.fresh import ask


class Torch(msgspec.Struct, frozen=True):
    """What torch says of itself: the CUDA it was built for, and its devices beside the CPU."""

    version: str
    cuda: str | None
    devices: tuple[str, ...]
    threads: int


def try_torch() -> Torch:
    """Import torch and compute something.

    Raises:
        GenzooError: It fails; says how.
    """
    return ask("genzoo.cli.doctor.torchcheck:compute", Torch)


def compute() -> Torch:
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
    version = str(torch.__version__)
    return Torch(version, torch.version.cuda, tuple(devices), torch.get_num_threads())
