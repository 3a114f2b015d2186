"""Where a model can be put."""

from __future__ import annotations

from genzoo.text import quoted
from genzoo_core.errors import UsageError


def find_device(device: str) -> str:
    """The device of that name; "auto" is the first that is here of cuda, mps and cpu.

    Raises:
        UsageError: Tensors cannot be put on it; names those that are here.
    """
    if device == "cpu":
        return device
    import torch

    here = ["cuda"] if torch.cuda.is_available() else []
    here += ["mps"] if torch.backends.mps.is_available() else []
    here += ["cpu"]
    if device == "auto":
        return here[0]
    try:
        if torch.device(device).type == "meta":
            raise UsageError("device meta holds no numbers; use cpu")
        torch.zeros(1, device=device).cpu()
    except UsageError:
        raise
    except Exception as error:  # each of torch's many backends raises its own
        message = f"device {quoted(device)} is not available here; there is {', '.join(here)}"
        raise UsageError(message) from error
    return device
