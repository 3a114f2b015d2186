"""Whether torch works, tried in a fresh process."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import msgspec

from genzoo.plugins.fresh import run_fresh
from genzoo_core.errors import GenzooError

PATIENCE = 900.0
"""Seconds that torch may take."""


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
    code = "import sys; from genzoo.cli.doctor.torchcheck import compute; compute(sys.argv[1])"
    with tempfile.TemporaryFile() as stderr:
        try:
            answer, ending = run_fresh(code, patience=PATIENCE, stderr=stderr)
        except subprocess.TimeoutExpired:
            raise GenzooError(f"it did not compute within {PATIENCE:.0f} s") from None
        try:
            return msgspec.json.decode(answer, type=Torch)
        except ValueError:
            stderr.seek(max(0, stderr.tell() - 10_000))
            lines = stderr.read().decode(errors="replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
            raise GenzooError(last[:300] or f"the process ended with code {ending}") from None


def compute(answer: str) -> None:
    """Compute with torch, and write what it says of itself into a file, as JSON."""
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
    found = Torch(version, torch.version.cuda, tuple(devices), torch.get_num_threads())
    Path(answer).write_bytes(msgspec.json.encode(found))
