"""Where tensors can be: the one list of devices for all commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from genzoo_core.errors import UsageError

DEVICES = ("auto", "cpu", "cuda", "mps")
"""Names that are known; a GPU among several is "cuda:1"."""


def complete_device(_context: object, _option: object, incomplete: str) -> list[str]:
    """Names of devices that begin with `incomplete`: a `shell_complete` callback of click."""
    return [name for name in DEVICES if name.startswith(incomplete)]


def find_device(device: str) -> str:
    """The device of that name; "auto" is the first that is here of cuda, mps and cpu.

    Nothing is put on it: each rank of a training would take memory of the first GPU.

    Raises:
        UsageError: There is no such device; names those that are here.
    """
    if device == "cpu":
        return device
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    here = ["cuda"] if count else []
    here += ["mps"] if torch.backends.mps.is_available() else []
    here += ["cpu"]
    if device == "auto":
        return here[0]
    kind, colon, index = device.partition(":")
    numbered = re.fullmatch(r"[0-9]{1,9}", index) and int(index) < (count or 1)
    if kind in here and (numbered if colon else True):
        return device
    if kind not in DEVICES and _computes(device):
        return device
    several = f", cuda:0 to cuda:{count - 1}" if count > 1 else ""
    raise UsageError(f"no device {device[:100]!r}", f"this machine has {', '.join(here)}{several}")


def has_half(device: str, precision: str) -> bool:
    """Whether a device has instructions for a precision, "bf16" or "fp16".

    A CPU without them, as most desktops and laptops have, computes in it many times as slowly as in
    float32. True where this version of torch does not tell.
    """
    import torch

    kind = torch.device(device).type
    if kind == "cuda" and precision == "bf16":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    told = getattr(torch.cpu, "get_capabilities", None)
    if kind != "cpu" or told is None:
        return True
    onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return onednn and any(has for name, has in told().items() if precision in name)


def slow_half(device: str, precision: str) -> str | None:
    """What to say of a precision in which a device is slower than in float32; None if it is not."""
    if precision not in ("bf16", "fp16") or has_half(device, precision):
        return None
    return f"this {device} has no instructions for {precision}: fp32 would be faster"


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with `count` CPU threads, and with as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _computes(device: str) -> bool:
    """Whether a backend of torch that genzoo does not know by name holds numbers."""
    import torch

    try:
        return torch.device(device).type != "meta" and torch.zeros(1, device=device).item() == 0
    except Exception:  # each of torch's many backends raises its own
        return False
