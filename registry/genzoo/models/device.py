"""Where a model can be put."""

from __future__ import annotations

from genzoo.text import quoted
from genzoo_core.errors import UsageError


def check_device(device: str) -> None:
    """Refuse a device that tensors cannot be put on; names those that are here."""
    if device == "cpu":
        return
    import torch

    try:
        if torch.device(device).type == "meta":
            raise UsageError("device meta holds no numbers; use cpu")
        torch.zeros(1, device=device).cpu()
    except UsageError:
        raise
    except Exception as error:  # each of torch's many backends raises its own
        here = ["cpu"]
        here += ["cuda"] if torch.cuda.is_available() else []
        here += ["mps"] if torch.backends.mps.is_available() else []
        message = f"device {quoted(device)} is not available here; there is {', '.join(here)}"
        raise UsageError(message) from error
